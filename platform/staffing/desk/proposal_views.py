"""What a plan proposes, grouped as people read it: by facility, request and person; and what it leaves uncovered, by reason."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from staffing.catalogue import SERVICE_BY_CODE
from staffing.desk.times import Stretch, stretches
from staffing.scheduling.queries import ChoiceRow, GapRow, PlannedWindow, ReleaseRow
from staffing.web.formatting import hours, rate


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceGroup:
    """Who would take windows of a request, and why they."""

    facility: str
    facility_colour: int
    service: str
    reference: str
    request_href: str
    name: str
    first_name: str
    href: str
    lines: tuple[Stretch, ...]
    length: str
    why: str
    versus: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseGroup:
    """What somebody would be taken off at one facility, and who takes it."""

    name: str
    href: str
    facility: str
    facility_colour: int
    service: str
    reference: str
    request_href: str
    lines: tuple[Stretch, ...]
    taken_by: str


@dataclass(frozen=True, slots=True)
class Lack:
    """Windows with the same hours that lack the same number of people."""

    when: Stretch
    missing: str


@dataclass(frozen=True, slots=True)
class Step:
    """How many coordinators are left after one rule. `share` is of 100, for the bar."""

    words: str
    remaining: int
    share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapGroup:
    """Windows of one request that stay uncovered for the same reason."""

    service: str
    reference: str
    href: str
    facility: str
    facility_colour: int
    lines: tuple[Lack, ...]
    sentence: str
    steps: tuple[Step, ...]
    near_misses: tuple[tuple[str, str, str], ...]
    """(name, address, what stops them)."""
    fix: str
    one_of_many: bool
    """The fix brings one person, and more are missing at once."""


def choice_groups(choices: Sequence[ChoiceRow]) -> tuple[ChoiceGroup, ...]:
    """`choices` come ordered by facility, request and time; people with more windows of a request come first."""
    groups: dict[tuple[UUID, UUID], list[ChoiceRow]] = {}
    for row in choices:
        groups.setdefault((row.request_id, row.coordinator_id), []).append(row)
    ordered = sorted(groups.values(), key=lambda rows: (rows[0].facility, rows[0].reference, -len(rows), rows[0].coordinator))
    return tuple(_choice_group(rows) for rows in ordered)


def _choice_group(rows: Sequence[ChoiceRow]) -> ChoiceGroup:
    first = rows[0]
    minutes = sum(int((row.end - row.start).total_seconds()) // 60 for row in rows)
    return ChoiceGroup(
        facility=first.facility,
        facility_colour=first.facility_colour,
        service=_service(first),
        reference=first.reference,
        request_href=f"/desk/requests/{first.request_id}",
        name=first.coordinator,
        first_name=first.coordinator.partition(" ")[0],
        href=f"/desk/roster/{first.coordinator_id}",
        lines=stretches(((row.start, row.end) for row in rows), first.facility_zone, first.coordinator_zone),
        length=hours(minutes),
        why=" ".join(first.why.get("sentences", ())),
        versus=_versus(first.why),
    )


def _versus(why: dict[str, Any]) -> str:
    """What the desk alone may read: the margin and the next best person."""
    parts = [f"Leaves {rate(Decimal(why['margin_per_hour']))} between bill and pay"] if "margin_per_hour" in why else []
    if why.get("next_best"):
        advantage = why.get("advantage") or 0
        worth = f"worth {advantage} points more" if advantage > 0 else "worth about the same"
        parts.append(f"next best is {why['next_best']}, {worth} this way")
    text = "; ".join(parts)
    return f"{text}." if text else ""


def release_groups(releases: Sequence[ReleaseRow], choices: Sequence[ChoiceRow]) -> tuple[ReleaseGroup, ...]:
    """`releases` come ordered by person, facility, request and time."""
    takers: dict[UUID, list[str]] = {}
    for choice in choices:
        takers.setdefault(choice.window_id, []).append(choice.coordinator)
    groups: dict[tuple[UUID, UUID, str], list[ReleaseRow]] = {}
    for row in releases:
        whom = " and ".join(takers.get(row.window_id, ()))
        groups.setdefault((row.coordinator_id, row.request_id, whom), []).append(row)
    return tuple(_release_group(rows, whom) for (_person, _request, whom), rows in groups.items())


def _release_group(rows: Sequence[ReleaseRow], taken_by: str) -> ReleaseGroup:
    first = rows[0]
    return ReleaseGroup(
        name=first.coordinator,
        href=f"/desk/roster/{first.coordinator_id}",
        facility=first.facility,
        facility_colour=first.facility_colour,
        service=_service(first),
        reference=first.reference,
        request_href=f"/desk/requests/{first.request_id}",
        lines=stretches(((row.start, row.end) for row in rows), first.facility_zone, first.coordinator_zone),
        taken_by=taken_by,
    )


def gap_groups(gaps: Sequence[GapRow]) -> tuple[GapGroup, ...]:
    """`gaps` come ordered by priority, request and time."""
    groups: dict[tuple[UUID, str], list[GapRow]] = {}
    for row in gaps:
        groups.setdefault((row.request_id, json.dumps(row.why, sort_keys=True)), []).append(row)
    return tuple(_gap_group(rows) for rows in groups.values())


def _gap_group(rows: Sequence[GapRow]) -> GapGroup:
    first, why = rows[0], rows[0].why
    fix = why.get("nearest_fix") or {}
    return GapGroup(
        service=_service(first),
        reference=first.reference,
        href=f"/desk/requests/{first.request_id}",
        facility=first.facility,
        facility_colour=first.facility_colour,
        lines=tuple(
            Lack(stretch, f"{missing} of {headcount} missing" if headcount > 1 else "")
            for (missing, headcount), lacking in _by_missing(rows).items()
            for stretch in stretches(((row.start, row.end) for row in lacking), first.facility_zone)
        ),
        sentence=str(why.get("sentence", "")),
        steps=_steps(why.get("funnel", ())),
        near_misses=tuple(
            (str(miss["name"]), f"/desk/roster/{miss['coordinator_id']}", str(miss["sentence"]))
            for miss in why.get("near_misses", ())
        ),
        fix=str(fix.get("sentence", "")),
        one_of_many=any(row.missing > 1 for row in rows),
    )


def _steps(funnel: Iterable[dict[str, Any]]) -> tuple[Step, ...]:
    """The rules that rule somebody out, after everybody."""
    steps = list(funnel)
    if not steps:
        return ()
    everybody = steps[0]["remaining"] or 1
    shown, before = [], None
    for step in steps:
        if step["remaining"] != before:
            shown.append(Step(str(step["sentence"]), step["remaining"], 100 * step["remaining"] // everybody))
        before = step["remaining"]
    return tuple(shown)


def _service(row: PlannedWindow) -> str:
    service = SERVICE_BY_CODE.get(row.service)
    return service.name if service else row.service


def _by_missing(rows: Iterable[GapRow]) -> dict[tuple[int, int], list[GapRow]]:
    found: dict[tuple[int, int], list[GapRow]] = {}
    for row in rows:
        found.setdefault((row.missing, row.headcount), []).append(row)
    return found
