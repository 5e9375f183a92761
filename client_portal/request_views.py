"""Views of the list of requests and of one request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from client_portal.zones import zone_words
from staffing.catalogue import EHR_SYSTEMS, LANGUAGES, SKILLS
from staffing.dunning.notices import OwingNotice
from staffing.errors import Invalid
from staffing.facilities.queries import FacilityRow
from staffing.invoicing.charges import Fee
from staffing.requests.lifecycle import OVER, Progress
from staffing.requests.models import RequestState
from staffing.requests.queries import PAGE_SIZE
from staffing.requests.rows import RequestDetail, RequestRow, WindowRow
from staffing.web.formatting import day, moment, money
from staffing.web.forms import Field, Typed
from staffing.web.pages import Page

WINDOWS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    href: str
    current: bool
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsPage(Page):
    template: ClassVar[str] = "portal/requests/list.html"
    surface: ClassVar[str] = "portal"

    rows: tuple[RequestRow, ...]
    tabs: tuple[Tab, ...]
    past: bool
    several: bool
    """Whether the caller acts for more than one facility: then each row names its own."""
    prev_href: str | None
    next_href: str | None
    pager_text: str
    owing: tuple[OwingNotice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPage(Page):
    template: ClassVar[str] = "portal/requests/show.html"
    surface: ClassVar[str] = "portal"

    request: RequestDetail
    now: datetime
    zone: str
    """What the facility's clock shows at these windows: `EST`, or `EST, EDT` where the clocks change between them."""
    ahead: tuple[WindowRow, ...]
    later: tuple[WindowRow, ...]
    """Windows ahead beyond the first `WINDOWS_SHOWN`."""
    over: tuple[WindowRow, ...]
    shared_reason: str
    """Why nobody covers it, where that is the same for every window that misses somebody: then it is said once."""
    unplanned: str
    """When it was asked for, where no plan has looked at a window ahead that misses somebody; else empty."""
    facts: tuple[tuple[str, str], ...]
    history: tuple[tuple[str, str, str], ...]
    can_cancel: bool
    fee: Fee
    """What cancelling costs now."""
    reason: Field

    @property
    def question(self) -> str:
        """What is asked before it is cancelled: its price first."""
        costs = ""
        if self.fee.amount_minor:
            booked = "1 booking is" if self.fee.bookings == 1 else f"{self.fee.bookings} bookings are"
            amount = money(self.fee.amount_minor, self.fee.currency)
            costs = f"Cancelling now costs {amount}, by your contract: {booked} so close that the notice is short. "
        elif self.fee.agreed:
            costs = "Cancelling now costs nothing. "
        return (
            f"{costs}What has not begun is cancelled, and the people who were to come are free again. This cannot be undone; you"
            " can always ask anew."
        )


def requests_page(
    rows: Sequence[RequestRow], counts: tuple[int, int], own: Sequence[FacilityRow], *, past: bool, page: int
) -> RequestsPage:
    here = "/portal/requests?show=past&page=" if past else "/portal/requests?page="
    shown = tuple(rows[:PAGE_SIZE])
    first = (page - 1) * PAGE_SIZE + 1
    return RequestsPage(
        title="Requests",
        place=own[0].name if len(own) == 1 else f"{len(own)} facilities",
        rows=shown,
        tabs=(
            Tab("Current", "/portal/requests", not past, counts[0]),
            Tab("Past", "/portal/requests?show=past", past, counts[1]),
        ),
        past=past,
        several=len(own) > 1,
        prev_href=f"{here}{page - 1}" if page > 1 else None,
        next_href=f"{here}{page + 1}" if len(rows) > PAGE_SIZE else None,
        pager_text=f"{first}–{first + len(shown) - 1} of {counts[1 if past else 0]}" if shown else "Nothing on this page",
    )


def request_page(
    request: RequestDetail, now: datetime, fee: Fee, sent: Typed | None = None, problem: Invalid | None = None
) -> RequestPage:
    ahead = [window for window in request.windows if window.end > now or window.cancelled]
    errors = problem.fields if problem else {}
    reasons = {window.why for window in ahead if window.missing and not window.cancelled}
    return RequestPage(
        title=f"{request.service_name}, {request.reference}",
        place=request.facility,
        request=request,
        now=now,
        zone=zone_words(request.time_zone, [window.start for window in request.windows] or [now]),
        ahead=tuple(ahead[:WINDOWS_SHOWN]),
        later=tuple(ahead[WINDOWS_SHOWN:]),
        over=tuple(window for window in request.windows if window not in ahead),
        shared_reason=next(iter(reasons)) if len(reasons) == 1 else "",
        unplanned=day(request.submitted_at, request.time_zone) if "" in reasons else "",
        facts=_facts(request),
        history=_history(request, now),
        can_cancel=request.stored_state == RequestState.OPEN
        and any(window.start > now and not window.cancelled for window in request.windows),
        fee=fee,
        reason=(sent or Typed()).field("reason", "Why", errors=errors, required=True),
    )


def _facts(request: RequestDetail) -> tuple[tuple[str, str], ...]:
    sharing = "the same throughout" if request.max_coordinators == 1 else f"up to {request.max_coordinators} may share"
    people = f"{request.headcount} {'person' if request.headcount == 1 else 'people'} at once, {sharing}"
    return (
        ("Why", request.reason_name),
        ("Days", request.days_text),
        ("Hours", request.windows_text),
        ("Who", people),
        ("Certificates", ", ".join(SKILLS.get(code, code) for code in request.skills)),
        ("Language", LANGUAGES.get(request.language, request.language)),
        ("System", EHR_SYSTEMS.get(request.ehr_system, request.ehr_system)),
        ("Note", request.note),
        ("Asked for by", request.submitted_by),
    )


def _history(request: RequestDetail, now: datetime) -> tuple[tuple[str, str, str], ...]:
    """From asking to the end as a line of dates, for the `history` macro."""
    zone, standing = request.time_zone, request.standing
    steps = [("Asked for", moment(request.submitted_at, zone), "done")]
    if standing.progress is Progress.CANCELLED:
        assert request.closed_at is not None, "a cancelled request has the time of its cancelling"
        return (*steps, ("Cancelled", moment(request.closed_at, zone), "bad"))
    covered = f"{standing.heads_covered} of {standing.heads}"
    missing = standing.progress in (Progress.OPEN, Progress.PARTIALLY_FILLED)
    steps.append(("Covered", covered, "bad" if standing.progress is Progress.UNFILLED else "now" if missing else "done"))
    if request.windows:
        start, end = request.windows[0].start, request.windows[-1].end
        begun, over = start <= now, standing.progress in OVER
        steps.append(("Begins", day(start, zone), "done" if begun else "next"))
        steps.append(("Ends", day(end, zone), "done" if over else "now" if begun and not missing else "next"))
    return tuple(steps)
