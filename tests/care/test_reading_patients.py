"""Who may read which patient: the predicate and row-level security, each with the other off."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from support.world import World, principal

from staffing.care import queries, service
from staffing.care.models import HistoryItem, Patient
from staffing.errors import NotFound
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

pytestmark = pytest.mark.usefixtures("standing")


@pytest.mark.parametrize("name", ["charlie", "maria"])
async def test_the_predicate_holds_alone(database: Database, world: World, name: str) -> None:
    """Row-level security off. Maria cares nowhere at this moment; Charlie's facility is another."""
    person = replace(principal(world, name), care_facility_ids=())
    async with database.transaction(SYSTEM) as tx:
        with pytest.raises(NotFound):
            await service.open_patient(tx, person, world.rosa)
        found = await queries.patients(tx, person)
    assert world.rosa not in {row.id for row in found.rows}


@pytest.mark.parametrize("name", ["charlie", "maria"])
async def test_row_level_security_holds_alone(database: Database, world: World, name: str) -> None:
    """No predicate in these statements."""
    person = replace(principal(world, name), care_facility_ids=())
    async with database.transaction(person.scope()) as tx:
        patients = set(await tx.scalars(select(Patient.id)))
        history = set(await tx.scalars(select(HistoryItem.patient_id)))
    assert world.rosa not in patients | history


async def test_the_chart_groups_the_history_and_says_when_it_was_checked(database: Database, world: World) -> None:
    alice = principal(world, "alice")
    async with database.transaction(alice.scope()) as tx:
        chart = await service.open_patient(tx, alice, world.rosa)
    groups = {group.name: group for group in chart.history}
    assert list(groups) == ["Conditions", "Medications", "Allergies", "Treatments"]
    assert [item.text for item in groups["Conditions"].items] == ["Type 2 diabetes"]
    assert str(groups["Conditions"].reconciled_on) == "2026-02-01"
    assert groups["Allergies"].items == ()


@pytest.mark.parametrize(
    ("typed", "found"), [("alv", True), ("rosa alv", True), ("n-0001", True), ("%", False), ("_osa", False), ("", True)]
)
async def test_a_search_takes_parts_of_names_and_no_wildcards(database: Database, world: World, typed: str, found: bool) -> None:
    alice = principal(world, "alice")
    async with database.transaction(alice.scope()) as tx:
        rows = (await queries.patients(tx, alice, search=typed)).rows
    assert (world.rosa in {row.id for row in rows}) is found


async def test_a_list_leaves_one_note_in_the_log_of_each_facility_on_it(database: Database, world: World) -> None:
    maria = principal(world, "maria")
    async with database.transaction(maria.scope()) as tx:
        await service.list_patients(tx, maria)
    async with database.transaction(SYSTEM) as tx:
        notes = await tx.execute(select(AccessEvent.facility_id, AccessEvent.detail).where(AccessEvent.action == "patient.list"))
        assert set(notes.all()) == {(world.north, "1 patients"), (world.south, "1 patients")}
