"""Asking for relief and taking it back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from staffing import clock
from staffing.catalogue import EHR_SYSTEMS, LANGUAGES, REASON_PRIORITY, SERVICE_BY_CODE, SKILLS, RequestReason
from staffing.errors import Invalid, NotFound
from staffing.facilities import queries as facilities
from staffing.facilities.queries import FacilityRow
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit, jobs
from staffing.persistence.transactions import UNIQUE_VIOLATION, Transaction, constraint, sqlstate
from staffing.requests import weekly
from staffing.requests.errors import AgreementMissing, FormAlreadySent, RequestIsClosed
from staffing.requests.jobs import RELEASE_COVER
from staffing.requests.models import CoverageWindow, RequestState, StaffingRequest
from staffing.requests.rules import Window, dated_windows
from staffing.requests.weekly import WeeklyInterval

MOST_HEADS = 20
MOST_SHARING = 4
LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """What a facility asks for. `form_id` is made with the blank form: the same form twice is one request.

    `clock_answers`: see `rules.dated_windows`. `max_coordinators`: how many people may share each head's windows.
    """

    form_id: UUID
    facility_id: UUID
    service: str
    reason: RequestReason
    starts_on: date
    ends_on: date
    pattern: tuple[WeeklyInterval, ...]
    headcount: int
    max_coordinators: int = 1
    skills: tuple[str, ...] = ()
    language: str = "en"
    ehr_system: str
    note: str = ""
    clock_answers: Mapping[str, str] = field(default_factory=dict)


async def submit_request(tx: Transaction, principal: Principal, new: NewRequest) -> StaffingRequest:
    """Ask for relief: the request and its dated windows, or the request that the same form made before.

    Raises `NotFound` for a facility that is not the caller's, `AgreementMissing` before its business associate agreement is
    signed, `FormAlreadySent` when the form was sent with other content, `ClockAsked` for a wall-clock time that a day does
    not have or has twice, `Invalid` naming every other mistake.
    """
    principal.require(Permission.PORTAL_REQUESTS_WRITE)
    facility = await facilities.facility(tx, principal, new.facility_id)
    first = await _first_of(tx, principal, new)
    if first is not None:
        return first
    windows = await _checked(tx, principal, facility, new)
    request = _request(principal, new)
    try:
        async with tx.begin_nested():
            tx.add(request)
            await tx.flush()
    except IntegrityError as error:
        if sqlstate(error) != UNIQUE_VIOLATION or "form_id" not in constraint(error):
            raise
        # The same form arrived twice at once and the other was faster.
        first = await _first_of(tx, principal, new)
        if first is None:
            raise NotFound from error
        return first
    tx.add_all(_window(request, window) for window in windows)
    await tx.flush()
    audit.note(tx, "submit", "staffing_request", request.id, facility_id=facility.id, detail=f"{len(windows)} windows")
    return request


async def cancel_request(tx: Transaction, principal: Principal, request_id: UUID, reason: str) -> StaffingRequest:
    """Take back what has not begun. A window under way runs to its end, what is over stays as it was.

    Whoever was to cover a cancelled window is released by a job. Raises `NotFound`, `Invalid` without a reason,
    `RequestIsClosed` when nothing is left to cancel.
    """
    principal.require(Permission.PORTAL_REQUESTS_WRITE)
    request = await tx.scalar(
        select(StaffingRequest)
        .where(
            StaffingRequest.id == request_id,
            facilities.visible_to(principal, StaffingRequest.facility_id.expression),
        )
        .with_for_update()
    )
    if request is None:
        raise NotFound
    if not reason.strip():
        raise Invalid(reason="Please say in a few words why: the people who were going to come will read it.")
    here = f"/portal/requests/{request.id}"
    if request.state != RequestState.OPEN:
        raise RequestIsClosed(f"{request.reference} was {request.state} before.", here)
    now = clock.now()
    cancelled = await _cancel_windows_ahead(tx, request.id, now)
    if not cancelled:
        raise RequestIsClosed(f"{request.reference} has nothing left to cancel: its last window has begun.", here)
    request.state = RequestState.CANCELLED.value
    request.closed_at = now
    request.closed_reason = reason.strip()
    await tx.flush()
    audit.note(tx, "cancel", "staffing_request", request.id, facility_id=request.facility_id, detail=f"{cancelled} windows")
    await jobs.enqueue(tx, RELEASE_COVER, {"id": str(request.id)}, dedupe=f"{RELEASE_COVER}:{request.id}")
    return request


async def _cancel_windows_ahead(tx: Transaction, request_id: UUID, now: datetime) -> int:
    """Cancel the windows that have not begun. Returns how many those were."""
    ahead = update(CoverageWindow).where(
        CoverageWindow.request_id == request_id, ~CoverageWindow.cancelled, func.lower(CoverageWindow.during) > now
    )
    return len((await tx.scalars(ahead.values(cancelled=True).returning(CoverageWindow.id))).all())


async def _first_of(tx: Transaction, principal: Principal, new: NewRequest) -> StaffingRequest | None:
    """What this form made before, if anything. Raises `FormAlreadySent` when it was filled in differently then."""
    first = await tx.scalar(
        select(StaffingRequest).where(
            StaffingRequest.form_id == new.form_id,
            facilities.visible_to(principal, StaffingRequest.facility_id.expression),
        )
    )
    if first is not None and _content(first) != _content(_request(principal, new)):
        raise FormAlreadySent(first.reference)
    return first


def _content(request: StaffingRequest) -> tuple[object, ...]:
    return (
        request.facility_id, request.service, request.reason, request.starts_on, request.ends_on, request.pattern,
        request.headcount, request.max_coordinators, sorted(request.skills), request.language, request.ehr_system, request.note,
    )  # fmt: skip


async def _checked(tx: Transaction, principal: Principal, facility: FacilityRow, new: NewRequest) -> tuple[Window, ...]:
    """The windows asked for. Raises `Invalid` naming every mistake at once."""
    zone, now = ZoneInfo(facility.time_zone), clock.now()
    if facility.baa_signed_on is None or facility.baa_signed_on > now.astimezone(zone).date():
        raise AgreementMissing(
            f"{facility.name} has not signed the business associate agreement yet, and nobody may see its patients before. "
            "Please ask your agency for it; then send this form again."
        )
    wrong = _mistakes(new, (await facilities.priced_services(tx, principal, new.starts_on)).get(facility.id, frozenset()))
    try:
        windows = dated_windows(new.pattern, new.starts_on, new.ends_on, zone, now, new.clock_answers)
    except Invalid as problem:
        problem.fields |= wrong
        raise
    if wrong:
        raise Invalid("Please look at the marked fields.", **wrong)
    return windows


def _mistakes(new: NewRequest, priced: frozenset[str]) -> dict[str, str]:
    """What is wrong apart from the days, per field."""
    service = SERVICE_BY_CODE.get(new.service)
    checks = {
        "headcount": (1 <= new.headcount <= MOST_HEADS, f"Between 1 and {MOST_HEADS} people can be asked for at once."),
        "max_coordinators": (1 <= new.max_coordinators <= MOST_SHARING, "Please choose one of the options."),
        "skills": (set(new.skills) <= set(SKILLS), "Please choose from the list."),
        "language": (new.language in LANGUAGES, "Please choose one of the languages."),
        "ehr_system": (new.ehr_system in EHR_SYSTEMS, "Please choose one of the systems."),
        "note": (len(new.note) <= LONGEST_NOTE, f"Please shorten this to {LONGEST_NOTE} characters."),
        "service": (
            new.service in priced,
            f"No price is agreed for {service.name} on that day. Please ask your agency to add it."
            if service
            else "Please choose one of the services.",
        ),
    }
    return {name: sentence for name, (right, sentence) in checks.items() if not right}


def _request(principal: Principal, new: NewRequest) -> StaffingRequest:
    return StaffingRequest(
        facility_id=new.facility_id,
        form_id=new.form_id,
        service=new.service,
        reason=new.reason.value,
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        pattern=weekly.stored(new.pattern),
        headcount=new.headcount,
        max_coordinators=new.max_coordinators,
        skills=sorted(new.skills),
        language=new.language,
        ehr_system=new.ehr_system,
        note=new.note,
        priority=REASON_PRIORITY[new.reason],
        submitted_by=principal.account_id,
        submitted_at=clock.now(),
    )


def _window(request: StaffingRequest, window: Window) -> CoverageWindow:
    return CoverageWindow(
        facility_id=request.facility_id,
        request_id=request.id,
        during=Range(window.start, window.end),
        headcount=request.headcount,
    )
