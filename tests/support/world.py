"""A small invented world for tests: two facilities, people of every role, patients, prices.

Personas: Alice manages Northside and may; Bob manages Northside too and may as well; Charlie manages Southlake and must see
nothing of Northside. Maria (Ohio) and Joseph (Philippines) coordinate; Dora and Denis dispatch; Bella bills; Olga owns.
The world stands at Wednesday 4 March 2026, 10:00 in New York.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range

from staffing import clock
from staffing.care.models import HistoryItem, Patient
from staffing.facilities.models import Facility, RateCard, ServiceRate
from staffing.identity.models import Account, AccountFacility, Agency, Role
from staffing.identity.principals import Principal
from staffing.invoicing.models import BillingAccount
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.roster.models import AvailabilityRule, Coordinator, CoordinatorService, Credential, PayRate
from staffing.scheduling.models import Assignment

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
PASSWORD = "a password for tests"
# Argon2id of PASSWORD with the cheapest parameters: a test signs in through the real door without waiting for the real cost.
_CHEAP_HASH = ""


@dataclass(frozen=True, slots=True)
class World:
    """Ids of everything that tests talk about."""

    north: UUID
    south: UUID
    alice: UUID
    bob: UUID
    charlie: UUID
    dora: UUID
    denis: UUID
    bella: UUID
    olga: UUID
    maria: UUID
    """Maria's place in the roster; `maria_account` is how she signs in."""
    joseph: UUID
    maria_account: UUID
    joseph_account: UUID
    rosa: UUID
    """A patient of Northside."""
    tom: UUID
    """A patient of Southlake."""


async def build(database: Database) -> World:
    """Put the world into an empty database."""
    async with database.transaction(SYSTEM) as tx:
        return await _build(tx)


async def _build(tx: Transaction) -> World:
    tx.add(Agency(id=1, name="Harbor Relief Agency", time_zone="America/New_York", demo=False))
    north = _facility("F-1001", "Northside Family Medicine", "NF", "Columbus", "OH", "America/New_York", "allowed", 1)
    south = _facility("F-1002", "Southlake Heart Clinic", "SH", "Austin", "TX", "America/Chicago", "us_only", 2)
    maria = _coordinator("C-2001", "Maria Sandoval", "US", "America/New_York", ["en", "es"])
    joseph = _coordinator("C-2002", "Joseph Abad", "PH", "Asia/Manila", ["en", "fil"])
    tx.add_all([north, south, maria, joseph])
    await tx.flush()
    for facility in (north, south):
        _prices(tx, facility)
        tx.add(BillingAccount(facility_id=facility.id, currency="USD", terms_days=14))
    for coordinator in (maria, joseph):
        _abilities(tx, coordinator)
    rosa = _patient(north.id, "N-0001", "Rosa", "Alvarez")
    tom = _patient(south.id, "S-0001", "Tom", "Brandt")
    tx.add_all([rosa, tom])
    await tx.flush()
    tx.add(
        HistoryItem(
            facility_id=north.id,
            patient_id=rosa.id,
            kind="condition",
            text="Type 2 diabetes",
            since_on=date(2019, 5, 1),
            reconciled_on=date(2026, 2, 1),
        )
    )
    people = {
        name: _account(name, role, zone, coordinator_id)
        for name, role, zone, coordinator_id in (
            ("alice", Role.FACILITY, "America/New_York", None),
            ("bob", Role.FACILITY, "America/New_York", None),
            ("charlie", Role.FACILITY, "America/Chicago", None),
            ("dora", Role.DISPATCHER, "America/New_York", None),
            ("denis", Role.DISPATCHER, "America/New_York", None),
            ("bella", Role.BILLING, "America/New_York", None),
            ("olga", Role.OWNER, "America/New_York", None),
            ("maria", Role.COORDINATOR, "America/New_York", maria.id),
            ("joseph", Role.COORDINATOR, "Asia/Manila", joseph.id),
        )
    }
    tx.add_all(people.values())
    await tx.flush()
    for name, facility in (("alice", north), ("bob", north), ("charlie", south)):
        tx.add(AccountFacility(account_id=people[name].id, facility_id=facility.id))
    ids = {name: account.id for name, account in people.items()}
    return World(
        north=north.id,
        south=south.id,
        maria=maria.id,
        joseph=joseph.id,
        maria_account=ids.pop("maria"),
        joseph_account=ids.pop("joseph"),
        rosa=rosa.id,
        tom=tom.id,
        **ids,
    )


async def assign(
    tx: Transaction,
    world: World,
    coordinator_id: UUID,
    facility_id: UUID,
    *,
    start: datetime = NOW - timedelta(hours=2),
    hours: float = 8,
    service: str = "patient_care_coordinator",
) -> Assignment:
    """A request with one window, and the coordinator confirmed on it."""
    request, window = await ask(tx, world, facility_id, start=start, hours=hours, service=service)
    assignment = Assignment(
        facility_id=facility_id,
        request_id=request.id,
        window_id=window.id,
        coordinator_id=coordinator_id,
        during=window.during,
        seat=1,
        created_by=world.dora,
        created_at=clock.now(),
    )
    tx.add(assignment)
    await tx.flush()
    return assignment


_references = iter(range(9001, 99999))


