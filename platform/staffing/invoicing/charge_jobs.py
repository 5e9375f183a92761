"""Charges off the request: what a cancellation costs is written down right after it, by the agency and not by the facility."""

from collections.abc import Mapping
from uuid import UUID

from staffing.invoicing import charges
from staffing.persistence import jobs
from staffing.persistence.jobs import JobContext, JobKind
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Transaction

NOTE_CANCELLATIONS = "invoicing.note_cancellations"


async def soon(tx: Transaction, facility_id: UUID) -> None:
    """Have the facility's late cancellations written down once this transaction is finished."""
    await jobs.enqueue(tx, NOTE_CANCELLATIONS, {"id": str(facility_id)})


async def note_cancellations(context: JobContext, payload: Mapping[str, str]) -> None:
    """Write down late cancellations that are not charged yet. Done twice, the second time finds nothing."""
    async with context.database.transaction(SYSTEM) as tx:
        await charges.note_cancellations(tx, UUID(payload["id"]))


KINDS: list[JobKind] = [JobKind(NOTE_CANCELLATIONS, note_cancellations)]
