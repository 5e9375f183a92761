"""The facility's invoices: every line opens its entries; paying leads to Stripe's page."""

from typing import Any

HANDLERS: list[Any] = []
