"""The sixty coordinators: who serves which standing need, what each can do, when each is available, what each is paid."""

from collections.abc import Sequence
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert

from staffing.catalogue import CREDENTIALS, SERVICES, STANDING_CREDENTIALS
from staffing.demo.people import COORDINATORS, DemoCoordinator
from staffing.demo.places import PLACES, Place
from staffing.demo.stage import Duty, Stage
from staffing.persistence.transactions import Transaction
from staffing.roster.models import AvailabilityRule, Coordinator, CoordinatorService, Credential, Orientation, PayRate

WORKDAYS = (0, 1, 2, 3, 4)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
MEDICAL_NEEDS = ("patient_care_coordinator", "prior_authorization", "medical_receptionist")
DENTAL_NEEDS = ("dental_receptionist", "dental_admin_assistant", "dental_billing_assistant")
PAY_PER_HOUR = {"US": "27.50", "PH": "14.25", "MX": "16.00", "CO": "15.50", "IN": "13.75", "ZA": "15.00"}
AVAILABLE = {
    "US": ((time(6), time(20)),),
    "MX": ((time(6), time(20)),),
    "CO": ((time(6), time(20)),),
    "PH": ((time(19), time(0)), (time(0), time(9))),
    "IN": ((time(17), time(0)), (time(0), time(6))),
    "ZA": ((time(12), time(0)), (time(0), time(4))),
}
"""Local hours by country, around the working day of the United States."""
SPECIAL = {
    "prior_authorization": "prior_auth_specialist",
    "patient_care_coordinator": "medical_assistant",
    "medical_billing_assistant": "coding_certificate",
    "dental_admin_assistant": "dental_assistant",
}


def plan_duties(stage: Stage) -> None:
    """Deal the standing needs of every facility to people who may serve them. The first two people serve two facilities daily."""
    first, second = COORDINATORS[0], COORDINATORS[1]
    stage.duties += [
        Duty(PLACES[0], first, "patient_care_coordinator", EVERY_DAY, time(8), time(12)),
        Duty(PLACES[1], first, "prior_authorization", EVERY_DAY, time(12), time(16)),
        Duty(PLACES[1], second, "patient_care_coordinator", EVERY_DAY, time(8), time(12)),
        Duty(PLACES[0], second, "medical_receptionist", EVERY_DAY, time(14), time(18)),
    ]
    waiting = list(COORDINATORS[2:48])
    for place in PLACES:
        for number, service in enumerate(DENTAL_NEEDS if place.line == "dental" else MEDICAL_NEEDS):
            person = next(one for one in waiting if place.offshore or one.base.country == "US")
            waiting.remove(person)
            starts = time(8 + number)
            stage.duties.append(Duty(place, person, service, WORKDAYS, starts, time(starts.hour + 4)))


async def add_bench(tx: Transaction, stage: Stage) -> None:
    rows: dict[type, list[dict[str, Any]]] = {
        kind: [] for kind in (Coordinator, CoordinatorService, Credential, AvailabilityRule, Orientation, PayRate)
    }
    for number, person in enumerate(COORDINATORS):
        duties = [duty for duty in stage.duties if duty.person is person]
        coordinator_id = stage.dice.id()
        stage.coordinators[person.reference] = coordinator_id
        services = _services(stage, duties)
        rows[Coordinator].append(_coordinator(stage, person, coordinator_id, number, duties))
        rows[CoordinatorService] += [
            {"coordinator_id": coordinator_id, "service": service, "level": stage.dice.whole(2, 5)} for service in services
        ]
        rows[Credential] += _credentials(stage, coordinator_id, number, services)
        rows[AvailabilityRule] += _availability(stage, person, coordinator_id, number)
        rows[Orientation] += [
            {
                "coordinator_id": coordinator_id,
                "facility_id": stage.facilities[place.reference],
                "oriented_on": stage.monday - timedelta(days=stage.dice.whole(40, 160)),
            }
            for place in {duty.place for duty in duties}
        ]
        pay = Decimal(PAY_PER_HOUR[person.base.country]) + Decimal(stage.dice.whole(-4, 8)) / 4
        rows[PayRate].append(
            {
                "coordinator_id": coordinator_id,
                "valid_from": stage.monday - timedelta(days=400),
                "pay_per_hour": pay,
                "currency": "USD",
            }
        )
    for kind, values in rows.items():
        await tx.execute(insert(kind), values)


