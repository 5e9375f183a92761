"""The example of docs/planning.md: what each weight does to one small plan. Run as a program, it writes the tables into the
page; a test compares them with fresh plans."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from matching import (
    Assignment,
    Coordinator,
    Interval,
    Objective,
    Problem,
    Request,
    Solution,
    Weights,
    Window,
    levels_of,
    verify_plan,
)
from matching.solving.lexicographic import solve_lexicographic
from matching.solving.solver import solve

PAGE = Path(__file__).parents[2] / "docs" / "planning.md"
BEGIN, END = "<!-- made by tests/support/planning_page.py -->", "<!-- to here -->"

_MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def _at(hours: int) -> datetime:
    return _MONDAY + timedelta(hours=hours)


def _person(name: str, pay: int, target: int, knows: tuple[str, ...] = ()) -> Coordinator:
    return Coordinator(
        id=name,
        services={"prior-auth": 2},
        available=(Interval(_at(8), _at(18)), Interval(_at(32), _at(42))),
        cap_minutes=480,
        target_minutes=60 * target,
        max_facilities=2,
        pay_per_hour=pay,
        languages=frozenset({"en"}),
        systems=frozenset({"epic"}),
        known_facilities=frozenset(knows),
    )


def _asked(name: str, facility: str, priority: int, bill: int, hours: dict[str, tuple[int, int]]) -> Request:
    return Request(
        id=name,
        facility=facility,
        service="prior-auth",
        level=1,
        language="en",
        system="epic",
        priority=priority,
        bill_per_hour=bill,
        windows=tuple(Window(window, _at(start), _at(end)) for window, (start, end) in hours.items()),
        max_coordinators=2 if len(hours) > 1 else 1,
    )


EXAMPLE = Problem(
    horizon=Interval(_at(0), _at(48)),
    coordinators=(_person("Ana", 31, 6), _person("Ben", 40, 8, ("Lakeside",)), _person("Chi", 43, 8)),
    requests=(
        _asked("evenings", "Hillview", 4, 72, {"Mon evening": (14, 18), "Tue evening": (38, 42)}),
        _asked("afternoon", "Lakeside", 4, 55, {"Mon afternoon": (13, 16)}),
        _asked("morning", "Lakeside", 3, 69, {"Tue morning": (32, 36)}),
        _asked("midday", "Lakeside", 4, 74, {"Mon midday": (11, 15)}),
        _asked("extra", "Hillview", 2, 63, {"Mon extra": (11, 15)}),
    ),
    previous=(Assignment("Ana", "Mon afternoon"),),
)
"""Two days at two facilities; three people who may each work 8 hours, for 23 hours of work."""

_DEFAULT = Weights()

ROWS: tuple[tuple[str, Problem, str], ...] = (
    ("as they are", EXAMPLE, "The least urgent window stays open; Ana, who costs least, works above her target"),
    (
        "all priorities 400",
        replace(EXAMPLE, weights=replace(_DEFAULT, priority=(0, 400, 400, 400, 400, 400))),
        "Hours count, urgency does not: the longer extra window is covered and the shorter afternoon is left",
    ),
    (
        "`continuity` 0",
        replace(EXAMPLE, weights=replace(_DEFAULT, continuity=0)),
        "Knowing Lakeside earns nothing by the hour: Chi, who has few hours, gets the longer midday, Ben the afternoon",
    ),
    (
        "`new_facility` 0",
        replace(EXAMPLE, weights=replace(_DEFAULT, new_facility=0)),
        "Ana and Chi may each see both facilities: the evenings are shared, so that hours come nearer to the targets",
    ),
    (
        "`new_facility` 0, `pair` 300",
        replace(EXAMPLE, weights=replace(_DEFAULT, new_facility=0, pair=300)),
        "As before, but one person keeps both evenings",
    ),
    (
        "`over_target` 100",
        replace(EXAMPLE, weights=replace(_DEFAULT, over_target=100)),
        "Nobody works above their target, though Chi costs more than Ana",
    ),
    (
        "`under_target` 50",
        replace(EXAMPLE, weights=replace(_DEFAULT, under_target=50)),
        "Nobody is left below 60 % of their target, though Ben works an hour less at Lakeside, which he knows",
    ),
    (
        "`change` 100",
        replace(EXAMPLE, weights=replace(_DEFAULT, change=100)),
        "Ana keeps the afternoon that she has in the running plan",
    ),
    (
        "lexicographic",
        replace(EXAMPLE, objective=Objective.LEXICOGRAPHIC),
        "Cover and continuity are as good as they can be; then balance comes before any margin",
    ),
)
"""The setting, the problem with it, and what a dispatcher sees."""


def planned(problem: Problem) -> Solution:
    """The best plan, checked and proven."""
    way = solve_lexicographic if problem.objective is Objective.LEXICOGRAPHIC else solve
    plan = way(problem, time_limit=20, deterministic=True)
    assert verify_plan(problem, plan) == ()
    assert plan.status.value == "optimal"
    return plan


def tables() -> str:
    """Who works when under each setting, and what each plan reaches."""
    names = [window.id for request in EXAMPLE.requests for window in request.windows]
    who = [f"| weights | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    what = ["| weights | hours (target) | cover | continuity | balance | margin | what one sees |", "|---" * 7 + "|"]
    hours_of = {
        window.id: (window.end - window.start) // timedelta(hours=1) for request in EXAMPLE.requests for window in request.windows
    }
    for setting, problem, seen in ROWS:
        plan = planned(problem)
        by_window = {entry.window: entry.coordinator for entry in plan.assignments}
        hours = Counter[str]()
        for entry in plan.assignments:
            hours[entry.coordinator] += hours_of[entry.window]
        team = ", ".join(f"{one.id} {hours[one.id]} ({one.target_minutes // 60})" for one in EXAMPLE.coordinators)
        points = " | ".join(f"{value:,}".replace("-", "−") for value in levels_of(EXAMPLE, plan.assignments).values())
        who.append(f"| {setting} | {' | '.join(by_window.get(name, '–') for name in names)} |")
        what.append(f"| {setting} | {team} | {points} | {seen} |")
    return "\n".join([*who, "", *what])


def written(page: str) -> str:
    """The page with fresh tables."""
    head, _begin, rest = page.partition(BEGIN)
    _old, end, tail = rest.partition(END)
    assert end, f"{PAGE} does not hold the marks {BEGIN} and {END}"
    return f"{head}{BEGIN}\n\n{tables()}\n\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
