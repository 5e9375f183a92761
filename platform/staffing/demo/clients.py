"""The agency, its facilities with their prices, and everybody's account."""

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import insert

from staffing.catalogue import SERVICES
from staffing.demo import contracts
from staffing.demo.logins import LOGINS, PASSWORD
from staffing.demo.people import AGENCY_NAME, AGENCY_ZONE
from staffing.demo.places import PLACES, Place
from staffing.demo.stage import Stage
from staffing.facilities.models import Facility, OffshorePolicy, RateCard, ServiceRate
from staffing.identity.models import Account, AccountFacility, Agency
from staffing.identity.passwords import hash_password
from staffing.invoicing.models import BillingAccount
from staffing.persistence.transactions import Transaction

BILL_PER_HOUR = {
    "patient_care_coordinator": "42.00", "prior_authorization": "45.50", "medical_receptionist": "34.00",
    "medical_admin_assistant": "36.50", "medical_scribe": "38.00", "medical_billing_assistant": "40.00",
    "executive_assistant": "44.00", "provider_support": "41.00", "telehealth_specialist": "39.50", "telephone_triage": "58.00",
    "remote_patient_monitoring": "47.25", "dental_admin_assistant": "35.00", "dental_receptionist": "33.00",
    "dental_scribe": "37.00", "dental_billing_assistant": "38.50", "dental_executive_assistant": "43.00",
}  # fmt: skip


async def add_clients(tx: Transaction, stage: Stage) -> None:
    """The agency, twelve facilities, their rate cards."""
    tx.add(Agency(id=1, name=AGENCY_NAME, time_zone=AGENCY_ZONE, demo=True))
    for number, place in enumerate(PLACES):
        facility = _facility(stage, place, number)
        tx.add(facility)
        stage.facilities[place.reference] = facility.id
    await tx.flush()
    for number, place in enumerate(PLACES):
        await _add_prices(tx, stage, place, number)


def _facility(stage: Stage, place: Place, number: int) -> Facility:
    return Facility(
        id=stage.dice.id(),
        reference=place.reference,
        name=place.name,
        initials=place.initials,
        city=place.city,
        state=place.state,
        time_zone=place.zone,
        line=place.line,
        ehr_system=place.ehr_system,
        offshore_policy=(OffshorePolicy.ALLOWED if place.offshore else OffshorePolicy.US_ONLY).value,
        colour=number % 8 + 1,
        baa_signed_on=stage.monday - timedelta(days=300 - number * 9),
        created_at=stage.now - timedelta(days=310 - number * 9),
    )


async def _add_prices(tx: Transaction, stage: Stage, place: Place, number: int) -> None:
    facility_id = stage.facilities[place.reference]
    card = RateCard(
        id=stage.dice.id(),
        facility_id=facility_id,
        valid_from=date(stage.monday.year - 1, 1, 1),
        currency="USD",
        rounding_unit_minutes=place.rounding_minutes,
        rounding_mode="nearest",
        rounding_scope="line",
        terms=contracts.terms_of(place.reference, date(stage.monday.year - 1, 1, 1)),
    )
    tx.add(card)
    tx.add(BillingAccount(facility_id=facility_id, currency="USD", terms_days=30 if number % 3 == 0 else 14))
    await tx.flush()
    # Prices differ a little from client to client, as contracts do.
    shift = Decimal(number % 5 - 2) * Decimal("0.75")
    rows = [
        {
            "rate_card_id": card.id,
            "facility_id": facility_id,
            "service": service.code,
            "bill_per_hour": Decimal(BILL_PER_HOUR[service.code]) + shift,
        }
        for service in SERVICES
        if service.line == place.line
    ]
    await tx.execute(insert(ServiceRate), rows)


async def add_accounts(tx: Transaction, stage: Stage) -> None:
    """One account for each login. The shared password is hashed once: everybody here is invented."""
    password_hash = await hash_password(PASSWORD)
    accounts, places = [], []
    for login in LOGINS:
        account_id = stage.dice.id()
        stage.accounts[login.email] = account_id
        accounts.append(
            {
                "id": account_id,
                "email": login.email,
                "name": login.name,
                "role": login.role.value,
                "time_zone": login.time_zone,
                "password_hash": password_hash,
                "coordinator_id": stage.coordinators[login.coordinator] if login.coordinator else None,
                "created_at": stage.now - timedelta(days=200),
            }
        )
        if login.facility:
            places.append({"account_id": account_id, "facility_id": stage.facilities[login.facility]})
    await tx.execute(insert(Account), accounts)
    await tx.execute(insert(AccountFacility), places)
