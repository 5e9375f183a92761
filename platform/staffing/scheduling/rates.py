"""Dated rates: which one is in force on a day. Pure."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal


def rate_on(dated: Iterable[tuple[date, Decimal]], day: date) -> Decimal | None:
    """The rate in force on a day, of rates in order of their first day; None before the first."""
    return next((rate for valid_from, rate in reversed(list(dated)) if valid_from <= day), None)
