"""A facility's contract as billing rates it: its versions in order of their first days."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.rate_files import InvalidRateFile
from billing.rates import Contract, DatedCard, InvalidRateCard, RateCard, RoundingMode, RoundingRule, RoundingScope
from billing.taxes import NO_TAX, TaxRule
from staffing.contracts import terms
from staffing.contracts.amounts import day_text
from staffing.contracts.errors import ContractUnreadable
from staffing.facilities.models import RateCard as CardRow
from staffing.facilities.models import ServiceRate
from staffing.persistence.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Version:
    """What holds from `valid_from` on, until the next version begins. `stored` are the terms as they are kept."""

    id: UUID
    valid_from: date
    currency: str
    card: RateCard
    tax: TaxRule
    stored: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agreement:
    """All versions of one facility's contract, the oldest first."""

    versions: tuple[Version, ...]

    @property
    def contract(self) -> Contract | None:
        """The versions as rating takes them; nothing before the first price is agreed."""
        if not self.versions:
            return None
        return Contract(tuple(DatedCard(version.card, version.valid_from) for version in self.versions))

    def in_force(self, day: date) -> Version | None:
        """The version that holds on the facility's local `day`."""
        return next((version for version in reversed(self.versions) if version.valid_from <= day), None)

    def in_force_between(self, first: date, last: date) -> tuple[Version, ...]:
        """The versions that hold on any of these days."""
        begins = self.in_force(first)
        return tuple(version for version in self.versions if version is begins or (first < version.valid_from <= last))

    def tax_on(self, day: date) -> TaxRule:
        """The taxes of an invoice whose period ends on `day`."""
        version = self.in_force(day)
        return version.tax if version else NO_TAX

    @property
    def has_levels(self) -> bool:
        """Whether any price depends on the level that was asked for."""
        return any(rate.levels for version in self.versions for rate in version.card.services.values())

    @property
    def has_overtime(self) -> bool:
        return any(version.card.overtime for version in self.versions)


async def agreement(tx: Transaction, facility_id: UUID) -> Agreement:
    """The facility's contract; a version without a single price is left out. Raises `ContractUnreadable`."""
    return (await agreements(tx, [facility_id]))[facility_id]


async def agreements(tx: Transaction, facility_ids: Collection[UUID]) -> Mapping[UUID, Agreement]:
    """The contracts of several facilities, in one query."""
    rows = await tx.execute(
        select(CardRow, ServiceRate.service, ServiceRate.level, ServiceRate.bill_per_hour)
        .join(ServiceRate, ServiceRate.rate_card_id == CardRow.id)
        .where(CardRow.facility_id.in_(set(facility_ids)))
        .order_by(CardRow.valid_from)
    )
    prices: dict[UUID, dict[tuple[str, int], Decimal]] = defaultdict(dict)
    cards: dict[UUID, CardRow] = {}
    for card, service, level, per_hour in rows:
        cards[card.id] = card
        prices[card.id][service, level] = per_hour
    versions: dict[UUID, list[Version]] = defaultdict(list)
    for card in cards.values():
        versions[card.facility_id].append(_version(card, prices[card.id]))
    found = {facility_id: Agreement(tuple(versions[facility_id])) for facility_id in facility_ids}
    for one in found.values():
        _check(one)
    return found


def _version(card: CardRow, prices: terms.Prices) -> Version:
    rounding = RoundingRule(card.rounding_unit_minutes, RoundingMode(card.rounding_mode), RoundingScope(card.rounding_scope))
    try:
        read = terms.read(prices, rounding, card.terms)
    except InvalidRateFile as error:
        raise _unreadable(card.valid_from, error.problems) from error
    return Version(card.id, card.valid_from, card.currency, read.card, read.tax, card.terms)


def _check(found: Agreement) -> None:
    """That the versions can stand together: written by the product they can, by hand perhaps not."""
    for version in found.versions:
        try:
            DatedCard(version.card, version.valid_from)
        except InvalidRateCard as error:
            raise _unreadable(version.valid_from, error.problems) from error


def _unreadable(valid_from: date, problems: Collection[str]) -> ContractUnreadable:
    first = next(iter(problems), "It is not complete.")
    return ContractUnreadable(f"The contract from {day_text(valid_from)} on cannot be read: {first} Agree it anew, then go on.")
