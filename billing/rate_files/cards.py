"""The card of a rate file: JSON in, a checked `RateCard` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from billing.rate_files.places import InvalidRateFile, Place, named
from billing.rates import (
    CancellationKind,
    Commitment,
    ConversionFee,
    DatedCard,
    GuaranteedHours,
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
    RollOver,
    RoundingMode,
    RoundingRule,
    RoundingScope,
    ServiceRate,
    Weekend,
)

_DATES = ("valid_from", "valid_to")
_TERMS = (
    "premiums", "premium_rule", "minimum_call_minutes", "overtime", "guaranteed_minimum_minor", "guaranteed_hours",
    "commitment", "retainer", "late_cancellation", "conversion_fee", "price_rises",
)  # fmt: skip
CARD_KEYS = ("services", "rounding", *_TERMS, *_DATES)


class _Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class _Sides(StrEnum):
    BILL = "bill"
    PAY = "pay"
    BOTH = "both"


def read_card(content: Mapping[str, Any]) -> RateCard:
    """The rate card in `content`, in the form of a rate file's `card`. Raises `InvalidRateFile` with every problem."""
    return _alone(content, card_in)


def read_terms(terms: Mapping[str, Any], services: Mapping[str, ServiceRate], rounding: RoundingRule) -> RateCard:
    """A rate card of prices and rounding that are kept elsewhere, and of `terms` with the other keys of a rate file's card.

    Raises `InvalidRateFile` with every problem.
    """

    def made(place: Place) -> RateCard | None:
        place.only(*_TERMS)
        return _card(place, services, rounding)

    return _alone(terms, made)


def _alone(content: Mapping[str, Any], made: Callable[[Place], RateCard | None]) -> RateCard:
    problems: list[str] = []
    card = made(Place("card", content, problems))
    if card is None or problems:
        raise InvalidRateFile(problems)
    return card


def dated_card_in(place: Place, *, needs_first_day: bool) -> DatedCard | None:
    """The card at `place` with the days on which it is in force."""
    card = card_in(place)
    first = place.day("valid_from") if needs_first_day else place.optional_day("valid_from")
    last = place.optional_day("valid_to")
    return place.make("", lambda: DatedCard(card, first, last)) if card else None


def card_in(place: Place) -> RateCard | None:
    """The card at `place`; nothing where it has a problem."""
    place.only(*CARD_KEYS)
    services = place.inside("services")
    rates = {name: rate for name in services.names() if (rate := _service(services.inside(name))) is not None}
    rounding = _rounding(place.inside("rounding")) if place.has("rounding") else RoundingRule()
    return _card(place, rates, rounding)


def _card(place: Place, services: Mapping[str, ServiceRate], rounding: RoundingRule | None) -> RateCard | None:
    premiums = [_premium(item) for item in place.items("premiums")]
    rule = place.choice("premium_rule", PremiumRule, PremiumRule.HIGHEST)
    overtime = _overtime(place.inside("overtime")) if place.has("overtime") else None
    hours = [_guaranteed_hours(item) for item in place.items("guaranteed_hours")]
    commitment = _commitment(place.inside("commitment")) if place.has("commitment") else None
    retainer = _retainer(place.inside("retainer")) if place.has("retainer") else None
    late = [_late_cancellation(item) for item in place.items("late_cancellation", or_one=True)]
    conversion = _conversion_fee(place.inside("conversion_fee")) if place.has("conversion_fee") else None
    rises = [_price_rise(item) for item in place.items("price_rises")]
    minimum_call = place.optional_whole("minimum_call_minutes") or 0
    guaranteed = place.optional_whole("guaranteed_minimum_minor") or 0
    return place.make(
        "",
        lambda: RateCard(
            services,
            rounding or RoundingRule(),
            tuple(filter(None, premiums)),
            rule,
            minimum_call,
            overtime=overtime,
            guaranteed_minimum_minor=guaranteed,
            guaranteed_hours=tuple(filter(None, hours)),
            commitment=commitment,
            retainer=retainer,
            late_cancellation=tuple(filter(None, late)),
            conversion_fee=conversion,
            price_rises=tuple(filter(None, rises)),
        ),
    )


def _service(place: Place) -> ServiceRate | None:
    place.only("bill_per_hour", "pay_per_hour", "overtime_bill_per_hour", "levels")
    levels: dict[int, ServiceRate] = {}
    if place.has("levels"):
        by_level = place.inside("levels")
        for name in by_level.names():
            own = _level(by_level.inside(name))
            if not (name.isascii() and name.isdigit() and len(name) == 1):
                by_level.refuse(name, "a level is written as 1 to 5")
            elif own is not None:
                levels[int(name)] = own
    bill, pay = place.decimal("bill_per_hour"), place.optional_decimal("pay_per_hour")
    overtime = place.optional_decimal("overtime_bill_per_hour")
    return place.make("", lambda: ServiceRate(bill, pay, overtime, levels))


def _level(place: Place) -> ServiceRate | None:
    place.only("bill_per_hour", "pay_per_hour", "overtime_bill_per_hour")
    bill, pay = place.decimal("bill_per_hour"), place.optional_decimal("pay_per_hour")
    overtime = place.optional_decimal("overtime_bill_per_hour")
    return place.make("", lambda: ServiceRate(bill, pay, overtime))


