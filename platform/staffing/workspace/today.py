"""Today across all facilities, in the coordinator's own zone with the facility's beside it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency

from staffing import clock
from staffing.care import service as care
from staffing.care.queries import PatientRow
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.web.formatting import hours, zone_label
from staffing.web.forms import Typed, typed
from staffing.web.http import Request
from staffing.web.rendering import render
from staffing.web.zones import stretch
from staffing.worklog import cover, queries, rules
from staffing.worklog.cover import Cover
from staffing.worklog.models import EntryState
from staffing.worklog.rows import EntryRow
from staffing.worklog.shortcuts import Shortcut, shortcuts
from staffing.workspace.notes import ACTIVITIES, line, note_names_shown, who_options
from staffing.workspace.timers import bar
from staffing.workspace.today_view import Band, Place, QuickCall, Start, TodayPage

RECENT = timedelta(days=14)
MOST_FOUND = 8
SOME_PATIENTS = 40
LOOK_BACK, LOOK_AHEAD = timedelta(hours=8), timedelta(hours=10)
"""The time line shows this shift: who works at night has the end of one and the beginning of another on one date."""


@get("/workspace", permission=Permission.WORKSPACE_ENTRIES_READ)
async def show(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    return render(request, await page(tx, principal))


@post("/workspace/find", permission=Permission.WORKSPACE_PATIENTS_READ)
async def find(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    """Sent as a form, not in the address: a patient's name belongs in no history and no log."""
    return render(request, await page(tx, principal, find=(await typed(request)).storable("find")[:100]))


async def page(tx: Transaction, principal: Principal, *, find: str = "") -> TodayPage:
    now = clock.now()
    day = rules.day_span(rules.local_day(now, principal.time_zone), principal.time_zone)
    covers = await cover.cover_around(tx, principal, now)
    entries = await queries.own_entries(tx, principal, day)
    running = next((row for row in entries if row.state is EntryState.RUNNING), None) or await queries.running_entry(
        tx, principal
    )
    at_hand = await shortcuts(tx, principal, now - RECENT)
    found = await care.list_patients(tx, principal, search=find, limit=MOST_FOUND) if find.strip() else None
    note_names_shown(tx, principal, entries, "today")
    finished = [row for row in entries if row.end is not None]
    today = [one for one in covers if one.span.overlaps(day)]
    horizon = rules.Span(max(day.start, now - LOOK_BACK), min(day.end, now + LOOK_AHEAD))
    drawn = [one for one in today if one.span.overlaps(horizon)]
    # A window is drawn whole, and so is what was recorded in it.
    seen = rules.Span(min([horizon.start, *(one.start for one in drawn)]), horizon.end)
    worked = [row for row in entries if rules.Span(row.start, row.end or now).overlaps(seen)]
    return TodayPage(
        title="Today",
        timer=bar(running) if running else None,
        zone=principal.time_zone,
        now=now,
        running=line(running, principal.time_zone) if running else None,
        bands=_bands(drawn, worked, day, now, principal.time_zone),
        hours=_hours(drawn, worked, day, now, principal.time_zone),
        now_minute=_minute(now, principal.time_zone),
        shortcuts=tuple(_start(one) for one in at_hand if not _is_running(one, running)),
        places=_places(covers),
        find=Typed.of(find=find).field("find", "Find a patient", hint="Part of a name or a record number", required=True),
        found=tuple(_found(row) for row in found.rows) if found else None,
        found_total=found.total if found else 0,
        quick=await _quick(tx, principal, at_hand, covers),
        unfinished=tuple(line(row, principal.time_zone) for row in finished if row.missing and row.state is EntryState.DRAFT),
        entries=tuple(line(row, principal.time_zone, named=False) for row in reversed(finished)),
        seconds=sum(row.seconds for row in finished),
        windows=len(today),
        all_over=all(one.end <= now for one in today),
        next_window=_next_window(covers, now, principal.time_zone),
    )


async def _quick(tx: Transaction, principal: Principal, at_hand: Sequence[Shortcut], covers: Sequence[Cover]) -> QuickCall:
    """The form for a call that has just ended: those at hand, or some patients under care while nobody is."""
    near = [
        (f"{one.facility_id}:{one.patient_id or ''}", f"{one.patient_name or 'No patient'} · {one.facility_name}")
        for one in at_hand
    ]
    some = await care.list_patients(tx, principal, limit=SOME_PATIENTS) if covers and not near else None
    options = dict([*near, *who_options(some.rows if some else (), covers)])
    empty = Typed()
    return QuickCall(
        minutes=empty.field("minutes", "Minutes", required=True),
        who=empty.field("who", "For whom", required=True, options=options.items()),
        activity=empty.field("activity", "Activity", required=True, options=ACTIVITIES),
        note=empty.field("note", "What you did", required=True),
    )


