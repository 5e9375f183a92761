"""Reading the coordinators as the planner knows them: what they offer and hold, when they can work, where they may go."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, union_all

from staffing.persistence.transactions import Transaction
from staffing.roster.models import (
    AvailabilityRule,
    Coordinator,
    CoordinatorService,
    Credential,
    FacilityExclusion,
    Orientation,
    PayRate,
    TimeOff,
)
from staffing.roster.rules import WeeklyHours
from staffing.scheduling.facts import CoordinatorFact, CredentialFact, interval_of
from staffing.scheduling.models import Assignment, AssignmentState, CallOff
from staffing.scheduling.rates import rate_on
from staffing.wall_clock import local_day


@dataclass(frozen=True, slots=True)
class _About:
    """What other tables say about coordinators, by their id."""

    services: "_Rows"
    credentials: "_Rows"
    weekly: "_Rows"
    away: "_Rows"
    pay: "_Rows"
    oriented: "_Rows"
    excluded: "_Rows"
    served: "_Rows"


async def coordinators(tx: Transaction, at: datetime) -> tuple[CoordinatorFact, ...]:
    people = (await tx.scalars(select(Coordinator).order_by(Coordinator.reference))).all()
    rule, live = AvailabilityRule, Assignment.state == AssignmentState.CONFIRMED
    owner, papers = CoordinatorService.coordinator_id, Credential.coordinator_id
    hours = select(rule.coordinator_id, rule.weekday, rule.starts_at_time, rule.ends_at_time)
    paid = select(PayRate.coordinator_id, PayRate.valid_from, PayRate.pay_per_hour)
    served = select(Assignment.coordinator_id, Assignment.facility_id).where(live, func.lower(Assignment.during) < at)
    about = _About(
        services=await _grouped(tx, select(owner, CoordinatorService.service, CoordinatorService.level)),
        credentials=await _grouped(tx, select(papers, Credential.kind, Credential.expires_on, Credential.verified_on)),
        weekly=await _grouped(tx, hours.order_by(rule.weekday, rule.starts_at_time)),
        away=await _grouped(
            tx,
            union_all(
                select(TimeOff.coordinator_id, TimeOff.during).where(func.upper(TimeOff.during) > at),
                select(CallOff.coordinator_id, CallOff.during).where(
                    func.upper(CallOff.during) > at, CallOff.withdrawn_at.is_(None)
                ),
            ),
        ),
        pay=await _grouped(tx, paid.order_by(PayRate.valid_from)),
        oriented=await _grouped(tx, select(Orientation.coordinator_id, Orientation.facility_id)),
        excluded=await _grouped(tx, select(FacilityExclusion.coordinator_id, FacilityExclusion.facility_id)),
        served=await _grouped(tx, served.distinct()),
    )
    return tuple(_coordinator_fact(person, about, at) for person in people)


def _coordinator_fact(person: Coordinator, about: _About, at: datetime) -> CoordinatorFact:
    return CoordinatorFact(
        id=person.id,
        reference=person.reference,
        name=person.name,
        work_country=person.work_country,
        time_zone=person.time_zone,
        languages=tuple(person.languages),
        ehr_systems=tuple(person.ehr_systems),
        licence_states=tuple(person.licence_states),
        weekly_cap_minutes=person.weekly_cap_minutes,
        weekly_target_minutes=person.weekly_target_minutes,
        max_facilities=person.max_facilities,
        joined_on=person.joined_on,
        left_on=person.left_on,
        services=dict(about.services[person.id]),
        credentials=tuple(
            CredentialFact(kind=kind, expires_on=expires_on, verified_on=verified_on)
            for kind, expires_on, verified_on in sorted(about.credentials[person.id])
        ),
        weekly=tuple(WeeklyHours(*rule) for rule in about.weekly[person.id]),
        away=tuple(interval_of(during) for (during,) in about.away[person.id]),
        pay_per_hour=rate_on(about.pay[person.id], local_day(at, person.time_zone)),
        oriented=frozenset(facility_id for (facility_id,) in about.oriented[person.id]),
        served=frozenset(facility_id for (facility_id,) in about.served[person.id]),
        excluded=frozenset(facility_id for (facility_id,) in about.excluded[person.id]),
    )


_Rows = dict[UUID, list[tuple[Any, ...]]]


async def _grouped(tx: Transaction, statement: Any) -> _Rows:
    """Rows by their first column, a coordinator."""
    grouped: _Rows = defaultdict(list)
    for coordinator_id, *values in await tx.execute(statement):
        grouped[coordinator_id].append(tuple(values))
    return grouped
