"""The staffing agency's system: features, surfaces and what they stand on."""
