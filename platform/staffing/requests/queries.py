"""Reads about requests for relief, for pages. Each carries the caller's own predicate; nothing here changes a row."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Executable, Row, Select, and_, exists, func, select

from staffing import clock
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.facilities.queries import visible_to
from staffing.identity.models import Account, Role
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.requests import schedule, weekly
from staffing.requests.lifecycle import Cover
from staffing.requests.models import CoverageWindow, RequestState, StaffingRequest
from staffing.requests.rows import BoardRow, RequestDetail, RequestRow, WindowRow, fields_of

__all__ = ["PAGE_SIZE", "BoardRow", "RequestDetail", "RequestRow", "WindowRow", "board_rows", "counts", "latest_of",
           "request_detail", "requests_of"]  # fmt: skip

PAGE_SIZE = 25
NOT_PLANNED = "No plan has looked at it yet."


async def requests_of(tx: Transaction, principal: Principal, *, past: bool = False, page: int = 1) -> list[RequestRow]:
    """One page of the caller's requests: those with something ahead, soonest first, or the past ones, latest first.

    `PAGE_SIZE` rows and one more when there is a further page.
    """
    now = clock.now()
    ahead = _has_ahead(now)
    order = StaffingRequest.ends_on.desc() if past else StaffingRequest.starts_on
    found = await _found(
        tx,
        _base(principal)
        .where(~ahead if past else ahead)
        .order_by(order, StaffingRequest.id)
        .limit(PAGE_SIZE + 1)
        .offset((page - 1) * PAGE_SIZE),
    )
    covers = await _covers(tx, [row.id for row in found])
    return [RequestRow(**fields_of(row._asdict(), covers[row.id].values(), now)) for row in found]


async def counts(tx: Transaction, principal: Principal) -> tuple[int, int]:
    """How many of the caller's requests have something ahead, and how many are over."""
    ahead = _has_ahead(clock.now())
    query = select(func.count().filter(ahead), func.count().filter(~ahead)).select_from(StaffingRequest)
    row = (await tx.execute(query.where(_mine(principal)))).one()
    return int(row[0]), int(row[1])


async def board_rows(tx: Transaction, principal: Principal) -> list[BoardRow]:
    """Every request with something ahead that the caller may see (the agency: of all facilities).

    Those that miss somebody come first, the soonest gap first, among equals the higher priority.
    """
    now = clock.now()
    found = await _found(tx, _base(principal).where(_has_ahead(now)))
    covers = await _covers(tx, [row.id for row in found])
    gaps = {row.id: _first_gap(covers[row.id], now) for row in found}
    why = await schedule.reasons_for(tx, [window_id for window_id in gaps.values() if window_id])
    rows = [_board_row(row, covers[row.id], gaps[row.id], why, now) for row in found]
    return sorted(rows, key=_urgency)


async def request_detail(tx: Transaction, principal: Principal, request_id: UUID) -> RequestDetail:
    """One request with its windows. Raises `NotFound` for one that the caller may not see."""
    query = _base(principal).where(StaffingRequest.id == request_id)
    found = (
        await tx.execute(query.join(Account, Account.id == StaffingRequest.submitted_by).add_columns(*_DETAIL))
    ).one_or_none()
    if found is None:
        raise NotFound
    windows = await _windows(tx, request_id)
    covers = [Cover(one.start, one.end, one.headcount, len(one.people), one.cancelled) for one in windows]
    return RequestDetail(
        **fields_of(found._asdict(), covers, clock.now()),
        pattern=weekly.read(found.pattern),
        max_coordinators=found.max_coordinators,
        skills=tuple(found.skills),
        language=found.language,
        ehr_system=found.ehr_system,
        note=found.note,
        stored_state=found.stored_state,
        submitted_by=found.submitted_by,
        closed_at=found.closed_at,
        closed_reason=found.closed_reason,
        windows=windows,
    )


async def latest_of(tx: Transaction, principal: Principal) -> StaffingRequest | None:
    """The caller's own last request, else the last of their facilities: what a new form starts from."""
    own = (StaffingRequest.submitted_by == principal.account_id).desc()
    latest = (StaffingRequest.submitted_at.desc(), StaffingRequest.id.desc())
    return await tx.scalar(select(StaffingRequest).where(_mine(principal)).order_by(own, *latest).limit(1))


