"""Reads about the roster, for the agency's pages."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select

from staffing import clock
from staffing.errors import NotFound
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.roster.models import (
    AvailabilityRule,
    Coordinator,
    CoordinatorService,
    Credential,
    TimeOff,
)
from staffing.roster.rules import CredentialStanding, WeeklyHours, credential_standing, last_day
from staffing.wall_clock import local_day

PAGE_SIZE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRow:
    """A coordinator as the list shows them. `papers`: the worst standing among their credentials, with its kind and last day."""

    id: UUID
    reference: str
    name: str
    work_country: str
    time_zone: str
    languages: tuple[str, ...]
    ehr_systems: tuple[str, ...]
    services: tuple[str, ...]
    weekly_cap_minutes: int
    weekly_target_minutes: int
    papers: CredentialStanding
    papers_kind: str
    papers_until: date | None


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    service: str
    level: int


@dataclass(frozen=True, slots=True)
class CredentialRow:
    kind: str
    issued_on: date
    expires_on: date | None
    verified_on: date
    verified_by: str
    standing: CredentialStanding


@dataclass(frozen=True, slots=True)
class AwayRow:
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorDetail:
    """One coordinator with everything that decides where they can go."""

    id: UUID
    reference: str
    name: str
    work_country: str
    time_zone: str
    credential_class: str
    education: str
    languages: tuple[str, ...]
    ehr_systems: tuple[str, ...]
    licence_states: tuple[str, ...]
    weekly_cap_minutes: int
    weekly_target_minutes: int
    max_facilities: int
    joined_on: date
    left_on: date | None
    services: tuple[ServiceLevel, ...]
    credentials: tuple[CredentialRow, ...]
    hours: tuple[WeeklyHours, ...]
    away: tuple[AwayRow, ...]


@dataclass(frozen=True, slots=True)
class RosterFilter:
    """What the list is narrowed to; empty values narrow nothing."""

    service: str = ""
    language: str = ""
    text: str = ""


async def count_roster(tx: Transaction, principal: Principal, wanted: RosterFilter) -> int:
    """How many coordinators the filter leaves."""
    principal.require(Permission.DESK_ROSTER_READ)
    return int(await tx.scalar(select(func.count()).select_from(_narrowed(select(Coordinator.id), wanted).subquery())) or 0)


async def roster_page(tx: Transaction, principal: Principal, wanted: RosterFilter, page: int) -> list[RosterRow]:
    """One page of those who work with us, by name. `page` counts from 1."""
    principal.require(Permission.DESK_ROSTER_READ)
    people = list(
        await tx.scalars(
            _narrowed(select(Coordinator), wanted).order_by(Coordinator.name).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
        )
    )
    ids = [person.id for person in people]
    services: dict[UUID, list[str]] = defaultdict(list)
    for owner, service in await tx.execute(
        select(CoordinatorService.coordinator_id, CoordinatorService.service)
        .where(CoordinatorService.coordinator_id.in_(ids))
        .order_by(CoordinatorService.level.desc(), CoordinatorService.service)
    ):
        services[owner].append(service)
    papers: dict[UUID, list[_Paper]] = defaultdict(list)
    for owner, kind, expires_on, verified_on in await tx.execute(
        select(Credential.coordinator_id, Credential.kind, Credential.expires_on, Credential.verified_on).where(
            Credential.coordinator_id.in_(ids)
        )
    ):
        papers[owner].append(_Paper(kind, expires_on, verified_on))
    return [_row(person, tuple(services[person.id]), papers[person.id]) for person in people]


def _narrowed(statement: Select[Any], wanted: RosterFilter) -> Select[Any]:
    statement = statement.where(Coordinator.left_on.is_(None) | (Coordinator.left_on >= clock.now().date()))
    if wanted.service:
        statement = statement.where(
            Coordinator.id.in_(select(CoordinatorService.coordinator_id).where(CoordinatorService.service == wanted.service))
        )
    if wanted.language:
        statement = statement.where(Coordinator.languages.contains([wanted.language]))
    if wanted.text:
        statement = statement.where(Coordinator.name.icontains(wanted.text, autoescape=True))
    return statement


class _Paper(NamedTuple):
    kind: str
    expires_on: date | None
    verified_on: date


_WORST_FIRST = (CredentialStanding.EXPIRED, CredentialStanding.EXPIRING, CredentialStanding.VERIFIED)


def _row(person: Coordinator, services: tuple[str, ...], papers: list[_Paper]) -> RosterRow:
    today = local_day(clock.now(), person.time_zone)
    known = [(credential_standing(*paper, today), last_day(*paper), paper.kind) for paper in papers]
    known.sort(key=lambda one: (_WORST_FIRST.index(one[0]), one[1] or date.max, one[2]))
    standing, until, kind = known[0] if known else (CredentialStanding.VERIFIED, None, "")
    return RosterRow(
        id=person.id,
        reference=person.reference,
        name=person.name,
        work_country=person.work_country,
        time_zone=person.time_zone,
        languages=tuple(person.languages),
        ehr_systems=tuple(person.ehr_systems),
        services=services,
        weekly_cap_minutes=person.weekly_cap_minutes,
        weekly_target_minutes=person.weekly_target_minutes,
        papers=standing,
        papers_kind=kind,
        papers_until=until,
    )


async def coordinator_detail(tx: Transaction, principal: Principal, coordinator_id: UUID) -> CoordinatorDetail:
    """One coordinator. Raises `NotFound` for an id that nobody has."""
    principal.require(Permission.DESK_ROSTER_READ)
    person = await tx.get(Coordinator, coordinator_id)
    if person is None:
        raise NotFound
    services = await tx.execute(
        select(CoordinatorService.service, CoordinatorService.level)
        .where(CoordinatorService.coordinator_id == person.id)
        .order_by(CoordinatorService.level.desc(), CoordinatorService.service)
    )
    hours = await tx.execute(
        select(AvailabilityRule.weekday, AvailabilityRule.starts_at_time, AvailabilityRule.ends_at_time)
        .where(AvailabilityRule.coordinator_id == person.id)
        .order_by(AvailabilityRule.weekday, AvailabilityRule.starts_at_time)
    )
    away = await tx.execute(
        select(func.lower(TimeOff.during), func.upper(TimeOff.during))
        .where(TimeOff.coordinator_id == person.id, func.upper(TimeOff.during) > clock.now())
        .order_by(func.lower(TimeOff.during))
    )
    plain = {name: getattr(person, name) for name in _PLAIN}
    return CoordinatorDetail(
        **plain,
        languages=tuple(person.languages),
        ehr_systems=tuple(person.ehr_systems),
        licence_states=tuple(person.licence_states),
        services=tuple(ServiceLevel(*row) for row in services),
        credentials=await _credentials(tx, person),
        hours=tuple(WeeklyHours(*row) for row in hours),
        away=tuple(AwayRow(start, end) for start, end in away),
    )


_PLAIN = (
    *("id", "reference", "name", "work_country", "time_zone", "credential_class", "education"),
    *("weekly_cap_minutes", "weekly_target_minutes", "max_facilities", "joined_on", "left_on"),
)


async def _credentials(tx: Transaction, person: Coordinator) -> tuple[CredentialRow, ...]:
    today = local_day(clock.now(), person.time_zone)
    rows = await tx.execute(
        select(Credential.kind, Credential.issued_on, Credential.expires_on, Credential.verified_on, Credential.verified_by)
        .where(Credential.coordinator_id == person.id)
        .order_by(Credential.expires_on.nulls_last(), Credential.kind)
    )
    return tuple(CredentialRow(*row, credential_standing(row.kind, row.expires_on, row.verified_on, today)) for row in rows)
