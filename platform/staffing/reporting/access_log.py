"""The access log as the owner reads it, and whether its chains hold."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from staffing.facilities.models import Facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.models import AccessEvent
from staffing.persistence.transactions import Transaction

PAGE = 100


@dataclass(frozen=True, slots=True)
class AccessRow:
    id: int
    happened_at: datetime
    actor: str
    role: str
    action: str
    object_type: str
    facility: str
    detail: str


@dataclass(frozen=True, slots=True)
class ChainRow:
    """One chain with the verdict of `audit.verify`."""

    name: str
    rows: int
    problem: str


async def recent(tx: Transaction, principal: Principal, before_id: int | None = None) -> list[AccessRow]:
    """The newest hundred accesses, or the hundred before one of them."""
    principal.require(Permission.DESK_AUDIT_READ)
    statement = (
        select(
            AccessEvent.id,
            AccessEvent.happened_at,
            AccessEvent.actor,
            AccessEvent.role,
            AccessEvent.action,
            AccessEvent.object_type,
            Facility.name,
            AccessEvent.detail,
        )
        .outerjoin(Facility, Facility.id == AccessEvent.facility_id)
        .order_by(AccessEvent.id.desc())
        .limit(PAGE)
    )
    if before_id is not None:
        statement = statement.where(AccessEvent.id < before_id)
    return [
        AccessRow(row.id, row.happened_at, row.actor, row.role, row.action, row.object_type, row.name or "", row.detail)
        for row in await tx.execute(statement)
    ]


async def chains(tx: Transaction, principal: Principal) -> list[ChainRow]:
    """Every chain, recomputed."""
    principal.require(Permission.DESK_AUDIT_READ)
    names = {str(facility_id): name for facility_id, name in await tx.execute(select(Facility.id, Facility.name))}
    return [ChainRow(names.get(report.chain, "Agency"), report.rows, report.why) for report in await audit.verify(tx)]
