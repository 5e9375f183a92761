"""Facts for the planner in tests, without a database: two facilities, people who can do what is asked unless told otherwise."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import count
from uuid import UUID

from matching.problem import Interval
from staffing.roster.rules import WeeklyHours
from staffing.scheduling.facts import Booking, CoordinatorFact, CredentialFact, Facts, RequestFact, WindowFact

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # Wednesday, 10:00 in New York
NORTH, SOUTH = UUID(int=1), UUID(int=2)
_ids = count(100)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str) -> Interval:
    return Interval(at(start), at(end))


def window(start: str, end: str, missing: int = 1) -> WindowFact:
    return WindowFact(UUID(int=next(_ids)), span(start, end), missing)


def request(*windows: WindowFact, **changes: object) -> RequestFact:
    plain = RequestFact(
        id=UUID(int=next(_ids)),
        reference="R-1001",
        facility_id=NORTH,
        facility="Northside Family Medicine",
        facility_zone="America/New_York",
        facility_state="OH",
        offshore_allowed=True,
        service="patient_care_coordinator",
        level=1,
        language="en",
        ehr_system="epic",
        skills=(),
        priority=3,
        headcount=max(one.missing for one in windows),
        max_coordinators=1,
        bill_per_hour=Decimal("42.50"),
        windows=windows,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def credential(kind: str, expires_on: date | None = date(2027, 2, 1), verified_on: date = date(2026, 2, 20)) -> CredentialFact:
    return CredentialFact(kind=kind, expires_on=expires_on, verified_on=verified_on)


def person(**changes: object) -> CoordinatorFact:
    plain = CoordinatorFact(
        id=UUID(int=next(_ids)),
        reference="C-2001",
        name="Maria Sandoval",
        work_country="US",
        time_zone="America/New_York",
        languages=("en",),
        ehr_systems=("epic",),
        licence_states=(),
        weekly_cap_minutes=2400,
        weekly_target_minutes=2000,
        max_facilities=4,
        joined_on=date(2025, 7, 1),
        left_on=None,
        services={"patient_care_coordinator": 4},
        credentials=tuple(credential(kind) for kind in ("hipaa_training", "exclusion_screening", "background_check")),
        weekly=tuple(WeeklyHours(day, time(8), time(18)) for day in range(7)),
        pay_per_hour=Decimal("24.49"),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def facts(requests: list[RequestFact], people: list[CoordinatorFact], bookings: list[Booking] | None = None) -> Facts:
    return Facts(at=NOW, requests=tuple(requests), coordinators=tuple(people), bookings=tuple(bookings or ()))
