"""The people and places of one rehearsal: two facilities of its own and a coordinator whom nobody else would take."""

import secrets
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from staffing.care.models import Patient
from staffing.catalogue import STANDING_CREDENTIALS
from staffing.errors import ReliefError
from staffing.facilities.models import Facility, OffshorePolicy, RateCard, ServiceRate
from staffing.identity.models import Account, AccountFacility, Role
from staffing.identity.principals import Principal
from staffing.invoicing.models import BillingAccount
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction
from staffing.roster.models import AvailabilityRule, Coordinator, CoordinatorService, Credential, Orientation, PayRate

SERVICE = "telephone_triage"
SKILL = "nursing_licence"
RATE = Decimal("58.40")
_ZONES = ("America/New_York", "America/Denver", "America/Los_Angeles", "Pacific/Honolulu", "Asia/Manila", "Europe/Lisbon")


class NoStaff(ReliefError):
    """A rehearsal needs a dispatcher and a billing account. `relief demo` invents them."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody in the rehearsal."""

    first: Facility
    second: Facility
    first_manager: Principal
    second_manager: Principal
    coordinator: Principal
    dispatcher: Principal
    billing: Principal
    first_patient: UUID
    second_patient: UUID


async def gather(tx: Transaction, now: datetime) -> Cast:
    """Make facilities, coordinator, patients and accounts of this rehearsal, numbered after those before."""
    before = await tx.scalar(select(func.count()).select_from(Facility).where(Facility.reference.like("REH-%")))
    number = int(before or 0) // 2 + 1
    zone = _where_it_is_day(now)
    first, second = (_facility(number, side, zone, now) for side in ("A", "B"))
    coordinator = _coordinator(number, zone, now)
    tx.add_all([first, second, coordinator])
    await tx.flush()
    patients = [_patient(facility, now) for facility in (first, second)]
    tx.add_all(patients)
    for facility in (first, second):
        _add_price(tx, facility, now)
        tx.add(BillingAccount(facility_id=facility.id, currency="USD", terms_days=14))
        tx.add(Orientation(coordinator_id=coordinator.id, facility_id=facility.id, oriented_on=now.date()))
    _add_abilities(tx, coordinator, now)
    managers = [_account(f"Manager {facility.reference}", Role.FACILITY, zone, now) for facility in (first, second)]
    worker = _account(coordinator.name, Role.COORDINATOR, zone, now, coordinator.id)
    tx.add_all([*managers, worker])
    await tx.flush()
    for manager, facility in zip(managers, (first, second), strict=True):
        tx.add(AccountFacility(account_id=manager.id, facility_id=facility.id))
    await tx.flush()
    return Cast(
        first=first,
        second=second,
        first_manager=_principal(managers[0], (first.id,)),
        second_manager=_principal(managers[1], (second.id,)),
        coordinator=_principal(worker),
        dispatcher=await _colleague(tx, Role.DISPATCHER),
        billing=await _colleague(tx, Role.BILLING),
        first_patient=patients[0].id,
        second_patient=patients[1].id,
    )


def _where_it_is_day(now: datetime) -> str:
    """A zone where neither the past two hours nor the next four cross midnight, so that a rehearsal is one local day."""
    return next(zone for zone in _ZONES if 2 <= now.astimezone(ZoneInfo(zone)).hour <= 18)


def _facility(number: int, side: str, zone: str, now: datetime) -> Facility:
    return Facility(
        id=new_id(),
        reference=f"REH-{number}{side}",
        name=f"Rehearsal Facility {number}{side}",
        initials=f"R{side}",
        city="Nowhere",
        state="ZZ",
        time_zone=zone,
        line="medical",
        ehr_system="epic",
        offshore_policy=OffshorePolicy.ALLOWED.value,
        colour=7 if side == "A" else 8,
        baa_signed_on=now.date() - timedelta(days=30),
        created_at=now,
    )


def _coordinator(number: int, zone: str, now: datetime) -> Coordinator:
    return Coordinator(
        id=new_id(),
        reference=f"REH-{number}",
        name=f"Rehearsal Coordinator {number}",
        work_country="US",
        time_zone=zone,
        credential_class="registered_nurse",
        languages=["en"],
        ehr_systems=["epic"],
        licence_states=["ZZ"],
        weekly_cap_minutes=2400,
        weekly_target_minutes=2000,
        max_facilities=4,
        joined_on=now.date() - timedelta(days=30),
    )


def _add_abilities(tx: Transaction, coordinator: Coordinator, now: datetime) -> None:
    tx.add(CoordinatorService(coordinator_id=coordinator.id, service=SERVICE, level=5))
    for kind in (*STANDING_CREDENTIALS, SKILL):
        tx.add(
            Credential(
                coordinator_id=coordinator.id,
                kind=kind,
                issued_on=now.date() - timedelta(days=3),
                expires_on=now.date() + timedelta(days=28),
                verified_on=now.date() - timedelta(days=2),
                verified_by="rehearsal",
            )
        )
    for weekday in range(7):
        tx.add(
            AvailabilityRule(coordinator_id=coordinator.id, weekday=weekday, starts_at_time=time(0, 0), ends_at_time=time(0, 0))
        )
    tx.add(PayRate(coordinator_id=coordinator.id, valid_from=now.date() - timedelta(days=30), pay_per_hour=Decimal("31.00")))


def _add_price(tx: Transaction, facility: Facility, now: datetime) -> None:
    card = RateCard(id=new_id(), facility_id=facility.id, valid_from=now.date() - timedelta(days=30), currency="USD")
    tx.add(card)
    tx.add(ServiceRate(rate_card_id=card.id, facility_id=facility.id, service=SERVICE, bill_per_hour=RATE))


def _patient(facility: Facility, now: datetime) -> Patient:
    return Patient(
        id=new_id(),
        facility_id=facility.id,
        record_number="REH-1",
        given_name="Nobody",
        family_name=f"Rehearsed {facility.reference}",
        birth_date=now.date() - timedelta(days=20_000),
        language="en",
        created_at=now,
    )


def _account(name: str, role: Role, zone: str, now: datetime, coordinator_id: UUID | None = None) -> Account:
    """An account that nobody can sign in with: its password hash is no hash."""
    return Account(
        id=new_id(),
        email=f"rehearsal-{secrets.token_hex(6)}@rehearsal.example",
        name=name,
        role=role.value,
        time_zone=zone,
        password_hash="!",  # noqa: S106
        coordinator_id=coordinator_id,
        created_at=now,
        disabled_at=now,
    )


async def _colleague(tx: Transaction, role: Role) -> Principal:
    account = await tx.scalar(
        select(Account).where(Account.role == role.value, Account.disabled_at.is_(None)).order_by(Account.created_at).limit(1)
    )
    if account is None:
        raise NoStaff
    return _principal(account)


def _principal(account: Account, facility_ids: tuple[UUID, ...] = ()) -> Principal:
    return Principal(
        account_id=account.id,
        name=account.name,
        email=account.email,
        role=Role(account.role),
        time_zone=account.time_zone,
        facility_ids=facility_ids,
        coordinator_id=account.coordinator_id,
    )
