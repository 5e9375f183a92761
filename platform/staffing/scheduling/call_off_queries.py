"""Reads about call-offs and the relief found for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from staffing import clock
from staffing.errors import NotFound
from staffing.identity.models import Account
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.roster.models import Coordinator
from staffing.scheduling.facts import interval_of
from staffing.scheduling.lost import lost_windows
from staffing.scheduling.models import Assignment, AssignmentState, CallOff, ReliefSearch, ReliefState
from staffing.scheduling.problem import STILL_WORTH_IT

SHOWN_FOR = timedelta(days=14)
"""A call-off is in the list for this long after it was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostWindow:
    """A window that a call-off opened. `taken_by`: who covers it by now."""

    window_id: UUID
    start: datetime
    end: datetime
    facility: str
    facility_colour: int
    facility_zone: str
    service: str
    request_id: UUID
    reference: str
    taken_by: tuple[str, ...]
    open: bool
    over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffRow:
    """A call-off as lists show it. `lost` counts its windows, `open` those that still lack somebody."""

    id: UUID
    coordinator_id: UUID
    coordinator: str
    start: datetime
    end: datetime
    reason: str
    recorded_by: str
    recorded_at: datetime
    by_themselves: bool
    withdrawn: bool
    lost: int
    open: int
    first_start: datetime | None
    """The first window that lacks somebody, else the first lost."""
    first_end: datetime | None
    first_zone: str
    open_requests: frozenset[UUID]
    """The requests that lack somebody because of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffDetail:
    """A call-off with its windows and the last search for relief."""

    id: UUID
    coordinator_id: UUID
    coordinator: str
    coordinator_zone: str
    start: datetime
    end: datetime
    reason: str
    recorded_by: str
    recorded_at: datetime
    by_themselves: bool
    withdrawn_by: str
    withdrawn_at: datetime | None
    windows: tuple[LostWindow, ...]
    search_id: UUID | None
    search_state: ReliefState | None
    searched_at: datetime | None
    failure: str
    found: dict[str, Any]
    snapshot_hash: str


async def call_offs(tx: Transaction, principal: Principal, *, only_open: bool = False) -> list[CallOffRow]:
    """Call-offs of the last two weeks and those still under way, the first open window first, then the latest.

    With `only_open` those alone that still have a window without anybody: what the board begins with.
    """
    principal.require(Permission.DESK_REQUESTS_READ)
    now = clock.now()
    rows = (
        await tx.execute(
            _call_offs()
            .where((CallOff.recorded_at > now - SHOWN_FOR) | (func.upper(CallOff.during) > now))
            .order_by(CallOff.recorded_at.desc(), CallOff.id)
        )
    ).all()
    lost = (
        (await tx.execute(lost_windows(clock.now()).where(Assignment.call_off_id.in_([row[0].id for row in rows])))).all()
        if rows
        else []
    )
    found = [_row(*row, windows=[one for one in lost if one.call_off_id == row[0].id]) for row in rows]
    ordered = sorted(found, key=lambda row: (not row.open, row.first_start if row.open and row.first_start else now))
    return [row for row in ordered if row.open and not row.withdrawn] if only_open else ordered


def _call_offs() -> Any:
    withdrawer = aliased(Account)
    return (
        select(CallOff, Coordinator.name, Coordinator.time_zone, Account.name, Account.coordinator_id, withdrawer.name)
        .join(Coordinator, Coordinator.id == CallOff.coordinator_id)
        .join(Account, Account.id == CallOff.recorded_by)
        .outerjoin(withdrawer, withdrawer.id == CallOff.withdrawn_by)
    )


def _row(
    call_off: CallOff, coordinator: str, zone: str, recorder: str, recorders: UUID | None, _withdrawer: str | None,
    *, windows: Sequence[Any],
) -> CallOffRow:  # fmt: skip
    lacking = sorted((one for one in windows if one.open), key=lambda one: one.start)
    first = min(lacking or windows, key=lambda one: one.start, default=None)
    span = interval_of(call_off.during)
    return CallOffRow(
        id=call_off.id,
        coordinator_id=call_off.coordinator_id,
        coordinator=coordinator,
        start=span.start,
        end=span.end,
        reason=call_off.reason,
        recorded_by=recorder,
        recorded_at=call_off.recorded_at,
        by_themselves=recorders == call_off.coordinator_id,
        withdrawn=call_off.withdrawn_at is not None,
        lost=len(windows),
        open=0 if call_off.withdrawn_at is not None else len(lacking),
        first_start=first.start if first else None,
        first_end=first.end if first else None,
        first_zone=first.facility_zone if first else zone,
        open_requests=frozenset(one.request_id for one in lacking),
    )


async def call_off_detail(tx: Transaction, principal: Principal, call_off_id: UUID) -> CallOffDetail:
    """One call-off. Raises `NotFound`."""
    principal.require(Permission.DESK_PLANS_READ)
    row = (await tx.execute(_call_offs().where(CallOff.id == call_off_id))).one_or_none()
    if row is None:
        raise NotFound
    call_off, coordinator, zone, recorder, recorders, withdrawer = row
    search = await tx.scalar(
        select(ReliefSearch).where(ReliefSearch.call_off_id == call_off_id).order_by(ReliefSearch.id.desc()).limit(1)
    )
    span = interval_of(call_off.during)
    return CallOffDetail(
        id=call_off.id,
        coordinator_id=call_off.coordinator_id,
        coordinator=coordinator,
        coordinator_zone=zone,
        start=span.start,
        end=span.end,
        reason=call_off.reason,
        recorded_by=recorder,
        recorded_at=call_off.recorded_at,
        by_themselves=recorders == call_off.coordinator_id,
        withdrawn_by=withdrawer or "",
        withdrawn_at=call_off.withdrawn_at,
        windows=await _windows(tx, call_off_id),
        search_id=search.id if search else None,
        search_state=ReliefState(search.state) if search else None,
        searched_at=(search.finished_at or search.started_at) if search else None,
        failure=search.failure if search else "",
        found=(search.found or {}) if search else {},
        snapshot_hash=(search.snapshot_hash or "") if search else "",
    )


async def _windows(tx: Transaction, call_off_id: UUID) -> tuple[LostWindow, ...]:
    lost = (await tx.execute(lost_windows(clock.now()).where(Assignment.call_off_id == call_off_id))).all()
    people = await tx.execute(
        select(Assignment.window_id, Coordinator.name)
        .join(Coordinator, Coordinator.id == Assignment.coordinator_id)
        .where(Assignment.window_id.in_([one.window_id for one in lost]), Assignment.state == AssignmentState.CONFIRMED)
        .order_by(Coordinator.name)
    )
    taken: dict[UUID, tuple[str, ...]] = {}
    for window_id, name in people:
        taken[window_id] = (*taken.get(window_id, ()), name)
    now = clock.now()
    return tuple(
        LostWindow(
            window_id=one.window_id,
            start=one.start,
            end=one.end,
            facility=one.facility,
            facility_colour=one.facility_colour,
            facility_zone=one.facility_zone,
            service=one.service,
            request_id=one.request_id,
            reference=one.reference,
            taken_by=taken.get(one.window_id, ()),
            open=one.open,
            over=one.end < now + STILL_WORTH_IT,
        )
        for one in sorted(lost, key=lambda one: one.start)
    )
