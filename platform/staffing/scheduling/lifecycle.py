"""The life of a plan (queued, solving, proposed, applied; or interrupted, failed, discarded) and of an assignment. Pure."""

from datetime import timedelta

from staffing.scheduling.errors import AssignmentHasMovedOn, PlanHasMovedOn
from staffing.scheduling.models import AssignmentState, PlanState

SILENCE = timedelta(seconds=6)
"""A solver that gave no sign of life for this long is dead; it gives one twice a second."""

_NEXT: dict[PlanState, frozenset[PlanState]] = {
    PlanState.QUEUED: frozenset({PlanState.SOLVING, PlanState.DISCARDED, PlanState.FAILED}),
    PlanState.SOLVING: frozenset({PlanState.PROPOSED, PlanState.INTERRUPTED, PlanState.FAILED, PlanState.DISCARDED}),
    PlanState.PROPOSED: frozenset({PlanState.APPLIED, PlanState.DISCARDED}),
    PlanState.INTERRUPTED: frozenset({PlanState.DISCARDED}),
    PlanState.FAILED: frozenset({PlanState.DISCARDED}),
    PlanState.APPLIED: frozenset(),
    PlanState.DISCARDED: frozenset(),
}
RUNNING = frozenset({PlanState.QUEUED, PlanState.SOLVING})
"""It is waiting for the planner or with it."""


def follow(state: PlanState, wanted: PlanState) -> PlanState:
    """The new state. Raises `PlanHasMovedOn` where the plan cannot go there from `state`."""
    if wanted not in _NEXT[state]:
        raise PlanHasMovedOn(f"This plan is {state.value} by now and cannot become {wanted.value}. Open it again to see it.")
    return wanted


def shown_state(state: PlanState, silent_for: timedelta | None) -> PlanState:
    """What a page says: a solver that fell silent is interrupted, even while nobody has come to write that down."""
    if state is PlanState.SOLVING and silent_for is not None and silent_for > SILENCE:
        return PlanState.INTERRUPTED
    return state


_NEXT_OF_ASSIGNMENT: dict[AssignmentState, frozenset[AssignmentState]] = {
    AssignmentState.CONFIRMED: frozenset({AssignmentState.CALLED_OFF, AssignmentState.RELEASED, AssignmentState.CANCELLED}),
    # A call-off that is taken back gives back what nobody else has taken.
    AssignmentState.CALLED_OFF: frozenset({AssignmentState.CONFIRMED}),
    AssignmentState.RELEASED: frozenset(),
    AssignmentState.CANCELLED: frozenset(),
}
_SAID_OF_ASSIGNMENT = {
    AssignmentState.CONFIRMED: "confirmed",
    AssignmentState.CALLED_OFF: "called off",
    AssignmentState.RELEASED: "given to somebody else",
    AssignmentState.CANCELLED: "cancelled by the facility",
}


def follow_assignment(state: AssignmentState, wanted: AssignmentState) -> AssignmentState:
    """The new state. Raises `AssignmentHasMovedOn` where the assignment cannot go there from `state`."""
    if wanted not in _NEXT_OF_ASSIGNMENT[state]:
        raise AssignmentHasMovedOn(
            f"This assignment is {_SAID_OF_ASSIGNMENT[state]} by now. Open the schedule again to see where it stands."
        )
    return wanted
