"""What a way to relieve means, in words: who takes what, who gives up what, and the effect on people, cover and money."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from staffing.desk.times import Stretch, stretches
from staffing.web.formatting import hours, money

Phrase = tuple[str, str]
"""(meaning for the `badge` macro or '', sentence)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Windows of one facility that change hands together. `other`: from whom, or who takes them; `''`: nobody."""

    facility: str
    facility_colour: int
    lines: tuple[Stretch, ...]
    other: str


@dataclass(frozen=True, slots=True)
class SpokenMove:
    """What is asked of one person, and what it means for them."""

    name: str
    first_name: str
    href: str
    takes: tuple[Piece, ...]
    gives_up: tuple[Piece, ...]
    sentences: tuple[str, ...]


def spoken(move: Mapping[str, Any]) -> SpokenMove:
    """A move as stored by the search."""
    name = str(move["name"])
    return SpokenMove(
        name=name,
        first_name=name.partition(" ")[0],
        href=f"/desk/roster/{move['coordinator_id']}",
        takes=_pieces(move["takes"], "from", str(move["zone"])),
        gives_up=_pieces(move["gives_up"], "to", str(move["zone"])),
        sentences=tuple(_for_them(move)),
    )


def _for_them(move: Mapping[str, Any]) -> Iterable[str]:
    if move["knows"]:
        yield f"Knows {_listed(move['knows'])}."
    if move["new_to"]:
        yield f"New to {_listed(move['new_to'])}."
    before, after, over = move["minutes_before"], move["minutes_after"], move["over_target_minutes"]
    load = f"{hours(after)} assigned ahead this week, {f'{hours(before)} without this' if before else 'nothing without this'}"
    yield f"{load}; {hours(over)} more than they aim at." if over else f"{load}; within what they aim at."


def _pieces(windows: Iterable[Mapping[str, Any]], other: str, zone: str) -> tuple[Piece, ...]:
    def together(one: Mapping[str, Any]) -> tuple[str, str]:
        return str(one["facility"]), str(one[other])

    return tuple(
        Piece(facility, found[0]["colour"], _stretches(found, zone), whom)
        for (facility, whom), found in ((key, list(rows)) for key, rows in groupby(sorted(windows, key=together), key=together))
    )


def _stretches(windows: Iterable[Mapping[str, Any]], zone: str = "") -> tuple[Stretch, ...]:
    rows = sorted(windows, key=lambda one: str(one["start"]))
    spans = ((datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])) for one in rows)
    return stretches(spans, rows[0]["zone"], zone)


def effects(option: Mapping[str, Any], away: str, missing: int) -> tuple[Phrase, ...]:
    """What it means for cover and money, best known first."""
    covered, open_ = len(option["covers"]), option["leaves_open"]
    said: list[Phrase] = []
    if not open_:
        said.append(("covered", "Covers all of it." if missing > 1 else "Covers it."))
    else:
        said.append(("at_risk", f"Covers {covered} of {covered + len(open_)}; {_when(open_)} still lacks somebody."))
    if option["opens"]:
        said.append(("at_risk", f"{_when(option['opens'])} lacks somebody instead, which is worth less."))
    said.append(("", _money(option, away)))
    return tuple(said)


def _money(option: Mapping[str, Any], away: str) -> str:
    before, after = int(option["margin_before_minor"]), int(option["margin_minor"])
    first = away.partition(" ")[0]
    if after == before:
        return f"Leaves {money(after)} between bill and pay, as with {first}."
    difference = f"{money(abs(after - before))} {'more' if after > before else 'less'} than with {first}"
    return f"Leaves {money(after)} between bill and pay, {difference}."


def _when(windows: Iterable[Mapping[str, Any]]) -> str:
    parts = [f"{line.days}, {line.hours}" for line in _stretches(list(windows))]
    return "; ".join(parts)


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
