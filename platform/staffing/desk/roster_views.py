"""Views of the roster and of one coordinator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from staffing.catalogue import CREDENTIALS, EHR_SYSTEMS, LANGUAGES, SERVICE_BY_CODE, SERVICES
from staffing.desk.times import Stretch, stretches
from staffing.identity.principals import Principal
from staffing.roster.queries import PAGE_SIZE, CoordinatorDetail, RosterFilter, RosterRow
from staffing.roster.rules import MIDNIGHTS, CredentialStanding, week_of
from staffing.scheduling.duties import DutyRow, PlaceRow
from staffing.web.formatting import clock, date_text, hours, moment, words, zone_label
from staffing.web.forms import Field, Typed
from staffing.web.pages import Page

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SERVICES_SHOWN = 2
COUNTRIES = {
    "US": "United States", "PH": "Philippines", "MX": "Mexico", "CO": "Colombia", "IN": "India", "ZA": "South Africa",
}  # fmt: skip
_MEANING = {
    CredentialStanding.VERIFIED: "covered",
    CredentialStanding.EXPIRING: "at_risk",
    CredentialStanding.EXPIRED: "uncovered",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterLine:
    """A coordinator in the list. `minutes` of this week against `cap`."""

    href: str
    name: str
    reference: str
    country: str
    clock: str
    services: str
    languages: str
    papers_meaning: str
    papers: str
    minutes: int
    cap: int
    target: int
    week: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterPage(Page):
    template: ClassVar[str] = "desk/roster/list.html"
    surface: ClassVar[str] = "desk"

    rows: tuple[RosterLine, ...]
    narrowed: bool
    text: Field
    service: Field
    language: Field
    prev_href: str | None
    next_href: str | None
    pager_text: str


@dataclass(frozen=True, slots=True)
class Paper:
    name: str
    until: str
    verified: str
    meaning: str
    word: str


@dataclass(frozen=True, slots=True)
class Duty:
    """What somebody is assigned to for one request, this week and next."""

    lines: tuple[Stretch, ...]
    facility: str
    facility_colour: int
    service: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorPage(Page):
    template: ClassVar[str] = "desk/roster/show.html"
    surface: ClassVar[str] = "desk"

    name: str
    lede: str
    minutes: int
    cap: int
    target: int
    week: str
    papers: tuple[Paper, ...]
    services: tuple[tuple[str, int], ...]
    duties: tuple[Duty, ...]
    hours: tuple[tuple[str, str], ...]
    away: tuple[str, ...]
    oriented: tuple[PlaceRow, ...]
    excluded: tuple[PlaceRow, ...]
    facts: tuple[tuple[str, str], ...]


def roster_page(
    rows: Sequence[RosterRow],
    worked: Mapping[UUID, int],
    wanted: RosterFilter,
    page: int,
    total: int,
    principal: Principal,
    now: datetime,
) -> RosterPage:
    sent = Typed.of(text=wanted.text, service=wanted.service, language=wanted.language)
    first = (page - 1) * PAGE_SIZE + 1
    return RosterPage(
        title="Roster",
        rows=tuple(_line(row, worked.get(row.id, 0), principal.time_zone, now) for row in rows),
        narrowed=wanted != RosterFilter(),
        text=sent.field("text", "Name"),
        service=sent.field("service", "Service", options=[(service.code, service.name) for service in SERVICES]),
        language=sent.field("language", "Language", options=LANGUAGES.items()),
        prev_href=_page_href(wanted, page - 1) if page > 1 else None,
        next_href=_page_href(wanted, page + 1) if page * PAGE_SIZE < total else None,
        pager_text=f"{first}–{first + len(rows) - 1} of {total}" if rows else "Nobody on this page",
    )


def _page_href(wanted: RosterFilter, page: int) -> str:
    asked = {"text": wanted.text, "service": wanted.service, "language": wanted.language, "page": str(page)}
    return f"/desk/roster?{urlencode({name: value for name, value in asked.items() if value})}"


def _line(row: RosterRow, minutes: int, own_zone: str, now: datetime) -> RosterLine:
    names = [service_name(code) for code in row.services]
    more = len(names) - SERVICES_SHOWN
    return RosterLine(
        href=f"/desk/roster/{row.id}",
        name=row.name,
        reference=row.reference,
        country=COUNTRIES.get(row.work_country, row.work_country),
        clock=clock_text(row.time_zone, own_zone, now),
        services=", ".join(names[:SERVICES_SHOWN]) + (f" and {more} more" if more > 0 else ""),
        languages=", ".join(LANGUAGES.get(code, code) for code in row.languages),
        papers_meaning=_MEANING[row.papers],
        papers=_papers_text(row),
        minutes=minutes,
        cap=row.weekly_cap_minutes,
        target=row.weekly_target_minutes,
        week=f"{hours(minutes)} of {hours(row.weekly_cap_minutes)}",
    )


def _papers_text(row: RosterRow) -> str:
    if row.papers_until is None or row.papers is CredentialStanding.VERIFIED:
        return "All valid"
    name = CREDENTIALS.get(row.papers_kind, row.papers_kind).partition(" (")[0]
    verb = "ended" if row.papers is CredentialStanding.EXPIRED else "ends"
    return f"{name} {verb} {_short(row.papers_until)}"


def _short(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def clock_text(zone: str, own_zone: str, now: datetime) -> str:
    """The coordinator's clock, with the reader's beside it where they differ: 23:00 PST · 10:00 your time."""
    theirs = f"{clock(now, zone)} {zone_label(zone, now)}"
    here, there = now.astimezone(ZoneInfo(own_zone)), now.astimezone(ZoneInfo(zone))
    if here.utcoffset() == there.utcoffset():
        return theirs
    weekday = f"{there:%a} " if here.date() != there.date() else ""
    return f"{weekday}{theirs} · {clock(now, own_zone)} your time"


def service_name(code: str) -> str:
    service = SERVICE_BY_CODE.get(code)
    return service.name if service else code


def coordinator_page(
    person: CoordinatorDetail,
    duties: Sequence[DutyRow],
    oriented: Sequence[PlaceRow],
    excluded: Sequence[PlaceRow],
    principal: Principal,
    now: datetime,
) -> CoordinatorPage:
    country = COUNTRIES.get(person.work_country, person.work_country)
    this_week = week_of(now, person.time_zone)
    minutes = sum(
        int((row.end - row.start).total_seconds()) // 60 for row in duties if week_of(row.start, person.time_zone) == this_week
    )
    return CoordinatorPage(
        title=person.name,
        name=person.name,
        lede=f"Works from the {country}. " if country in ("United States", "Philippines") else f"Works from {country}. ",
        minutes=minutes,
        cap=person.weekly_cap_minutes,
        target=person.weekly_target_minutes,
        week=f"{hours(minutes)} of {hours(person.weekly_cap_minutes)}",
        papers=_papers(person),
        services=tuple((service_name(one.service), one.level) for one in person.services),
        duties=_duties(duties, person.time_zone),
        hours=_weekly(person),
        away=tuple(f"{moment(one.start, person.time_zone)} to {moment(one.end, person.time_zone)}" for one in person.away),
        oriented=tuple(oriented),
        excluded=tuple(excluded),
        facts=(
            ("Their clock", clock_text(person.time_zone, principal.time_zone, now)),
            ("Languages", ", ".join(LANGUAGES.get(code, code) for code in person.languages)),
            ("Systems", ", ".join(EHR_SYSTEMS.get(code, code) for code in person.ehr_systems)),
            ("Licensed in", ", ".join(person.licence_states)),
            ("Education", person.education),
            ("Role", words(person.credential_class).capitalize()),
            ("Aims at", f"{hours(person.weekly_target_minutes)} a week"),
            ("At most", f"{person.max_facilities} facilities at a time"),
            ("With us since", date_text(person.joined_on)),
            ("Left", date_text(person.left_on) if person.left_on else ""),
            ("Reference", person.reference),
        ),
    )


def _papers(person: CoordinatorDetail) -> tuple[Paper, ...]:
    said = {
        CredentialStanding.VERIFIED: "Valid",
        CredentialStanding.EXPIRING: "Ends soon",
        CredentialStanding.EXPIRED: "Has ended",
    }
    return tuple(
        Paper(
            CREDENTIALS.get(one.kind, one.kind),
            date_text(one.expires_on) if one.expires_on else "no end",
            f"{date_text(one.verified_on)} by {one.verified_by}",
            _MEANING[one.standing],
            said[one.standing],
        )
        for one in person.credentials
    )


def _duties(rows: Sequence[DutyRow], zone: str) -> tuple[Duty, ...]:
    by_request: dict[UUID, list[DutyRow]] = {}
    for row in rows:
        by_request.setdefault(row.request_id, []).append(row)
    return tuple(
        Duty(
            stretches(((row.start, row.end) for row in found), found[0].facility_zone, zone),
            found[0].facility,
            found[0].facility_colour,
            service_name(found[0].service),
            f"/desk/requests/{found[0].request_id}",
        )
        for found in by_request.values()
    )


def _weekly(person: CoordinatorDetail) -> tuple[tuple[str, str], ...]:
    """The weekly hours, days in a row with the same hours as one line."""
    of_day: dict[int, list[str]] = {}
    for one in person.hours:
        until = "24:00" if one.ends in MIDNIGHTS else f"{one.ends:%H:%M}"
        of_day.setdefault(one.weekday, []).append(f"{one.starts:%H:%M}–{until}")
    lines: list[tuple[int, int, str]] = []
    for day, spans in sorted(of_day.items()):
        said = ", ".join(spans)
        if lines and lines[-1][1] == day - 1 and lines[-1][2] == said:
            lines[-1] = (lines[-1][0], day, said)
        else:
            lines.append((day, day, said))
    return tuple(
        (WEEKDAYS[first] if first == last else f"{WEEKDAYS[first]} to {WEEKDAYS[last]}", said) for first, last, said in lines
    )
