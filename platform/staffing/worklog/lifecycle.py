"""The states of a work entry and the steps between them. Pure.

`running → draft → submitted → approved → invoiced`; a submitted or approved entry can be disputed; a dispute is withdrawn by the
facility, or settled by the agency: kept or written off. One on a final invoice stays there while it is disputed
(`WorkEntry.disputed_at`), and is kept or credited. A draft can be taken back, what is submitted withdrawn and corrected.
"""

from enum import StrEnum

from staffing.worklog.errors import StepNotPossible
from staffing.worklog.models import EntryState


class Step(StrEnum):
    """What can happen to an entry. The value stands in its story (`EntryEvent.step`)."""

    STARTED = "started"
    ADDED = "added"
    STOPPED = "stopped"
    CONTINUED = "continued"
    """The part after a facility's month border, cut off from the entry before it."""
    DESCRIBED = "described"
    TAKEN_BACK = "taken_back"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"
    APPROVED = "approved"
    APPROVAL_UNDONE = "approval_undone"
    DISPUTED = "disputed"
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    KEPT = "kept"
    WRITTEN_OFF = "written_off"
    CREDITED = "credited"
    """A dispute about an entry on a final invoice ended with a credit note for it; the entry stays where it is."""
    INVOICED = "invoiced"
    RELEASED = "released"
    """Off a draft invoice again."""


TRANSITIONS: dict[EntryState, dict[Step, EntryState]] = {
    EntryState.RUNNING: {
        Step.DESCRIBED: EntryState.RUNNING,
        Step.STOPPED: EntryState.DRAFT,
        Step.TAKEN_BACK: EntryState.VOID,
    },
    EntryState.DRAFT: {
        Step.DESCRIBED: EntryState.DRAFT,
        Step.TAKEN_BACK: EntryState.VOID,
        Step.SUBMITTED: EntryState.SUBMITTED,
    },
    EntryState.SUBMITTED: {
        Step.WITHDRAWN: EntryState.DRAFT,
        Step.APPROVED: EntryState.APPROVED,
        Step.DISPUTED: EntryState.DISPUTED,
    },
    EntryState.APPROVED: {
        Step.APPROVAL_UNDONE: EntryState.SUBMITTED,
        Step.DISPUTED: EntryState.DISPUTED,
        Step.INVOICED: EntryState.INVOICED,
    },
    EntryState.DISPUTED: {
        Step.DISPUTE_WITHDRAWN: EntryState.SUBMITTED,
        Step.KEPT: EntryState.APPROVED,
        Step.WRITTEN_OFF: EntryState.WRITTEN_OFF,
    },
    EntryState.INVOICED: {
        Step.RELEASED: EntryState.APPROVED,
        # A final invoice does not change: the entry stays on it while it is disputed, and however that ends.
        Step.DISPUTED: EntryState.INVOICED,
        Step.DISPUTE_WITHDRAWN: EntryState.INVOICED,
        Step.KEPT: EntryState.INVOICED,
        Step.CREDITED: EntryState.INVOICED,
    },
    EntryState.WRITTEN_OFF: {},
    EntryState.VOID: {},
}

STATE_WORDS: dict[EntryState, str] = {
    EntryState.RUNNING: "Its timer is still running.",
    EntryState.DRAFT: "It is a draft that has not been submitted.",
    EntryState.SUBMITTED: "It waits for the facility's approval.",
    EntryState.APPROVED: "The facility has approved it.",
    EntryState.DISPUTED: "The facility disputes it; the agency will settle it.",
    EntryState.WRITTEN_OFF: "It was disputed and written off.",
    EntryState.INVOICED: "It stands on an invoice.",
    EntryState.VOID: "It was taken back.",
}

EDITABLE = frozenset({EntryState.RUNNING, EntryState.DRAFT})
VISIBLE_TO_FACILITY = frozenset(
    {EntryState.SUBMITTED, EntryState.APPROVED, EntryState.DISPUTED, EntryState.WRITTEN_OFF, EntryState.INVOICED}
)
"""A facility sees an entry from the moment it is submitted."""


def after(state: EntryState, step: Step) -> EntryState:
    """The state that `step` leads to. Raises `StepNotPossible`, with the present state in words."""
    following = TRANSITIONS[state].get(step)
    if following is None:
        raise StepNotPossible(f"This cannot be done with this entry any more. {STATE_WORDS[state]}")
    return following


def possible(state: EntryState, step: Step) -> bool:
    """Whether `step` can follow `state`."""
    return step in TRANSITIONS[state]
