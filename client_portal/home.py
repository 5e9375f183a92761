"""The facility's first page: am I covered today, what needs me."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency

from client_portal.zones import zone_words
from staffing import clock
from staffing.dunning.notices import OwingNotice, notices
from staffing.facilities.queries import FacilityRow
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.reporting import portal
from staffing.reporting.portal import CoverWindow, FacilityCover, NeedsYou
from staffing.requests.rows import WeekBar, bar
from staffing.requests.weekly import WEEKDAYS
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityToday:
    """One facility's answer to "am I covered?"."""

    facility: FacilityRow
    zone: str
    day: date
    answer: str
    meaning: str
    windows: tuple[CoverWindow, ...]
    next_day: date | None
    """Where nothing is asked for today: the next day of this week or the next with a window."""
    open_ahead: int
    """Windows after today, in this week and the next, that still miss somebody."""
    first_open: CoverWindow | None
    week: WeekBar
    week_percent: int | None
    week_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage(Page):
    template: ClassVar[str] = "portal/home.html"
    surface: ClassVar[str] = "portal"

    greeting: str
    facilities: tuple[FacilityToday, ...]
    needs: NeedsYou
    now: datetime
    owing: tuple[OwingNotice, ...] = ()


@get("/portal", permission=Permission.PORTAL_COVER_READ)
async def show(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    cover = await portal.cover(tx, principal, weeks=2)
    needs = await portal.needs_you(tx, principal)
    page = home_page(principal, cover, needs, clock.now())
    return render(request, replace(page, owing=await notices(tx, principal)))


def home_page(principal: Principal, cover: list[FacilityCover], needs: NeedsYou, now: datetime) -> HomePage:
    zone = cover[0].facility.time_zone if cover else principal.time_zone
    return HomePage(
        title="Today",
        place=cover[0].facility.name if len(cover) == 1 else f"{len(cover)} facilities",
        counts={"/portal/approvals": needs.entries, "/portal/invoices": needs.invoices},
        greeting=f"{_part_of_day(now, zone)}, {principal.name.split()[0]}.",
        facilities=tuple(_today(one, now) for one in cover),
        needs=needs,
        now=now,
    )


def _today(cover: FacilityCover, now: datetime) -> FacilityToday:
    windows = tuple(window for day in cover.between(cover.today, cover.today) for window in day.windows)
    this_week = cover.days[:7]
    later = [day for day in cover.days if day.on > cover.today and day.windows]
    open_ahead = [window for day in later for window in day.windows if window.missing]
    week = [window for day in this_week for window in day.windows]
    asked, covered = portal.share_covered(week)
    meaning, answer = _answer(windows, now)
    return FacilityToday(
        facility=cover.facility,
        zone=zone_words(cover.facility.time_zone, [window.start for window in windows] or [now]),
        day=cover.today,
        answer=answer,
        meaning=meaning,
        windows=windows,
        next_day=later[0].on if later else None,
        open_ahead=len(open_ahead),
        first_open=open_ahead[0] if open_ahead else None,
        week=tuple(bar(name, [one.cover for one in day.windows]) for name, day in zip(WEEKDAYS, this_week, strict=True)),
        week_percent=100 * covered // asked if asked else None,
        week_minutes=covered,
    )


def _answer(windows: tuple[CoverWindow, ...], now: datetime) -> tuple[str, str]:
    """Am I covered today? The meaning and the sentence."""
    open_ones = [window for window in windows if window.missing and window.end > now]
    if not windows:
        return "", "Nothing is asked for today."
    if all(window.end <= now for window in windows):
        return "", "Everything for today is over."
    if not open_ones:
        return "covered", "Yes, you are covered today."
    first = "one window is" if len(open_ones) == 1 else f"{len(open_ones)} windows are"
    whole = all(not window.people for window in open_ones)
    return "uncovered" if whole else "at_risk", f"Not yet: {first} {'without anybody' if whole else 'short of people'}."


def _part_of_day(now: datetime, zone: str) -> str:
    hour = now.astimezone(ZoneInfo(zone)).hour
    return "Good morning" if hour < 12 else "Good afternoon" if hour < 18 else "Good evening"


HANDLERS: list[Any] = [show]
