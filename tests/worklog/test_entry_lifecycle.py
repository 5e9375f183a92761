"""The state machine of a work entry, walked at random."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staffing.worklog import lifecycle
from staffing.worklog.errors import StepNotPossible
from staffing.worklog.lifecycle import EDITABLE, STATE_WORDS, TRANSITIONS, VISIBLE_TO_FACILITY, Step
from staffing.worklog.models import EntryState

walks = st.lists(st.sampled_from(Step), max_size=40)


@given(walks)
def test_no_walk_reaches_an_invoice_without_an_approval_before_it(steps: list[Step]) -> None:
    state, approved = EntryState.RUNNING, False
    for step in steps:
        if not lifecycle.possible(state, step):
            with pytest.raises(StepNotPossible):
                lifecycle.after(state, step)
            continue
        state = lifecycle.after(state, step)
        if step in (Step.APPROVED, Step.KEPT):
            approved = True
        if state in EDITABLE:
            approved = False
        assert state is not EntryState.INVOICED or approved


@given(walks)
def test_content_is_only_written_before_it_is_submitted(steps: list[Step]) -> None:
    state = EntryState.RUNNING
    for step in steps:
        if lifecycle.possible(state, step):
            assert step is not Step.DESCRIBED or state not in VISIBLE_TO_FACILITY
            state = lifecycle.after(state, step)


@pytest.mark.parametrize("end", [EntryState.VOID, EntryState.WRITTEN_OFF])
def test_what_is_taken_back_or_written_off_stays_so(end: EntryState) -> None:
    assert TRANSITIONS[end] == {}


def test_an_invoiced_entry_leaves_its_invoice_only_with_it() -> None:
    steps = TRANSITIONS[EntryState.INVOICED]
    assert {step for step, following in steps.items() if following is not EntryState.INVOICED} == {Step.RELEASED}
    assert set(steps) - {Step.RELEASED} == {Step.DISPUTED, Step.DISPUTE_WITHDRAWN, Step.KEPT, Step.CREDITED}


def test_every_state_has_its_transitions_and_its_words() -> None:
    assert set(TRANSITIONS) == set(STATE_WORDS) == set(EntryState)


def test_every_state_but_the_first_can_be_reached() -> None:
    reached = {following for steps in TRANSITIONS.values() for following in steps.values()}
    assert reached == set(EntryState)


def test_a_refusal_says_where_the_entry_is() -> None:
    with pytest.raises(StepNotPossible, match="stands on an invoice"):
        lifecycle.after(EntryState.INVOICED, Step.APPROVED)
