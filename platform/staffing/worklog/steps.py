"""One step of an entry's life: the state changes, its story gets a line, the access log gets a row. Always all three."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update

from staffing import clock
from staffing.persistence import audit
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction
from staffing.worklog import lifecycle
from staffing.worklog.lifecycle import Step
from staffing.worklog.models import EntryEvent, EntryState, WorkEntry
from staffing.worklog.rules import Span
from staffing.worklog.sightings import Content


async def begin(tx: Transaction, actor: str, entry: WorkEntry, step: Step, reason: str = "") -> None:
    """A new entry and the first line of its story. The database may refuse its time (`IntegrityError`, 23P01)."""
    entry.id = new_id()
    tx.add(entry)
    await tx.flush()
    _tell(tx, actor, entry, step, reason)


def take_step(tx: Transaction, actor: str, entry: WorkEntry, step: Step, reason: str = "") -> None:
    """Lead the entry on. Raises `StepNotPossible`. `reason` is read by both sides; it stays out of the access log."""
    entry.state = lifecycle.after(EntryState(entry.state), step).value
    _tell(tx, actor, entry, step, reason)


async def take_steps(tx: Transaction, actor: str, entries: Collection[WorkEntry], step: Step) -> None:
    """Lead many locked entries on, all of them or none. Raises `StepNotPossible`."""
    if not entries:
        return
    leads_to = {entry.id: lifecycle.after(EntryState(entry.state), step).value for entry in entries}
    for entry in entries:
        _tell(tx, actor, entry, step, "")
    for state in sorted(set(leads_to.values())):
        going = [entry_id for entry_id, after in leads_to.items() if after == state]
        # Flushing changed rows asks the database once for each: a month's invoice has hundreds.
        await tx.execute(
            update(WorkEntry)
            .where(WorkEntry.id.in_(going))
            .values(state=state, version=WorkEntry.version + 1)
            .execution_options(synchronize_session="evaluate")
        )


def start_of(entry: WorkEntry) -> datetime:
    """When the work began. Every entry has a start: the database refuses one without."""
    assert entry.during.lower is not None
    return entry.during.lower


def span_of(entry: WorkEntry) -> Span:
    """The time of a finished entry."""
    assert entry.during.upper is not None
    return Span(start_of(entry), entry.during.upper)


def content_of(entry: WorkEntry) -> Content:
    """What an approver reads of it."""
    return Content(
        start=start_of(entry),
        end=entry.during.upper,
        patient_id=entry.patient_id,
        service=entry.service,
        activity=entry.activity,
        note=entry.note,
    )


def _tell(tx: Transaction, actor: str, entry: WorkEntry, step: Step, reason: str) -> None:
    tx.add(
        EntryEvent(
            facility_id=entry.facility_id,
            coordinator_id=entry.coordinator_id,
            entry_id=entry.id,
            happened_at=clock.now(),
            actor=actor,
            step=step.value,
            reason=reason,
        )
    )
    audit.note(tx, f"entry.{step.value}", "work_entry", entry.id, facility_id=entry.facility_id, patient_id=entry.patient_id)
