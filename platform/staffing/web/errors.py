"""One place turns what went wrong into a page. The sentence says what happened and the way on; never how it is built."""

import logging
import secrets
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

from litestar import Response
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.response import Redirect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from staffing.errors import Conflict, Invalid, NotFound, NotSignedIn, ReliefError, Unavailable
from staffing.identity.permissions import HOME
from staffing.persistence.transactions import (
    EXCLUSION_VIOLATION,
    SERIALIZATION_FAILURES,
    UNIQUE_VIOLATION,
    UNREACHABLE,
    UNSTORABLE,
    constraint,
    sqlstate,
)
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage(Page):
    """Any failure, as a sentence and a way on."""

    template: ClassVar[str] = "errors/page.html"

    status: int
    message: str
    way_on_href: str
    way_on_label: str
    reference: str = ""
    conflicts: tuple[str, ...] = field(default=())


def on_relief_error(request: Request, error: ReliefError) -> Response[Any]:
    if isinstance(error, NotSignedIn):
        return _to_sign_in(request)
    return _page(request, error)


def on_http_error(request: Request, error: HTTPException) -> Response[Any]:
    """Litestar's own refusals, in our words."""
    if isinstance(error, (NotFoundException, ValidationException)) or error.status_code in (400, 404, 405):
        return _page(request, NotFound())
    if error.status_code == 413:
        return _page(request, _TooLarge())
    if _is_no_file_name(request, error.__cause__):
        return _page(request, NotFound())
    if error.status_code < 500:
        refused = ReliefError("This request cannot be answered.")
        refused.status, refused.title = error.status_code, "Not understood"
        return _page(request, refused)
    return on_unexpected(request, error)


def on_database_error(request: Request, error: DBAPIError) -> Response[Any]:
    code = sqlstate(error)
    if code in UNSTORABLE:
        return _page(request, Invalid("What was sent has characters that cannot be stored. Please type it again."))
    if code == EXCLUSION_VIOLATION:
        return _page(request, Conflict(_EXCLUDED.get(constraint(error), _EXCLUDED[""])))
    if code == UNIQUE_VIOLATION or code in SERIALIZATION_FAILURES:
        return _page(request, Conflict())
    if error.connection_invalidated or isinstance(error.orig, UNREACHABLE) or code.startswith(("08", "57P")):
        return on_unavailable(request, error)
    return on_unexpected(request, error)


def on_stale_edit(request: Request, error: StaleDataError) -> Response[Any]:
    return _page(request, Conflict())


def on_unavailable(request: Request, error: Exception) -> Response[Any]:
    log.warning("a part of the system cannot be reached: %s", type(error).__name__)
    response = _page(request, Unavailable())
    response.headers["Retry-After"] = "5"
    return response


def on_unexpected(request: Request, error: Exception) -> Response[Any]:
    """A fault of ours: the log has it under a reference that the page shows."""
    if _is_no_file_name(request, error):
        return _page(request, NotFound())
    reference = secrets.token_hex(4)
    # The route, not the address: an address holds ids and tokens, and whatever line breaks somebody put into it.
    log.error("unexpected error %s on %s", reference, request.scope.get("path_template") or "no route", exc_info=error)
    return _page(
        request,
        ReliefError("This is our mistake, not yours. What you did last was not saved."),
        reference=reference,
    )


def _is_no_file_name(request: Request, error: BaseException | None) -> bool:
    """Whether an asset was asked for by a name that no file can have: too long, or with a NUL."""
    return isinstance(error, (OSError, ValueError)) and request.scope["path"].startswith("/static/")


class _TooLarge(ReliefError):
    """What was sent is too large."""

    status = 413
    title = "Too large"


_EXCLUDED = {
    "excl_assignments_no_double_booking": "One of these coordinators is already assigned elsewhere at that time.",
    "excl_work_entries_no_minute_twice": "This time overlaps with time you have already recorded. No minute counts twice.",
    "": "This overlaps with something that is already there.",
}


def _page(request: Request, error: ReliefError, *, reference: str = "") -> Response[Any]:
    principal = request.caller
    href, label = (HOME[principal.role], "Go to your start page") if principal else ("/", "Go to the start page")
    page = ErrorPage(
        title=error.title,
        status=error.status,
        message=error.message,
        way_on_href=getattr(error, "way_on_href", "") or href,
        way_on_label=getattr(error, "way_on_label", "") or label,
        reference=reference,
        conflicts=tuple(getattr(error, "conflicts", ())),
    )
    return render(request, page, status=error.status)


def _to_sign_in(request: Request) -> Response[Any]:
    target = "/sign-in"
    if request.method == "GET" and request.url.path != "/":
        target += f"?next={quote(request.url.path, safe='/')}"
    if request.headers.get("hx-request") == "true":
        return Response("", status_code=401, headers={"HX-Redirect": target})
    return Redirect(target, status_code=303)


HANDLERS = {
    ReliefError: on_relief_error,
    HTTPException: on_http_error,
    DBAPIError: on_database_error,
    StaleDataError: on_stale_edit,
    PoolTimeout: on_unavailable,
    ConnectionError: on_unavailable,
    Exception: on_unexpected,
}
