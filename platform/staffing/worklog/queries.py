"""Reads of recorded work for pages and for invoicing: columns into frozen rows, each with its predicate of whose they are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import Range

from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.worklog.lifecycle import VISIBLE_TO_FACILITY
from staffing.worklog.models import EntryEvent, EntryState, WorkEntry
from staffing.worklog.rows import EntryRow, entry_rows, own, read, read_one
from staffing.worklog.rules import Span

MOST = 500
"""No page shows more entries at once; what is left over is shown when these are done."""


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One step of an entry's story."""

    step: str
    actor: str
    happened_at: datetime
    reason: str


def open_dispute() -> ColumnElement[bool]:
    """Entries that wait for the agency to settle a dispute, before they are invoiced or after."""
    return or_(WorkEntry.state == EntryState.DISPUTED, WorkEntry.disputed_at.is_not(None))


# ---- for invoicing ----


async def entries_of_line(tx: Transaction, principal: Principal, entry_ids: Collection[UUID]) -> Sequence[EntryRow]:
    """The entries behind an invoice line (its ids are in `InvoiceLineEntry`), earliest first, as far as the caller may see them:
    the agency all, a facility its own. They name patients: the caller writes the access log's note.
    """
    statement = entry_rows(principal).where(WorkEntry.id.in_(set(entry_ids))).order_by(func.lower(WorkEntry.during))
    if not principal.of_agency:
        statement = statement.where(WorkEntry.facility_id.in_(principal.facility_ids))
    return await read(tx, statement)


# ---- for the coordinator ----


async def running_entry(tx: Transaction, principal: Principal) -> EntryRow | None:
    """The coordinator's running timer."""
    rows = await read(tx, entry_rows(principal).where(own(principal), WorkEntry.state == EntryState.RUNNING))
    return rows[0] if rows else None


async def own_entries(tx: Transaction, principal: Principal, span: Span) -> Sequence[EntryRow]:
    """The coordinator's entries at all facilities that touch `span`, in order; what was taken back is left out."""
    return await read(
        tx,
        entry_rows(principal)
        .where(own(principal), WorkEntry.during.overlaps(Range(span.start, span.end)), WorkEntry.state != EntryState.VOID)
        .order_by(func.lower(WorkEntry.during)),
    )


async def own_entry(tx: Transaction, principal: Principal, entry_id: UUID) -> EntryRow:
    """One of the coordinator's own entries. Raises `NotFound`."""
    return await read_one(tx, entry_rows(principal).where(own(principal), WorkEntry.id == entry_id))


# ---- for the facility ----


async def waiting_entries(tx: Transaction, principal: Principal) -> Sequence[EntryRow]:
    """Submitted entries of the caller's facilities that nobody has decided yet, earliest work first."""
    return await _of_facility(tx, principal, {EntryState.SUBMITTED}, func.lower(WorkEntry.during))


async def decided_entries(tx: Transaction, principal: Principal, limit: int = 100) -> Sequence[EntryRow]:
    """What was decided at the caller's facilities, latest decision first."""
    decided = VISIBLE_TO_FACILITY - {EntryState.SUBMITTED, EntryState.DISPUTED}
    return await _of_facility(tx, principal, decided, WorkEntry.decided_at.desc().nulls_last(), limit)


async def disputed_entries(tx: Transaction, principal: Principal) -> Sequence[EntryRow]:
    """What the caller's facilities dispute and the agency has not settled, on a final invoice or not."""
    return await read(
        tx,
        entry_rows(principal)
        .where(WorkEntry.facility_id.in_(principal.facility_ids), open_dispute())
        .order_by(func.lower(WorkEntry.during), WorkEntry.id)
        .limit(MOST),
    )


async def facility_entry(tx: Transaction, principal: Principal, entry_id: UUID) -> EntryRow:
    """One submitted or decided entry of the caller's facilities. Raises `NotFound`."""
    return await read_one(
        tx,
        entry_rows(principal).where(
            WorkEntry.id == entry_id,
            WorkEntry.facility_id.in_(principal.facility_ids),
            WorkEntry.state.in_(VISIBLE_TO_FACILITY),
        ),
    )


