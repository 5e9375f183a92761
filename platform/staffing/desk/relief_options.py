"""The ways to relieve as the page shows them: both that relieve everything, and those for each lost piece of work."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from staffing.catalogue import SERVICE_BY_CODE
from staffing.desk.relief_words import Phrase, SpokenMove, effects, spoken
from staffing.desk.times import Stretch, stretches
from staffing.scheduling.call_off_queries import CallOffDetail

OPTIONS_SHOWN = 3
BOTH_WAYS = (("a", "Nobody else moves"), ("b", "Helpers move"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to relieve, with the button that makes it."""

    title: str
    key: str
    search_id: str
    action: str
    button: str
    primary: bool
    moves: tuple[SpokenMove, ...]
    effects: tuple[Phrase, ...]
    weighed: str
    may_confirm: bool
    simple: bool
    """One person takes it and nobody else moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Lost work that is taken in one go: its ranked options, or why there are none."""

    facility: str
    facility_colour: int
    service: str
    lines: tuple[Stretch, ...]
    shown: tuple[Option, ...]
    more: tuple[Option, ...]
    in_whole: bool
    """Its only options are those that relieve everything together."""
    sentence: str
    steps: tuple[tuple[str, int], ...]
    near_misses: tuple[tuple[str, str, str], ...]
    fix: str


def both_ways(call_off: CallOffDetail, missing: int, may_confirm: bool) -> tuple[Option, ...]:
    """The one that covers more is the one to take; where both cover as much, that which moves nobody."""
    whole: Mapping[str, Any] = call_off.found["whole"]
    found = [(key, title) for key, title in BOTH_WAYS if key in whole]
    gains = {key: len(whole[key]["covers"]) - len(whole[key]["opens"]) for key, _ in found}
    first = max(gains, key=gains.__getitem__, default="")
    return tuple(
        _option(call_off, whole[key], title, missing, primary=key == first, may_confirm=may_confirm) for key, title in found
    )


def lost_items(call_off: CallOffDetail, both: Sequence[Option], may_confirm: bool) -> tuple[Item, ...]:
    whole = [_made(one) for one in call_off.found["whole"].values()]
    shown = []
    for item in call_off.found["items"]:
        options = [
            _option(call_off, one, one["moves"][0]["name"], len(item["windows"]), primary=False, may_confirm=may_confirm)
            for one in item["options"]
            if _made(one) not in whole
        ]
        shown.append(_item(item, options, in_whole=bool(item["options"]) and not options))
    return tuple(shown)


def _made(option: Mapping[str, Any]) -> tuple[Any, ...]:
    return sorted(map(tuple, option["adds"])), sorted(option["releases"])


def _item(item: Mapping[str, Any], options: Sequence[Option], *, in_whole: bool) -> Item:
    first, why = item["windows"][0], item["why"] or {}
    funnel: Iterable[Mapping[str, Any]] = why.get("funnel", ())
    return Item(
        facility=first["facility"],
        facility_colour=first["colour"],
        service=service_name(first["service"]),
        lines=stretches(((_at(one["start"]), _at(one["end"])) for one in item["windows"]), first["zone"]),
        shown=tuple(options[:OPTIONS_SHOWN]),
        more=tuple(options[OPTIONS_SHOWN:]),
        in_whole=in_whole,
        sentence=str(why.get("sentence", "")),
        steps=tuple((str(step["sentence"]), int(step["remaining"])) for step in funnel),
        near_misses=tuple(
            (str(miss["name"]), f"/desk/roster/{miss['coordinator_id']}", str(miss["sentence"])) for miss in item["near_misses"]
        ),
        fix=str(why.get("fix", "")),
    )


def _option(
    call_off: CallOffDetail, option: Mapping[str, Any], title: str, missing: int, *, primary: bool, may_confirm: bool
) -> Option:
    names = list(dict.fromkeys(move["name"] for move in option["moves"]))
    paid = f", {option['change_cost']:,} of them paid for moving others" if option["change_cost"] else ""
    proven = " Proven: no way of this kind is worth more." if option["proven"] else ""
    return Option(
        title=title,
        key=option["key"],
        search_id=str(call_off.search_id),
        action=f"/desk/call-offs/{call_off.id}/confirm",
        button=_button(names),
        primary=primary,
        moves=tuple(spoken(move) for move in option["moves"]),
        effects=effects(option, call_off.coordinator, missing),
        weighed=f"Worth {option['effect']:,} points more than leaving it open{paid}.{proven}",
        may_confirm=may_confirm,
        simple=option["kind"] == "direct",
    )


def _button(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"Confirm {names[0]}"
    first = [name.partition(" ")[0] for name in names]
    return f"Confirm {first[0]} and {first[1]}" if len(names) == 2 else f"Confirm these {len(names)} people"


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def service_name(code: str) -> str:
    service = SERVICE_BY_CODE.get(code)
    return service.name if service else code
