"""From the session cookie to the `Principal`, in the request's own transaction."""

from datetime import timedelta

from staffing import clock
from staffing.errors import NotSignedIn
from staffing.identity import sessions
from staffing.identity.models import Role
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.scheduling import reach
from staffing.settings import Settings
from staffing.web.http import Request


def cookie_name(settings: Settings) -> str:
    """`__Host-` pins the cookie to this host over TLS; browsers refuse the prefix without TLS."""
    return "__Host-relief_session" if settings.secure else "relief_session"


def limits(settings: Settings) -> sessions.Limits:
    return sessions.Limits(timedelta(minutes=settings.idle_minutes), timedelta(hours=settings.session_hours))


async def authenticate(request: Request, tx: Transaction) -> Principal | None:
    """Who is asking; the transaction is limited to what they may reach. None: nobody is signed in."""
    settings = request.settings
    token = request.cookies.get(cookie_name(settings))
    if not token:
        return None
    principal = await sessions.principal_of(tx, token, limits(settings))
    if principal is None:
        return None
    if principal.role is Role.COORDINATOR:
        principal = await reach.with_facilities(tx, principal, clock.now())
    await tx.enter(principal.scope())
    tx.info["actor"] = principal.actor(request.request_id)
    return principal


def provide_principal(request: Request) -> Principal:
    """The caller, for handlers. The guard has made sure that there is one on every page that is not public."""
    if request.caller is None:
        raise NotSignedIn
    return request.caller
