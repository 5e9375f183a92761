"""Contracts as tests agree on them: the terms of a rate card, and prices by level."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update

from staffing.facilities.models import RateCard, ServiceRate
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction


async def agree_on(
    tx: Transaction,
    facility_id: UUID,
    terms: Mapping[str, Any],
    *,
    prices: Mapping[str | tuple[str, int], str] | None = None,
    rounding: tuple[int, str, str] = (0, "nearest", "line"),
    valid_from: date = date(2025, 6, 1),
) -> UUID:
    """Put a version of the contract in the place of the facility's card of that day, or beside the others."""
    unit, mode, scope = rounding
    await tx.execute(delete(RateCard).where(RateCard.facility_id == facility_id, RateCard.valid_from == valid_from))
    card = RateCard(
        id=new_id(),
        facility_id=facility_id,
        valid_from=valid_from,
        currency="USD",
        rounding_unit_minutes=unit,
        rounding_mode=mode,
        rounding_scope=scope,
        terms=dict(terms),
    )
    tx.add(card)
    await tx.flush()
    for key, price in (prices or {"patient_care_coordinator": "42.00", "prior_authorization": "45.50"}).items():
        service, level = (key, 0) if isinstance(key, str) else key
        tx.add(
            ServiceRate(rate_card_id=card.id, facility_id=facility_id, service=service, level=level, bill_per_hour=Decimal(price))
        )
    await tx.flush()
    return card.id


async def set_terms(tx: Transaction, facility_id: UUID, terms: Mapping[str, Any]) -> None:
    await tx.execute(update(RateCard).where(RateCard.facility_id == facility_id).values(terms=dict(terms)))
