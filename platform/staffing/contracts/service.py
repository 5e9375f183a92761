"""Agreeing on a version of a contract. What has been billed by a version never changes any more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select

from billing.rate_files import InvalidRateFile
from billing.rates import DatedCard, InvalidRateCard, RoundingRule
from staffing.contracts import terms
from staffing.contracts.amounts import day_text
from staffing.contracts.reading import Version
from staffing.errors import Invalid
from staffing.facilities.models import RateCard, ServiceRate
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """What is agreed from `valid_from` on. `stored`: the terms as they are kept (see `contracts.terms`)."""

    valid_from: date
    currency: str
    prices: terms.Prices
    rounding: RoundingRule
    stored: Mapping[str, Any]


class TermsContradict(Invalid):
    """The terms contradict each other; `problems` has a place and a reason for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("Please look at the marked fields.")
        self.problems = problems


def version_of(new: NewVersion) -> Version:
    """The version as billing would read it. Raises `TermsContradict`."""
    try:
        read = terms.read(new.prices, new.rounding, new.stored)
        DatedCard(read.card, new.valid_from)
    except InvalidRateFile as error:
        raise TermsContradict(error.problems) from error
    except InvalidRateCard as error:
        raise TermsContradict(error.problems) from error
    return Version(new_id(), new.valid_from, new.currency, read.card, read.tax, new.stored)


async def agree(tx: Transaction, principal: Principal, facility_id: UUID, new: NewVersion, billed_until: date | None) -> RateCard:
    """Write a version down; one that begins on the same day is replaced.

    `billed_until`: the last day that is on an issued invoice; the caller holds the facility's billing account locked. Raises
    `Invalid` for a version that begins earlier, `TermsContradict`.
    """
    principal.require(Permission.DESK_CONTRACTS_WRITE)
    if billed_until is not None and new.valid_from <= billed_until:
        raise Invalid(
            valid_from=f"Days up to {day_text(billed_until)} are on an invoice already, and what was billed stays."
            " Choose a later day."
        )
    version_of(new)
    old = await tx.scalar(select(RateCard).where(RateCard.facility_id == facility_id, RateCard.valid_from == new.valid_from))
    card = old or RateCard(id=new_id(), facility_id=facility_id, valid_from=new.valid_from)
    card.currency = new.currency
    card.rounding_unit_minutes = new.rounding.unit_minutes
    card.rounding_mode = new.rounding.mode.value
    card.rounding_scope = new.rounding.scope.value
    card.terms = dict(new.stored)
    tx.add(card)
    await tx.flush()
    await tx.execute(delete(ServiceRate).where(ServiceRate.rate_card_id == card.id))
    rows = [
        {
            "rate_card_id": card.id,
            "facility_id": facility_id,
            "service": service,
            "level": level,
            "bill_per_hour": price,
        }
        for (service, level), price in sorted(new.prices.items())
    ]
    await tx.execute(insert(ServiceRate), rows)
    audit.note(
        tx,
        "contract.replaced" if old else "contract.agreed",
        "rate_card",
        card.id,
        facility_id=facility_id,
        detail=f"{len(rows)} prices, {len(new.stored)} terms",
    )
    return card
