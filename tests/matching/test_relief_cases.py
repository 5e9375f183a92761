"""Relief after a call-off, one case each by hand."""

from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest
from support.call_offs import every_option, plan_of, running
from support.planning import at, coordinator, problem, request

from matching import verify_plan
from matching.problem import Assignment, ForbiddenPair, Interval, Limit, Objective, Problem, Weights
from matching.relief import CHANGE_PRICE, CallOff, OptionKind, after_call_off, apply_option, relief_options
from matching.relief.board import Board
from matching.relief.joint import MOST_MOVED
from matching.relief.moves import Ways


def two_facilities() -> Problem:
    """C0 has R0; C1 could take R0 but has R1 at the same time; C2 could take only R1."""
    return problem(
        [
            coordinator("C0"),
            coordinator("C1"),
            coordinator("C2", services={"intake": 3}),
        ],
        [
            request("R0", priority=5),
            request("R1", ((10, 13),), service="intake"),
        ],
    )


def test_a_chain_of_two_moves() -> None:
    made = two_facilities()
    both = replace(made.coordinators[1], services={"prior-auth": 3, "intake": 3})
    made = replace(made, coordinators=(made.coordinators[0], both, made.coordinators[2]))
    plan = plan_of(made, (Assignment("C0", "R0.0"), Assignment("C1", "R1.0")))
    relief = relief_options(made, plan, CallOff("C0"))
    chain, trade = relief.items[0].options
    assert (chain.kind, chain.people, chain.opens) == (OptionKind.CHAIN, ("C1", "C2"), ())
    # R0: 12 slots of 1600 + 50 − 30 − 20 (nobody has a target), one pair more, one more person new to F0, one change.
    assert chain.effect == 12 * 1600 - 50 - 150 - CHANGE_PRICE
    assert (trade.kind, trade.people, trade.opens) == (OptionKind.TRADE, ("C1",), ("R1.0",))
    assert relief.undisturbed is None
    assert relief.helpers_move is not None
    assert relief.helpers_move.effect == chain.effect
    assert relief.items[0].worth == relief.loss == 12 * 1600 - 50 - 150


def test_helpers_who_must_give_up_two_pieces_are_found() -> None:
    """C1 can take the long R0 only by giving up R1 and R2: no chain of two moves, but C2 takes both."""
    made = problem(
        [coordinator("C0"), coordinator("C1"), coordinator("C2", services={"intake": 3})],
        [
            request("R0", ((9, 15),), priority=5),
            request("R1", ((9, 11),), service="intake"),
            request("R2", ((12, 14),), service="intake"),
        ],
    )
    both = replace(made.coordinators[1], services={"prior-auth": 3, "intake": 3})
    made = replace(made, coordinators=(made.coordinators[0], both, made.coordinators[2]))
    plan = plan_of(made, (Assignment("C0", "R0.0"), Assignment("C1", "R1.0"), Assignment("C1", "R2.0")))
    relief = relief_options(made, plan, CallOff("C0"))
    assert relief.items[0].options == ()
    assert relief.undisturbed is None
    assert relief.helpers_move is not None
    assert [(move.coordinator, move.takes, move.gives_up) for move in relief.helpers_move.moves] == [
        ("C1", ("R0.0",), ("R1.0", "R2.0")),
        ("C2", ("R1.0", "R2.0"), ()),
    ]
    assert (relief.helpers_move.opens, relief.helpers_move.proven) == ((), True)


def test_no_more_than_three_are_moved() -> None:
    """Five lost windows, each of which only somebody busy could take."""
    helpers = [coordinator(f"C{k}", cap_minutes=180, target_minutes=180) for k in range(1, 6)]
    lost = [request(f"R{k}", ((24 * k + 9, 24 * k + 12),), priority=5) for k in range(5)]
    own = [request(f"S{k}", ((24 * k + 9, 24 * k + 12),), priority=1) for k in range(1, 6)]
    made = problem([coordinator("C0", target_minutes=900), *helpers], [*lost, *own])
    plan = plan_of(
        made,
        (*(Assignment("C0", f"R{k}.0") for k in range(5)), *(Assignment(f"C{k}", f"S{k}.0") for k in range(1, 6))),
    )
    assert verify_plan(made, plan) == ()
    relief = relief_options(made, plan, CallOff("C0"))
    assert relief.helpers_move is not None
    assert len(relief.helpers_move.covers) == len(relief.helpers_move.people) == MOST_MOVED
    assert relief.helpers_move.effect == MOST_MOVED * (12 * (1600 - 100) - CHANGE_PRICE)


