"""What the command line prints for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from matching.commands.kinds import Kind
from matching.problem import Problem
from matching.solution import Reason, Solution, Status, Uncovered
from matching.verify import Violation


def print_summary(kind: Kind, problem: object, plan: Solution, out: Path | None) -> None:
    """Status, objective, bound, gap and seconds, and what is covered."""
    unit = kind.unit
    print(f"status     {plan.status.value}")
    if plan.conflicts:
        print("the pins contradict the rules:" if isinstance(problem, Problem) else "there is no plan:")
        for conflict in plan.conflicts:
            print(f"  {conflict}")
        return
    if plan.status is Status.STOPPED:
        print("objective  no plan was found")
    else:
        print(f"objective  {plan.objective:,} {unit}")
    if plan.levels:
        _print_levels(plan)
    else:
        print(f"bound      {'none proven' if plan.bound is None else f'{plan.bound:,} {unit}'}")
    if plan.status is not Status.STOPPED and not plan.levels:
        print(f"gap        {'unknown' if plan.gap is None else f'{plan.gap:.3%}'}")
    print(f"seconds    {plan.seconds:.1f}")
    if isinstance(problem, Problem):
        _print_cover(problem, plan)
    print(f"plan       {out if out is not None else 'not written; --out FILE writes it'}")


def _print_levels(plan: Solution) -> None:
    """What each level of a lexicographic plan is worth, and how it is proven."""
    for level in plan.levels:
        proof = "not proven" if level.bound is None else "proven" if level.bound == level.value else f"at most {level.bound:,}"
        print(f"{level.name:10} {level.value:,} points ({proof})")


def _print_cover(problem: Problem, plan: Solution) -> None:
    heads = Counter(assignment.window for assignment in plan.assignments)
    wanted: Counter[int] = Counter()
    covered: Counter[int] = Counter()
    for request in problem.requests:
        for window in request.windows:
            minutes = int((window.end - window.start).total_seconds()) // 60
            wanted[request.priority] += request.headcount * minutes
            covered[request.priority] += heads[window.id] * minutes
    shares = [f"{priority}: {covered[priority] / wanted[priority]:.1%}" for priority in sorted(wanted, reverse=True)]
    print(f"covered    {'   '.join(shares) or 'nothing was asked for'}   (hours, by priority)")


def print_violations(plan: Solution, violations: Sequence[Violation]) -> None:
    """Every violation, or that there is none."""
    for violation in violations:
        print(f"{violation.rule}: {violation.sentence}")
    if not violations:
        print(f"the plan keeps every rule; its {len(plan.assignments)} assignments are worth {plan.objective:,}")


def print_explanation(window: str | None, uncovered: Sequence[Uncovered], reasons: Sequence[Reason]) -> None:
    """The funnel, near misses and nearest fix of every uncovered window, and why people cover the window asked for."""
    for reason in reasons:
        print(f"window {reason.window}, covered by {reason.coordinator}")
        for sentence in reason.sentences:
            print(f"  {sentence}")
    for entry in uncovered:
        _print_uncovered(entry)
    if not uncovered and not reasons:
        print("every window is covered" if window is None else f"window {window} is covered")


def _print_uncovered(entry: Uncovered) -> None:
    people = "1 person" if entry.missing == 1 else f"{entry.missing} people"
    print(f"window {entry.window} of request {entry.request} lacks {people}")
    before: int | None = None
    for step in entry.funnel:
        if before is None:
            print(f"  {step.remaining:5} coordinators")
        elif step.remaining < before:
            print(f"  {step.remaining:5} left who: {step.sentence}")
        before = step.remaining
    for miss in entry.near_misses:
        print(f"  near: {miss.coordinator}, but for one rule: {miss.sentence}")
    fix = entry.nearest_fix
    print(f"  nearest fix: {'none' if fix is None else f'{fix.sentence} (effect {fix.effect:+,} points)'}")
