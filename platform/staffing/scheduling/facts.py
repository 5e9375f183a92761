"""What the planner knows when it starts: plain values, as read from the rows."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range

from matching.problem import Interval
from staffing.roster.rules import WeeklyHours


def interval_of(during: Range[datetime]) -> Interval:
    """A bounded range of the database as a plain interval."""
    assert during.lower is not None
    assert during.upper is not None
    return Interval(during.lower, during.upper)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialFact:
    """A verified credential; `expires_on` None never ends."""

    kind: str
    expires_on: date | None
    verified_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorFact:
    """A coordinator of the roster, with what decides where they can go. `pay_per_hour` None: no pay rate agreed yet."""

    id: UUID
    reference: str
    name: str
    work_country: str
    time_zone: str
    languages: tuple[str, ...]
    ehr_systems: tuple[str, ...]
    licence_states: tuple[str, ...]
    weekly_cap_minutes: int
    weekly_target_minutes: int
    max_facilities: int
    joined_on: date
    left_on: date | None
    services: dict[str, int] = field(default_factory=dict)
    credentials: tuple[CredentialFact, ...] = ()
    weekly: tuple[WeeklyHours, ...] = ()
    away: tuple[Interval, ...] = ()
    pay_per_hour: Decimal | None = None
    oriented: frozenset[UUID] = frozenset()
    served: frozenset[UUID] = frozenset()
    """Facilities they were ever assigned to."""
    excluded: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class WindowFact:
    """A window that still lacks `missing` people."""

    id: UUID
    during: Interval
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFact:
    """An open request with the windows that lack somebody. `people`: how many coordinators share it already."""

    id: UUID
    reference: str
    facility_id: UUID
    facility: str
    facility_zone: str
    facility_state: str
    offshore_allowed: bool
    service: str
    level: int
    language: str
    ehr_system: str
    skills: tuple[str, ...]
    priority: int
    headcount: int
    max_coordinators: int
    bill_per_hour: Decimal | None
    windows: tuple[WindowFact, ...]
    people: int = 0
    facility_colour: int = 1


@dataclass(frozen=True, slots=True)
class Booking:
    """Time at which a coordinator is already assigned."""

    coordinator_id: UUID
    facility_id: UUID
    during: Interval


@dataclass(frozen=True, slots=True)
class Held:
    """A window that somebody is assigned to and that could still be given to somebody else."""

    assignment_id: UUID
    coordinator_id: UUID
    request_id: UUID
    window_id: UUID
    during: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a problem is built from, as it stands at `at`."""

    at: datetime
    requests: tuple[RequestFact, ...]
    coordinators: tuple[CoordinatorFact, ...]
    bookings: tuple[Booking, ...]
    held: tuple[Held, ...] = ()
    """What is assigned ahead and may be planned anew; nothing of it is in `bookings`. Empty: only what is open is planned."""
