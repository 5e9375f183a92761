"""Invoicing every facility for a period in one go: proposed, compared with the month before, accepted, issued."""
