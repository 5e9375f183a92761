"""Making changes to the schedule: everything of a change is made, or nothing and the sentences say what is in the way.

A plan that is applied and relief that is confirmed are the same thing here: people who are taken off windows, and people
who take some. All of it is looked at once more against the rows as they are now.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from staffing import clock
from staffing.facilities.models import Facility
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import EXCLUSION_VIOLATION, UNIQUE_VIOLATION, Transaction, sqlstate
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.roster.models import Coordinator
from staffing.scheduling import recheck
from staffing.scheduling.facts import interval_of
from staffing.scheduling.lifecycle import follow_assignment
from staffing.scheduling.models import Assignment, AssignmentState
from staffing.scheduling.problem import remaining
from staffing.scheduling.recheck import Choice

SAID_OF_AN_ASSIGNMENT = ("sentences", "knows_facility", "others")
"""What an assignment keeps of a choice's reason. Facilities and coordinators read assignments, so no money is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be made: assignments that end first, then the new ones."""

    takes: Sequence[Choice]
    releases: Sequence[UUID] = ()
    plan_id: UUID | None = None
    relief_for_id: UUID | None = None
    parts: bool = False
    """What one person throughout was asked for may be shared: so it is while relief is found."""


class InTheWay(Exception):
    """Nothing was changed. `sentences` say why, each with the names of those concerned."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = tuple(dict.fromkeys(sentences))
        super().__init__(f"{len(self.sentences)} things are in the way")


async def make(tx: Transaction, principal: Principal, change: Change) -> None:
    """Make the change. Raises `InTheWay` when a part of it cannot be made any more; then nothing of it was."""
    ending = await _ending(tx, change.releases)
    await hold_people(tx, [*(one.coordinator_id for one in change.takes), *(one.coordinator_id for one in ending)])
    await _hold_windows(tx, [*(one.window_id for one in change.takes), *(one.window_id for one in ending)])
    async with tx.begin_nested():
        if gone := await _release(tx, ending):
            raise InTheWay(gone)
        if broken := await recheck.what_broke(tx, change.takes, clock.now(), parts=change.parts):
            raise InTheWay(broken)
        await _take(tx, principal, change)
    _note_requests(tx, change.takes)


async def hold_people(tx: Transaction, coordinator_ids: Iterable[UUID]) -> None:
    """Wait for whoever changes what these people are assigned to, and have others wait for us; always in the same order.

    No row locks: a coordinator calls off without the right to write to the roster.
    """
    keys = bindparam("people", sorted({str(one) for one in coordinator_ids}), ARRAY(Text))
    person = func.unnest(keys).column_valued("person")
    await tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(person, 0))))


async def _hold_windows(tx: Transaction, window_ids: Iterable[UUID]) -> None:
    column = CoverageWindow.id
    await tx.execute(select(column).where(column.in_(list(set(window_ids)))).order_by(column).with_for_update(key_share=True))


async def _ending(tx: Transaction, releases: Sequence[UUID]) -> list[Assignment]:
    if not releases:
        return []
    rows = await tx.scalars(select(Assignment).where(Assignment.id.in_(list(releases))).order_by(Assignment.id))
    return list(rows)


async def _release(tx: Transaction, ending: Sequence[Assignment]) -> list[str]:
    """End these assignments. Returns a sentence for each that somebody has ended already."""
    now, over = clock.now(), []
    for assignment in ending:
        await tx.refresh(assignment)
        if assignment.state == AssignmentState.CONFIRMED and interval_of(assignment.during).start > now:
            assignment.state = follow_assignment(AssignmentState.CONFIRMED, AssignmentState.RELEASED).value
            assignment.ended_at = now
            assignment.ended_reason = "Somebody else takes this window."
            audit.note(tx, "assignment.released", "assignment", assignment.id, facility_id=assignment.facility_id)
        else:
            over.append(assignment.id)
    await tx.flush()
    return [] if not over else await _said_of(tx, over)


async def _said_of(tx: Transaction, assignment_ids: Sequence[UUID]) -> list[str]:
    rows = await tx.execute(
        select(Coordinator.name, Facility.name, Facility.time_zone, Assignment.during, Assignment.state)
        .join(Coordinator, Coordinator.id == Assignment.coordinator_id)
        .join(Facility, Facility.id == Assignment.facility_id)
        .where(Assignment.id.in_(list(assignment_ids)))
        .order_by(Coordinator.name, Assignment.during)
    )
    return [
        f"{name} {'has begun' if state == AssignmentState.CONFIRMED else 'is not assigned to'} {facility} on"
        f" {recheck.when(interval_of(during), zone)}{'' if state == AssignmentState.CONFIRMED else ' any more'}."
        for name, facility, zone, during, state in rows
    ]


async def _take(tx: Transaction, principal: Principal, change: Change) -> None:
    seats = await free_seats(tx, [choice.window_id for choice in change.takes])
    try:
        async with tx.begin_nested():
            tx.add_all(_assignment(choice, seats[choice.window_id].pop(0), change, principal) for choice in change.takes)
            await tx.flush()
    except IntegrityError as refused:
        if sqlstate(refused) not in (EXCLUSION_VIOLATION, UNIQUE_VIOLATION):
            raise
        raise InTheWay(await recheck.in_the_way(tx, change.takes, clock.now())) from refused


async def free_seats(tx: Transaction, window_ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    """The seats of each window that nobody holds, lowest first."""
    taken: dict[UUID, set[int]] = defaultdict(set)
    for window_id, seat in await tx.execute(
        select(Assignment.window_id, Assignment.seat).where(
            Assignment.window_id.in_(window_ids), Assignment.state == AssignmentState.CONFIRMED
        )
    ):
        taken[window_id].add(seat)
    rows = await tx.execute(select(CoverageWindow.id, CoverageWindow.headcount).where(CoverageWindow.id.in_(window_ids)))
    return {
        window_id: [seat for seat in range(1, headcount + 1) if seat not in taken[window_id]] for window_id, headcount in rows
    }


def _assignment(choice: Choice, seat: int, change: Change, principal: Principal) -> Assignment:
    # Who steps in while the window is under way comes for the rest of it.
    during = remaining(choice.during, clock.now())
    return Assignment(
        facility_id=choice.facility_id,
        request_id=choice.request_id,
        window_id=choice.window_id,
        coordinator_id=choice.coordinator_id,
        during=Range(during.start, during.end),
        seat=seat,
        state=AssignmentState.CONFIRMED.value,
        plan_id=change.plan_id,
        relief_for_id=change.relief_for_id,
        why=_said(choice.why),
        created_by=principal.account_id,
        created_at=clock.now(),
    )


def _said(why: dict[str, Any]) -> dict[str, Any]:
    return {key: why[key] for key in SAID_OF_AN_ASSIGNMENT if key in why}


def _note_requests(tx: Transaction, choices: Iterable[Choice]) -> None:
    per_request: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for choice in choices:
        per_request[choice.facility_id, choice.request_id] += 1
    for (facility_id, request_id), windows in sorted(per_request.items()):
        audit.note(tx, "request.assigned", "staffing_request", request_id, facility_id=facility_id, detail=f"{windows} windows")


async def choices_for(tx: Transaction, wanted: Sequence[tuple[UUID, UUID, dict[str, Any]]]) -> list[Choice]:
    """(coordinator, window, reason) as choices, with the words to speak of them."""
    windows = {
        window_id: (request_id, reference, facility, interval_of(during))
        for window_id, request_id, reference, facility, during in await tx.execute(
            select(CoverageWindow.id, StaffingRequest.id, StaffingRequest.reference, Facility, CoverageWindow.during)
            .join(StaffingRequest, StaffingRequest.id == CoverageWindow.request_id)
            .join(Facility, Facility.id == CoverageWindow.facility_id)
            .where(CoverageWindow.id.in_([window_id for _person, window_id, _why in wanted]))
        )
    }
    people = await tx.execute(
        select(Coordinator.id, Coordinator.name).where(Coordinator.id.in_([person for person, _window, _why in wanted]))
    )
    name = {row[0]: row[1] for row in people}
    found = []
    for person, window_id, why in wanted:
        request_id, reference, facility, during = windows[window_id]
        found.append(
            Choice(
                window_id=window_id,
                during=during,
                coordinator_id=person,
                coordinator=name[person],
                request_id=request_id,
                reference=reference,
                facility_id=facility.id,
                facility=facility.name,
                facility_zone=facility.time_zone,
                why=why,
            )
        )
    return sorted(found, key=lambda one: (str(one.coordinator_id), one.during.start))
