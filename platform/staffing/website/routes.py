"""The public site: what the agency offers, signing in, invitations, and whether the system is well."""

from litestar import Response, get
from litestar.di import NamedDependency

from staffing.catalogue import SERVICES, ServiceLine
from staffing.identity import queries
from staffing.identity.permissions import Permission
from staffing.persistence import health
from staffing.persistence.transactions import Transaction
from staffing.web.http import Request
from staffing.web.rendering import render
from staffing.website import invitations, sign_in
from staffing.website.views import HomePage


@get("/", permission=Permission.PUBLIC)
async def home(request: Request, tx: NamedDependency[Transaction]) -> Response[str]:
    agency = await queries.agency(tx)
    page = HomePage(
        title="Relief when you need it",
        agency=agency.name if agency else "Relief Desk",
        medical=tuple(service for service in SERVICES if service.line is ServiceLine.MEDICAL),
        dental=tuple(service for service in SERVICES if service.line is ServiceLine.DENTAL),
    )
    return render(request, page)


@get("/health", permission=Permission.PUBLIC, without_transaction=True)
async def is_alive() -> str:
    """The process answers."""
    return "ok"


@get("/ready", permission=Permission.PUBLIC, without_transaction=True)
async def is_ready(request: Request) -> Response[str]:
    """The process can serve: the database answers."""
    database = request.database
    ready = await health.answers(database)
    return Response("ready" if ready else "not ready", status_code=200 if ready else 503)


HANDLERS = [
    home,
    sign_in.show,
    sign_in.sign_in,
    sign_in.sign_out,
    sign_in.stay_signed_in,
    invitations.show,
    invitations.accept,
    is_alive,
    is_ready,
]
