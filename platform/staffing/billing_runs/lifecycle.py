"""What a run and each of its facilities can go through, and what stops it."""

from staffing.billing_runs.models import ItemState, RunState

LIVE = frozenset({RunState.PROPOSING, RunState.PROPOSED, RunState.ISSUING})
"""A run of the period that is not over: there is no second one beside it."""
TO_ISSUE = frozenset({ItemState.READY, ItemState.ACCEPTED})
"""Goes out when somebody presses the button."""
UNSETTLED = frozenset({ItemState.READY, ItemState.ACCEPTED, ItemState.FLAGGED, ItemState.FAILED})
"""Keeps a run open once it has proposed or issued what it could."""
PENDING = {
    RunState.PROPOSING: frozenset({ItemState.WAITING}),
    RunState.ISSUING: TO_ISSUE,
}
"""What the jobs still have to do while a run is in this state."""


def after_the_jobs(states: set[str]) -> RunState:
    """Where a run goes when its jobs have done all they could: on to a person, or to its end."""
    return RunState.PROPOSED if states & UNSETTLED else RunState.DONE