def _is_running(one: Shortcut, running: EntryRow | None) -> bool:
    return running is not None and (one.facility_id, one.patient_id) == (running.facility_id, running.patient_id)


def _start(one: Shortcut) -> Start:
    return Start(
        facility_id=str(one.facility_id),
        facility=one.facility_name,
        colour=one.facility_colour,
        patient_id=str(one.patient_id or ""),
        patient=one.patient_name,
        pinned=one.pinned,
    )


def _found(row: PatientRow) -> Start:
    return Start(
        facility_id=str(row.facility_id),
        facility=row.facility_name,
        colour=row.facility_colour,
        patient_id=str(row.id),
        patient=row.name,
        detail=f"{row.record_number}, born {row.birth_date:%Y}",
    )


def _places(covers: Sequence[Cover]) -> tuple[Place, ...]:
    """Each facility under care once, with the services that can be worked on there."""
    places: dict[str, Place] = {}
    for one in covers:
        key = str(one.facility_id)
        before = places.get(key)
        services = dict(before.services if before else ()) | {one.service: one.service_name}
        places[key] = Place(key, one.facility_name, one.facility_colour, tuple(services.items()))
    return tuple(places.values())


def _bands(covers: Sequence[Cover], entries: Sequence[EntryRow], day: rules.Span, now: datetime, zone: str) -> tuple[Band, ...]:
    """The agreed windows, and under them the recorded work in blocks: breaths between entries are not drawn."""

    def band(start: datetime, end: datetime, kind: str, colour: int, label: str, detail: str, href: str = "") -> Band:
        first, last = max(start, day.start), min(end, day.end)
        end_minute = 24 * 60 if last == day.end else _minute(last, zone)
        return Band(_minute(first, zone), max(end_minute, _minute(first, zone) + 1), kind, colour, label, detail, href)

    windows = [band(one.start, one.end, "window", one.facility_colour, one.facility_name, _there(one, zone)) for one in covers]
    blocks = [
        band(block[0].start, block[-1].end or now, "entry", block[0].facility_colour, *_block_words(block, now), "#recorded")
        for block in _blocks(entries)
    ]
    return tuple(windows + blocks)


def _blocks(entries: Sequence[EntryRow]) -> list[list[EntryRow]]:
    """Entries that follow one another at one facility with hardly a gap between them."""
    blocks: list[list[EntryRow]] = []
    for row in entries:
        last = blocks[-1][-1] if blocks else None
        follows = last is not None and last.facility_id == row.facility_id and last.end is not None
        if last is not None and follows and last.span.end + rules.SMALLEST_GAP > row.start:
            blocks[-1].append(row)
        else:
            blocks.append([row])
    return blocks


def _block_words(block: Sequence[EntryRow], now: datetime) -> tuple[str, str]:
    seconds = sum(int(((row.end or now) - row.start).total_seconds()) for row in block)
    several = "1 entry" if len(block) == 1 else f"{len(block)} entries"
    return f"{hours(seconds // 60)} recorded", several if block[-1].end else f"{several}, running"


def _there(one: Cover, zone: str) -> str:
    """The facility's own time beside the service, where its clocks differ."""
    same = zone_label(zone, one.start) == zone_label(one.facility_zone, one.start)
    return one.service_name if same else f"{one.service_name}, {stretch(one.start, one.end, one.facility_zone)} there"


def _hours(covers: Sequence[Cover], entries: Sequence[EntryRow], day: rules.Span, now: datetime, zone: str) -> tuple[int, int]:
    """The hours that the time line shows: all that is planned and recorded, and this hour; at least eight."""
    spans = [(one.start, one.end) for one in covers] + [(row.start, row.end or now) for row in entries] + [(now, now)]
    starts = [max(start, day.start) for start, _ in spans]
    ends = [min(end, day.end) for _, end in spans]
    first = min(_minute(one, zone) for one in starts) // 60
    last = max(24 * 60 if one == day.end else _minute(one, zone) for one in ends)
    until = min(max(-(-last // 60), first + 8), 24)
    return min(first, until - 8), until


def _minute(instant: datetime, zone: str) -> int:
    local = instant.astimezone(ZoneInfo(zone))
    return local.hour * 60 + local.minute


def _next_window(covers: Sequence[Cover], now: datetime, zone: str) -> str:
    coming = min((one for one in covers if one.start > now), key=lambda one: one.start, default=None)
    return f"{stretch(coming.start, coming.end, zone, with_day=True)} at {coming.facility_name}" if coming else ""


HANDLERS: list[Any] = [show, find]
