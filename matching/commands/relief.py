"""`relief`: what to do after a call-off."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

from matching.commands.arguments import count, seconds, whole
from matching.commands.exits import Exit
from matching.commands.files import read_plan, read_problem, write_plan, write_text
from matching.commands.interrupting import interruptible
from matching.commands.showing import show_for
from matching.formats import plan_to_json, problem_to_json
from matching.problem import Problem
from matching.relief import CallOff, Relief, ReliefOption, apply_option, relief_options, relief_to_json
from matching.solution import Solution, Status
from matching.verify import rule_violations, verify_plan


class _Wrong(Exception):
    """Something asked for cannot be: one line for people."""

    def __init__(self, line: str, code: Exit) -> None:
        super().__init__(line)
        self.code = code


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "relief", help="relieve somebody who called off", description="Rank what can be done after somebody called off."
    )
    parser.add_argument("problem", metavar="PROBLEM", help="the problem")
    parser.add_argument("solution", metavar="SOLUTION", help="the running plan, as solve writes it")
    parser.add_argument("--call-off", required=True, metavar="COORDINATOR", help="who cannot work")
    parser.add_argument(
        "--from", dest="since", metavar="T", help="from this instant on, with Z or an offset (from the first window)"
    )
    parser.add_argument("--until", metavar="T", help="windows that start before this instant (to the last)")
    parser.add_argument("--window", metavar="W", help="only the options of this lost window")
    parser.add_argument("--options", type=count, default=5, metavar="N", help="options to show of each lost window at most (5)")
    price = "points that changing an assignment of somebody else costs (the problem's weights.change, or 400 where that is 0)"
    parser.add_argument("--price", type=whole(0, 10**9), metavar="P", help=price)
    parser.add_argument("--take", metavar="NAME", help="write the plan with this option to --out: A, B, or such as 2.1")
    parser.add_argument("--replan", type=seconds, metavar="S", help="plan again near the running plan for S seconds, to --out")
    parser.add_argument("--workers", type=count, default=1, metavar="N", help="processes that plan again at the same time (1)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the plan of --take or --replan goes")
    parser.add_argument("--problem-out", type=Path, metavar="FILE", help="write the problem after the call-off there")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Ranks and shows; writes what is asked for."""
    try:
        return _run(options)
    except _Wrong as wrong:
        print(wrong, file=sys.stderr)
        return wrong.code


def _run(options: argparse.Namespace) -> int:
    _check_usage(options)
    call_off = CallOff(options.call_off, _instant("--from", options.since), _instant("--until", options.until))
    problem, plan = read_problem(options.problem), read_plan(options.solution)
    broken = next(rule_violations(problem, plan.assignments), None)
    if broken is not None:
        raise _Wrong(f"the plan breaks a rule ({broken.rule}): {broken.sentence}", Exit.VIOLATIONS)
    try:
        relief = relief_options(problem, plan, call_off, price=options.price, most=options.options, window=options.window)
    except ValueError as wrong:
        raise _Wrong(str(wrong), Exit.BAD_INPUT) from None
    made = _make_plan(problem, plan, relief, options)
    if options.problem_out is not None and not write_text(
        options.problem_out, json.dumps(problem_to_json(relief.problem), indent=1) + "\n"
    ):
        return Exit.WRITE_FAILED
    if made is not None and made.status is not Status.INFEASIBLE and not write_plan(options.out, made):
        return Exit.WRITE_FAILED
    _show(relief, made, options)
    if made is None:
        return Exit.OK
    if made.status is Status.INFEASIBLE:
        return Exit.NO_PLAN
    return Exit.VIOLATIONS if verify_plan(relief.problem, made) else Exit.OK


def _check_usage(options: argparse.Namespace) -> None:
    if options.take is not None and options.replan is not None:
        raise _Wrong("--take and --replan make two plans; ask for one", Exit.USAGE)
    making = options.take is not None or options.replan is not None
    if making != (options.out is not None):
        raise _Wrong("--out goes with --take or --replan, and they with it", Exit.USAGE)


def _instant(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong(f"{name}: {text!r} is not an instant such as 2026-03-03T09:00-05:00", Exit.USAGE) from None
    if instant.utcoffset() is None:
        raise _Wrong(f"{name}: {text!r} has no time zone: add Z or an offset such as -05:00", Exit.USAGE)
    return instant


def _make_plan(problem: Problem, plan: Solution, relief: Relief, options: argparse.Namespace) -> Solution | None:
    """The plan that --take or --replan asks for."""
    if options.take is not None:
        return apply_option(problem, plan, _option(relief, options.take))
    return None if options.replan is None else _replanned(problem, plan, relief, options)


def _option(relief: Relief, name: str) -> ReliefOption:
    named = named_options(relief)
    if name.upper() not in named:
        known = f"there are {', '.join(named)}" if named else "there is none"
        raise _Wrong(f"there is no option {name!r}; {known}", Exit.BAD_INPUT)
    return named[name.upper()]


def named_options(relief: Relief) -> dict[str, ReliefOption]:
    """The options by the names under which they are shown: A, B, and 2.1 for the first of the second lost window."""
    joint = {"A": relief.undisturbed, "B": relief.helpers_move}
    named = {name: option for name, option in joint.items() if option is not None}
    for place, item in enumerate(relief.items, start=1):
        named |= {f"{place}.{rank}": option for rank, option in enumerate(item.options, start=1)}
    return named


def _replanned(problem: Problem, plan: Solution, relief: Relief, options: argparse.Namespace) -> Solution:
    """A new plan of the week after the call-off; the best option instead where the search found nothing better."""
    from matching.solving.solver import solve

    stop = Event()
    show = show_for(json_lines=False)

    def search() -> Solution:
        limits = {"time_limit": options.replan, "workers": options.workers}
        return solve(relief.problem, progress=show.progress, stop=stop, **limits)

    found = interruptible(search, stop)
    show.close()
    best = max(named_options(relief).values(), key=lambda option: option.effect, default=None)
    if found.status is Status.INFEASIBLE or best is None or relief.plan.objective + best.effect <= found.objective:
        return found
    return replace(apply_option(problem, plan, best), bound=found.bound, seconds=found.seconds)


def _show(relief: Relief, made: Solution | None, options: argparse.Namespace) -> None:
    if options.json:
        document: dict[str, Any] = relief_to_json(relief)
        if made is not None:
            document["plan"] = plan_to_json(made)
        print(json.dumps(document, indent=1))
        return
    from matching.commands.relief_table import print_made, print_relief

    print_relief(relief)
    if made is not None:
        print_made(relief, made, options.out)
