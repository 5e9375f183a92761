"""A call-off of the demo, fresh: somebody cannot come on their next days, and relief is still to be chosen."""

from datetime import timedelta

from sqlalchemy import func, select

from staffing.demo.stage import Stage
from staffing.identity.models import Account, Role
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.scheduling.call_off_rules import CallOffReason, Reach
from staffing.scheduling.calling_off import NewCallOff, call_off
from staffing.scheduling.models import Assignment
from staffing.wall_clock import local_day

FIRST_OTHERS = 4
"""The people of the first duties serve two facilities daily; the walk through the demo needs them."""


async def add_absence(tx: Transaction, stage: Stage) -> None:
    """The first of the others whose work goes on in some hours calls off for two days, as they would do themselves."""
    duty = stage.duties[FIRST_OTHERS]
    coordinator_id = stage.coordinators[duty.person.reference]
    first = (
        await tx.scalars(
            select(Assignment)
            .where(
                Assignment.coordinator_id == coordinator_id,
                func.lower(Assignment.during) > stage.now + timedelta(hours=2),
            )
            .order_by(Assignment.during)
            .limit(1)
        )
    ).one()
    account = (await tx.scalars(select(Account).where(Account.coordinator_id == coordinator_id))).one()
    who = Principal(
        account_id=account.id,
        name=account.name,
        email=account.email,
        role=Role.COORDINATOR,
        time_zone=account.time_zone,
        coordinator_id=coordinator_id,
    )
    assert first.during.lower is not None
    until = local_day(first.during.lower, duty.person.base.zone) + timedelta(days=1)
    await call_off(tx, who, NewCallOff(assignment_id=first.id, reach=Reach.UNTIL, reason=CallOffReason.ILLNESS, until=until))
