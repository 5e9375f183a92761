"""Signing in and out."""

from typing import Any

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from staffing.errors import Invalid, TooManyAttempts
from staffing.identity import sessions
from staffing.identity.models import Role
from staffing.identity.permissions import HOME, Permission
from staffing.persistence.transactions import Transaction
from staffing.settings import Settings
from staffing.web.authentication import cookie_name
from staffing.web.forms import Typed, typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other
from staffing.website.demo_logins import demo_logins
from staffing.website.views import SignInPage


@get("/sign-in", permission=Permission.PUBLIC)
async def show(request: Request) -> Response[Any]:
    if request.caller is not None:
        return see_other(request, HOME[request.caller.role])
    return render(request, await _page(request, Typed.of(next=request.query_params.get("next", ""))))


@post("/sign-in", permission=Permission.PUBLIC)
async def sign_in(request: Request, tx: NamedDependency[Transaction]) -> Response[Any]:
    sent = await typed(request)
    settings = request.settings
    database = request.database
    try:
        token, account = await sessions.sign_in(
            database,
            tx,
            sent.storable("email")[:320],
            sent.text("password")[:1000],
            address=address_of(request),
            browser=request.headers.get("user-agent", ""),
            replacing=request.cookies.get(cookie_name(settings), ""),
        )
    except (Invalid, TooManyAttempts) as problem:
        return render(request, await _page(request, sent, problem.message), status=problem.status)
    answer = see_other(request, local_path(sent.text("next")) or HOME[Role(account.role)])
    answer.cookies.append(session_cookie(settings, token))
    return answer


@post("/sign-out", permission=Permission.SIGNED_IN)
async def sign_out(request: Request, tx: NamedDependency[Transaction]) -> Response[Any]:
    settings = request.settings
    await sessions.end(tx, request.cookies.get(cookie_name(settings), ""))
    answer = see_other(request, "/sign-in", "You are signed out.")
    answer.cookies.append(Cookie(key=cookie_name(settings), value="", path="/", max_age=0, secure=settings.secure))
    # Not "storage": the reader's theme and key switch are kept there, and nothing else is.
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@post("/session/keep", permission=Permission.SIGNED_IN, status_code=204)
async def stay_signed_in() -> None:
    """Being asked is enough: the session's last sign of life is renewed with every request."""


def session_cookie(settings: Settings, token: str) -> Cookie:
    """A cookie for this browser session: not readable by scripts, not sent from other sites."""
    return Cookie(key=cookie_name(settings), value=token, path="/", httponly=True, samesite="lax", secure=settings.secure)


def local_path(address: str) -> str:
    """`address` when it is a path of this site, else `''`: nobody is sent elsewhere after signing in."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if plain and all(" " < sign < "\x7f" and sign != "\\" for sign in address) else ""


def address_of(request: Request) -> str:
    """The network address of the caller. Of X-Forwarded-For only what our own proxies have added is believed."""
    if proxies := request.settings.proxies:
        passed = [one.strip() for value in request.headers.getall("x-forwarded-for", []) for one in value.split(",")]
        if len(passed) >= proxies:
            return passed[-proxies][:100]
    return request.client.host if request.client else ""


async def _page(request: Request, sent: Typed, problem: str = "") -> SignInPage:
    return SignInPage(
        title="Sign in",
        email=sent.field("email", "E-mail", required=True, autocomplete="username"),
        password=Typed().field("password", "Password", required=True, autocomplete="current-password"),
        next=local_path(sent.text("next")),
        problem=problem,
        demo_logins=await demo_logins(request),
    )
