"""A plan that keeps every rule, one thing spoiled: the check names that rule."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.planning import at, coordinator, problem, request, week

from matching.facts import Facts
from matching.options import Options
from matching.problem import Assignment, Coordinator, ForbiddenPair, Interval, Limit, Problem, Request, Window
from matching.solution import Solution, Status
from matching.solving.greedy import greedy_plan
from matching.state import State
from matching.verify import Violation, objective_of, rule_violations, verify_plan

Plan = list[Assignment]
Plant = Callable[[Problem, Plan, Assignment], tuple[Problem, Plan]]


def kept(made: Problem) -> Plan:
    """A plan by the greedy start, which keeps every rule."""
    facts = Facts(made)
    options = Options(facts)
    state = State(options)
    greedy_plan(options, state)
    return list(options.assignments(facts, state.chosen))


def with_person(made: Problem, name: str, **values: object) -> Problem:
    people = tuple(replace(who, **values) if who.id == name else who for who in made.coordinators)  # type: ignore[arg-type]
    return replace(made, coordinators=people)


def with_request(made: Problem, name: str, **values: object) -> Problem:
    asked = tuple(replace(entry, **values) if entry.id == name else entry for entry in made.requests)  # type: ignore[arg-type]
    return replace(made, requests=asked)


def person_of(made: Problem, entry: Assignment) -> Coordinator:
    return next(who for who in made.coordinators if who.id == entry.coordinator)


def request_of(made: Problem, entry: Assignment) -> Request:
    return next(asked for asked in made.requests if any(window.id == entry.window for window in asked.windows))


def window_of(made: Problem, entry: Assignment) -> Window:
    return next(window for window in request_of(made, entry).windows if window.id == entry.window)


def plant_service(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    return with_person(made, entry.coordinator, services={"something-else": 9}), plan


def plant_level(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    return with_request(made, request_of(made, entry).id, level=9), plan


def plant_language(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    return with_request(made, request_of(made, entry).id, language="zh"), plan


def plant_system(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    return with_person(made, entry.coordinator, systems=frozenset()), plan


def plant_credentials(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    asked = request_of(made, entry)
    early = max(window.end for window in asked.windows) - timedelta(minutes=1)
    made = with_request(made, asked.id, credentials=frozenset({"hipaa"}))
    return with_person(made, entry.coordinator, credentials={"hipaa": early}), plan


def plant_excluded(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    return with_person(made, entry.coordinator, excluded_facilities=frozenset({request_of(made, entry).facility})), plan


def plant_work_country(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    made = with_request(made, request_of(made, entry).id, offshore_allowed=False)
    return with_person(made, entry.coordinator, work_country="PH"), plan


def plant_licence(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    return with_request(made, request_of(made, entry).id, licence_state="WY"), plan


def plant_screening(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    early = max(window.end for window in request_of(made, entry).windows) - timedelta(minutes=1)
    return with_person(made, entry.coordinator, screened_until=early), plan


def plant_orientation(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    made = with_request(made, request_of(made, entry).id, orientation_required=True)
    return with_person(made, entry.coordinator, oriented_facilities=frozenset()), plan


def plant_forbidden(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    return replace(made, forbidden=(ForbiddenPair(entry.coordinator, request_of(made, entry).id),)), plan


def plant_availability(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    window = window_of(made, entry)
    return with_person(made, entry.coordinator, available=(Interval(window.start, window.end - timedelta(minutes=1)),)), plan


def plant_overlap(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    window = window_of(made, entry)
    double = replace(request_of(made, entry), id="Rx", windows=(replace(window, id="Rx.0"),))
    return replace(made, requests=(*made.requests, double)), [*plan, Assignment(entry.coordinator, "Rx.0")]


def plant_cap(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    worked = [window_of(made, other) for other in plan if other.coordinator == entry.coordinator]
    minutes = sum((window.end - window.start) // timedelta(minutes=1) for window in worked)
    return with_person(made, entry.coordinator, cap_minutes=minutes - 1), plan


def plant_period_cap(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    """A cap of one minute less than what starts within the planted window, which the whole cap allows."""
    window = window_of(made, entry)
    during = Interval(window.start, window.start + timedelta(minutes=1))
    minutes = (window.end - window.start) // timedelta(minutes=1)
    return with_person(made, entry.coordinator, limits=(Limit(during, minutes - 1),)), plan


def plant_facilities(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    served = {request_of(made, other).facility for other in plan if other.coordinator == entry.coordinator}
    return with_person(made, entry.coordinator, max_facilities=len(served) - 1), plan


def plant_headcount(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    twin = replace(person_of(made, entry), id="twin")
    asked = request_of(made, entry)
    heads = sum(other.window == entry.window for other in plan)
    made = with_request(replace(made, coordinators=(*made.coordinators, twin)), asked.id, headcount=heads)
    return made, [*plan, *(Assignment("twin", window.id) for window in asked.windows)]


def plant_whole(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    asked = request_of(made, entry)
    more = Window("Rx.0", asked.windows[-1].end, asked.windows[-1].end + timedelta(hours=1))
    return with_request(made, asked.id, windows=(*asked.windows, more), max_coordinators=1), plan


def plant_sharing(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    asked = request_of(made, entry)
    people = [replace(person_of(made, entry), id=f"twin{k}") for k in range(3)]
    last = asked.windows[-1].end
    more = tuple(Window(f"Rx.{k}", last + timedelta(hours=k), last + timedelta(hours=k + 1)) for k in range(3))
    made = with_request(made, asked.id, windows=(*asked.windows, *more), max_coordinators=2, headcount=1)
    made = replace(made, coordinators=(*made.coordinators, *people))
    return made, [*plan, *(Assignment(f"twin{k}", f"Rx.{k}") for k in range(3))]


def plant_rest(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    """A copy of the work that starts a day later leaves less than a day and a half of rest."""
    window = window_of(made, entry)
    later = Window("Rx.0", window.start + timedelta(days=1), window.end + timedelta(days=1))
    extra = replace(request_of(made, entry), id="Rx", windows=(later,))
    made = replace(made, requests=(*made.requests, extra), rest_minutes=36 * 60)
    return made, [*plan, Assignment(entry.coordinator, "Rx.0")]


def plant_span(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    window = window_of(made, entry)
    return replace(made, max_span_minutes=(window.end - window.start) // timedelta(minutes=1) - 1), plan


def plant_pin(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    return replace(made, pins=(entry,)), [other for other in plan if other != entry]


def plant_duplicate(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    return made, [*plan, entry]


def plant_unknown(made: Problem, plan: Plan, entry: Assignment) -> tuple[Problem, Plan]:
    return made, [*plan, Assignment("nobody", entry.window)]


PLANTS = {name.removeprefix("plant_"): plant for name, plant in globals().items() if name.startswith("plant_")}


@pytest.mark.parametrize("rule", sorted(PLANTS))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(seed=st.integers(0, 10**6))
def test_the_check_finds_what_is_planted(rule: str, seed: int) -> None:
    made = week(seed)
    plan = kept(made)
    assume(plan)
    assert list(rule_violations(made, plan)) == []
    entry = Random(seed).choice(plan)
    spoiled, spoiled_plan = PLANTS[rule](made, plan, entry)
    found = list(rule_violations(spoiled, spoiled_plan))
    assert rule in {violation.rule for violation in found}
    assert all(violation.sentence for violation in found)


def solution(made: Problem, plan: Plan, *, bound: int | None = None, more: int = 0) -> Solution:
    worth = objective_of(made, plan)
    return Solution(assignments=tuple(plan), objective=worth + more, bound=bound, status=Status.FEASIBLE, seconds=0.0)


def test_a_wrong_objective_and_a_broken_bound_are_found() -> None:
    made = problem([coordinator()], [request()])
    plan = [Assignment("C0", "R0.0")]
    worth = objective_of(made, plan)
    assert verify_plan(made, solution(made, plan, bound=worth)) == ()
    assert [entry.rule for entry in verify_plan(made, solution(made, plan, more=1))] == ["objective"]
    assert [entry.rule for entry in verify_plan(made, solution(made, plan, bound=worth - 1))] == ["bound"]


def test_the_objective_by_hand() -> None:
    """Two windows of 3 hours at priority 3, bill 50, pay 30: 24 slots of 400 + 20. The facility is new (150), one pair (50).
    The target is 7 h 40 min, 30 whole slots; 60 % of them are 18 slots, so nothing is lost there. Somebody idle with a target
    of 5 h, 20 slots, loses 12 slots of 10."""
    working = coordinator("C0", target_minutes=460)
    idle = coordinator("C1", target_minutes=300)
    made = problem([working, idle], [request(windows=((9, 12), (33, 36)))])
    plan = [Assignment("C0", "R0.0"), Assignment("C0", "R0.1")]
    assert objective_of(made, plan) == 24 * 420 - 150 - 50 - 12 * 10
    known = replace(made, coordinators=(replace(working, known_facilities=frozenset({"F0"}), target_minutes=240), idle))
    # Known: 30 more a slot and no price for a new facility; over a target of 16 slots by 8, at 20 each.
    assert objective_of(known, plan) == 24 * 450 - 50 - 8 * 20 - 12 * 10


def test_dropped_assignments_of_the_previous_plan_cost_their_price() -> None:
    made = problem([coordinator()], [request(), request("R1", ((33, 36),))])
    before = (Assignment("C0", "R0.0"), Assignment("C0", "R1.0"))
    priced = replace(made, previous=before, weights=replace(made.weights, change=70))
    assert objective_of(priced, before) == objective_of(made, before)
    assert objective_of(priced, before[:1]) == objective_of(made, before[:1]) - 70


def test_touching_availability_is_one_stretch() -> None:
    person = coordinator(available=(Interval(at(10), at(14)), Interval(at(8), at(10))))
    made = problem([person], [request()])
    assert list(rule_violations(made, [Assignment("C0", "R0.0")])) == []


def test_a_window_counts_in_the_period_it_starts_in() -> None:
    """22:00 to 02:00 is four hours of the first period and none of the second; their caps stand beside that of the whole."""
    asked = request(windows=((22, 26), (26, 30)), max_coordinators=2)
    both = [Assignment("C0", "R0.0"), Assignment("C0", "R0.1")]

    def broken(first: int, second: int, whole: int = 480) -> list[str]:
        limits = (Limit(Interval(at(0), at(24)), first), Limit(Interval(at(24), at(48)), second))
        made = problem([coordinator(limits=limits, cap_minutes=whole)], [asked])
        return [entry.rule for entry in rule_violations(made, both)]

    assert broken(240, 240) == []
    assert broken(239, 240) == ["period_cap"]
    assert broken(240, 239) == ["period_cap"]
    assert broken(600, 600, whole=479) == ["cap"]


def test_a_violation_names_the_person_and_the_window() -> None:
    made = problem([coordinator(languages=frozenset())], [request()])
    assert list(rule_violations(made, [Assignment("C0", "R0.0")])) == [
        Violation("language", "C0 does not speak en", "C0", "R0.0")
    ]


def test_a_day_belongs_to_the_persons_own_zone() -> None:
    """22:00 to 02:00 UTC is one evening in New York: its two halves need no rest between them there, and do in UTC."""
    evening = request(windows=((22, 23), (25, 26)), max_coordinators=2)
    there = problem([coordinator(time_zone="America/New_York")], [evening], rest_minutes=600)
    here = problem([coordinator(time_zone="UTC")], [evening], rest_minutes=600)
    plan = [Assignment("C0", "R0.0"), Assignment("C0", "R0.1")]
    assert list(rule_violations(there, plan)) == []
    assert [entry.rule for entry in rule_violations(here, plan)] == ["rest"]
