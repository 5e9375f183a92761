"""Asking for relief, through the real database: what is stored, what is refused, and what happens twice."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, time
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from support.world import World, ask, principal

from staffing.catalogue import RequestReason
from staffing.errors import Invalid, NotAllowed, NotFound
from staffing.facilities.models import Facility
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.requests import service, weekly
from staffing.requests.errors import AgreementMissing, ClockAsked, FormAlreadySent
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.requests.service import NewRequest

pytestmark = pytest.mark.usefixtures("standing")


def asked(world: World, **changes: object) -> NewRequest:
    """Mornings of Monday and Tuesday of next week at Northside."""
    new = NewRequest(
        form_id=uuid4(),
        facility_id=world.north,
        service="prior_authorization",
        reason=RequestReason.CALL_OFF,
        starts_on=date(2026, 3, 9),
        ends_on=date(2026, 3, 10),
        pattern=weekly.read([[0, "08:00", "12:00"], [1, "08:00", "12:00"]]),
        headcount=2,
        skills=("nursing_licence", "coding_certificate"),
        language="es",
        ehr_system="epic",
        note="Ana is away.",
    )
    return replace(new, **changes)  # type: ignore[arg-type]


async def submit(database: Database, world: World, new: NewRequest, who: str = "alice") -> UUID:
    caller = principal(world, who)
    async with database.transaction(caller.scope()) as tx:
        return (await service.submit_request(tx, caller, new)).id


async def test_a_request_with_its_windows(database: Database, world: World) -> None:
    request_id = await submit(database, world, asked(world))
    async with database.transaction(SYSTEM) as tx:
        request = await tx.get_one(StaffingRequest, request_id)
        query = select(CoverageWindow).where(CoverageWindow.request_id == request_id).order_by(CoverageWindow.during)
        windows = (await tx.scalars(query)).all()
        noted = (await tx.execute(select(AccessEvent.action, AccessEvent.facility_id, AccessEvent.detail))).all()
    assert request.reference == "R-1001"
    assert request.priority == 5
    assert (request.state, request.submitted_by) == ("open", world.alice)
    assert request.pattern == [[0, "08:00", "12:00"], [1, "08:00", "12:00"]]
    assert request.skills == ["coding_certificate", "nursing_licence"]
    # After the clocks went forward on Sunday, 08:00 in New York is 12:00 UTC.
    assert [(window.during.lower, window.headcount) for window in windows] == [
        (datetime(2026, 3, 9, 12, tzinfo=UTC), 2),
        (datetime(2026, 3, 10, 12, tzinfo=UTC), 2),
    ]
    assert ("submit", world.north, "2 windows") in noted


async def test_references_go_on(database: Database, world: World) -> None:
    await submit(database, world, asked(world))
    second = await submit(database, world, asked(world))
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.get_one(StaffingRequest, second)).reference == "R-1002"


async def test_an_imported_reference_is_passed_over_even_where_it_cannot_be_seen(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        imported, _ = await ask(tx, world, world.south)
        imported.reference = "R-1001"
    alice = principal(world, "alice")
    async with database.transaction(alice.scope()) as tx:
        assert (await service.submit_request(tx, alice, asked(world))).reference == "R-1002"
        # Looking for a free number has not widened what the transaction may see.
        assert list(await tx.scalars(select(StaffingRequest.reference))) == ["R-1002"]


async def test_the_same_form_twice_is_one_request(database: Database, world: World) -> None:
    form = asked(world)
    assert await submit(database, world, form) == await submit(database, world, form)
    assert await counted(database, StaffingRequest) == 1
    assert await counted(database, CoverageWindow) == 2


async def test_the_same_form_from_eight_tabs_at_once_is_one_request(database: Database, world: World) -> None:
    form = asked(world)
    made = await asyncio.gather(*(submit(database, world, form, who) for who in ("alice", "bob") * 4))
    assert len(set(made)) == 1
    assert await counted(database, StaffingRequest) == 1
    assert await counted(database, CoverageWindow) == 2


async def test_a_form_sent_again_with_other_content_is_not_swallowed(database: Database, world: World) -> None:
    form = asked(world)
    await submit(database, world, form)
    with pytest.raises(FormAlreadySent) as problem:
        await submit(database, world, replace(form, headcount=3))
    assert "R-1001" in problem.value.message


async def test_a_form_id_of_another_facility_opens_nothing(database: Database, world: World) -> None:
    form = asked(world)
    await submit(database, world, form)
    with pytest.raises(NotFound):
        await submit(database, world, asked(world, facility_id=world.south, form_id=form.form_id), "charlie")


async def test_a_facility_that_is_not_the_caller_s_is_not_there(database: Database, world: World) -> None:
    with pytest.raises(NotFound):
        await submit(database, world, asked(world), "charlie")
    # The predicate of the query alone holds the line too, with row-level security out of the way.
    charlie = principal(world, "charlie")
    with pytest.raises(NotFound):
        async with database.transaction(SYSTEM) as tx:
            await service.submit_request(tx, charlie, asked(world))


@pytest.mark.parametrize("who", ["maria", "dora", "bella"])
async def test_only_a_facility_asks(database: Database, world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        await submit(database, world, asked(world), who)


@pytest.mark.parametrize("signed_on", [None, date(2026, 3, 5)])
async def test_nobody_comes_before_the_agreement_is_signed(database: Database, world: World, signed_on: date | None) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Facility).where(Facility.id == world.north).values(baa_signed_on=signed_on))
    with pytest.raises(AgreementMissing) as problem:
        await submit(database, world, asked(world))
    assert "business associate agreement" in problem.value.message


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"service": "dental_scribe"}, {"service"}),
        ({"service": "surgery"}, {"service"}),
        ({"headcount": 0}, {"headcount"}),
        ({"headcount": 21}, {"headcount"}),
        ({"max_coordinators": 5}, {"max_coordinators"}),
        ({"skills": ("hipaa_training",)}, {"skills"}),
        ({"language": "tlh"}, {"language"}),
        ({"ehr_system": "paper"}, {"ehr_system"}),
        ({"note": "x" * 2001}, {"note"}),
        ({"starts_on": date(2024, 1, 1)}, {"starts_on", "service"}),
        ({"ends_on": date(2026, 3, 8), "headcount": 99, "language": ""}, {"ends_on", "headcount", "language"}),
    ],
)
async def test_every_mistake_is_named_at_once(
    database: Database, world: World, changes: dict[str, object], fields: set[str]
) -> None:
    with pytest.raises(Invalid) as problem:
        await submit(database, world, asked(world, **changes))
    assert set(problem.value.fields) == fields
    assert await counted(database, StaffingRequest) == 0


async def test_a_day_without_this_hour_is_asked_about_and_the_answer_stored(database: Database, world: World) -> None:
    night = asked(world, starts_on=date(2026, 3, 8), ends_on=date(2026, 3, 8), pattern=weekly.read([[6, "02:00", "03:00"]]))
    with pytest.raises(ClockAsked):
        await submit(database, world, night)
    request_id = await submit(database, world, replace(night, clock_answers={"2026-03-08-02:00": "earlier"}))
    async with database.transaction(SYSTEM) as tx:
        (during,) = await tx.scalars(select(CoverageWindow.during).where(CoverageWindow.request_id == request_id))
    assert during.lower == datetime(2026, 3, 8, 6, tzinfo=UTC)
    assert during.upper.time() == time(7)


async def counted(database: Database, model: type[StaffingRequest] | type[CoverageWindow]) -> int:
    async with database.transaction(SYSTEM) as tx:
        return await tx.scalar(select(func.count()).select_from(model)) or 0