def test_nothing_assigned_is_nothing_lost() -> None:
    made = two_facilities()
    relief = relief_options(made, plan_of(made, (Assignment("C0", "R0.0"),)), CallOff("C1"))
    assert relief.lost == relief.items == ()
    assert relief.undisturbed is relief.helpers_move is None
    assert relief.loss == 0


def test_a_window_that_has_begun_stays_with_whom_it_was() -> None:
    made = problem([coordinator("C0"), coordinator("C1")], [request("R0"), request("R1", ((14, 16),))])
    plan = plan_of(made, (Assignment("C0", "R0.0"), Assignment("C0", "R1.0")))
    relief = relief_options(made, plan, CallOff("C0", at(10)))
    assert relief.underway == ("R0.0",)
    assert relief.lost == (Assignment("C0", "R1.0"),)
    after = apply_option(made, plan, relief.items[0].options[0])
    assert set(after.assignments) == {Assignment("C0", "R0.0"), Assignment("C1", "R1.0")}
    exactly = relief_options(made, plan, CallOff("C0", at(9)))
    assert exactly.underway == ()
    assert len(exactly.lost) == 2


def test_the_rest_of_a_whole_request_goes_to_one_person() -> None:
    windows = ((9, 12), (33, 36), (57, 60))
    short = coordinator("C1", available=(Interval(at(24), at(40)),))
    made = problem([coordinator("C0"), short, coordinator("C2", pay_per_hour=45)], [request("R0", windows)])
    made = replace(made, forbidden=(ForbiddenPair("C1", "R0"),))
    plan = plan_of(made, tuple(Assignment("C0", f"R0.{k}") for k in range(3)))
    relief = relief_options(made, plan, CallOff("C0", at(20)))
    (item,) = relief.items
    assert (item.request, item.windows, item.whole) == ("R0", ("R0.1", "R0.2"), True)
    assert [option.people for option in item.options] == [("C2",)]
    after = apply_option(made, plan, item.options[0])
    assert set(after.assignments) == {Assignment("C0", "R0.0"), Assignment("C2", "R0.1"), Assignment("C2", "R0.2")}


def test_the_other_head_of_a_begun_whole_request_stays() -> None:
    made = problem(
        [coordinator("C0"), coordinator("C1"), coordinator("C2")],
        [request("R0", ((9, 12), (33, 36)), headcount=2), request("R1", ((33, 36),), priority=1)],
    )
    plan = plan_of(made, tuple(Assignment(who, f"R0.{k}") for who in ("C0", "C1") for k in range(2)))
    relief = relief_options(made, plan, CallOff("C0", at(20)))
    assert [option.people for option in relief.items[0].options] == [("C2",)]
    assert {Assignment("C1", "R0.0"), Assignment("C1", "R0.1")} <= set(relief.problem.pins)


def test_a_limit_of_a_week_is_kept() -> None:
    limited = coordinator("C1", limits=(Limit(Interval(at(0), at(24)), 120),))
    made = problem([coordinator("C0"), limited], [request("R0")])
    relief = relief_options(made, plan_of(made, (Assignment("C0", "R0.0"),)), CallOff("C0"))
    assert relief.items[0].options == ()
    assert [(miss.coordinator, miss.rule) for miss in relief.items[0].near_misses] == [("C1", "period_cap")]
    (entry,) = relief.items[0].unrelieved
    assert entry.nearest_fix is not None
    assert entry.nearest_fix.coordinator == "C1"


def test_the_price_of_a_change_decides() -> None:
    made = two_facilities()
    both = replace(made.coordinators[1], services={"prior-auth": 3, "intake": 3})
    made = replace(made, coordinators=(made.coordinators[0], both, made.coordinators[2]))
    plan = plan_of(made, (Assignment("C0", "R0.0"), Assignment("C1", "R1.0")))
    assert relief_options(made, plan, CallOff("C0")).price == CHANGE_PRICE
    own = replace(made, weights=replace(Weights(), change=70))
    assert relief_options(own, plan_of(own, plan.assignments), CallOff("C0")).price == 70
    assert relief_options(made, plan, CallOff("C0"), price=10**6).items[0].options == ()


