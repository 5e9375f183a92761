"""Recording work as it happens or just after it: timers, entries by hand. One coordinator's writes go one after the other.

The database alone decides that no minute is recorded twice; when it refuses, the coordinator is told which of their own
entries is in the way.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from staffing import clock
from staffing.errors import Invalid, NotFound
from staffing.identity.principals import Principal
from staffing.persistence.transactions import EXCLUSION_VIOLATION, Transaction, sqlstate
from staffing.roster.models import Coordinator
from staffing.worklog import rules
from staffing.worklog.cover import Cover, check_patient, cover_around, facility_zone, own_cover, place_for
from staffing.worklog.drafts import LONGEST_REASON, activity_of, one_at_a_time, own_locked, take_back
from staffing.worklog.errors import NoTimerRuns, TimerRanLong
from staffing.worklog.lifecycle import Step
from staffing.worklog.models import EntrySource, EntryState, WorkEntry
from staffing.worklog.overlaps import time_taken
from staffing.worklog.rules import LONG, LONGEST, Span, whole_second
from staffing.worklog.steps import begin, start_of, take_step

SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is recorded: at which facility, for whom, which service (None: the one assigned there), which of the duties."""

    facility_id: UUID
    patient_id: UUID | None = None
    service: str | None = None
    activity: str | None = None
    note: str = ""


async def start_timer(
    tx: Transaction, principal: Principal, facility_id: UUID, patient_id: UUID | None = None, service: str | None = None
) -> WorkEntry:
    """Start a timer now. A running one stops at the same instant and becomes a draft; the same work once more goes on.

    Raises `NotFound` for a facility, patient or service that is not the coordinator's now, `TimerRanLong` when the running one
    must be asked about first.
    """
    await one_at_a_time(tx, principal)
    at = whole_second(clock.now())
    work = Work(facility_id=facility_id, patient_id=patient_id, service=service)
    place = await _place(tx, principal, work, at)
    running = await _running(tx, principal)
    if running is not None:
        if (running.facility_id, running.patient_id, running.service) == (facility_id, patient_id, place.service):
            return running
        await _stop(tx, principal, running, at)
    return await _run(tx, principal, work, place.service, at)


async def switch_timer(
    tx: Transaction, principal: Principal, facility_id: UUID, patient_id: UUID | None = None, service: str | None = None
) -> WorkEntry:
    """Switch to other work. It is `start_timer` by its other name: where nothing runs any more, it just starts."""
    return await start_timer(tx, principal, facility_id, patient_id, service)


async def stop_timer(tx: Transaction, principal: Principal, ended_at: datetime | None = None) -> WorkEntry:
    """Stop the running timer, now or at `ended_at`; it becomes a draft. Over a facility's month border it becomes two.

    Raises `NoTimerRuns`; `TimerRanLong` after more than four hours unless `ended_at` says when work ended; `Invalid` (`end`) for
    an end that cannot be.
    """
    await one_at_a_time(tx, principal)
    running = await _running(tx, principal)
    if running is None:
        raise NoTimerRuns
    at = whole_second(clock.now())
    if ended_at is None:
        await _stop(tx, principal, running, at)
    else:
        span = Span(start_of(running), whole_second(ended_at))
        rules.check(span, at)
        await _close(tx, principal, running, span)
    return running


async def add_entry(
    tx: Transaction,
    principal: Principal,
    work: Work,
    span: Span,
    reason: str,
    *,
    cut_running: bool = False,
    instead_of: UUID | None = None,
) -> list[WorkEntry]:
    """Record finished work by hand, with the reason why no timer ran. Two entries where it crosses the facility's month border.

    `cut_running`: where the time lies inside the running timer, that timer is cut in two around it. `instead_of`: a draft that
    this corrects; it is taken back in the same step. Raises `NotFound`, `TimeTaken`, `Invalid` (`start`, `end`, `reason`,
    `activity`).
    """
    await one_at_a_time(tx, principal)
    at = whole_second(clock.now())
    span = Span(whole_second(span.start), whole_second(span.end))
    rules.check(span, at)
    activity_of(work.activity)
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise Invalid(reason="Please say in a few words why this is added by hand.")
    place = await _place_then(tx, principal, work, span)
    if instead_of is not None:
        await take_back(tx, principal, instead_of)
    running = await _running(tx, principal) if cut_running else None
    inside = running is not None and start_of(running) < span.start
    if running is not None and inside:
        await _close(tx, principal, running, Span(start_of(running), span.start))
    entries = await _insert(tx, principal, work, place, span, reason.strip(), at)
    if running is not None and inside:
        again = await _run(tx, principal, _same_work(running), running.service, span.end)
        again.activity, again.note = running.activity, running.note
        await tx.flush()
    return entries


