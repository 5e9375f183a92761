"""Views of what can be done after a call-off: who is missing where, and each way to relieve with what it means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from staffing.desk.relief_options import BOTH_WAYS, Item, Option, both_ways, lost_items, service_name
from staffing.desk.times import ago_text, ahead_text
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.scheduling.call_off_queries import CallOffDetail, LostWindow
from staffing.scheduling.call_off_rules import REASON_NAMES, CallOffReason
from staffing.scheduling.models import ReliefState
from staffing.wall_clock import span_words
from staffing.web.formatting import day, moment
from staffing.web.pages import Fragment, Page

WAITING_IS_ODD = 15
"""A search that waits for longer than this many seconds may be waiting for a worker that is not there."""
ODD = "It takes longer than it should: no worker may be running."
STALE = "What is missing has changed since relief was looked for. Look again to take that in."


@dataclass(frozen=True, slots=True)
class LostLine:
    """A window that the call-off opened, and where it stands now."""

    when: str
    service: str
    href: str
    facility: str
    facility_colour: int
    meaning: str
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search(Fragment):
    """Whether the search for relief is still at work."""

    template: ClassVar[str] = "desk/call_offs/_search.html"

    href: str
    running: bool
    sentence: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliefPage(Page):
    template: ClassVar[str] = "desk/call_offs/show.html"
    surface: ClassVar[str] = "desk"

    name: str
    state: tuple[str, str]
    lede: str
    address: str
    search: Search
    refusal: str
    failure: str
    lost: tuple[LostLine, ...]
    both: tuple[Option, ...]
    covers_all: bool
    """One of both leaves nothing open."""
    no_better: tuple[str, str]
    items: tuple[Item, ...]
    facts: tuple[tuple[str, str], ...]
    may_look_again: bool
    may_withdraw: bool
    may_plan: bool


def is_searching(call_off: CallOffDetail) -> bool:
    """A search is under way, or about to begin: somebody is missing and nobody has looked yet."""
    missing = any(window.open for window in call_off.windows) and call_off.withdrawn_at is None
    return missing and call_off.search_state in (None, ReliefState.SEARCHING)


def search_view(call_off: CallOffDetail, now: datetime) -> Search:
    running = is_searching(call_off)
    waited = (now - (call_off.searched_at or call_off.recorded_at)).total_seconds()
    return Search(
        href=f"/desk/call-offs/{call_off.id}/search",
        running=running,
        sentence="Looking who can step in." if running else "The search for relief is over.",
        note=ODD if running and waited > WAITING_IS_ODD else "",
    )


def relief_page(
    call_off: CallOffDetail,
    principal: Principal,
    now: datetime,
    *,
    refusal: str = "",
) -> ReliefPage:
    missing = [window for window in call_off.windows if window.open] if call_off.withdrawn_at is None else []
    searching = is_searching(call_off)
    # A search that looked at other windows than those missing now is not offered: its options would be refused.
    found = bool(missing) and call_off.search_state is ReliefState.FOUND
    current = found and _looked_at(call_off, missing)
    may_confirm = principal.may(Permission.DESK_PLANS_APPLY)
    both = both_ways(call_off, len(missing), may_confirm) if current else ()
    return ReliefPage(
        title=f"{call_off.coordinator} called off",
        section="/desk",
        refresh_seconds=2 if searching else 0,
        name=call_off.coordinator,
        state=_state(call_off, missing),
        lede=_lede(call_off, missing, now),
        address=f"/desk/call-offs/{call_off.id}",
        search=search_view(call_off, now),
        refusal=refusal,
        failure=_failure(call_off, missing, stale=found and not current),
        lost=tuple(_lost(window) for window in call_off.windows),
        both=both,
        covers_all=any(meaning == "covered" for option in both for meaning, _ in option.effects),
        no_better=_no_better(both) if current else ("", ""),
        items=lost_items(call_off, both, may_confirm) if current else (),
        facts=_facts(call_off, principal.time_zone, now),
        may_look_again=bool(missing) and not searching and principal.may(Permission.DESK_PLANS_RUN),
        may_withdraw=call_off.withdrawn_at is None and call_off.end > now and principal.may(Permission.DESK_CALL_OFFS_RECORD),
        may_plan=bool(missing) and principal.may(Permission.DESK_PLANS_RUN),
    )


def _looked_at(call_off: CallOffDetail, missing: Sequence[LostWindow]) -> bool:
    looked = {window["window_id"] for item in call_off.found["items"] for window in item["windows"]}
    return looked == {str(window.window_id) for window in missing}


def _failure(call_off: CallOffDetail, missing: Sequence[LostWindow], *, stale: bool) -> str:
    if stale:
        return STALE
    return call_off.failure if missing and call_off.search_state is ReliefState.FAILED else ""


def _state(call_off: CallOffDetail, missing: Sequence[LostWindow]) -> tuple[str, str]:
    if call_off.withdrawn_at is not None:
        return "neutral", "Taken back"
    return ("uncovered", f"{len(missing)} open") if missing else ("covered", "Relieved")


def _lede(call_off: CallOffDetail, missing: Sequence[LostWindow], now: datetime) -> str:
    if call_off.withdrawn_at is not None:
        return f"{call_off.withdrawn_by} took this back {ago_text(call_off.withdrawn_at, now)}."
    if not call_off.windows:
        return "Nothing was assigned in that time."
    if not missing:
        return "Nothing of it lacks anybody any more."
    first = missing[0]
    lacks = "One window lacks" if len(missing) == 1 else f"{len(missing)} windows lack"
    return (
        f"{lacks} somebody. The first: {span_words(first.start, first.end, first.facility_zone)}, {ahead_text(first.start, now)}."
    )


def _lost(window: LostWindow) -> LostLine:
    if window.taken_by:
        meaning, word = "covered" if not window.open else "at_risk", ", ".join(window.taken_by)
    elif window.open:
        meaning, word = "uncovered", "Nobody yet"
    else:
        meaning, word = "neutral", "Over" if window.over else "Not needed any more"
    return LostLine(
        span_words(window.start, window.end, window.facility_zone),
        service_name(window.service),
        f"/desk/requests/{window.request_id}",
        window.facility,
        window.facility_colour,
        meaning,
        word,
    )


def _no_better(both: Sequence[Option]) -> tuple[str, str]:
    """(the way that there is not, why not); without any way the title is empty."""
    if not both:
        return "", "Nobody can step in as things stand, not even if others change places. Below is why, and what would help."
    if both[-1].key == "a":
        return BOTH_WAYS[1][1], "Having others change places would not be better."
    return ("", "") if len(both) == 2 else (BOTH_WAYS[0][1], "Without anybody else changing places nothing of it can be covered.")


def _facts(call_off: CallOffDetail, zone: str, now: datetime) -> tuple[tuple[str, str], ...]:
    recorded = call_off.coordinator if call_off.by_themselves else call_off.recorded_by
    return (
        ("Why", REASON_NAMES[CallOffReason(call_off.reason)]),
        ("Away", _away(call_off.start, call_off.end, call_off.coordinator_zone)),
        ("Recorded by", f"{recorded}, {moment(call_off.recorded_at, zone)}"),
        ("Looked for relief", ago_text(call_off.searched_at, now) if call_off.searched_at else ""),
    )


def _away(start: datetime, end: datetime, zone: str) -> str:
    """On their own clock: within a day with its hours, else to the end of the last day."""
    last = end - timedelta(minutes=1)
    if day(start, zone) == day(last, zone):
        return span_words(start, end, zone)
    whole_day = f"{end.astimezone(ZoneInfo(zone)):%H:%M}" == "00:00"
    return f"{moment(start, zone)} to {f'the end of {day(last, zone)}' if whole_day else moment(end, zone)}"
