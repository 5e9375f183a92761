"""The owner's page: six numbers, and the access log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency

from staffing import clock
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.reporting import access_log, agency
from staffing.reporting.access_log import AccessRow, ChainRow
from staffing.reporting.agency import Receivables, Week
from staffing.web.formatting import hours
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render


@dataclass(frozen=True, slots=True)
class Trend:
    """A number over the weeks that have one, oldest first, and how it changed in words."""

    label: str
    values: tuple[int, ...]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage(Page):
    template: ClassVar[str] = "desk/reports/owner.html"
    surface: ClassVar[str] = "desk"

    weeks: tuple[Week, ...]
    next_week: Week
    this_week: Week
    last_week: Week
    money: Receivables
    trends: tuple[Trend, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogPage(Page):
    template: ClassVar[str] = "desk/reports/access_log.html"
    surface: ClassVar[str] = "desk"

    rows: tuple[AccessRow, ...]
    chains: tuple[ChainRow, ...]
    broken: int
    zone: str
    newest_href: str | None
    older_href: str | None
    shown: str


@get("/desk/report", permission=Permission.DESK_REPORTS_READ)
async def report(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    now = clock.now()
    weeks = tuple(await agency.weeks(tx, principal, now))
    ours = await identity.agency(tx)
    today = now.astimezone(ZoneInfo(ours.time_zone if ours else "UTC")).date()
    page = ReportPage(
        title="How the agency is doing",
        weeks=weeks,
        next_week=(await agency.weeks(tx, principal, now + timedelta(weeks=1), 1))[0],
        this_week=weeks[-1],
        last_week=weeks[-2],
        money=await agency.receivables(tx, principal, today),
        trends=_trends(weeks[:-1]),
    )
    return render(request, page)


def _trends(full_weeks: Sequence[Week]) -> tuple[Trend, ...]:
    """Over full weeks only: the running one is neither worked nor approved to its end. A week without a number is left out."""

    def percent(number: int) -> str:
        return f"{number} %"

    numbers: tuple[tuple[str, list[int | None], Callable[[int], str]], ...] = (
        ("Places covered", [week.fill_percent for week in full_weeks], percent),
        ("Approved time", [week.minutes or None for week in full_weeks], hours),
        ("Margin", [week.margin_percent for week in full_weeks], percent),
    )
    return tuple(_trend(label, found, say) for label, found, say in numbers)


def _trend(label: str, found: Sequence[int | None], say: Callable[[int], str]) -> Trend:
    values = tuple(number for number in found if number is not None)
    if len(values) < 2:
        return Trend(label, values, "Too few full weeks to compare")
    first, last = say(values[0]), say(values[-1])
    change = f"{last} throughout" if len(set(values)) == 1 else f"{first}, then {last}"
    return Trend(label, values, f"{change}; {len(values)} full weeks")


@get("/desk/audit", permission=Permission.DESK_AUDIT_READ)
async def audit_log(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    before = request.query_params.get("before", "")
    rows = await access_log.recent(tx, principal, int(before) if before.isdecimal() and len(before) < 18 else None)
    chains = tuple(await access_log.chains(tx, principal))
    page = AccessLogPage(
        title="Access log",
        rows=tuple(rows),
        chains=chains,
        broken=sum(1 for chain in chains if chain.problem),
        zone=principal.time_zone,
        newest_href="/desk/audit" if before else None,
        older_href=f"/desk/audit?before={rows[-1].id}" if len(rows) == access_log.PAGE else None,
        shown=f"{len(rows)} older ones" if before else f"The newest {len(rows)}",
    )
    return render(request, page)


HANDLERS: list[Any] = [report, audit_log]
