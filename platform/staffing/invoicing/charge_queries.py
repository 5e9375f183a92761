"""Reads about charges, for the desk's page of a contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from staffing.errors import NotFound
from staffing.identity.models import Account
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing.explaining import Said, line_name, sentences
from staffing.invoicing.models import Charge, Invoice, InvoiceLine
from staffing.invoicing.proposals import due_charge
from staffing.persistence.transactions import Transaction
from staffing.roster.models import Coordinator
from staffing.worklog.models import EntryState, WorkEntry

MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRow:
    """A charge and what became of it."""

    id: UUID
    kind: str
    service: str
    coordinator: str
    happened_at: datetime
    amount_minor: int
    currency: str
    explanation: dict[str, Any]
    invoice_id: UUID | None
    invoice_number: str | None
    waived_at: datetime | None
    waived_by: str | None
    waived_because: str

    @property
    def name(self) -> str:
        return "Conversion fee" if self.kind == "conversion" else f"Late cancellation, {line_name(self.service, self.kind)}"

    @property
    def may_be_waived(self) -> bool:
        return self.waived_at is None and self.invoice_number is None

    @property
    def how(self) -> tuple[str, ...]:
        """How the amount comes about."""
        lines = due_charge(self.id, self.kind, self.amount_minor, self.explanation).lines
        return tuple(
            sentence
            for line in lines
            for sentence in sentences(
                Said(
                    service=line.service,
                    kind=line.kind,
                    seconds=line.worked_seconds,
                    billed_seconds=line.billed_seconds,
                    unit_rate=line.unit_rate,
                    amount_minor=line.amount_minor,
                    currency=self.currency,
                    explanation=line.explanation,
                )
            )
        )


async def charges_of(tx: Transaction, principal: Principal, facility_id: UUID) -> Sequence[ChargeRow]:
    """The facility's latest charges."""
    principal.require(Permission.DESK_CONTRACTS_READ)
    waiver = aliased(Account)
    rows = await tx.execute(
        select(
            Charge.id,
            Charge.kind,
            Charge.service,
            func.coalesce(Coordinator.name, "").label("coordinator"),
            Charge.happened_at,
            Charge.amount_minor,
            Charge.currency,
            Charge.explanation,
            Invoice.id.label("invoice_id"),
            Invoice.number.label("invoice_number"),
            Charge.waived_at,
            waiver.name.label("waived_by"),
            Charge.waived_because,
        )
        .outerjoin(Coordinator, Coordinator.id == Charge.coordinator_id)
        .outerjoin(InvoiceLine, InvoiceLine.id == Charge.line_id)
        .outerjoin(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .outerjoin(waiver, waiver.id == Charge.waived_by)
        .where(Charge.facility_id == facility_id)
        .order_by(Charge.happened_at.desc(), Charge.id)
        .limit(MOST)
    )
    return [ChargeRow(**row) for row in rows.mappings()]


async def people_who_worked(tx: Transaction, principal: Principal, facility_id: UUID) -> list[tuple[UUID, str]]:
    """Coordinators with approved work at the facility, by name: whom it may have hired."""
    principal.require(Permission.DESK_CONTRACTS_READ)
    worked = select(WorkEntry.coordinator_id).where(
        WorkEntry.facility_id == facility_id,
        WorkEntry.state.in_([EntryState.APPROVED.value, EntryState.INVOICED.value]),
    )
    rows = await tx.execute(select(Coordinator.id, Coordinator.name).where(Coordinator.id.in_(worked)).order_by(Coordinator.name))
    return [(row[0], row[1]) for row in rows]


async def facility_of(tx: Transaction, principal: Principal, charge_id: UUID) -> UUID:
    """Whose charge it is. Raises `NotFound`."""
    principal.require(Permission.DESK_CONTRACTS_READ)
    found = await tx.scalar(select(Charge.facility_id).where(Charge.id == charge_id))
    if found is None:
        raise NotFound
    return found
