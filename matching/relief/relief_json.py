"""Relief as JSON, format `relief-options/1`: for the command line and for programs that ask it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matching.formats.plan_format import plan_to_json
from matching.formats.week_format import text_of
from matching.problem import Assignment
from matching.relief.values import LostItem, Move, Relief, ReliefOption
from matching.solution import Solution, Status

FORMAT = "relief-options/1"


def relief_to_json(relief: Relief) -> dict[str, Any]:
    """The relief as a document. The week after the call-off and the running plan are not in it: they are large, and
    `after_call_off` makes them again."""
    call_off = relief.call_off
    return {
        "format": FORMAT,
        "call_off": {
            "coordinator": call_off.coordinator,
            "from": None if call_off.from_instant is None else text_of(call_off.from_instant),
            "until": None if call_off.until_instant is None else text_of(call_off.until_instant),
        },
        "price": relief.price,
        "loss": relief.loss,
        "lost": _assignments(relief.lost),
        "underway": list(relief.underway),
        "items": [_item(item) for item in relief.items],
        "undisturbed": None if relief.undisturbed is None else _option(relief.undisturbed),
        "helpers_move": None if relief.helpers_move is None else _option(relief.helpers_move),
    }


def _item(item: LostItem) -> dict[str, Any]:
    return {
        "request": item.request,
        "facility": item.facility,
        "windows": list(item.windows),
        "start": text_of(item.start),
        "end": text_of(item.end),
        "time_zone": item.time_zone,
        "minutes": item.minutes,
        "priority": item.priority,
        "whole": item.whole,
        "worth": item.worth,
        "possible": {"direct": item.possible.direct, "chain": item.possible.chain, "trade": item.possible.trade},
        "options": [_option(option) for option in item.options],
        "near_misses": [
            {"coordinator": miss.coordinator, "rule": miss.rule, "sentence": miss.sentence} for miss in item.near_misses
        ],
        "unrelieved": _unrelieved(item),
    }


def _unrelieved(item: LostItem) -> object:
    shell = Solution(assignments=(), objective=0, bound=None, status=Status.FEASIBLE, seconds=0.0, uncovered=item.unrelieved)
    return plan_to_json(shell)["uncovered"]


def _option(option: ReliefOption) -> dict[str, Any]:
    return {
        "kind": option.kind.value,
        "effect": option.effect,
        "change_cost": option.change_cost,
        "people": list(option.people),
        "moves": [_move(move) for move in option.moves],
        "adds": _assignments(option.adds),
        "removes": _assignments(option.removes),
        "covers": list(option.covers),
        "leaves_open": list(option.leaves_open),
        "opens": list(option.opens),
        "minutes_covered": option.minutes_covered,
        "minutes_open": option.minutes_open,
        "minutes_opened": option.minutes_opened,
        "proven": option.proven,
    }


def _move(move: Move) -> dict[str, Any]:
    return {
        "coordinator": move.coordinator,
        "takes": list(move.takes),
        "gives_up": list(move.gives_up),
        "minutes_before": move.minutes_before,
        "minutes_after": move.minutes_after,
        "target_minutes": move.target_minutes,
        "over_target_minutes": move.over_target_minutes,
        "known_facilities": list(move.known_facilities),
        "new_facilities": list(move.new_facilities),
        "sentences": list(move.sentences),
    }


def _assignments(entries: Iterable[Assignment]) -> list[dict[str, str]]:
    return [{"coordinator": entry.coordinator, "window": entry.window} for entry in entries]
