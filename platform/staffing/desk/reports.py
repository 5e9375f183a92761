"""The owner's page: six numbers, and the access log."""

from dataclasses import dataclass
from typing import Any, ClassVar

from litestar import Response, get
from litestar.di import NamedDependency

from staffing import clock
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.reporting import access_log, agency
from staffing.reporting.access_log import AccessRow, ChainRow
from staffing.reporting.agency import Receivables, Week
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage(Page):
    template: ClassVar[str] = "desk/reports/owner.html"
    surface: ClassVar[str] = "desk"

    weeks: tuple[Week, ...]
    this_week: Week
    last_week: Week
    money: Receivables
    fill_trend: tuple[int, ...]
    minutes_trend: tuple[int, ...]
    margin_trend: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogPage(Page):
    template: ClassVar[str] = "desk/reports/access_log.html"
    surface: ClassVar[str] = "desk"

    rows: tuple[AccessRow, ...]
    chains: tuple[ChainRow, ...]
    broken: int
    zone: str
    older_href: str | None


@get("/desk/report", permission=Permission.DESK_REPORTS_READ)
async def report(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    weeks = tuple(await agency.weeks(tx, principal, clock.now()))
    page = ReportPage(
        title="How the agency is doing",
        weeks=weeks,
        this_week=weeks[-1],
        last_week=weeks[-2],
        money=await agency.receivables(tx, principal, clock.now().date()),
        fill_trend=tuple(week.fill_percent or 0 for week in weeks),
        minutes_trend=tuple(week.minutes for week in weeks),
        margin_trend=tuple(week.margin_percent or 0 for week in weeks),
    )
    return render(request, page)


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
        older_href=f"/desk/audit?before={rows[-1].id}" if len(rows) == access_log.PAGE else None,
    )
    return render(request, page)


HANDLERS: list[Any] = [report, audit_log]
