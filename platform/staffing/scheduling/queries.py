"""Reads about plans and the schedule, for the agency's pages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import aliased, defer

from staffing import clock
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.models import Account
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.roster.models import Coordinator
from staffing.scheduling.facts import interval_of
from staffing.scheduling.lifecycle import shown_state
from staffing.scheduling.models import Assignment, Plan, PlanChoice, PlanGap, PlanRelease, PlanState
from staffing.scheduling.overtaken import is_overtaken

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """A plan as lists show it. `state` counts a solver that fell silent as interrupted."""

    id: UUID
    number: int
    state: PlanState
    horizon_start: datetime
    horizon_end: datetime
    requested_by: str
    requested_at: datetime
    decided_by: str
    decided_at: datetime | None
    facilities: int
    """How many facilities it is limited to; 0 for all."""
    covered_heads: int
    asked_heads: int
    gap: float | None
    keeps_running: bool
    overtaken: bool
    """It is proposed, but what was assigned or closed since keeps a part of it from being made: it can only be planned again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDetail(PlanRow):
    """A plan with what its search reached. `progress` and `solution` as stored (see `progress.Story`, `proposals.propose`)."""

    started_at: datetime | None
    finished_at: datetime | None
    time_limit_seconds: int
    stop_requested: bool
    waiting_for: timedelta
    """How long ago it was asked for, by the database's clock."""
    failure: str
    snapshot_hash: str
    progress: dict[str, Any]
    solution: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWindow:
    """A window that a plan speaks about, with the words of its request."""

    window_id: UUID
    start: datetime
    end: datetime
    headcount: int
    request_id: UUID
    reference: str
    service: str
    priority: int
    facility: str
    facility_initials: str
    facility_colour: int
    facility_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRow(PlannedWindow):
    """Who would cover the window, and why."""

    coordinator_id: UUID
    coordinator: str
    coordinator_zone: str
    why: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow(PlannedWindow):
    """Whom the plan would take off the window."""

    coordinator_id: UUID
    coordinator: str
    coordinator_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow(PlannedWindow):
    """How many would be missing in the window, and why."""

    missing: int
    why: dict[str, Any]


async def plan_rows(tx: Transaction, principal: Principal, page: int) -> list[PlanRow]:
    """One page of plans, latest first, and one more row when there is a further page."""
    principal.require(Permission.DESK_PLANS_READ)
    rows = await tx.execute(_plans().order_by(Plan.number.desc()).limit(PAGE_SIZE + 1).offset((page - 1) * PAGE_SIZE))
    return [PlanRow(**_row(*values)) for values in rows]


async def latest_plan(tx: Transaction, principal: Principal) -> PlanRow | None:
    """The plan asked for last."""
    principal.require(Permission.DESK_PLANS_READ)
    row = (await tx.execute(_plans().order_by(Plan.number.desc()).limit(1))).one_or_none()
    return None if row is None else PlanRow(**_row(*row))


async def plan_detail(tx: Transaction, principal: Principal, plan_id: UUID) -> PlanDetail:
    """One plan. Raises `NotFound`."""
    principal.require(Permission.DESK_PLANS_READ)
    row = (await tx.execute(_plans().where(Plan.id == plan_id))).one_or_none()
    if row is None:
        raise NotFound
    plan, waiting_for = row[0], row[4]
    return PlanDetail(
        **_row(*row),
        started_at=plan.started_at,
        finished_at=plan.finished_at,
        time_limit_seconds=plan.time_limit_seconds,
        stop_requested=plan.stop_requested_at is not None,
        waiting_for=waiting_for,
        failure=plan.failure,
        snapshot_hash=plan.snapshot_hash or "",
        progress=plan.progress or {},
        solution=plan.solution or {},
    )


def _plans() -> Any:
    requester, decider = aliased(Account), aliased(Account)
    return (
        select(
            Plan,
            requester.name,
            decider.name,
            func.now() - Plan.heartbeat_at,
            func.now() - Plan.requested_at,
            and_(Plan.state == PlanState.PROPOSED, is_overtaken(clock.now())),
        )
        .options(defer(Plan.snapshot, raiseload=True))
        .join(requester, requester.id == Plan.requested_by)
        .outerjoin(decider, decider.id == Plan.decided_by)
    )


def _row(
    plan: Plan, requester: str, decider: str | None, silent_for: timedelta | None, _waiting: timedelta, overtaken: bool
) -> dict[str, Any]:
    horizon, solution = interval_of(plan.horizon), plan.solution or {}
    return {
        "id": plan.id,
        "number": plan.number,
        "state": shown_state(PlanState(plan.state), silent_for),
        "horizon_start": horizon.start,
        "horizon_end": horizon.end,
        "requested_by": requester,
        "requested_at": plan.requested_at,
        "decided_by": decider or "",
        "decided_at": plan.decided_at,
        "facilities": len(plan.facility_ids),
        "covered_heads": solution.get("covered_heads", 0),
        "asked_heads": solution.get("asked_heads", 0),
        "gap": solution.get("gap"),
        "keeps_running": plan.keeps_running,
        "overtaken": overtaken,
    }