async def _insert(
    tx: Transaction, principal: Principal, work: Work, place: Cover, span: Span, reason: str, at: datetime
) -> list[WorkEntry]:
    country = await _work_country(tx, principal)
    entries = [
        WorkEntry(
            facility_id=work.facility_id,
            coordinator_id=principal.own_coordinator_id(),
            patient_id=work.patient_id,
            service=place.service,
            activity=activity_of(work.activity),
            note=work.note.strip(),
            during=Range(part.start, part.end),
            state=EntryState.DRAFT.value,
            source=EntrySource.MANUAL.value,
            manual_reason=reason,
            performed_from_country=country,
            created_at=at,
        )
        for part in rules.split_at_month_border(span, place.facility_zone)
    ]
    try:
        async with tx.begin_nested():
            for entry in entries:
                await begin(tx, principal.name, entry, Step.ADDED, reason)
            await tx.flush()
    except IntegrityError as refused:
        if sqlstate(refused) == EXCLUSION_VIOLATION:
            raise await time_taken(tx, principal, span) from refused
        raise
    return entries


async def _run(tx: Transaction, principal: Principal, work: Work, service: str, at: datetime) -> WorkEntry:
    entry = WorkEntry(
        facility_id=work.facility_id,
        coordinator_id=principal.own_coordinator_id(),
        patient_id=work.patient_id,
        service=service,
        during=Range(at, None),
        state=EntryState.RUNNING.value,
        source=EntrySource.TIMER.value,
        performed_from_country=await _work_country(tx, principal),
        created_at=at,
    )
    try:
        async with tx.begin_nested():
            await begin(tx, principal.name, entry, Step.STARTED)
            await tx.flush()
    except IntegrityError as refused:
        if sqlstate(refused) == EXCLUSION_VIOLATION:
            raise await time_taken(tx, principal, Span(at, at + LONGEST)) from refused
        raise
    return entry


async def _stop(tx: Transaction, principal: Principal, running: WorkEntry, at: datetime) -> None:
    """Stop at this instant, unless it ran so long that the coordinator must say when work ended."""
    start = start_of(running)
    if at <= start:
        # Pressed twice within a second: no time has passed, so nothing is kept of it.
        running.during = Range(start, start + SHORTEST)
        take_step(tx, principal.name, running, Step.TAKEN_BACK, "stopped within the same second")
        await tx.flush()
    elif at - start > LONG:
        hours, minutes = divmod(int((at - start).total_seconds()) // 60, 60)
        raise TimerRanLong(
            f"This timer has been running for {hours} h {minutes} min. Please say when you stopped working.", at - start
        )
    else:
        await _close(tx, principal, running, Span(start, at))


async def _close(tx: Transaction, principal: Principal, running: WorkEntry, span: Span) -> None:
    first, *rest = rules.split_at_month_border(span, await facility_zone(tx, running.facility_id))
    running.during = Range(first.start, first.end)
    take_step(tx, principal.name, running, Step.STOPPED)
    # The database checks every statement: the old time must have ended before the next part begins.
    await tx.flush()
    for part in rest:
        entry = WorkEntry(
            facility_id=running.facility_id,
            coordinator_id=running.coordinator_id,
            patient_id=running.patient_id,
            service=running.service,
            activity=running.activity,
            note=running.note,
            during=Range(part.start, part.end),
            state=EntryState.DRAFT.value,
            source=running.source,
            performed_from_country=running.performed_from_country,
            created_at=running.created_at,
        )
        await begin(tx, principal.name, entry, Step.CONTINUED, "the month ended at the facility")
    await tx.flush()


def _same_work(entry: WorkEntry) -> Work:
    return Work(facility_id=entry.facility_id, patient_id=entry.patient_id, service=entry.service)


async def _running(tx: Transaction, principal: Principal) -> WorkEntry | None:
    return await own_locked(tx, principal, WorkEntry.state == EntryState.RUNNING)


async def _place(tx: Transaction, principal: Principal, work: Work, at: datetime) -> Cover:
    """The cover that lets the coordinator do this now. Raises `NotFound` for what is not theirs."""
    await _check(tx, principal, work)
    return place_for(await cover_around(tx, principal, at), work.facility_id, at, work.service)


async def _place_then(tx: Transaction, principal: Principal, work: Work, span: Span) -> Cover:
    """The cover that past work belongs to. Raises `NotFound`, or `Invalid` (`start`) where there was none at that time."""
    await _check(tx, principal, work)
    around = Span(span.start - rules.BEFORE_COVER, span.end + rules.AFTER_COVER)
    covers = await own_cover(tx, principal, around)
    if not any(cover.facility_id == work.facility_id for cover in covers):
        raise Invalid(start="You were not assigned to this facility then.")
    return place_for(covers, work.facility_id, span.start, work.service)


async def _check(tx: Transaction, principal: Principal, work: Work) -> None:
    if work.facility_id not in principal.care_facility_ids:
        raise NotFound
    if work.patient_id is not None:
        await check_patient(tx, principal, work.facility_id, work.patient_id)


async def _work_country(tx: Transaction, principal: Principal) -> str:
    country = await tx.scalar(select(Coordinator.work_country).where(Coordinator.id == principal.own_coordinator_id()))
    assert country is not None
    return country