def _rounding(place: Place) -> RoundingRule | None:
    place.only("unit_minutes", "mode", "scope")
    unit = place.whole("unit_minutes")
    mode = place.choice("mode", RoundingMode, RoundingMode.NEAREST)
    scope = place.choice("scope", RoundingScope, RoundingScope.LINE)
    return place.make("unit_minutes", lambda: RoundingRule(unit, mode, scope))


def _premium(place: Place) -> Premium | None:
    kind = place.text("kind")
    multiplier, pay = place.decimal("multiplier"), place.optional_decimal("pay_multiplier")
    known = ("kind", "multiplier", "pay_multiplier")
    if kind == "night":
        place.only(*known, "from", "to")
        begins, ends = place.clock("from"), place.clock("to")
        return place.make("", lambda: Night(begins, ends, multiplier, pay))
    if kind == "weekend":
        place.only(*known)
        return place.make("", lambda: Weekend(multiplier, pay))
    if kind == "holiday":
        place.only(*known, "region", "days", "observed")
        region = place.text("region") if place.has("region") else ""
        observed, days = place.flag("observed", default=True), _days(place)
        return place.make("", lambda: Holiday(days, multiplier, region, observed, pay))
    if kind:
        place.refuse("kind", f"night, weekend or holiday was expected, not {named(kind)}")
    return None


def _days(place: Place) -> frozenset[date]:
    days = [place.as_day("days", text) for text in place.texts("days")]
    return frozenset(day for day in days if day is not None)


def _overtime(place: Place) -> Overtime | None:
    place.only(
        "after_weekly_minutes", "after_daily_minutes", "multiplier", "double_after_daily_minutes", "double_multiplier",
        "seventh_day", "week_starts_on", "pass_through",
    )  # fmt: skip
    multiplier, double = place.decimal("multiplier"), place.optional_decimal("double_multiplier")
    weekly, daily = place.optional_whole("after_weekly_minutes"), place.optional_whole("after_daily_minutes")
    double_after, seventh = place.optional_whole("double_after_daily_minutes"), place.flag("seventh_day", default=False)
    starts_on = list(_Weekday).index(place.choice("week_starts_on", _Weekday, _Weekday.MONDAY))
    pass_through = place.choice("pass_through", PassThrough, PassThrough.SAME_MARKUP)
    return place.make("", lambda: Overtime(multiplier, weekly, daily, double_after, double, seventh, starts_on, pass_through))


def _guaranteed_hours(place: Place) -> GuaranteedHours | None:
    place.only("service", "minutes")
    service, minutes = place.text("service"), place.whole("minutes")
    return place.make("", lambda: GuaranteedHours(service, minutes))


def _commitment(place: Place) -> Commitment | None:
    place.only("minimum_minor", "from", "to")
    minimum, first, last = place.whole("minimum_minor"), place.day("from"), place.day("to")
    return place.make("", lambda: Commitment(minimum, first, last))


def _retainer(place: Place) -> Retainer | None:
    place.only("fee_minor", "included_minutes", "overage_per_hour", "services", "roll_over")
    fee, included, overage = place.whole("fee_minor"), place.whole("included_minutes"), place.optional_decimal("overage_per_hour")
    services = frozenset(place.texts("services"))
    roll_over = _roll_over(place.inside("roll_over")) if place.has("roll_over") else None
    return place.make("", lambda: Retainer(fee, included, overage, services, roll_over))


def _roll_over(place: Place) -> RollOver | None:
    place.only("limit_minutes", "expires_after_periods")
    limit, periods = place.optional_whole("limit_minutes"), place.optional_whole("expires_after_periods")
    return place.make("", lambda: RollOver(limit, periods))


def _late_cancellation(place: Place) -> LateCancellation | None:
    place.only("kind", "window_minutes", "minutes", "amount_minor", "percent")
    kind, window = place.choice("kind", CancellationKind), place.whole("window_minutes")
    minutes, amount = place.optional_whole("minutes"), place.optional_whole("amount_minor")
    percent = place.optional_decimal("percent")
    return place.make("", lambda: LateCancellation(kind, window, minutes, amount, percent))


def _conversion_fee(place: Place) -> ConversionFee | None:
    place.only("amount_minor", "percent_of_salary", "reduced_by", "free_after_months", "free_after_minutes")
    amount, percent = place.optional_whole("amount_minor"), place.optional_decimal("percent_of_salary")
    reduced = place.choice("reduced_by", ReducedBy, ReducedBy.NOTHING)
    months, minutes = place.optional_whole("free_after_months"), place.optional_whole("free_after_minutes")
    return place.make("", lambda: ConversionFee(amount, percent, reduced, months, minutes))


def _price_rise(place: Place) -> PriceRise | None:
    place.only("on", "percent", "services", "side", "round_to")
    on, percent, services = place.day("on"), place.decimal("percent"), frozenset(place.texts("services"))
    side = place.choice("side", _Sides, _Sides.BILL)
    bill, pay = side is not _Sides.PAY, side is not _Sides.BILL
    step = place.decimal("round_to") if place.has("round_to") else None
    made = (on, percent, services, bill, pay)
    return place.make("", lambda: PriceRise(*made) if step is None else PriceRise(*made, step))
