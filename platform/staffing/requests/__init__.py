"""Requests for relief."""
