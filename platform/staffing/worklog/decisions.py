"""What a facility and the agency decide about submitted work: approve, dispute, undo, settle, put on an invoice."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from staffing import clock
from staffing.errors import Invalid, NotFound
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.worklog import lifecycle, sightings
from staffing.worklog.errors import EntryChanged, StepNotPossible, TooLateToUndo
from staffing.worklog.lifecycle import Step
from staffing.worklog.models import EntryState, WorkEntry
from staffing.worklog.steps import content_of, span_of, take_step, take_steps

UNDO_WITHIN = timedelta(minutes=10)
"""An approval can be undone this long, while the entry is not on an invoice."""
LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Approval:
    """What became of approving several entries at once."""

    approved: int
    seconds: int
    changed: int
    """Entries that are no longer what the approver saw: left as they are."""


async def approve(tx: Transaction, principal: Principal, seen: Sequence[tuple[UUID, str]]) -> Approval:
    """Approve entries as they were seen (`sightings.sighting` of what the page showed), all that still read the same.

    One entry that changed raises `EntryChanged`, naming what is different; among several it is counted and left waiting.
    Raises `NotFound` for an entry that is not this facility's.
    """
    entries = await _locked_of_facility(tx, principal, [entry_id for entry_id, _ in seen])
    at, approved, seconds = clock.now(), 0, 0
    for entry_id, sighting in seen:
        entry = entries[entry_id]
        changed = sightings.changes(sighting, content_of(entry))
        if changed or not lifecycle.possible(EntryState(entry.state), Step.APPROVED):
            if len(seen) == 1:
                raise _changed(entry, changed)
            continue
        _decide(tx, principal, entry, Step.APPROVED, at)
        approved += 1
        seconds += span_of(entry).seconds
    await tx.flush()
    return Approval(approved, seconds, len(seen) - approved)


async def dispute(tx: Transaction, principal: Principal, entry_id: UUID, reason: str) -> None:
    """Dispute one entry with a sentence. It is not billed until the agency has settled it; all others go on. On a final invoice
    it stays billed until then.

    Raises `Invalid` (`reason`) without a sentence, `NotFound`, `StepNotPossible`.
    """
    sentence = reason.strip()
    if not sentence:
        raise Invalid(reason="Please say in a sentence what is wrong.")
    if len(sentence) > LONGEST_REASON:
        raise Invalid(reason=f"Please shorten this to {LONGEST_REASON} characters.")
    entry = (await _locked_of_facility(tx, principal, [entry_id]))[entry_id]
    if entry.disputed_at is not None:
        raise StepNotPossible("You dispute this entry already; the agency will settle it.")
    entry.dispute_reason = sentence
    if entry.state == EntryState.INVOICED:
        take_step(tx, principal.name, entry, Step.DISPUTED, sentence)
        entry.disputed_at = clock.now()
    else:
        _decide(tx, principal, entry, Step.DISPUTED, clock.now(), sentence)
    await tx.flush()


async def withdraw_dispute(tx: Transaction, principal: Principal, entry_id: UUID) -> None:
    """The facility takes its dispute back: the entry waits for approval again, or stays on its invoice.

    Raises `NotFound`, `StepNotPossible`.
    """
    entry = (await _locked_of_facility(tx, principal, [entry_id]))[entry_id]
    _require_open_dispute(entry)
    take_step(tx, principal.name, entry, Step.DISPUTE_WITHDRAWN)
    entry.dispute_reason, entry.disputed_at = "", None
    if entry.state == EntryState.SUBMITTED:
        entry.decided_at, entry.decided_by = None, None
    await tx.flush()


async def undo_approval(tx: Transaction, principal: Principal, decided_at: datetime) -> int:
    """Undo what this person approved at that instant. How many went back to waiting.

    Raises `TooLateToUndo` after `UNDO_WITHIN`, or when nothing of it is left to undo.
    """
    if clock.now() - decided_at > UNDO_WITHIN:
        raise TooLateToUndo
    found = await tx.scalars(
        select(WorkEntry)
        .where(
            WorkEntry.facility_id.in_(principal.facility_ids),
            WorkEntry.decided_by == principal.account_id,
            WorkEntry.decided_at == decided_at,
            WorkEntry.state == EntryState.APPROVED,
        )
        .order_by(WorkEntry.id)
        .with_for_update()
    )
    entries = found.all()
    if not entries:
        raise TooLateToUndo
    for entry in entries:
        take_step(tx, principal.name, entry, Step.APPROVAL_UNDONE)
        entry.decided_at, entry.decided_by = None, None
    await tx.flush()
    return len(entries)


async def resolve(tx: Transaction, principal: Principal, entry_id: UUID, *, keep: bool, reason: str) -> None:
    """The agency settles a dispute: keep the entry (it is approved, or stays on its invoice) or write it off.

    Raises `NotAllowed`, `NotFound`, `Invalid` (`reason`), `StepNotPossible` when it is no longer disputed, or is to be written
    off and on a final invoice: that takes a credit note (`settle_by_credit`).
    """
    entry, sentence = await _to_settle(tx, principal, entry_id, reason)
    if entry.state != EntryState.INVOICED:
        _decide(tx, principal, entry, Step.KEPT if keep else Step.WRITTEN_OFF, clock.now(), sentence)
    elif not keep:
        raise StepNotPossible("It stands on an invoice that is final. Take it back with a credit note.")
    else:
        take_step(tx, principal.name, entry, Step.KEPT, sentence)
        entry.disputed_at = None
    await tx.flush()


async def settle_by_credit(tx: Transaction, principal: Principal, entry_id: UUID, reason: str) -> None:
    """End the dispute about an entry on a final invoice in the facility's favour; the caller makes the credit note.

    Raises `NotAllowed`, `NotFound`, `Invalid` (`reason`), `StepNotPossible` when it is not disputed.
    """
    entry, sentence = await _to_settle(tx, principal, entry_id, reason)
    take_step(tx, principal.name, entry, Step.CREDITED, sentence)
    entry.disputed_at = None
    await tx.flush()


async def mark_invoiced(tx: Transaction, entry_ids: Collection[UUID]) -> None:
    """Put approved entries on an invoice: from here on they are locked. All of them or none.

    For the invoicing feature and its jobs; the caller has checked whose entries they are. Raises `StepNotPossible` when one is
    no longer approved (disputed, undone, already on an invoice), `NotFound` when one does not exist.
    """
    await _mark(tx, entry_ids, Step.INVOICED)


async def unmark_invoiced(tx: Transaction, entry_ids: Collection[UUID]) -> None:
    """Take invoiced entries off again (a draft or an unpaid invoice was discarded): they are approved once more."""
    await _mark(tx, entry_ids, Step.RELEASED)


async def _mark(tx: Transaction, entry_ids: Collection[UUID], step: Step) -> None:
    wanted = set(entry_ids)
    found = await tx.scalars(
        select(WorkEntry)
        .where(WorkEntry.id.in_(wanted))
        .order_by(WorkEntry.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    entries = found.all()
    if len(entries) != len(wanted):
        raise NotFound
    actor = tx.info.get("actor")
    name = actor.name if actor else "system"
    disputed = [entry for entry in entries if entry.disputed_at is not None]
    await take_steps(tx, name, [entry for entry in entries if entry.disputed_at is None], step)
    for entry in disputed:
        take_step(tx, name, entry, step)
        # Off its invoice, what is still disputed waits like any other disputed work.
        entry.disputed_at = None
        take_step(tx, name, entry, Step.DISPUTED, entry.dispute_reason)
    await tx.flush()


async def _to_settle(tx: Transaction, principal: Principal, entry_id: UUID, reason: str) -> tuple[WorkEntry, str]:
    principal.require(Permission.DESK_ENTRIES_SETTLE)
    if not reason.strip():
        raise Invalid(reason="Please say how this was settled.")
    entry = await tx.scalar(select(WorkEntry).where(WorkEntry.id == entry_id).with_for_update())
    if entry is None:
        raise NotFound
    _require_open_dispute(entry)
    return entry, reason.strip()


def _require_open_dispute(entry: WorkEntry) -> None:
    if entry.state != EntryState.DISPUTED and entry.disputed_at is None:
        raise StepNotPossible(f"It is not disputed any more. {lifecycle.STATE_WORDS[EntryState(entry.state)]}")


async def _locked_of_facility(tx: Transaction, principal: Principal, ids: Sequence[UUID]) -> dict[UUID, WorkEntry]:
    """The entries, locked in one order so that two approvers never wait for each other in a ring. All there or `NotFound`."""
    found = await tx.scalars(
        select(WorkEntry)
        .where(
            WorkEntry.id.in_(set(ids)),
            WorkEntry.facility_id.in_(principal.facility_ids),
            WorkEntry.state.in_(lifecycle.VISIBLE_TO_FACILITY),
        )
        .order_by(WorkEntry.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    entries = {entry.id: entry for entry in found}
    if not ids or len(entries) != len(set(ids)):
        raise NotFound
    return entries


def _decide(tx: Transaction, principal: Principal, entry: WorkEntry, step: Step, at: datetime, reason: str = "") -> None:
    take_step(tx, principal.name, entry, step, reason)
    entry.decided_at, entry.decided_by = at, principal.account_id


def _changed(entry: WorkEntry, changed: tuple[str, ...]) -> EntryChanged | StepNotPossible:
    if changed:
        words = " and ".join(changed)
        return EntryChanged(f"Since you opened the page, {words} changed. Please read it again before you approve it.", changed)
    return StepNotPossible(f"Nothing was approved. {lifecycle.STATE_WORDS[EntryState(entry.state)]}")
