"""The rules that filter and explain, and the independent check, say the same about every person and every piece of work."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.planning import week

from matching.facts import Facts
from matching.objective import plan_worth, week_worth
from matching.options import Options
from matching.problem import Assignment
from matching.rules import PERSON_RULES, PLAN_RULES, SENTENCES
from matching.solving.greedy import greedy_plan
from matching.state import State
from matching.verify import objective_of, rule_violations

seeds = st.integers(0, 10**6)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_person_rules_name_what_the_check_names(seed: int) -> None:
    made = week(seed, people=4, requests=5)
    facts = Facts(made)
    for r, request in enumerate(made.requests):
        for c, person in enumerate(made.coordinators):
            plan = [Assignment(person.id, window.id) for window in request.windows]
            checked = {violation.rule for violation in rule_violations(made, plan)}
            said = {rule.name for bit, rule in enumerate(PERSON_RULES) if facts.violations[r, c] >> bit & 1}
            if request.is_whole:
                personal = checked & {rule.name for rule in PERSON_RULES}
                # Somebody without the service has no level in it: the check names the first, the funnel both.
                assert said - ({"level"} if "service" in said else set()) == personal
            else:
                available = facts.available[facts.windows_of(r), c]
                assert ("availability" in checked) == (not available.all())
                assert ("availability" in said) == (not available.any())


@settings(max_examples=60, deadline=None)
@given(seeds, st.data())
def test_what_can_be_added_is_what_the_check_accepts(seed: int, data: st.DataObject) -> None:
    made = week(seed, people=4, requests=6)
    facts = Facts(made)
    options = Options(facts)
    state = State(options)
    for option in data.draw(st.permutations(range(len(options.item)))):
        one = np.array([option])
        before = list(options.assignments(facts, state.chosen))
        added = list(options.assignments(facts, one))
        accepted = option not in state.chosen and not list(rule_violations(made, before + added))
        assert bool(state.free(one)[0]) == accepted
        if accepted:
            gain = int(state.gain(one)[0])
            assert objective_of(made, before + added) - objective_of(made, before) == gain
            if data.draw(st.booleans()):
                state.add(option)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_the_search_and_the_check_count_the_same_points(seed: int) -> None:
    made = week(seed, people=5, requests=8)
    facts = Facts(made)
    options = Options(facts)
    state = State(options)
    greedy_plan(options, state)
    chosen = state.chosen
    assert not list(rule_violations(made, options.assignments(facts, chosen)))
    assert plan_worth(options, chosen) == objective_of(made, options.assignments(facts, chosen))
    weeks = [chosen[options.person[chosen] == c] for c in range(options.people)]
    assert sum(week_worth(options, c, mine) for c, mine in enumerate(weeks)) + options.constant == plan_worth(options, chosen)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_giving_back_undoes_taking(seed: int) -> None:
    made = week(seed, people=4, requests=6)
    options = Options(Facts(made))
    state, untouched = State(options), State(options)
    greedy_plan(options, state)
    for option in state.chosen.tolist():
        state.remove(option)
    for name in ("heads", "minutes", "period_minutes", "slots", "serves", "facilities", "sharers", "held", "work_day", "has"):
        assert (getattr(state, name) == getattr(untouched, name)).all(), name


def test_every_rule_has_a_sentence_of_its_own() -> None:
    names = [rule.name for rule in (*PERSON_RULES, *PLAN_RULES)]
    assert len(set(names)) == len(names)
    assert len(set(SENTENCES.values())) == len(SENTENCES)
    assert set(names) <= set(SENTENCES)
