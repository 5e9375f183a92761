"""Reads for the page that shows whether the invariants hold. Nobody but the agency sees any."""

from sqlalchemy import select

from staffing.identity.principals import Principal
from staffing.invariants.models import InvariantCheck
from staffing.persistence.transactions import Transaction


async def last_check(tx: Transaction, principal: Principal) -> InvariantCheck | None:
    """The latest look, None before the first and for everybody else."""
    if not principal.of_agency:
        return None
    found: InvariantCheck | None = await tx.scalar(
        select(InvariantCheck).order_by(InvariantCheck.checked_at.desc(), InvariantCheck.id.desc()).limit(1)
    )
    return found
