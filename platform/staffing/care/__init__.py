"""Patients and their background."""