def _services(stage: Stage, duties: Sequence[Duty]) -> list[str]:
    line = duties[0].place.line if duties else ("dental" if stage.dice.chance(20) else "medical")
    own = {duty.service for duty in duties}
    common = [service.code for service in SERVICES if service.line == line and service.code != "telephone_triage"]
    return sorted(own | set(stage.dice.some(common, 3)))


def _coordinator(
    stage: Stage, person: DemoCoordinator, coordinator_id: object, number: int, duties: Sequence[Duty]
) -> dict[str, Any]:
    own_systems = {duty.place.ehr_system for duty in duties}
    more = stage.dice.some(["epic", "athena", "ecw", "cerner", "nextgen"], 2)
    cap = 1200 if number % 7 == 6 else 2400
    # The two people who serve two facilities daily work more than the others.
    cap = 3600 if number < 2 else cap
    return {
        "id": coordinator_id,
        "reference": person.reference,
        "name": person.name,
        "work_country": person.base.country,
        "time_zone": person.base.zone,
        "credential_class": "medical_assistant" if number % 3 else "care_coordinator",
        "education": "Bachelor of Science in Nursing" if number % 4 == 0 else "Bachelor of Health Administration",
        "languages": ["en", *person.base.languages],
        "ehr_systems": sorted(own_systems | set(more)),
        "licence_states": [],
        "weekly_cap_minutes": cap,
        "weekly_target_minutes": cap * 85 // 100,
        "max_facilities": 4,
        "joined_on": stage.monday - timedelta(days=stage.dice.whole(200, 900)),
        "left_on": None,
    }


def _credentials(stage: Stage, coordinator_id: object, number: int, services: Sequence[str]) -> list[dict[str, Any]]:
    kinds = [*STANDING_CREDENTIALS, *(SPECIAL[service] for service in services if service in SPECIAL)]
    assert set(kinds) <= set(CREDENTIALS)
    rows = []
    for kind in dict.fromkeys(kinds):
        # Screening is renewed monthly, the others yearly; three people of the bench have let one lapse.
        lifetime = 31 if kind == "exclusion_screening" else 365
        age = stage.dice.whole(3, 10) if kind == "exclusion_screening" else stage.dice.whole(20, 270)
        lapsed = number in (49, 53, 57) and kind == "hipaa_training"
        issued = stage.monday - timedelta(days=lifetime + 6 if lapsed else age)
        rows.append(
            {
                "id": stage.dice.id(),
                "coordinator_id": coordinator_id,
                "kind": kind,
                "issued_on": issued,
                "expires_on": issued + timedelta(days=lifetime),
                "verified_on": issued + timedelta(days=2),
                "verified_by": "Robin Hathaway",
            }
        )
    return rows


def _availability(stage: Stage, person: DemoCoordinator, coordinator_id: object, number: int) -> list[dict[str, Any]]:
    # Night workers abroad need the early hours of the day after as well, so their week has no gap.
    days = EVERY_DAY if number < 2 or person.base.country not in ("US", "MX", "CO") or number % 5 == 0 else WORKDAYS
    return [
        {
            "id": stage.dice.id(),
            "coordinator_id": coordinator_id,
            "weekday": weekday,
            "starts_at_time": starts,
            "ends_at_time": ends,
        }
        for weekday in days
        for starts, ends in AVAILABLE[person.base.country]
    ]


def place_of(reference: str) -> Place:
    return next(place for place in PLACES if place.reference == reference)
