"""What a coordinator does with own entries: say what was done, take back, submit the week, withdraw what is not decided yet."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import Range

from staffing import clock
from staffing.catalogue import Activity
from staffing.errors import Invalid, NotFound
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.worklog import lifecycle
from staffing.worklog.lifecycle import Step
from staffing.worklog.models import EntryState, WorkEntry
from staffing.worklog.rules import LONGEST, day_span, whole_second
from staffing.worklog.steps import span_of, start_of, take_step

LONGEST_NOTE = 2000
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Submission:
    """What became of submitting a week."""

    submitted: int
    seconds: int
    incomplete: tuple[UUID, ...]
    """Drafts that wait for an activity or a note; nothing of them is lost."""
    running: bool
    """A timer that began in this week still runs; it stays out."""


async def describe(tx: Transaction, principal: Principal, entry_id: UUID, *, activity: str | None, note: str) -> None:
    """Say which of the duties it was and what was done, while the timer runs or the entry is a draft.

    Raises `NotFound`, `StepNotPossible` (submitted already), `Invalid` (`activity`, `note`).
    """
    entry = await _own_entry(tx, principal, entry_id)
    words = {"activity": activity_of(activity), "note": _note(note)}
    changed = [name for name, value in words.items() if getattr(entry, name) != value]
    if not changed:
        return
    take_step(tx, principal.name, entry, Step.DESCRIBED, " and ".join(f"the {name}" for name in changed))
    entry.activity, entry.note = words["activity"], words["note"] or ""
    await tx.flush()


async def take_back(tx: Transaction, principal: Principal, entry_id: UUID) -> None:
    """Void a draft or a running timer: its time is free again, its story stays. Raises `NotFound`, `StepNotPossible`."""
    entry = await _own_entry(tx, principal, entry_id)
    if entry.state == EntryState.RUNNING:
        start = start_of(entry)
        ran = max(whole_second(clock.now()) - start, timedelta(seconds=1))
        entry.during = Range(start, start + min(ran, LONGEST))
    take_step(tx, principal.name, entry, Step.TAKEN_BACK)
    await tx.flush()


async def withdraw(tx: Transaction, principal: Principal, entry_id: UUID) -> None:
    """Get a submitted entry back as a draft to correct it, while the facility has not decided it."""
    entry = await _own_entry(tx, principal, entry_id)
    take_step(tx, principal.name, entry, Step.WITHDRAWN)
    entry.submitted_at = None
    await tx.flush()


async def submit_week(tx: Transaction, principal: Principal, monday: date) -> Submission:
    """Submit every complete draft that began in the week of the coordinator's own calendar; the rest is named, not lost."""
    await one_at_a_time(tx, principal)
    week = day_span(monday, principal.time_zone, 7)
    began = func.lower(WorkEntry.during)
    found = await tx.scalars(
        select(WorkEntry)
        .where(
            WorkEntry.coordinator_id == principal.own_coordinator_id(),
            WorkEntry.state.in_(lifecycle.EDITABLE),
            began >= week.start,
            began < week.end,
        )
        .order_by(began)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    entries = found.all()
    drafts = [entry for entry in entries if entry.state == EntryState.DRAFT]
    complete = [entry for entry in drafts if entry.activity and entry.note]
    at = clock.now()
    for entry in complete:
        take_step(tx, principal.name, entry, Step.SUBMITTED)
        entry.submitted_at = at
    await tx.flush()
    return Submission(
        submitted=len(complete),
        seconds=sum(span_of(entry).seconds for entry in complete),
        incomplete=tuple(entry.id for entry in drafts if entry not in complete),
        running=len(entries) > len(drafts),
    )


def activity_of(activity: str | None) -> str | None:
    """The code of an activity, None when none is chosen yet. Raises `Invalid` (`activity`)."""
    if not activity:
        return None
    if activity not in set(Activity):
        raise Invalid(activity="Please choose one of the options.")
    return activity


async def one_at_a_time(tx: Transaction, principal: Principal) -> None:
    """Let the writes of one coordinator wait for each other: two tabs give two entries one after the other, not an error."""
    key = func.hashtextextended(str(principal.own_coordinator_id()), 0)
    await tx.execute(select(func.pg_advisory_xact_lock(key)))


async def own_locked(tx: Transaction, principal: Principal, which: ColumnElement[bool]) -> WorkEntry | None:
    """The coordinator's entry that `which` describes, locked and fresh."""
    entry: WorkEntry | None = await tx.scalar(
        select(WorkEntry)
        .where(WorkEntry.coordinator_id == principal.own_coordinator_id(), which)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return entry


async def _own_entry(tx: Transaction, principal: Principal, entry_id: UUID) -> WorkEntry:
    entry = await own_locked(tx, principal, WorkEntry.id == entry_id)
    if entry is None:
        raise NotFound
    return entry


def _note(note: str) -> str:
    if len(note.strip()) > LONGEST_NOTE:
        raise Invalid(note=f"Please shorten this to {LONGEST_NOTE} characters.")
    return note.strip()