@dataclass(frozen=True, slots=True)
class LastApproval:
    """What a person approved last, while it can be undone."""

    decided_at: datetime
    entries: int
    seconds: int


async def last_approval(tx: Transaction, principal: Principal, since: datetime) -> LastApproval | None:
    """The latest approval by this person since `since` of which something is still approved and not on an invoice."""
    length = func.extract("epoch", func.upper(WorkEntry.during) - func.lower(WorkEntry.during))
    row = (
        await tx.execute(
            select(WorkEntry.decided_at, func.count(), func.sum(length))
            .where(
                WorkEntry.facility_id.in_(principal.facility_ids),
                WorkEntry.decided_by == principal.account_id,
                WorkEntry.decided_at >= since,
                WorkEntry.state == EntryState.APPROVED,
            )
            .group_by(WorkEntry.decided_at)
            .order_by(WorkEntry.decided_at.desc())
            .limit(1)
        )
    ).one_or_none()
    return LastApproval(row[0], row[1], int(row[2])) if row and row[0] else None


async def unsettled_disputes(tx: Transaction, principal: Principal) -> Sequence[EntryRow]:
    """What facilities dispute and the agency has to settle, longest waiting first. For the agency."""
    principal.require(Permission.DESK_ENTRIES_SETTLE)
    since = func.coalesce(WorkEntry.disputed_at, WorkEntry.decided_at)
    return await read(tx, entry_rows(principal).where(open_dispute()).order_by(since, WorkEntry.id).limit(MOST))


async def corrected(tx: Transaction, entry_ids: Collection[UUID]) -> dict[UUID, str]:
    """Entries that were withdrawn and submitted again, with the words of what was changed in between."""
    rows = await tx.execute(
        select(EntryEvent.entry_id, EntryEvent.step, EntryEvent.reason)
        .where(EntryEvent.entry_id.in_(set(entry_ids)), EntryEvent.step.in_(("withdrawn", "described")))
        .order_by(EntryEvent.happened_at, EntryEvent.id)
    )
    found: dict[UUID, list[str]] = {}
    for entry_id, step, reason in rows:
        if step == "withdrawn":
            found[entry_id] = []
        elif entry_id in found and reason and reason not in found[entry_id]:
            found[entry_id].append(reason)
    return {entry_id: " and ".join(changed) or "nothing" for entry_id, changed in found.items()}


async def work_for_patient(tx: Transaction, principal: Principal, patient_id: UUID, limit: int = 100) -> Sequence[EntryRow]:
    """What was done for a patient, latest first: a facility sees what was submitted, a coordinator their own work.

    The caller has opened the patient (`care.service.open_patient`), which checks and notes the access.
    """
    latest_first = func.lower(WorkEntry.during).desc()
    statement = entry_rows(principal).where(WorkEntry.patient_id == patient_id).order_by(latest_first).limit(limit)
    if principal.coordinator_id is not None:
        statement = statement.where(own(principal), WorkEntry.state != EntryState.VOID)
    else:
        statement = statement.where(WorkEntry.state.in_(VISIBLE_TO_FACILITY))
        if not principal.of_agency:
            statement = statement.where(WorkEntry.facility_id.in_(principal.facility_ids))
    return await read(tx, statement)


async def story(tx: Transaction, entry_id: UUID) -> list[StoryLine]:
    """All steps of an entry, first to last. The caller has read the entry itself, which decides whether it is theirs."""
    rows = await tx.execute(
        select(EntryEvent.step, EntryEvent.actor, EntryEvent.happened_at, EntryEvent.reason)
        .where(EntryEvent.entry_id == entry_id)
        .order_by(EntryEvent.happened_at, EntryEvent.id)
    )
    return [StoryLine(*row) for row in rows]


async def _of_facility(
    tx: Transaction, principal: Principal, states: Collection[EntryState], order: Any, limit: int = MOST
) -> Sequence[EntryRow]:
    return await read(
        tx,
        entry_rows(principal)
        .where(WorkEntry.facility_id.in_(principal.facility_ids), WorkEntry.state.in_(states))
        .order_by(order, WorkEntry.id)
        .limit(limit),
    )
