"""The coordinators, their credentials and their week."""

from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing import clock
from staffing.catalogue import LANGUAGES, SERVICE_BY_CODE
from staffing.desk.roster_views import coordinator_page, roster_page
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.roster import queries
from staffing.roster.queries import RosterFilter
from staffing.scheduling import duties
from staffing.web.http import Request
from staffing.web.rendering import render

FURTHEST_PAGE = 10_000


@get("/desk/roster", permission=Permission.DESK_ROSTER_READ)
async def show_list(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    wanted, page = _asked(request)
    total = await queries.count_roster(tx, principal, wanted)
    rows = await queries.roster_page(tx, principal, wanted, page)
    people = [(row.id, row.time_zone) for row in rows]
    worked = await duties.minutes_this_week(tx, principal, people, clock.now())
    return render(request, roster_page(rows, worked, wanted, page, total, principal, clock.now()))


@get("/desk/roster/{coordinator_id:uuid}", permission=Permission.DESK_ROSTER_READ)
async def show(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], coordinator_id: FromPath[UUID]
) -> Response[str]:
    now = clock.now()
    person = await queries.coordinator_detail(tx, principal, coordinator_id)
    view = coordinator_page(
        person,
        await duties.duties(tx, principal, person.id, person.time_zone, now),
        await duties.oriented_at(tx, principal, person.id),
        await duties.excluded_from(tx, principal, person.id),
        principal,
        now,
    )
    return render(request, view)


def _asked(request: Request) -> tuple[RosterFilter, int]:
    """The filter and the page of the address; what is not known narrows nothing."""
    sent = request.query_params
    service, language, page = sent.get("service", ""), sent.get("language", ""), sent.get("page", "1")
    wanted = RosterFilter(
        service=service if service in SERVICE_BY_CODE else "",
        language=language if language in LANGUAGES else "",
        text=sent.get("text", "").strip().replace("\x00", "")[:100],
    )
    known = page.isascii() and page.isdigit() and len(page) < 6 and int(page)
    return wanted, min(int(page), FURTHEST_PAGE) if known else 1


HANDLERS: list[Any] = [show_list, show]
