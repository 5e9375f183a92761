"""From a view to an answer: the page's frame is filled in here and nowhere else."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response
from litestar.datastructures import Cookie
from litestar.enums import MediaType
from litestar.response import Redirect

from staffing import clock
from staffing.identity.permissions import ROLE_NAMES
from staffing.identity.principals import Principal
from staffing.settings import Settings
from staffing.web import csrf, formatting
from staffing.web.http import Request
from staffing.web.pages import Fragment, Frame, NavItem, Notice, Page, Person

NOTICE_COOKIE = "relief_notice"
_IN_ADDRESS = "/#%[]=:;$&()+,!?*@'~"
"""What may stand in an address as it is, besides letters and digits; as Litestar does it for its own redirects."""


def environment() -> Environment:
    """Jinja as the product uses it: escaping always, an unknown name is an error."""
    env = Environment(
        loader=PackageLoader("templates", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters.update(formatting.FILTERS)
    env.globals["static"] = formatting.static
    return env


templates = environment()


def render(request: Request, page: Page, *, status: int = 200) -> Response[str]:
    """A whole page."""
    waiting = _waiting_notice(request)
    framed = replace(page, frame=_frame(request, page, waiting))
    html = templates.get_template(page.template).render(page=framed)
    cookies = [cookie for cookie in (csrf.new_visitor_cookie(request),) if cookie]
    if waiting and status < 400:
        cookies.append(Cookie(key=NOTICE_COOKIE, value="", path="/", max_age=0))
    return Response(html, status_code=status, media_type=MediaType.HTML, cookies=cookies)


def fragment(request: Request, row: Fragment, *, status: int = 200) -> Response[str]:
    """A part of a page, for htmx."""
    html = templates.get_template(row.template).render(row=row)
    return Response(html, status_code=status, media_type=MediaType.HTML)


def see_other(request: Request, address: str, notice: str = "", *, kind: str = "good") -> Response[Any]:
    """The answer after a successful form: go and see. `notice` is one sentence on top of the next page.

    htmx follows a 303 by itself and would put the whole page into its target, so it is told to go there instead.
    """
    cookies = []
    if notice:
        cookies.append(
            Cookie(
                key=NOTICE_COOKIE,
                value=_signed(request.settings, {"kind": kind, "text": notice}),
                path="/",
                httponly=True,
                samesite="lax",
                secure=request.settings.secure,
                max_age=60,
            )
        )
    if request.headers.get("hx-request") == "true":
        return Response("", status_code=200, headers={"HX-Redirect": quote(address, safe=_IN_ADDRESS)}, cookies=cookies)
    return Redirect(address, status_code=303, cookies=cookies)


def _frame(request: Request, page: Page, waiting: Sequence[Notice]) -> Frame:
    settings, principal = request.settings, request.caller
    navigation: Mapping[str, Sequence[NavItem]] = request.app.state.navigation
    here = request.url.path
    zone = principal.time_zone if principal else "UTC"
    return Frame(
        title=page.title,
        surface=page.surface,
        person=Person(principal.name, ROLE_NAMES[principal.role], principal.email) if principal else None,
        place=page.place,
        nav=_nav(navigation.get(page.surface, ()), principal, page, here),
        csrf_token=csrf.token_for(request),
        notices=tuple(waiting),
        stripe_mode=settings.stripe_mode,
        demo=settings.demo,
        here=here,
        refresh_seconds=page.refresh_seconds,
        zone_label=formatting.zone_label(zone, clock.now()),
        timer=page.timer,
        idle_seconds=settings.idle_minutes * 60 if principal else 0,
    )


def _nav(items: Sequence[NavItem], principal: Principal | None, page: Page, here: str) -> tuple[NavItem, ...]:
    allowed = [item for item in items if principal is not None and principal.may(item.permission)]
    # The longest address that the current one starts with is where the reader is.
    best = page.section or max((item.href for item in allowed if _within(here, item.href)), key=len, default="")
    return tuple(replace(item, current=item.href == best, count=page.counts.get(item.href, 0)) for item in allowed)


def _within(here: str, href: str) -> bool:
    return here == href or here.startswith(href.rstrip("/") + "/")


def _waiting_notice(request: Request) -> tuple[Notice, ...]:
    value = request.cookies.get(NOTICE_COOKIE)
    content = _verified(request.settings, value) if value else None
    return (Notice(content["kind"], content["text"]),) if content else ()


def _signed(settings: Settings, content: Mapping[str, str]) -> str:
    body = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    return f"{body}.{_signature(settings, body)}"


def _verified(settings: Settings, value: str) -> dict[str, Any] | None:
    body, _, signature = value.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(settings, body).encode()):
        return None
    content = json.loads(base64.urlsafe_b64decode(body))
    return content if isinstance(content, dict) else None


def _signature(settings: Settings, body: str) -> str:
    return hmac.new(settings.secret_key.encode(), f"notice:{body}".encode(), hashlib.sha256).hexdigest()[:32]
