"""Facilities and the prices agreed with them."""
