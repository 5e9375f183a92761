"""Invoices: draft from approved minutes, review, finalise, follow at Stripe."""

from typing import Any

HANDLERS: list[Any] = []
