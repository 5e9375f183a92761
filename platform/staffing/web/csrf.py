"""Forms can be sent from our own pages only: a token bound to the session, and a look at where the request says it comes from."""

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from litestar.datastructures import Cookie

from staffing.errors import ForgedRequest
from staffing.settings import Settings
from staffing.web.authentication import cookie_name
from staffing.web.http import Request

FIELD = "csrf_token"
HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def visitor_cookie_name(settings: Settings) -> str:
    return "__Host-relief_visitor" if settings.secure else "relief_visitor"


def token_for(request: Request) -> str:
    """The token to put into this visitor's forms. A visitor without a session gets a random cookie to bind it to."""
    settings = request.settings
    bound_to = _bound_to(request)
    if not bound_to:
        bound_to = request.scope["state"].setdefault("new_visitor", secrets.token_urlsafe(24))
    return _sign(settings, bound_to)


def new_visitor_cookie(request: Request) -> Cookie | None:
    """The cookie to send along when `token_for` had to invent a visitor."""
    value = request.scope["state"].get("new_visitor")
    if value is None:
        return None
    settings = request.settings
    return Cookie(key=visitor_cookie_name(settings), value=value, path="/", httponly=True, samesite="lax", secure=settings.secure)


async def check(request: Request) -> None:
    """Raise `ForgedRequest` unless an unsafe request comes from a page of ours."""
    if request.method in SAFE_METHODS:
        return
    settings = request.settings
    _check_origin(request, settings)
    bound_to = _bound_to(request)
    sent = request.headers.get(HEADER) or (await request.form()).get(FIELD) or ""
    if not bound_to or not hmac.compare_digest(_sign(settings, bound_to).encode(), str(sent).encode()):
        raise ForgedRequest


def _check_origin(request: Request, settings: Settings) -> None:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ForgedRequest
    origin = request.headers.get("origin")
    if origin and origin != "null":
        allowed = {urlsplit(settings.public_url).netloc, request.headers.get("host", "")}
        if _netloc(origin) not in allowed:
            raise ForgedRequest
    elif origin == "null":
        raise ForgedRequest


def _netloc(origin: str) -> str:
    """Host and port of an origin. Raises `ForgedRequest` for what no browser sends."""
    try:
        netloc = urlsplit(origin).netloc
    except ValueError:
        raise ForgedRequest from None
    if not netloc:
        raise ForgedRequest
    return netloc


def _bound_to(request: Request) -> str:
    settings = request.settings
    if request.caller is not None:
        return request.cookies.get(cookie_name(settings), "")
    return request.cookies.get(visitor_cookie_name(settings), "")


def _sign(settings: Settings, bound_to: str) -> str:
    return hmac.new(settings.secret_key.encode(), f"csrf:{bound_to}".encode(), hashlib.sha256).hexdigest()
