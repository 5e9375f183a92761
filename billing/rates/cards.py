"""Rate cards: everything a contract says about turning worked time into money, and which card is in force when.

A card says nothing about who or when; `billing.rating` applies it. All wall-clock rules are read on the facility's clock.
What a card cannot express is refused when it is made, never ignored.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import pairwise
from types import MappingProxyType

from billing.rates.checks import InvalidRateCard, check_whole
from billing.rates.commitments import LARGEST_AMOUNT, Commitment, GuaranteedHours, Retainer
from billing.rates.fees import ConversionFee, LateCancellation
from billing.rates.overtime import Overtime, PassThrough
from billing.rates.premiums import Premium, PremiumRule
from billing.rates.rounding import RoundingRule
from billing.rates.services import PriceRise, ServiceRate

REGULAR = "regular"
_LONGEST_MINIMUM = 24 * 60
_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class RateCard:
    """The prices and clauses that hold together from one day on.

    `services` maps a service's name to its rate. An entry is never billed for less than `minimum_call_minutes`, a period never
    for less than `guaranteed_minimum_minor` (0: no minimum). Of several `late_cancellation` clauses the one with the shortest
    window that the cancellation falls in is charged. Raises `InvalidRateCard` with every contradiction it finds.
    """

    services: Mapping[str, ServiceRate]
    rounding: RoundingRule = field(default_factory=RoundingRule)
    premiums: tuple[Premium, ...] = ()
    premium_rule: PremiumRule = PremiumRule.HIGHEST
    minimum_call_minutes: int = 0
    overtime: Overtime | None = None
    guaranteed_minimum_minor: int = 0
    guaranteed_hours: tuple[GuaranteedHours, ...] = ()
    commitment: Commitment | None = None
    retainer: Retainer | None = None
    late_cancellation: tuple[LateCancellation, ...] = ()
    conversion_fee: ConversionFee | None = None
    price_rises: tuple[PriceRise, ...] = ()

    def __post_init__(self) -> None:
        if not self.services:
            raise InvalidRateCard("A rate card needs at least one service.")
        check_whole("minimum call in minutes", self.minimum_call_minutes, 0, _LONGEST_MINIMUM)
        check_whole("guaranteed minimum", self.guaranteed_minimum_minor, 0, LARGEST_AMOUNT)
        problems = [*self._unknown_services(), *self._overtime_problems(), *self._doubled_clauses()]
        if problems:
            raise InvalidRateCard(*problems)
        object.__setattr__(self, "services", MappingProxyType(dict(self.services)))

    @property
    def borders(self) -> frozenset[time]:
        """Every time of day at which the price of an hour may change."""
        borders = {border for premium in self.premiums for border in premium.borders}
        return frozenset(borders | {_MIDNIGHT} if self.overtime else borders)

    @property
    def has_period_clauses(self) -> bool:
        """Whether the card asks for something that depends on how long it was in force in a period."""
        return bool(self.guaranteed_minimum_minor or self.guaranteed_hours or self.retainer)

    def premiums_at(self, local: datetime) -> tuple[Premium, ...]:
        """The premiums that the facility's wall clock `local` falls in, as they stand on the card."""
        return tuple(premium for premium in self.premiums if premium.covers(local))

    def rate_on(self, day: date, service: str, level: int, currency: str) -> tuple[int, ServiceRate] | None:
        """The rate of `service` for a coordinator of `level` on the facility's local `day`, price rises included.

        With it comes the level it is agreed for (0: every level without its own); nothing where the service has no rate.
        """
        rate = self.services.get(service)
        if rate is None:
            return None
        for rise in sorted(self.price_rises, key=lambda rise: rise.on):
            if rise.on <= day and (not rise.services or service in rise.services):
                rate = rise.applied_to(rate, currency)
        return rate.at(level)

    def _unknown_services(self) -> list[str]:
        named: list[tuple[str, frozenset[str]]] = [("A price rise", rise.services) for rise in self.price_rises]
        named += [("Guaranteed hours", frozenset([hours.service])) for hours in self.guaranteed_hours]
        named += [("The retainer", self.retainer.services)] if self.retainer else []
        return [
            f"{clause} names the service {service!r}, which has no rate on the card."
            for clause, services in named
            for service in sorted(services - self.services.keys())
        ]

    def _overtime_problems(self) -> list[str]:
        negotiated = self.overtime is not None and self.overtime.pass_through is PassThrough.NEGOTIATED
        problems = []
        for name, service in sorted(self.services.items()):
            for level, rate in [(0, service), *sorted(service.levels.items())]:
                place = f"{name!r}, level {level}" if level else f"{name!r}"
                if negotiated and rate.overtime_bill_per_hour is None:
                    problems.append(f"Negotiated overtime needs an overtime_bill_per_hour for {place}.")
                if not negotiated and rate.overtime_bill_per_hour is not None:
                    problems.append(f"The overtime_bill_per_hour of {place} needs overtime with negotiated pass_through.")
        return problems

    def _doubled_clauses(self) -> list[str]:
        problems = []
        if _twice(clause.window_minutes for clause in self.late_cancellation):
            problems.append("Two late cancellations have the same window.")
        if _twice(hours.service for hours in self.guaranteed_hours):
            problems.append("Guaranteed hours name a service twice.")
        rises = [
            (rise.on, service)
            for rise in self.price_rises
            for service in (rise.services & self.services.keys() if rise.services else self.services)
        ]
        if _twice(rises):
            problems.append("Two price rises of one service begin on the same day.")
        if self.retainer and self.guaranteed_hours:
            problems.append("A card has a retainer or guaranteed hours, not both: the included minutes are paid anyway.")
        return problems


