"""Amounts, rates and times as sentences about money say them. Pure."""

from datetime import date
from decimal import Decimal

from babel.numbers import format_currency

from billing.money import minor_digits

LOCALE = "en_US"


def money_text(minor: int, currency: str) -> str:
    """431250 → $4,312.50."""
    return str(format_currency(Decimal(minor).scaleb(-minor_digits(currency)), currency, locale=LOCALE))


def rate_text(per_hour: Decimal, currency: str) -> str:
    """An hourly rate with all decimals it has, two at least: $48.00."""
    exponent = per_hour.normalize().as_tuple().exponent
    digits = max(minor_digits(currency), -exponent) if isinstance(exponent, int) else 2
    pattern = "¤#,##0" + ("." + "0" * digits if digits else "")
    return str(format_currency(per_hour, currency, pattern, locale=LOCALE, currency_digits=False))


def factor_text(multiplier: Decimal) -> str:
    """×1.25, without empty decimals."""
    return f"×{plain(multiplier)}"


def plain(number: Decimal) -> str:
    """A decimal as people write it: 1.50 → 1.5, 40 → 40."""
    whole = number.normalize()
    return f"{whole:f}"


def time_text(seconds: int) -> str:
    """3 h 30 min, and the seconds where there are some."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours:,} h"] if hours else []
    parts += [f"{minutes} min"] if minutes else []
    parts += [f"{left} s"] if left else []
    return " ".join(parts) or "0 min"


def minutes_text(minutes: int) -> str:
    return time_text(minutes * 60)


def day_text(day: date) -> str:
    """4 Mar 2026."""
    return f"{day:%-d %b %Y}"


def listed(names: list[str]) -> str:
    """One, two and three."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""