async def plan_choices(tx: Transaction, principal: Principal, plan_id: UUID) -> list[ChoiceRow]:
    """Who a plan would send where, by facility, request and time."""
    principal.require(Permission.DESK_PLANS_READ)
    rows = await tx.execute(
        select(
            *_WINDOW,
            Coordinator.id.label("coordinator_id"),
            Coordinator.name.label("coordinator"),
            Coordinator.time_zone.label("coordinator_zone"),
            PlanChoice.why,
        )
        .join_from(PlanChoice, CoverageWindow, CoverageWindow.id == PlanChoice.window_id)
        .join(StaffingRequest, StaffingRequest.id == CoverageWindow.request_id)
        .join(Facility, Facility.id == StaffingRequest.facility_id)
        .join(Coordinator, Coordinator.id == PlanChoice.coordinator_id)
        .where(PlanChoice.plan_id == plan_id)
        .order_by(Facility.name, StaffingRequest.reference, func.lower(CoverageWindow.during), Coordinator.name)
    )
    return [
        ChoiceRow(
            **_window(row),
            coordinator_id=row.coordinator_id,
            coordinator=row.coordinator,
            coordinator_zone=row.coordinator_zone,
            why=row.why,
        )
        for row in rows
    ]


async def plan_releases(tx: Transaction, principal: Principal, plan_id: UUID) -> list[ReleaseRow]:
    """What a plan near the running one would take people off, by person and time."""
    principal.require(Permission.DESK_PLANS_READ)
    rows = await tx.execute(
        select(
            *_WINDOW,
            Coordinator.id.label("coordinator_id"),
            Coordinator.name.label("coordinator"),
            Coordinator.time_zone.label("coordinator_zone"),
        )
        .join_from(PlanRelease, Assignment, Assignment.id == PlanRelease.assignment_id)
        .join(CoverageWindow, CoverageWindow.id == Assignment.window_id)
        .join(StaffingRequest, StaffingRequest.id == CoverageWindow.request_id)
        .join(Facility, Facility.id == StaffingRequest.facility_id)
        .join(Coordinator, Coordinator.id == Assignment.coordinator_id)
        .where(PlanRelease.plan_id == plan_id)
        .order_by(Coordinator.name, Facility.name, StaffingRequest.reference, func.lower(CoverageWindow.during))
    )
    return [
        ReleaseRow(
            **_window(row),
            coordinator_id=row.coordinator_id,
            coordinator=row.coordinator,
            coordinator_zone=row.coordinator_zone,
        )
        for row in rows
    ]


async def requests_in(tx: Transaction, principal: Principal, plan_id: UUID) -> frozenset[UUID]:
    """The requests for which a plan has somebody."""
    principal.require(Permission.DESK_PLANS_READ)
    rows = await tx.scalars(
        select(CoverageWindow.request_id)
        .join(PlanChoice, PlanChoice.window_id == CoverageWindow.id)
        .where(PlanChoice.plan_id == plan_id)
        .distinct()
    )
    return frozenset(rows)


async def plan_gaps(tx: Transaction, principal: Principal, plan_id: UUID) -> list[GapRow]:
    """What a plan would leave uncovered: the highest priority first, then the soonest."""
    principal.require(Permission.DESK_PLANS_READ)
    rows = await tx.execute(
        select(*_WINDOW, PlanGap.missing, PlanGap.why)
        .join_from(PlanGap, CoverageWindow, CoverageWindow.id == PlanGap.window_id)
        .join(StaffingRequest, StaffingRequest.id == CoverageWindow.request_id)
        .join(Facility, Facility.id == StaffingRequest.facility_id)
        .where(PlanGap.plan_id == plan_id)
        .order_by(StaffingRequest.priority.desc(), StaffingRequest.reference, func.lower(CoverageWindow.during))
    )
    return [GapRow(**_window(row), missing=row.missing, why=row.why) for row in rows]


_WINDOW = (
    CoverageWindow.id.label("window_id"),
    func.lower(CoverageWindow.during).label("start"),
    func.upper(CoverageWindow.during).label("end"),
    CoverageWindow.headcount,
    StaffingRequest.id.label("request_id"),
    StaffingRequest.reference,
    StaffingRequest.service,
    StaffingRequest.priority,
    Facility.name.label("facility"),
    Facility.initials.label("facility_initials"),
    Facility.colour.label("facility_colour"),
    Facility.time_zone.label("facility_zone"),
)


def _window(row: Row[Any]) -> dict[str, Any]:
    return {name: row._mapping[name] for name in PlannedWindow.__dataclass_fields__}
