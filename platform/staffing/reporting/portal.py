"""What a facility sees at a glance: who covers which hours, and what waits for its decision."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range

from staffing import clock
from staffing.catalogue import service_name
from staffing.errors import NotFound
from staffing.facilities.queries import FacilityRow, facilities
from staffing.identity.models import Role
from staffing.identity.principals import Principal
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.persistence.transactions import Transaction
from staffing.requests import schedule
from staffing.requests.lifecycle import Cover
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.wall_clock import local_day
from staffing.worklog.models import EntryState, WorkEntry
from staffing.worklog.queries import open_dispute

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverWindow:
    """A window of one day, who covers it, or why somebody is missing (empty: no plan has looked at it yet)."""

    request_id: UUID
    reference: str
    service_name: str
    start: datetime
    end: datetime
    headcount: int
    people: tuple[str, ...]
    why: str

    @property
    def missing(self) -> int:
        return max(0, self.headcount - len(self.people))

    @property
    def cover(self) -> Cover:
        return Cover(self.start, self.end, self.headcount, len(self.people))


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverDay:
    """One local day of a facility."""

    on: date
    windows: tuple[CoverWindow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityCover:
    """A facility's days, in its own time zone. `today` is its local date now."""

    facility: FacilityRow
    today: date
    days: tuple[CoverDay, ...]

    def between(self, first: date, last: date) -> tuple[CoverDay, ...]:
        return tuple(day for day in self.days if first <= day.on <= last)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsYou:
    """What waits for a facility: entries to decide on, and invoices to pay with the sum still open."""

    entries: int
    entry_seconds: int
    disputed: int
    invoices: int
    invoices_minor: int
    currency: str
    first_due_on: date | None


async def cover(tx: Transaction, principal: Principal, *, weeks: int = 1) -> list[FacilityCover]:
    """Every window of the caller's facilities from Monday of this week for `weeks` weeks, by local day.

    Weeks and days are the facility's own. A window stands on the day on which it begins.
    """
    _refuse_coordinators(principal)
    now = clock.now()
    places = await facilities(tx, principal)
    first = {place.id: _monday(now, place) for place in places}
    if not places:
        return []
    length = weeks * 7
    windows = await _windows(tx, principal, min(first.values()), max(first.values()) + length * _DAY)
    return [_facility_cover(place, first[place.id], length, windows.get(place.id, []), now) for place in places]


async def needs_you(tx: Transaction, principal: Principal) -> NeedsYou:
    """How much waits for the caller's decision. Entries count when submitted; invoices when finalised and unpaid."""
    _refuse_coordinators(principal)
    places = principal.facility_ids
    seconds = func.extract("epoch", func.upper(WorkEntry.during) - func.lower(WorkEntry.during))
    submitted = WorkEntry.state == EntryState.SUBMITTED
    entries = (
        await tx.execute(
            select(
                func.count().filter(submitted),
                func.coalesce(func.sum(seconds).filter(submitted), 0),
                func.count().filter(open_dispute()),
            ).where(WorkEntry.facility_id.in_(places), submitted | open_dispute())
        )
    ).one()
    invoices = (
        await tx.execute(
            select(
                func.count(),
                func.coalesce(func.sum(Invoice.total_minor), 0),
                func.coalesce(func.min(Invoice.currency), "USD"),
                func.min(Invoice.due_on),
            ).where(Invoice.facility_id.in_(places), Invoice.state.in_([InvoiceState.FINALIZED, InvoiceState.SENT]))
        )
    ).one()
    return NeedsYou(
        entries=entries[0],
        entry_seconds=int(entries[1]),
        disputed=entries[2],
        invoices=invoices[0],
        invoices_minor=int(invoices[1]),
        currency=invoices[2],
        first_due_on=invoices[3],
    )


def _facility_cover(place: FacilityRow, first: date, length: int, windows: list[CoverWindow], now: datetime) -> FacilityCover:
    by_day: dict[date, list[CoverWindow]] = {first + number * _DAY: [] for number in range(length)}
    for window in windows:
        by_day.get(local_day(window.start, place.time_zone), []).append(window)
    return FacilityCover(
        facility=place,
        today=local_day(now, place.time_zone),
        days=tuple(CoverDay(on=day, windows=tuple(found)) for day, found in by_day.items()),
    )


async def _windows(tx: Transaction, principal: Principal, first: date, end: date) -> dict[UUID, list[CoverWindow]]:
    """Per facility its windows that begin between these days, give or take a zone's distance from UTC."""
    span = Range(_utc(first) - _DAY, _utc(end) + _DAY)
    rows = (
        await tx.execute(
            select(
                CoverageWindow.id,
                CoverageWindow.facility_id,
                CoverageWindow.during,
                CoverageWindow.headcount,
                StaffingRequest.id.label("request_id"),
                StaffingRequest.reference,
                StaffingRequest.service,
            )
            .join(StaffingRequest, StaffingRequest.id == CoverageWindow.request_id)
            .where(
                CoverageWindow.facility_id.in_(principal.facility_ids),
                ~CoverageWindow.cancelled,
                CoverageWindow.during.overlaps(span),
            )
            .order_by(func.lower(CoverageWindow.during), StaffingRequest.reference)
        )
    ).all()
    people = await schedule.people_on(tx, [row.id for row in rows])
    why = await schedule.reasons_for(tx, [row.id for row in rows if len(people.get(row.id, ())) < row.headcount])
    result: dict[UUID, list[CoverWindow]] = {}
    for row in rows:
        result.setdefault(row.facility_id, []).append(
            CoverWindow(
                request_id=row.request_id,
                reference=row.reference,
                service_name=service_name(row.service),
                start=row.during.lower,
                end=row.during.upper,
                headcount=row.headcount,
                people=tuple(person.name for person in people.get(row.id, ())),
                why=why.get(row.id, ""),
            )
        )
    return result


def share_covered(windows: Iterable[CoverWindow]) -> tuple[int, int]:
    """Minutes asked for and minutes covered, over all heads."""
    covers = [window.cover for window in windows]
    return (
        sum(one.minutes * one.headcount for one in covers),
        sum(one.minutes * one.covered for one in covers),
    )


def _monday(now: datetime, place: FacilityRow) -> date:
    today = local_day(now, place.time_zone)
    return today - today.weekday() * _DAY


def _utc(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _refuse_coordinators(principal: Principal) -> None:
    if principal.role is Role.COORDINATOR:
        raise NotFound