@dataclass(frozen=True, slots=True)
class DatedCard:
    """A rate card in force on the facility's local days from `valid_from` to `valid_to`, both included (none: no limit)."""

    card: RateCard
    valid_from: date | None = None
    valid_to: date | None = None

    def __post_init__(self) -> None:
        first, last = self.valid_from, self.valid_to
        if first and last and last < first:
            raise InvalidRateCard("A rate card must not end before it begins.")
        if first and any(rise.on <= first for rise in self.card.price_rises):
            raise InvalidRateCard(f"A price rise comes after the first day of its card, {first}: that day has the card's prices.")


@dataclass(frozen=True, slots=True)
class Contract:
    """The rate cards of one facility. A later card takes the place of the earlier from its first day on."""

    cards: tuple[DatedCard, ...]

    def __post_init__(self) -> None:
        if not self.cards:
            raise InvalidRateCard("A contract needs at least one rate card.")
        in_order = tuple(sorted(self.cards, key=lambda dated: dated.valid_from or date.min))
        for one, other in pairwise(in_order):
            if (one.valid_from or date.min) == (other.valid_from or date.min):
                raise InvalidRateCard(f"Two rate cards begin on {one.valid_from or 'the same day'}.")
        object.__setattr__(self, "cards", in_order)

    def in_force(self, day: date) -> int | None:
        """The position in `cards` of the one in force on the facility's local `day`."""
        for position in reversed(range(len(self.cards))):
            dated = self.cards[position]
            if (dated.valid_from or date.min) <= day:
                return position if day <= (dated.valid_to or date.max) else None
        return None

    def days_in_force(self, position: int, first: date, last: date) -> int:
        """On how many of the days from `first` to `last`, both included, that card is the one in force."""
        dated = self.cards[position]
        begins, ends = max(first, dated.valid_from or first), min(last, dated.valid_to or last)
        if position + 1 < len(self.cards):
            following = self.cards[position + 1].valid_from
            assert following is not None, "only the first card has no first day"
            ends = min(ends, date.fromordinal(following.toordinal() - 1))
        return max(0, (ends - begins).days + 1)


def _twice(values: Iterable[Hashable]) -> bool:
    found = list(values)
    return len(found) != len(set(found))
