"""How values read on a page: one filter per kind, the same everywhere."""

import hashlib
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_currency

from staffing import wall_clock

LOCALE = "en_US"
STATIC = Path(__file__).parent / "static"
day, zone_label = wall_clock.day_words, wall_clock.zone_label


def money(minor: int, currency: str = "USD") -> str:
    """Minor units as an amount: 431250 → $4,312.50."""
    return format_currency(Decimal(minor).scaleb(-2), currency, locale=LOCALE)


def rate(per_hour: Decimal, currency: str = "USD") -> str:
    """An hourly rate with as many decimals as it has, two at least: $48.00/h."""
    exponent = per_hour.normalize().as_tuple().exponent
    digits = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{format_currency(per_hour, currency, '¤#,##0.' + '0' * digits, locale=LOCALE, currency_digits=False)}/h"


def hours(minutes: int | Decimal | float) -> str:
    """Minutes as a person says them: 90 → 1 h 30 min."""
    whole = int(minutes)
    parts = [f"{whole // 60} h"] if whole >= 60 else []
    if whole % 60 or not parts:
        parts.append(f"{whole % 60} min")
    return " ".join(parts)


def duration(seconds: int) -> str:
    """Seconds to the second where it matters: 3671 → 1:01:11."""
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def clock(instant: datetime, zone: str) -> str:
    """Wall time: 09:00."""
    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"


def moment(instant: datetime, zone: str) -> str:
    """Tue 24 Nov, 09:00 EST."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{day(instant, zone)}, {local:%H:%M} {zone_label(zone, instant)}"


def span(start: datetime, end: datetime, zone: str) -> str:
    """09:00–12:00, in the zone."""
    return f"{clock(start, zone)}–{clock(end, zone)}"


def date_text(value: date) -> str:
    """24 Nov 2026, with the weekday."""
    return format_date(value, "EEE d MMM y", locale=LOCALE)


def words(code: str) -> str:
    """A code as words, where nothing better is at hand."""
    return code.replace("_", " ")


@cache
def static(path: str) -> str:
    """Address of an asset; its content's hash is part of it, so it can be kept for ever."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


FILTERS = {
    "money": money,
    "rate": rate,
    "hours": hours,
    "duration": duration,
    "clock": clock,
    "day": day,
    "moment": moment,
    "span": span,
    "date_text": date_text,
    "words": words,
}