async def ask(
    tx: Transaction,
    world: World,
    facility_id: UUID,
    *,
    start: datetime = NOW + timedelta(hours=20),
    hours: float = 4,
    service: str = "patient_care_coordinator",
    headcount: int = 1,
    priority: int = 3,
) -> tuple[StaffingRequest, CoverageWindow]:
    """A request for relief with one window."""
    from staffing.persistence.base import new_id

    during = Range(start, start + timedelta(hours=hours))
    request = StaffingRequest(
        id=new_id(),
        facility_id=facility_id,
        reference=f"R-{next(_references)}",
        form_id=new_id(),
        service=service,
        reason="surge",
        starts_on=start.date(),
        ends_on=start.date(),
        pattern=[[start.weekday(), start.strftime("%H:%M"), (start + timedelta(hours=hours)).strftime("%H:%M")]],
        headcount=headcount,
        skills=[],
        language="en",
        ehr_system="epic",
        priority=priority,
        submitted_by=world.alice,
        submitted_at=clock.now(),
    )
    window = CoverageWindow(id=new_id(), facility_id=facility_id, request_id=request.id, during=during, headcount=headcount)
    # The window refers to the request: without a mapped relationship the order of inserts is ours to keep.
    for row in (request, window):
        tx.add(row)
        await tx.flush()
    return request, window


def principal(world: World, name: str) -> Principal:
    """The caller behind a persona, for tests of use cases below the web."""
    facility = {"alice": world.north, "bob": world.north, "charlie": world.south}.get(name)
    roles = {"dora": Role.DISPATCHER, "denis": Role.DISPATCHER, "bella": Role.BILLING, "olga": Role.OWNER}
    if name in ("maria", "joseph"):
        return Principal(
            account_id=getattr(world, f"{name}_account"),
            name=_FULL_NAMES[name],
            email=f"{name}@test.example",
            role=Role.COORDINATOR,
            time_zone="America/New_York" if name == "maria" else "Asia/Manila",
            facility_ids=(world.north, world.south),
            care_facility_ids=(world.north, world.south),
            coordinator_id=getattr(world, name),
        )
    return Principal(
        account_id=getattr(world, name),
        name=_FULL_NAMES[name],
        email=f"{name}@test.example",
        role=roles.get(name, Role.FACILITY),
        time_zone="America/New_York",
        facility_ids=(facility,) if facility else (),
    )


_FULL_NAMES = {
    "alice": "Alice Newton",
    "bob": "Bob Okafor",
    "charlie": "Charlie Winters",
    "dora": "Dora Petrie",
    "denis": "Denis Wolf",
    "bella": "Bella Quint",
    "olga": "Olga Harbor",
    "maria": "Maria Sandoval",
    "joseph": "Joseph Abad",
}


def _account(name: str, role: Role, zone: str, coordinator_id: UUID | None) -> Account:
    return Account(
        email=f"{name}@test.example",
        name=_FULL_NAMES[name],
        role=role.value,
        time_zone=zone,
        password_hash=cheap_hash(),
        coordinator_id=coordinator_id,
        created_at=NOW - timedelta(days=90),
    )


def cheap_hash() -> str:
    global _CHEAP_HASH
    if not _CHEAP_HASH:
        from argon2 import PasswordHasher

        _CHEAP_HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    return _CHEAP_HASH


def _facility(ref: str, name: str, initials: str, city: str, state: str, zone: str, offshore: str, colour: int) -> Facility:
    return Facility(
        reference=ref, name=name, initials=initials, city=city, state=state, time_zone=zone, line="medical", ehr_system="epic",
        offshore_policy=offshore, colour=colour, baa_signed_on=date(2025, 6, 1), created_at=NOW - timedelta(days=200),
    )  # fmt: skip


def _prices(tx: Transaction, facility: Facility) -> None:
    card = RateCard(facility_id=facility.id, valid_from=date(2025, 6, 1), currency="USD")
    from staffing.persistence.base import new_id

    card.id = new_id()
    tx.add(card)
    for service, price in (("patient_care_coordinator", "42.00"), ("prior_authorization", "45.50")):
        tx.add(ServiceRate(rate_card_id=card.id, facility_id=facility.id, service=service, bill_per_hour=Decimal(price)))


def _coordinator(ref: str, name: str, country: str, zone: str, languages: list[str]) -> Coordinator:
    return Coordinator(
        reference=ref, name=name, work_country=country, time_zone=zone, credential_class="medical_assistant",
        languages=languages, ehr_systems=["epic", "athena"], licence_states=[], weekly_cap_minutes=2400,
        weekly_target_minutes=2000, max_facilities=4, joined_on=date(2025, 7, 1),
    )  # fmt: skip


def _abilities(tx: Transaction, coordinator: Coordinator) -> None:
    for service in ("patient_care_coordinator", "prior_authorization"):
        tx.add(CoordinatorService(coordinator_id=coordinator.id, service=service, level=4))
    for kind in ("hipaa_training", "exclusion_screening", "background_check"):
        tx.add(
            Credential(
                coordinator_id=coordinator.id,
                kind=kind,
                issued_on=date(2026, 2, 1),
                expires_on=date(2027, 2, 1),
                verified_on=date(2026, 2, 2),
                verified_by="Dora Petrie",
            )
        )
    for weekday in range(7):
        tx.add(
            AvailabilityRule(coordinator_id=coordinator.id, weekday=weekday, starts_at_time=time(0, 0), ends_at_time=time(0, 0))
        )
    tx.add(PayRate(coordinator_id=coordinator.id, valid_from=date(2025, 7, 1), pay_per_hour=Decimal("24.00")))


def _patient(facility_id: UUID, number: str, given: str, family: str) -> Patient:
    return Patient(
        facility_id=facility_id, record_number=number, given_name=given, family_name=family, birth_date=date(1958, 4, 12),
        language="en", payer="Medicare", created_at=NOW - timedelta(days=100),
    )  # fmt: skip
