"""Who covers what, this week and next."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from litestar import Response, get
from litestar.di import NamedDependency

from client_portal.zones import zone_words
from staffing import clock
from staffing.facilities.queries import FacilityRow
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.reporting import portal
from staffing.reporting.portal import CoverDay, FacilityCover
from staffing.requests.rows import WeekBar, bar
from staffing.requests.weekly import WEEKDAYS
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One week of one facility: the days on which somebody is asked for, and how well they are covered."""

    title: str
    facility: FacilityRow
    zone: str
    today: date
    over: tuple[CoverDay, ...]
    """The days before today."""
    days: tuple[CoverDay, ...]
    """Today and the days after it."""
    bars: WeekBar
    percent: int | None
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverPage(Page):
    template: ClassVar[str] = "portal/cover/weeks.html"
    surface: ClassVar[str] = "portal"

    weeks: tuple[Week, ...]
    several: bool
    now: datetime


@get("/portal/cover", permission=Permission.PORTAL_COVER_READ)
async def show(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    cover = await portal.cover(tx, principal, weeks=2)
    return render(request, cover_page(cover, clock.now()))


def cover_page(cover: list[FacilityCover], now: datetime) -> CoverPage:
    weeks = [
        _week(one, title, one.days[first : first + 7], now)
        for one in cover
        for title, first in (("This week", 0), ("Next week", 7))
    ]
    return CoverPage(
        title="Cover",
        place=cover[0].facility.name if len(cover) == 1 else f"{len(cover)} facilities",
        weeks=tuple(weeks),
        several=len(cover) > 1,
        now=now,
    )


def _week(cover: FacilityCover, title: str, days: tuple[CoverDay, ...], now: datetime) -> Week:
    asked, covered = portal.share_covered(window for day in days for window in day.windows)
    return Week(
        title=title,
        facility=cover.facility,
        zone=zone_words(cover.facility.time_zone, [window.start for day in days for window in day.windows] or [now]),
        today=cover.today,
        over=tuple(day for day in days if day.windows and day.on < cover.today),
        days=tuple(day for day in days if day.windows and day.on >= cover.today),
        bars=tuple(bar(name, [one.cover for one in day.windows]) for name, day in zip(WEEKDAYS, days, strict=True)),
        percent=100 * covered // asked if asked else None,
        minutes=covered,
    )


HANDLERS: list[Any] = [show]
