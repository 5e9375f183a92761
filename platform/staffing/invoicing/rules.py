"""Pure rules about invoices: periods, and names of lines that follow from their content."""

from datetime import date, timedelta
from uuid import UUID, uuid5

from staffing.contracts.amounts import day_text
from staffing.errors import Invalid

__all__ = ["LONGEST_PERIOD", "check_period", "day_text", "line_id", "period_text"]

LONGEST_PERIOD = timedelta(days=366)


def line_id(invoice_id: UUID, key: str) -> UUID:
    """A line's id follows from what is on it: drafting the same work again gives the same line, never a second one."""
    return uuid5(invoice_id, key)


def check_period(start_on: date, end_on: date) -> None:
    """Raise `Invalid` for a period that cannot be invoiced."""
    if end_on < start_on:
        raise Invalid(end_on="The last day must not be before the first.")
    if end_on - start_on > LONGEST_PERIOD:
        raise Invalid(end_on="One invoice covers a year at most.")


def period_text(start_on: date, end_on: date) -> str:
    """1–31 Mar 2026, or as much of both days as they do not share."""
    if start_on == end_on:
        return day_text(start_on)
    if (start_on.year, start_on.month) == (end_on.year, end_on.month):
        return f"{start_on.day}–{day_text(end_on)}"
    if start_on.year == end_on.year:
        return f"{start_on:%-d %b} – {day_text(end_on)}"
    return f"{day_text(start_on)} – {day_text(end_on)}"
