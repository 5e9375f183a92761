"""A version of a contract in plain words: each term a sentence, under the heading it belongs to. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from billing.rates import (
    CancellationKind,
    Commitment,
    ConversionFee,
    Holiday,
    LateCancellation,
    Night,
    Overtime,
    PassThrough,
    Premium,
    PremiumRule,
    PriceRise,
    RateCard,
    ReducedBy,
    Retainer,
    RoundingMode,
    RoundingRule,
    RoundingScope,
    Weekend,
)
from billing.taxes import TaxRule
from staffing.catalogue import service_name
from staffing.contracts.amounts import day_text, factor_text, listed, minutes_text, money_text, plain, rate_text
from staffing.contracts.reading import Version

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Price:
    """A row of the price list. `level` 0: every level without its own."""

    service: str
    level: int
    per_hour: str
    overtime: str

    @property
    def level_text(self) -> str:
        return f"level {self.level}" if self.level else ""


@dataclass(frozen=True, slots=True)
class Part:
    """What a version says about one matter."""

    heading: str
    sentences: tuple[str, ...]


def prices(version: Version) -> tuple[Price, ...]:
    """The price list, by service."""
    rows = []
    for code, rate in version.card.services.items():
        for level, one in [(0, rate), *sorted(rate.levels.items())]:
            overtime = rate_text(one.overtime_bill_per_hour, version.currency) if one.overtime_bill_per_hour else ""
            rows.append(Price(service_name(code), level, rate_text(one.bill_per_hour, version.currency), overtime))
    return tuple(sorted(rows, key=lambda row: (row.service, row.level)))


def parts(version: Version) -> tuple[Part, ...]:
    """Everything besides the prices. What is not agreed is left out, except rounding, which is always said."""
    card, currency = version.card, version.currency
    found: Mapping[str, Iterable[str]] = {
        "Time": [*_rounding(card.rounding), *_minimum_call(card)],
        "Premiums": _premiums(card),
        "Overtime": _overtime(card.overtime) if card.overtime else (),
        "Minimums": _minimums(card, currency),
        "Retainer": _retainer(card.retainer, currency) if card.retainer else (),
        "Cancelling late": [_cancellation(one, currency) for one in _by_window(card.late_cancellation)],
        "Hiring a coordinator": _conversion(card.conversion_fee, currency) if card.conversion_fee else (),
        "Price rises": [_rise(one, currency) for one in sorted(card.price_rises, key=lambda one: one.on)],
        "Tax": _tax(version.tax),
    }
    return tuple(Part(heading, tuple(said)) for heading, sentences in found.items() if (said := list(sentences)))


def _rounding(rule: RoundingRule) -> list[str]:
    if not rule.unit_minutes:
        return ["Time is billed to the second."]
    unit = minutes_text(rule.unit_minutes)
    way = f"up to full {unit}" if rule.mode is RoundingMode.UP else f"to the nearest {unit}"
    what = "Each entry" if rule.scope is RoundingScope.ENTRY else "The time of each invoice line"
    return [f"{what} is rounded {way}; an exact multiple stays as it is."]


def _minimum_call(card: RateCard) -> list[str]:
    return [f"Each entry is billed for at least {minutes_text(card.minimum_call_minutes)}."] if card.minimum_call_minutes else []


def _premiums(card: RateCard) -> list[str]:
    said = [_premium(one) for one in card.premiums]
    if len(said) > 1 or (said and card.overtime):
        said.append(
            "Where several hold at once, they multiply."
            if card.premium_rule is PremiumRule.STACK
            else "Where several hold at once, the highest price counts alone."
        )
    return said


def _premium(one: Premium) -> str:
    factor = factor_text(one.multiplier)
    if isinstance(one, Night):
        return f"Nights, {one.begins:%H:%M} to {one.ends:%H:%M} on the facility's clock, cost {factor}."
    if isinstance(one, Weekend):
        return f"Saturdays and Sundays cost {factor}."
    assert isinstance(one, Holiday)
    named = [f"Public holidays of {one.region}"] if one.region else []
    named += [listed([day_text(day) for day in sorted(one.days)])] if one.days else []
    kept = ", also on the weekday on which one of a weekend is kept" if one.region and one.observed else ""
    return f"{' and '.join(named)} cost {factor}{kept}."


def _overtime(rule: Overtime) -> list[str]:
    limits = []
    if rule.after_weekly_minutes is not None:
        limits.append(f"{minutes_text(rule.after_weekly_minutes)} in a week from {WEEKDAYS[rule.week_starts_on]}")
    if rule.after_daily_minutes is not None:
        limits.append(f"{minutes_text(rule.after_daily_minutes)} in a day")
    price = "the overtime price of the service" if rule.pass_through is PassThrough.NEGOTIATED else factor_text(rule.multiplier)
    said = [f"What one coordinator works here beyond {' or '.join(limits)} costs {price}."]
    if rule.double_after_daily_minutes is not None and rule.double_multiplier is not None:
        double = minutes_text(rule.double_after_daily_minutes)
        said.append(f"Beyond {double} in a day it costs {factor_text(rule.double_multiplier)}.")
    if rule.seventh_day:
        said.append("The seventh day worked in a row in one week is overtime from its first minute.")
    return said


def _minimums(card: RateCard, currency: str) -> list[str]:
    said = []
    if card.guaranteed_minimum_minor:
        amount = money_text(card.guaranteed_minimum_minor, currency)
        said.append(f"Each invoice period comes to at least {amount}; what is missing is added as a line.")
    said += [
        f"At least {minutes_text(hours.minutes)} of {service_name(hours.service)} are billed in each invoice period."
        for hours in card.guaranteed_hours
    ]
    return said + ([_commitment(card.commitment, currency)] if card.commitment else [])


def _commitment(one: Commitment, currency: str) -> str:
    amount = money_text(one.minimum_minor, currency)
    return (
        f"From {day_text(one.first)} to {day_text(one.last)} at least {amount} are billed together; the invoice of the last days"
        " adds what is missing."
    )


def _retainer(one: Retainer, currency: str) -> list[str]:
    covered = listed(sorted(service_name(code) for code in one.services)) if one.services else "any service"
    fee, included = money_text(one.fee_minor, currency), minutes_text(one.included_minutes)
    beyond = "the service's price" if one.overage_per_hour is None else f"{rate_text(one.overage_per_hour, currency)} an hour"
    said = [f"Each invoice period costs {fee} and includes {included} of {covered}.", f"What is beyond costs {beyond}."]
    if one.roll_over is None:
        return [*said, "Included time that is not used is lost."]
    limit, periods = one.roll_over.limit_minutes, one.roll_over.expires_after_periods
    most = f", {minutes_text(limit)} at most" if limit is not None else ""
    until = "" if periods is None else f" for {periods} further period{'s' if periods > 1 else ''}"
    return [*said, f"Included time that is not used rolls over{until}{most}."]


def _by_window(clauses: Iterable[LateCancellation]) -> list[LateCancellation]:
    return sorted(clauses, key=lambda one: one.window_minutes)


def _cancellation(one: LateCancellation, currency: str) -> str:
    notice = minutes_text(one.window_minutes)
    costs = {
        CancellationKind.NONE: "nothing",
        CancellationKind.HOURS: f"{minutes_text(one.minutes or 0)} of what was booked",
        CancellationKind.FLAT: money_text(one.amount_minor or 0, currency),
        CancellationKind.PERCENT: f"{plain(one.percent or Decimal(0))} % of what was booked",
        CancellationKind.FULL: "as much as if it had been worked",
    }[one.kind]
    return f"A booking cancelled less than {notice} before it begins costs {costs}."


def _conversion(one: ConversionFee, currency: str) -> list[str]:
    if one.percent_of_salary is not None:
        fee = f"{plain(one.percent_of_salary)} % of a year's salary"
    else:
        fee = money_text(one.amount_minor or 0, currency)
    said = [f"Hiring one of our coordinators costs {fee}."]
    if one.reduced_by is ReducedBy.MONTHS:
        said.append(f"The fee falls evenly to nothing over {one.free_after_months} full months of work here.")
    if one.reduced_by is ReducedBy.HOURS:
        said.append(f"The fee falls evenly to nothing over {minutes_text(one.free_after_minutes or 0)} of work here.")
    return said


def _rise(one: PriceRise, currency: str) -> str:
    what = listed(sorted(service_name(code) for code in one.services)) if one.services else "all prices"
    step = f", rounded to {rate_text(one.round_to, currency)}" if one.round_to else ""
    return f"From {day_text(one.on)} {what} rise by {plain(one.percent)} %{step}."


def _tax(rule: TaxRule) -> list[str]:
    where = "is inside the prices" if rule.inclusive else "is added to each line"
    return [
        f"{rate.name} of {plain(rate.percent)} %{f' ({rate.jurisdiction})' if rate.jurisdiction else ''} {where}."
        for rate in rule.rates
    ]
