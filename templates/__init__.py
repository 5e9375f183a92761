"""Jinja templates, shipped as a package."""
