"""Calling off: what it takes from somebody, what it leaves them, who may, and taking it back."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from support.proposing import ask_for_plan, in_system
from support.world import NOW, World, ask, assign, principal

from matching.problem import Interval
from staffing import clock
from staffing.errors import Invalid, NotAllowed, NotFound
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.scheduling import reach
from staffing.scheduling.ahead import duties_ahead
from staffing.scheduling.call_off_rules import CallOffReason, Reach, away_during
from staffing.scheduling.calling_off import NewCallOff, call_off, withdraw
from staffing.scheduling.errors import AssignmentHasMovedOn, CallOffHasMovedOn
from staffing.scheduling.loading import load_facts
from staffing.scheduling.models import Assignment, AssignmentState, CallOff, ReliefSearch
from staffing.scheduling.problem import state_problem
from staffing.worklog import cover, rules

pytestmark = pytest.mark.usefixtures("standing")
ZONE = "America/New_York"


async def called_off(database: Database, world: World, by: str, assignment_id: UUID, **said: Any) -> UUID:
    caller = principal(world, by)
    values = {"reach": Reach.THIS, "reason": CallOffReason.ILLNESS, **said}
    async with database.transaction(caller.scope()) as tx:
        tx.info["actor"] = caller.actor()
        return (await call_off(tx, caller, NewCallOff(assignment_id=assignment_id, **values))).id


async def duty(database: Database, world: World, hours: float, *, who: str = "maria", length: float = 3) -> UUID:
    async with database.transaction(SYSTEM) as tx:
        start = NOW + timedelta(hours=hours)
        return (await assign(tx, world, getattr(world, who), world.north, start=start, hours=length)).id


async def states(database: Database) -> dict[UUID, str]:
    return dict(await in_system(database, select(Assignment.id, Assignment.state)))  # type: ignore[arg-type]


class TestAwayDuring:
    MORNING = Interval(datetime(2026, 3, 7, 14, tzinfo=UTC), datetime(2026, 3, 7, 17, tzinfo=UTC))
    """Saturday, 9 to 12 in New York; the clocks change in the night after."""

    def away(self, reach: Reach, until: date | None = None, now: datetime = NOW) -> Interval:
        return away_during(self.MORNING, reach, until, ZONE, now)

    def test_only_this_one_is_its_own_time(self) -> None:
        assert self.away(Reach.THIS) == self.MORNING

    def test_one_that_is_under_way_is_missed_from_now_on(self) -> None:
        now = self.MORNING.start + timedelta(minutes=50)
        assert self.away(Reach.THIS, now=now) == Interval(now, self.MORNING.end)

    def test_a_day_ends_at_the_coordinators_own_midnight(self) -> None:
        assert self.away(Reach.DAY).end == datetime(2026, 3, 8, 5, tzinfo=UTC)

    def test_a_last_day_is_away_to_its_end_also_when_the_clocks_change(self) -> None:
        assert self.away(Reach.UNTIL, date(2026, 3, 8)).end == datetime(2026, 3, 9, 4, tzinfo=UTC)

    def test_an_assignment_that_goes_on_after_midnight_is_missed_whole(self) -> None:
        night = Interval(datetime(2026, 3, 6, 3, tzinfo=UTC), datetime(2026, 3, 6, 8, tzinfo=UTC))
        assert away_during(night, Reach.DAY, None, ZONE, NOW) == night

    @pytest.mark.parametrize("until", [None, date(2026, 3, 6), date(2026, 6, 1)])
    def test_an_end_that_is_missing_too_early_or_too_far_is_asked_for(self, until: date | None) -> None:
        with pytest.raises(Invalid) as wrong:
            self.away(Reach.UNTIL, until)
        assert "until" in wrong.value.fields

    def test_what_is_over_cannot_be_called_off(self) -> None:
        with pytest.raises(Invalid, match="over"):
            self.away(Reach.THIS, now=self.MORNING.end)


async def test_a_call_off_opens_what_they_miss_and_nothing_else(database: Database, world: World) -> None:
    first, same_day, next_day = [await duty(database, world, hours) for hours in (2, 6, 26)]
    josephs = await duty(database, world, 2, who="joseph")
    made = await called_off(database, world, "maria", first, reach=Reach.DAY)
    assert await states(database) == {
        first: "called_off", same_day: "called_off", next_day: "confirmed", josephs: "confirmed",
    }  # fmt: skip
    rows = await in_system(database, select(Assignment.call_off_id, Assignment.ended_at, Assignment.ended_reason)
                           .where(Assignment.id.in_([first, same_day])))  # fmt: skip
    assert set(rows) == {(made, NOW, "Illness")}
    # The windows can be planned at once.
    async with database.transaction(SYSTEM) as tx:
        problem = state_problem(await load_facts(tx, NOW))
    assert problem is not None
    assert len(problem.requests) == 2


async def test_who_called_off_is_not_planned_for_that_time(database: Database, world: World) -> None:
    await called_off(database, world, "dora", await duty(database, world, 2), reach=Reach.UNTIL, until=date(2026, 3, 5))
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north, start=NOW + timedelta(hours=24))
        problem = state_problem(await load_facts(tx, NOW))
    assert problem is not None
    maria = next(one for one in problem.coordinators if one.id == str(world.maria))
    assert [free.end for free in maria.available] == [NOW + timedelta(hours=2)]


async def test_a_coordinator_calls_off_for_nobody_else_and_a_facility_for_nobody(database: Database, world: World) -> None:
    marias = await duty(database, world, 2)
    with pytest.raises(NotFound):
        await called_off(database, world, "joseph", marias)
    for name in ("alice", "bob", "charlie", "bella"):
        with pytest.raises(NotAllowed):
            await called_off(database, world, name, marias)
    assert await states(database) == {marias: "confirmed"}


async def test_below_the_use_case_the_database_lets_a_coordinator_do_nothing_but_call_off(
    database: Database, world: World
) -> None:
    """The lower barrier alone."""
    marias, josephs = await duty(database, world, 2), await duty(database, world, 2, who="joseph")
    caller = principal(world, "maria")
    async with database.transaction(caller.scope()) as tx:
        touched = await tx.execute(update(Assignment).where(Assignment.id == josephs).values(ended_reason="x"))
        assert touched.rowcount == 0  # type: ignore[attr-defined]
    for values in ({"seat": 2}, {"state": "released"}, {"coordinator_id": world.joseph}):
        with pytest.raises(DBAPIError, match="row-level security"):
            async with database.transaction(caller.scope()) as tx:
                await tx.execute(update(Assignment).where(Assignment.id == marias).values(**values))
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction(caller.scope()) as tx:
            tx.add(_call_off(world.joseph, world.maria_account))


def _call_off(coordinator_id: UUID, account_id: UUID) -> CallOff:
    from sqlalchemy.dialects.postgresql import Range

    return CallOff(
        coordinator_id=coordinator_id,
        during=Range(NOW, NOW + timedelta(hours=1)),
        reason="illness",
        recorded_by=account_id,
        recorded_at=NOW,
    )


async def test_work_under_way_keeps_what_came_before_and_its_notes_can_be_finished(database: Database, world: World) -> None:
    marias = await duty(database, world, -1, length=4)
    await called_off(database, world, "maria", marias)
    caller = principal(world, "maria")
    async with database.transaction(caller.scope()) as tx:
        known = await reach.with_facilities(tx, caller, NOW + timedelta(hours=1))
        assert known.care_facility_ids == (world.north,)
        await tx.enter(known.scope())
        (own,) = await cover.own_cover(tx, known, rules.Span(NOW - timedelta(hours=8), NOW + timedelta(hours=8)))
        assert (own.start, own.end) == (NOW - timedelta(hours=1), NOW)
        later = await reach.with_facilities(tx, caller, NOW + timedelta(hours=80))
        assert later.care_facility_ids == ()


async def test_what_is_called_off_before_it_begins_gives_no_sight_of_patients(database: Database, world: World) -> None:
    await called_off(database, world, "maria", await duty(database, world, 2))
    caller = principal(world, "maria")
    async with database.transaction(caller.scope()) as tx:
        assert (await reach.with_facilities(tx, caller, NOW)).care_facility_ids == ()


async def test_calling_off_twice_or_what_ended_otherwise_is_refused(database: Database, world: World) -> None:
    first = await duty(database, world, 2)
    await called_off(database, world, "maria", first)
    with pytest.raises(AssignmentHasMovedOn, match="called off by now"):
        await called_off(database, world, "maria", first)
    over = await duty(database, world, -8)
    with pytest.raises(Invalid):
        await called_off(database, world, "maria", over)


async def test_the_access_log_says_who_called_off_what(database: Database, world: World) -> None:
    first = await duty(database, world, 2)
    made = await called_off(database, world, "maria", first)
    rows = await in_system(
        database,
        select(AccessEvent.action, AccessEvent.object_id, AccessEvent.actor, AccessEvent.detail).order_by(AccessEvent.id),
    )
    assert ("call_off.recorded", str(made), "Maria Sandoval", "illness, 1 windows") in rows
    assert ("assignment.called_off", str(first), "Maria Sandoval", "illness") in rows


async def test_the_agency_sees_a_search_at_once_and_a_coordinator_none_at_all(database: Database, world: World) -> None:
    first, second = await duty(database, world, 2), await duty(database, world, 6)
    await called_off(database, world, "maria", first)
    assert await in_system(database, select(func.count()).select_from(ReliefSearch)) == [(0,)]
    made = await called_off(database, world, "dora", second)
    assert await in_system(database, select(ReliefSearch.call_off_id, ReliefSearch.state)) == [(made, "searching")]
    async with database.transaction(principal(world, "maria").scope()) as tx:
        assert (await tx.scalars(select(ReliefSearch.id))).all() == []
        assert len((await tx.scalars(select(CallOff.id))).all()) == 2
    async with database.transaction(principal(world, "joseph").scope()) as tx:
        assert (await tx.scalars(select(CallOff.id))).all() == []


class TestTakingItBack:
    async def take_back(self, database: Database, world: World, call_off_id: UUID, by: str = "dora") -> int:
        caller = principal(world, by)
        async with database.transaction(caller.scope()) as tx:
            return await withdraw(tx, caller, call_off_id)

    async def test_they_get_back_what_nobody_else_has_taken(self, database: Database, world: World) -> None:
        first, second = await duty(database, world, 2), await duty(database, world, 6)
        made = await called_off(database, world, "maria", first, reach=Reach.DAY)
        await self._give_to_joseph(database, world, first)
        assert await self.take_back(database, world, made) == 1
        now = await states(database)
        assert (now[first], now[second]) == ("called_off", "confirmed")
        with pytest.raises(CallOffHasMovedOn):
            await self.take_back(database, world, made)

    async def _give_to_joseph(self, database: Database, world: World, lost: UUID) -> None:
        async with database.transaction(SYSTEM) as tx:
            gone = await tx.get_one(Assignment, lost)
            tx.add(
                Assignment(
                    facility_id=gone.facility_id,
                    request_id=gone.request_id,
                    window_id=gone.window_id,
                    coordinator_id=world.joseph,
                    during=gone.during,
                    seat=1,
                    created_by=world.dora,
                    created_at=NOW,
                )
            )

    async def test_they_are_planned_again(self, database: Database, world: World) -> None:
        made = await called_off(database, world, "maria", await duty(database, world, 2), reach=Reach.DAY)
        await self.take_back(database, world, made)
        async with database.transaction(SYSTEM) as tx:
            await ask(tx, world, world.north, start=NOW + timedelta(hours=6))
            problem = state_problem(await load_facts(tx, NOW))
        assert problem is not None
        assert any(one.id == str(world.maria) and one.available for one in problem.coordinators)

    async def test_nobody_but_the_agency_takes_it_back(self, database: Database, world: World) -> None:
        made = await called_off(database, world, "maria", await duty(database, world, 2))
        for name in ("maria", "alice", "charlie", "bella"):
            with pytest.raises(NotAllowed):
                await self.take_back(database, world, made, name)
        with pytest.raises(NotFound):
            await self.take_back(database, world, world.maria)


async def test_ahead_is_ones_own_for_a_coordinator_and_everybodys_for_the_agency(database: Database, world: World) -> None:
    marias, josephs = await duty(database, world, 2), await duty(database, world, 3, who="joseph")
    seen = {}
    for name in ("maria", "joseph", "dora"):
        caller = principal(world, name)
        async with database.transaction(caller.scope()) as tx:
            seen[name] = [row.id for row in await duties_ahead(tx, caller)]
    assert seen == {"maria": [marias], "joseph": [josephs], "dora": [marias, josephs]}
    with clock.standing_at(NOW + timedelta(hours=7)):
        caller = principal(world, "dora")
        async with database.transaction(caller.scope()) as tx:
            assert await duties_ahead(tx, caller) == []


async def test_a_call_off_is_no_plan(database: Database, world: World) -> None:
    """The states of an assignment: only a confirmed one covers, and a plan sees the hole."""
    first = await duty(database, world, 2)
    await called_off(database, world, "maria", first)
    assert AssignmentState.CALLED_OFF.value == (await states(database))[first]
    assert await ask_for_plan(database, world)