_START = func.lower(CoverageWindow.during, type_=DateTime(timezone=True)).label("start")
_END = func.upper(CoverageWindow.during, type_=DateTime(timezone=True)).label("end")
_LIST = (
    StaffingRequest.id,
    StaffingRequest.reference,
    StaffingRequest.facility_id,
    Facility.name.label("facility"),
    Facility.initials.label("facility_initials"),
    Facility.colour.label("facility_colour"),
    Facility.time_zone,
    StaffingRequest.service,
    StaffingRequest.reason,
    StaffingRequest.starts_on,
    StaffingRequest.ends_on,
    StaffingRequest.pattern,
    StaffingRequest.headcount,
    StaffingRequest.priority,
    StaffingRequest.submitted_at,
    StaffingRequest.state.label("stored_state"),
)
_DETAIL = (
    StaffingRequest.max_coordinators,
    StaffingRequest.skills,
    StaffingRequest.language,
    StaffingRequest.ehr_system,
    StaffingRequest.note,
    StaffingRequest.closed_at,
    StaffingRequest.closed_reason,
    Account.name.label("submitted_by"),
)


def _base(principal: Principal) -> Select[Any]:
    return select(*_LIST).join_from(StaffingRequest, Facility, Facility.id == StaffingRequest.facility_id).where(_mine(principal))


def _mine(principal: Principal) -> ColumnElement[bool]:
    if principal.role is Role.COORDINATOR:
        raise NotFound
    return visible_to(principal, StaffingRequest.facility_id.expression)


def _has_ahead(now: datetime) -> ColumnElement[bool]:
    window_ahead = exists().where(
        CoverageWindow.request_id == StaffingRequest.id,
        ~CoverageWindow.cancelled,
        func.upper(CoverageWindow.during) > now,
    )
    return and_(StaffingRequest.state == RequestState.OPEN, window_ahead)


async def _found(tx: Transaction, query: Executable) -> list[Row[Any]]:
    return list((await tx.execute(query)).all())


async def _covers(tx: Transaction, request_ids: Iterable[UUID]) -> dict[UUID, dict[UUID, Cover]]:
    """Per request its windows by their id, in order of time, with how many are confirmed on each."""
    wanted = list(request_ids)
    result: dict[UUID, dict[UUID, Cover]] = defaultdict(dict)
    if not wanted:
        return result
    rows = await tx.execute(
        select(
            CoverageWindow.request_id,
            CoverageWindow.id,
            _START,
            _END,
            CoverageWindow.headcount,
            schedule.confirmed_on(CoverageWindow.id.expression),
            CoverageWindow.cancelled,
        )
        .where(CoverageWindow.request_id.in_(wanted))
        .order_by(_START)
    )
    for request_id, window_id, start, end, headcount, confirmed, cancelled in rows:
        result[request_id][window_id] = Cover(start, end, headcount, confirmed, cancelled)
    return result


async def _windows(tx: Transaction, request_id: UUID) -> tuple[WindowRow, ...]:
    query = select(CoverageWindow.id, _START, _END, CoverageWindow.headcount, CoverageWindow.cancelled)
    rows = await _found(tx, query.where(CoverageWindow.request_id == request_id).order_by(_START))
    people = await schedule.people_on(tx, [row.id for row in rows])
    why = await schedule.reasons_for(tx, [row.id for row in rows if len(people.get(row.id, ())) < row.headcount])
    return tuple(
        WindowRow(
            id=row.id,
            start=row.start,
            end=row.end,
            headcount=row.headcount,
            cancelled=row.cancelled,
            people=tuple(person.name for person in people.get(row.id, ())),
            why=why.get(row.id, ""),
        )
        for row in rows
    )


def _first_gap(covers: dict[UUID, Cover], now: datetime) -> UUID | None:
    return next((window_id for window_id, cover in covers.items() if cover.missing and cover.end > now), None)


def _board_row(row: Row[Any], covers: dict[UUID, Cover], gap: UUID | None, why: dict[UUID, str], now: datetime) -> BoardRow:
    fields = fields_of(row._asdict(), covers.values(), now)
    standing = fields["standing"]
    return BoardRow(
        **fields,
        needed=standing.heads_ahead,
        covered=standing.heads_ahead_covered,
        earliest_uncovered_at=covers[gap].start if gap else None,
        earliest_uncovered_end=covers[gap].end if gap else None,
        blocked_by=why.get(gap, NOT_PLANNED) if gap else "",
    )


def _urgency(row: BoardRow) -> tuple[bool, datetime, int, str]:
    gap = row.earliest_uncovered_at
    return (gap is None, gap or row.submitted_at, -row.priority, row.reference)
