"""Relief as a dispatcher reads it on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from matching.commands.report import print_explanation
from matching.relief.describing import hours
from matching.relief.values import LostItem, Move, Relief, ReliefOption
from matching.solution import Solution

_WIDTH = 120
"""Columns where nobody looks: a pipe or a file."""


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, markup=False, emoji=False)


def _say(console: Console, line: str) -> None:
    """A line as it is: a pipe gets it in one piece, ids stay ids."""
    console.print(Text(line), soft_wrap=True)


def print_relief(relief: Relief) -> None:
    """What is lost, the two ways to relieve all of it, and the ranked ways for each piece."""
    console = _console()
    _print_loss(console, relief)
    joint = [(name, option) for name, option in (("A", relief.undisturbed), ("B", relief.helpers_move)) if option is not None]
    if joint:
        _print_joint(console, joint)
    elif relief.items:
        _say(console, "\nNobody can take any of it that gains anything, alone or with others moved.")
    for place, item in enumerate(relief.items, start=1):
        _print_item(console, place, item)


def _print_loss(console: Console, relief: Relief) -> None:
    call_off = relief.call_off
    since = "" if call_off.from_instant is None else f" from {_utc(call_off.from_instant)}"
    until = "" if call_off.until_instant is None else f" until {_utc(call_off.until_instant)}"
    minutes = sum(item.minutes for item in relief.items)
    who = f"{call_off.coordinator} calls off{since}{until}"
    if not relief.lost:
        _say(console, f"{who}: nothing is lost, nothing of theirs is planned for then.")
    else:
        windows = "1 window" if len(relief.lost) == 1 else f"{len(relief.lost)} windows"
        _say(console, f"{who}: {windows} lost, worth {relief.loss:,} points.")
        if sum(len(item.windows) for item in relief.items) == len(relief.lost):
            _say(console, f"That is {hours(minutes)}. Changing an assignment of somebody else costs {relief.price:,} points.")
    for name in relief.underway:
        _say(console, f"{name} has begun: it stays with {call_off.coordinator}; who covers what is left of it is not looked for.")


def _print_joint(console: Console, joint: Sequence[tuple[str, ReliefOption]]) -> None:
    table = Table(title="All of it at once", title_justify="left", box=None, pad_edge=False)
    for heading in ("", "way", "points", "covered", "stays open", "newly open", "people", "moved", "price"):
        table.add_column(heading, justify="left" if heading in ("", "way") else "right")
    words = {"A": "nobody disturbed", "B": "helpers may move"}
    for name, option in joint:
        table.add_row(
            name,
            words[name] + ("" if option.proven else " (not proven best)"),
            f"{option.effect:+,}",
            f"{len(option.covers)} ({hours(option.minutes_covered)})",
            f"{len(option.leaves_open)} ({hours(option.minutes_open)})",
            f"{len(option.opens)} ({hours(option.minutes_opened)})",
            str(len(option.people)),
            str(len(option.removes)),
            f"{option.change_cost:,}",
        )
    console.print()
    console.print(table)
    for name, option in joint:
        for move in option.moves:
            _say(console, f"  {name}  {_moved(move)}")


def _moved(move: Move) -> str:
    parts = []
    if move.takes:
        parts.append(f"takes {', '.join(move.takes)}")
    if move.gives_up:
        parts.append(f"gives up {', '.join(move.gives_up)}")
    return f"{move.coordinator} {' and '.join(parts)}; {_load(move)}{_continuity(move)}"


def _load(move: Move) -> str:
    over = f", {hours(move.over_target_minutes)} over target" if move.over_target_minutes else ""
    return f"{hours(move.minutes_before)} → {hours(move.minutes_after)}{over}"


def _continuity(move: Move) -> str:
    known = [f"knows {', '.join(move.known_facilities)}"] if move.known_facilities else []
    new = [f"new to {', '.join(move.new_facilities)}"] if move.new_facilities else []
    return "".join(f"; {words}" for words in known + new)


def _print_item(console: Console, place: int, item: LostItem) -> None:
    pieces = "all of " if item.whole and len(item.windows) > 1 else ""
    when = f"{_local(item.start, item.time_zone)} to {_local(item.end, item.time_zone)}"
    console.print()
    _say(console, f"{place}  {pieces}{', '.join(item.windows)} of {item.request} at {item.facility}, priority {item.priority}")
    _say(console, f"   {when}, {hours(item.minutes)}, worth {item.worth:,} points")
    if item.options:
        console.print(_options_table(place, item))
    else:
        print_explanation(None, item.unrelieved[:1], [])
        return
    for miss in item.near_misses[:3]:
        _say(console, f"   near: {miss.coordinator}, but for one rule: {miss.sentence}")


def _options_table(place: int, item: LostItem) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "points", "takes it", "hours then", "facility", "gives up", "who takes that"):
        table.add_column(heading, justify="right" if heading == "points" else "left")
    for rank, option in enumerate(item.options, start=1):
        taker = option.moves[0]
        given = ", ".join(taker.gives_up)
        second = ""
        if len(option.moves) > 1:
            second = f"{option.moves[1].coordinator}{_continuity(option.moves[1])}"
        elif option.opens:
            second = "nobody: it stays open"
        table.add_row(
            f"{place}.{rank}",
            f"{option.effect:+,}",
            taker.coordinator,
            _load(taker),
            "knows it" if taker.known_facilities else "new to it",
            given,
            second,
        )
    return table


def print_made(relief: Relief, made: Solution, out: Path) -> None:
    """The plan that was written, against the running one."""
    console = _console()
    console.print()
    if made.conflicts:
        _say(console, "there is no plan: " + "; ".join(made.conflicts))
        return
    before, after = set(relief.plan.assignments), set(made.assignments)
    gained = made.objective - relief.plan.objective
    changed = f"{len(after - before)} assignments new, {len(before - after)} given up"
    _say(console, f"plan       {out}: {gained:+,} points, {changed}")


def _utc(instant: datetime) -> str:
    return _local(instant, "UTC")


def _local(instant: datetime, zone: str) -> str:
    there = instant.astimezone(ZoneInfo(zone))
    return f"{there:%a} {there.day} {there:%b %H:%M %Z}"