def test_two_call_offs_one_after_the_other() -> None:
    made = problem([coordinator("C0"), coordinator("C1"), coordinator("C2", pay_per_hour=40)], [request("R0")])
    first = relief_options(made, plan_of(made, (Assignment("C0", "R0.0"),)), CallOff("C0"))
    taken = apply_option(made, plan_of(made, (Assignment("C0", "R0.0"),)), first.items[0].options[0])
    assert taken.assignments == (Assignment("C1", "R0.0"),)
    second = relief_options(first.problem, taken, CallOff("C1"))
    assert [option.people for option in second.items[0].options] == [("C2",)]


@pytest.mark.parametrize(
    ("call_off", "said"),
    [
        (CallOff("C9"), "there is no coordinator 'C9'"),
        (CallOff("C0", at(9).replace(tzinfo=None)), "2026-03-02T09:00:00 has no time zone: add Z or an offset such as -05:00"),
        (CallOff("C0", at(9), at(9)), "the call-off ends before it starts"),
    ],
)
def test_what_cannot_be_is_said(call_off: CallOff, said: str) -> None:
    made = two_facilities()
    with pytest.raises(ValueError, match=said.replace(".", r"\.")):
        relief_options(made, plan_of(made, (Assignment("C0", "R0.0"),)), call_off)


def test_unknown_ids_and_broken_plans_are_said() -> None:
    made = two_facilities()
    plan = plan_of(made, (Assignment("C0", "R0.0"),))
    with pytest.raises(ValueError, match="the plan names window 'R9'"):
        relief_options(made, replace(plan, assignments=(Assignment("C0", "R9"),)), CallOff("C0"))
    with pytest.raises(ValueError, match="the plan breaks a rule"):
        relief_options(made, replace(plan, assignments=(Assignment("C2", "R0.0"),)), CallOff("C0"))
    with pytest.raises(ValueError, match=r"window 'R1\.0' is not lost"):
        relief_options(made, plan, CallOff("C0"), window="R1.0")
    with pytest.raises(ValueError, match="there is no window 'R9'"):
        relief_options(made, plan, CallOff("C0"), window="R9")


def test_an_option_for_another_plan_is_refused() -> None:
    made = problem([coordinator("C0"), coordinator("C1")], [request("R0")])
    plan = plan_of(made, (Assignment("C0", "R0.0"),))
    option = relief_options(made, plan, CallOff("C0")).items[0].options[0]
    with pytest.raises(ValueError, match="the plan has changed"):
        apply_option(made, plan_of(made, (Assignment("C1", "R0.0"),)), option)


def test_instants_of_any_zone_mean_the_same() -> None:
    made = problem([coordinator("C0"), coordinator("C1")], [request("R0"), request("R1", ((14, 16),))])
    plan = plan_of(made, (Assignment("C0", "R0.0"), Assignment("C0", "R1.0")))
    eastern = at(10).astimezone(timezone(timedelta(hours=-5)))
    assert eastern.tzinfo is not UTC
    assert relief_options(made, plan, CallOff("C0", eastern)).lost == relief_options(made, plan, CallOff("C0", at(10))).lost


def test_nothing_is_left_changed_on_the_board() -> None:
    made, plan = running(7)
    who = plan.assignments[0].coordinator
    board = Board(after_call_off(made, plan, CallOff(who)), who)
    before = board.state.chosen.tolist()
    ways = Ways(board)
    first = [ways.of(i) for i in board.lost]
    assert board.state.chosen.tolist() == before
    assert [Ways(board).of(i) for i in board.lost] == first


def test_a_week_planned_level_by_level_is_relieved_by_points_too() -> None:
    made = replace(two_facilities(), objective=Objective.LEXICOGRAPHIC)
    both = replace(made.coordinators[1], services={"prior-auth": 3, "intake": 3})
    made = replace(made, coordinators=(made.coordinators[0], both, made.coordinators[2]))
    plan = plan_of(made, (Assignment("C0", "R0.0"), Assignment("C1", "R1.0")))
    relief = relief_options(made, plan, CallOff("C0"))
    for option in every_option(relief):
        after = apply_option(made, plan, option)
        assert verify_plan(relief.problem, after) == ()
        assert after.objective - relief.plan.objective == option.effect
