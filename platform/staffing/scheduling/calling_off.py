"""Calling off: a coordinator cannot come. Their windows are open again at once, and the search for relief begins."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from matching.problem import Interval
from staffing import clock
from staffing.errors import NotFound
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit, jobs
from staffing.persistence.base import new_id
from staffing.persistence.transactions import EXCLUSION_VIOLATION, UNIQUE_VIOLATION, Transaction, sqlstate
from staffing.requests.models import CoverageWindow
from staffing.roster.models import Coordinator
from staffing.scheduling.call_off_rules import REASON_NAMES, CallOffReason, Reach, away_during
from staffing.scheduling.changing import free_seats, hold_people
from staffing.scheduling.errors import CallOffHasMovedOn
from staffing.scheduling.facts import interval_of
from staffing.scheduling.lifecycle import follow_assignment
from staffing.scheduling.models import Assignment, AssignmentState, CallOff, ReliefSearch

FIND_RELIEF = "scheduling.find_relief"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCallOff:
    """What somebody says when they call off: the first assignment they miss, and how far it goes."""

    assignment_id: UUID
    reach: Reach
    reason: CallOffReason
    until: date | None = None


async def call_off(tx: Transaction, principal: Principal, new: NewCallOff) -> CallOff:
    """Take a coordinator off everything in a stretch of time that begins with one assignment.

    A coordinator calls off for themselves, the agency for anybody. What was recorded so far stays as it is. Raises
    `NotFound` for somebody else's assignment, `AssignmentHasMovedOn` for one that ended otherwise, `Invalid` for the
    times of `call_off_rules.away_during`.
    """
    principal.require(Permission.DESK_CALL_OFFS_RECORD if principal.of_agency else Permission.WORKSPACE_CALL_OFFS_RECORD)
    first, zone = await _held_assignment(tx, principal, new.assignment_id)
    follow_assignment(AssignmentState(first.state), AssignmentState.CALLED_OFF)
    away = away_during(interval_of(first.during), new.reach, new.until, zone, clock.now())
    made = CallOff(
        id=new_id(),
        coordinator_id=first.coordinator_id,
        during=Range(away.start, away.end),
        reason=new.reason.value,
        recorded_by=principal.account_id,
        recorded_at=clock.now(),
    )
    tx.add(made)
    await tx.flush()
    missed = await _miss(tx, made, away)
    audit.note(tx, "call_off.recorded", "call_off", made.id, detail=f"{made.reason}, {missed} windows")
    await search_again(tx, principal, made.id)
    return made


async def _held_assignment(tx: Transaction, principal: Principal, assignment_id: UUID) -> tuple[Assignment, str]:
    """An assignment the caller may call off, as it is once nobody else changes its coordinator's; and their zone."""
    query = (
        select(Assignment, Coordinator.time_zone)
        .join(Coordinator, Coordinator.id == Assignment.coordinator_id)
        .where(Assignment.id == assignment_id)
    )
    if not principal.of_agency:
        query = query.where(Assignment.coordinator_id == principal.own_coordinator_id())
    found = (await tx.execute(query)).one_or_none()
    if found is None:
        raise NotFound
    assignment, zone = found
    await hold_people(tx, [assignment.coordinator_id])
    await tx.refresh(assignment)
    return assignment, zone


async def search_again(tx: Transaction, principal: Principal, call_off_id: UUID) -> None:
    """Have relief looked for; until then the page says that it is. A coordinator's own call-off is looked at by the agency
    alone, so there the search writes its first line itself.
    """
    payload = {"call_off_id": str(call_off_id)}
    if principal.of_agency:
        waiting = ReliefSearch(id=new_id(), call_off_id=call_off_id, started_at=clock.now())
        tx.add(waiting)
        payload["search_id"] = str(waiting.id)
    await jobs.enqueue(tx, FIND_RELIEF, payload, priority=1)


async def _miss(tx: Transaction, made: CallOff, away: Interval) -> int:
    """Take the person off what they would miss. Returns how many windows that opens."""
    missed = (
        await tx.scalars(
            select(Assignment)
            .where(
                Assignment.coordinator_id == made.coordinator_id,
                Assignment.state == AssignmentState.CONFIRMED,
                Assignment.during.overlaps(Range(away.start, away.end)),
            )
            .order_by(Assignment.id)
        )
    ).all()
    now = clock.now()
    for assignment in missed:
        assignment.state = follow_assignment(AssignmentState(assignment.state), AssignmentState.CALLED_OFF).value
        assignment.call_off_id = made.id
        # Of one that has begun, the part before this counts as worked.
        assignment.ended_at = max(interval_of(assignment.during).start, away.start) if _begun(assignment, away) else now
        assignment.ended_reason = REASON_NAMES[CallOffReason(made.reason)]
        audit.note(
            tx, "assignment.called_off", "assignment", assignment.id, facility_id=assignment.facility_id, detail=made.reason
        )
    await tx.flush()
    return len(missed)


def _begun(assignment: Assignment, away: Interval) -> bool:
    return interval_of(assignment.during).start < away.start


async def withdraw(tx: Transaction, principal: Principal, call_off_id: UUID) -> int:
    """The coordinator can come after all: they get back what nobody else has taken. Returns how many windows that is.

    Raises `CallOffHasMovedOn` for one that was taken back before.
    """
    principal.require(Permission.DESK_CALL_OFFS_RECORD)
    found = await locked_call_off(tx, call_off_id)
    if found.withdrawn_at is not None:
        raise CallOffHasMovedOn
    await hold_people(tx, [found.coordinator_id])
    found.withdrawn_at, found.withdrawn_by = clock.now(), principal.account_id
    given_back = 0
    for assignment in await _still_open(tx, found):
        given_back += await _give_back(tx, assignment)
    await tx.flush()
    audit.note(tx, "call_off.withdrawn", "call_off", found.id, detail=f"{given_back} windows")
    return given_back


async def locked_call_off(tx: Transaction, call_off_id: UUID) -> CallOff:
    """The call-off, held against changes by others. Raises `NotFound`."""
    found = await tx.scalar(select(CallOff).where(CallOff.id == call_off_id).with_for_update())
    if found is None:
        raise NotFound
    return found


async def _still_open(tx: Transaction, call_off: CallOff) -> list[Assignment]:
    """What the call-off took from the person, as far as it is not over and the facility still wants it."""
    rows = await tx.scalars(
        select(Assignment)
        .join(CoverageWindow, CoverageWindow.id == Assignment.window_id)
        .where(
            Assignment.call_off_id == call_off.id,
            Assignment.state == AssignmentState.CALLED_OFF,
            ~CoverageWindow.cancelled,
            func.upper(CoverageWindow.during) > clock.now(),
        )
        .order_by(Assignment.id)
    )
    return list(rows)


async def _give_back(tx: Transaction, assignment: Assignment) -> bool:
    seats = (await free_seats(tx, [assignment.window_id]))[assignment.window_id]
    if not seats:
        return False
    try:
        async with tx.begin_nested():
            assignment.state = follow_assignment(AssignmentState(assignment.state), AssignmentState.CONFIRMED).value
            assignment.call_off_id, assignment.ended_at, assignment.ended_reason = None, None, ""
            assignment.seat = seats[0]
            await tx.flush()
    except IntegrityError as refused:
        if sqlstate(refused) not in (EXCLUSION_VIOLATION, UNIQUE_VIOLATION):
            raise
        await tx.refresh(assignment)
        return False
    audit.note(tx, "assignment.given_back", "assignment", assignment.id, facility_id=assignment.facility_id)
    return True
