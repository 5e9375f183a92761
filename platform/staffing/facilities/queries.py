"""Reads about facilities, for pages and use cases. Each carries the caller's own predicate."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, true

from staffing.errors import NotFound
from staffing.facilities.models import Facility, RateCard, ServiceRate
from staffing.identity.models import Role
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction


@dataclass(frozen=True, slots=True)
class FacilityRow:
    id: UUID
    reference: str
    name: str
    initials: str
    colour: int
    time_zone: str
    line: str
    ehr_system: str
    baa_signed_on: date | None


_COLUMNS = (
    Facility.id,
    Facility.reference,
    Facility.name,
    Facility.initials,
    Facility.colour,
    Facility.time_zone,
    Facility.line,
    Facility.ehr_system,
    Facility.baa_signed_on,
)


def visible_to(principal: Principal, facility_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """The explicit predicate of a query about facilities' schedule: all for the agency, else those of the caller."""
    return true() if principal.of_agency else facility_id.in_(principal.facility_ids)


async def facilities(tx: Transaction, principal: Principal) -> list[FacilityRow]:
    """The facilities that the caller acts for, by name."""
    rows = await tx.execute(select(*_COLUMNS).where(visible_to(principal, Facility.id.expression)).order_by(Facility.name))
    return [FacilityRow(*row) for row in rows]


async def facility(tx: Transaction, principal: Principal, facility_id: UUID) -> FacilityRow:
    """One facility. Raises `NotFound` for one that the caller does not act for."""
    row = (
        await tx.execute(select(*_COLUMNS).where(Facility.id == facility_id, visible_to(principal, Facility.id.expression)))
    ).one_or_none()
    if row is None:
        raise NotFound
    return FacilityRow(*row)


async def priced_services(tx: Transaction, principal: Principal, on: date) -> dict[UUID, frozenset[str]]:
    """Per facility of the caller the services with a price on the rate card in force on `on`."""
    if principal.role is Role.COORDINATOR:
        raise NotFound
    in_force = (
        select(RateCard.id)
        .where(and_(RateCard.facility_id == Facility.id, RateCard.valid_from <= on))
        .order_by(RateCard.valid_from.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = await tx.execute(
        select(Facility.id, ServiceRate.service)
        .join(ServiceRate, ServiceRate.rate_card_id == in_force)
        .where(visible_to(principal, Facility.id.expression))
    )
    found: dict[UUID, set[str]] = {}
    for facility_id, service in rows:
        found.setdefault(facility_id, set()).add(service)
    return {facility_id: frozenset(services) for facility_id, services in found.items()}
