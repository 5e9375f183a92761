"""What an hour costs at chosen moments, so that somebody who reads or writes a contract sees what it does. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from billing.rates import Contract, DatedCard, Holiday
from billing.rating import WorkedEntry, rate
from staffing.contracts.amounts import factor_text, listed, money_text, rate_text
from staffing.contracts.reading import Version

_RULES = {"double_time": "double time"}
_HOLIDAYS_AHEAD = 366


@dataclass(frozen=True, slots=True)
class Sample:
    """One hour of one service: when on the facility's clock, what it costs, and why."""

    when: str
    amount: str
    why: str


def hour_at(version: Version, service: str, start: datetime, time_zone: str, level: int = 0) -> Sample:
    """What one hour from the instant `start` costs. A retainer is left aside: this is the price beyond it."""
    card = version.card
    begins = start.astimezone(UTC)
    entry = WorkedEntry("sample", "somebody", service, begins, begins + timedelta(hours=1), level=level)
    # Only the clauses that price an hour; a minimum of the period belongs to no single hour.
    alone = type(card)(
        card.services,
        card.rounding,
        card.premiums,
        card.premium_rule,
        card.minimum_call_minutes,
        overtime=card.overtime,
        price_rises=card.price_rises,
    )
    rating = rate([entry], Contract((DatedCard(alone, version.valid_from),)), time_zone, version.currency)
    said = []
    for line in rating.lines:
        base = rate_text(line.base_rate or line.unit_rate, version.currency)
        rules = [
            f"{_RULES.get(one.rule, one.rule)} {factor_text(one.multiplier) if one.multiplier else ''}".strip()
            for one in line.applied
        ]
        because = [reason for share in line.shares for reason in share.because]
        said.append(", ".join([base, *rules, *because]))
    when = begins.astimezone(ZoneInfo(time_zone))
    return Sample(f"{when:%A %-d %b %Y, %H:%M}", money_text(rating.total_minor, version.currency), listed(said))


def samples(version: Version, service: str, time_zone: str, today: date) -> tuple[Sample, ...]:
    """An hour by day, by night, on the weekend and on the next holiday that the contract names, from `today` on."""
    first = max(today, version.valid_from)
    tuesday = first + timedelta(days=(1 - first.weekday()) % 7)
    saturday = first + timedelta(days=(5 - first.weekday()) % 7)
    moments = [(tuesday, time(10)), (tuesday, time(22)), (saturday, time(10)), (saturday, time(22))]
    holiday = _next_holiday(version, first)
    moments += [(holiday, time(10))] if holiday else []
    zone = ZoneInfo(time_zone)
    return tuple(hour_at(version, service, datetime.combine(day, clock, zone), time_zone) for day, clock in moments)


def _next_holiday(version: Version, first: date) -> date | None:
    holidays = [one for one in version.card.premiums if isinstance(one, Holiday)]
    for offset in range(_HOLIDAYS_AHEAD if holidays else 0):
        day = first + timedelta(days=offset)
        if any(one.covers(datetime.combine(day, time(10))) for one in holidays):
            return day
    return None
