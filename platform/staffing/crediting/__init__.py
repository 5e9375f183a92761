"""Credit notes: what is taken back from an issued invoice, line by line."""
