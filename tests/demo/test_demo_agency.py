"""The demo agency: as large as promised, the same every time, and nobody in it is a place or a service."""

import re
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from support.world import NOW

from staffing import clock
from staffing.care.models import HistoryItem, Patient
from staffing.catalogue import SERVICES
from staffing.demo import loading, logins, people, places
from staffing.facilities.models import Facility
from staffing.identity.models import Account, Role
from staffing.invoicing.models import Invoice
from staffing.persistence import audit
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.requests.models import StaffingRequest
from staffing.roster.models import Coordinator
from staffing.settings import Settings
from staffing.worklog.models import WorkEntry


@pytest.fixture
async def demo(database: Database) -> Database:
    with clock.standing_at(NOW):
        await loading.load(database, advance=lambda step: None)
    return database


async def test_it_is_as_large_as_promised(demo: Database) -> None:
    async with demo.transaction(SYSTEM) as tx:
        counts = {
            model: await tx.scalar(select(func.count()).select_from(model)) for model in (Facility, Coordinator, Patient, Account)
        }
        zones = set(await tx.scalars(select(Facility.time_zone)))
        countries = set(await tx.scalars(select(Coordinator.work_country)))
        states = set(await tx.scalars(select(WorkEntry.state)))
        invoices = set(await tx.scalars(select(Invoice.state)))
        without_history = await tx.scalar(
            select(func.count()).select_from(Patient).where(~Patient.id.in_(select(HistoryItem.patient_id)))
        )
        oldest = await tx.scalar(select(func.min(func.lower(WorkEntry.during))))
        open_requests = await tx.scalar(
            select(func.count()).select_from(StaffingRequest).where(StaffingRequest.reference > "R-1100")
        )
        chains = await audit.verify(tx)
    assert counts == {Facility: 12, Coordinator: 60, Patient: 600, Account: 12 + 60 + 4}
    assert len({NOW.astimezone(ZoneInfo(zone)).utcoffset() for zone in zones}) == 5
    assert len(countries) >= 5
    assert {"draft", "submitted", "approved", "disputed", "invoiced"} <= states
    assert {"draft", "reviewed", "finalized"} <= invoices
    assert without_history == 0
    assert (NOW - oldest).days >= 27
    assert open_requests >= 9
    assert all(report.broken_at is None for report in chains)


async def test_the_same_day_gives_the_same_agency(demo: Database, prepared, settings: Settings, template, worker_name) -> None:
    from support.databases import copy_of_template, open_database

    async def picture(database: Database) -> list[tuple[object, ...]]:
        async with database.transaction(SYSTEM) as tx:
            patients = await tx.execute(select(Patient.id, Patient.given_name, Patient.birth_date).order_by(Patient.id))
            entries = await tx.execute(select(WorkEntry.id, WorkEntry.during, WorkEntry.note).order_by(WorkEntry.id))
            return [*map(tuple, patients), *map(tuple, entries)]

    async with copy_of_template(settings, template, f"{worker_name}_again") as again:
        other = open_database(again)
        with clock.standing_at(NOW):
            await loading.load(other, advance=lambda step: None)
        assert await picture(other) == await picture(demo)
        await other.close()


def test_no_name_is_a_place_or_a_service() -> None:
    names = {word for name in _everybody() for word in name.split()}
    taken = {word for place in places.PLACES for word in f"{place.name} {place.city}".split()}
    taken |= {word for service in SERVICES for word in re.split(r"[^A-Za-z]+", service.name)}
    assert {name.lower() for name in names} & {word.lower() for word in taken if len(word) > 2} == set()


def test_every_name_and_address_is_one_persons() -> None:
    assert len({login.email for login in logins.LOGINS}) == len(logins.LOGINS)
    assert len({person.name for person in people.COORDINATORS}) == 60


def test_the_logins_are_told_to_other_programs() -> None:
    told = logins.as_json("http://127.0.0.1:8000")
    assert {login["role"] for login in told} == {role.value for role in Role}
    assert len({login["facility"] for login in told if login["role"] == "facility"}) >= 2
    assert all({"email", "password", "sign_in"} <= set(login) for login in told)


def _everybody() -> list[str]:
    staff = [name for _, name in people.STAFF]
    patients = [*people.PATIENT_GIVEN, *people.PATIENT_FAMILY]
    return [*(person.name for person in people.COORDINATORS), *people.MANAGERS, *staff, *patients]
