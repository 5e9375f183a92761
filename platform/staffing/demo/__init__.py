"""Invented data that shows the product, and a rehearsal of its main loop."""
