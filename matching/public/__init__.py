"""Public planning problems near to ours, read, solved and checked in their own objective, so that the search can be
compared."""
