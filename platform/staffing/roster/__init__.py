"""Coordinators and what they can do."""
