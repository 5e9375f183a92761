"""The days that a run invoices: a calendar month as a rule. Each facility takes them on its own calendar."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from staffing.errors import Invalid
from staffing.invoicing.rules import check_period, period_text

_MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both ends included."""

    start_on: date
    end_on: date

    @property
    def is_month(self) -> bool:
        return self == month_of(self.start_on)

    @property
    def words(self) -> str:
        """`October 2026`, or the days where it is no whole month."""
        return f"{self.start_on:%B %Y}" if self.is_month else period_text(self.start_on, self.end_on)

    @property
    def before(self) -> "Period":
        """What this period is compared with: the month before a month, else as many days before."""
        last = self.start_on - timedelta(days=1)
        return month_of(last) if self.is_month else Period(self.start_on - (self.end_on - last), last)


def month_of(day: date) -> Period:
    """The calendar month that `day` is in."""
    return Period(day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))


def last_month(today: date) -> Period:
    """The calendar month before the one that `today` is in."""
    return month_of(today.replace(day=1) - timedelta(days=1))


def parse_month(text: str) -> Period:
    """`2026-10`. Raises `Invalid`."""
    found = _MONTH.fullmatch(text.strip())
    if found is None or not (2000 <= int(found[1]) <= 2100 and 1 <= int(found[2]) <= 12):
        raise Invalid(period="Write the month as year and number, for example 2026-10.")
    return month_of(date(int(found[1]), int(found[2]), 1))


def check(period: Period, today: date) -> None:
    """Raise `Invalid` for a period that cannot be invoiced in one go, or is not over yet."""
    check_period(period.start_on, period.end_on)
    if period.end_on >= today:
        raise Invalid(end_on=f"{period.words} is not over yet: a run takes a period whose last day has passed.")
