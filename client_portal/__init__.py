"""The facility's pages."""
