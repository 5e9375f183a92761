"""The schedule as requests read it: who covers which window, and why a window is left uncovered.

These tables belong to `staffing.scheduling`, which stands above requests and must not be imported here. They are named by
their columns; a test compares each with its real table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, ScalarSelect, Text, Uuid, column, func, select, table
from sqlalchemy.dialects.postgresql import JSONB, distinct_on

from staffing.persistence.transactions import Transaction
from staffing.roster.models import Coordinator

CONFIRMED, CANCELLED = "confirmed", "cancelled"
"""States of an assignment: somebody is going to come; the facility took the request back."""

assignments = table(
    "assignments",
    column("id", Uuid()),
    column("facility_id", Uuid()),
    column("request_id", Uuid()),
    column("window_id", Uuid()),
    column("coordinator_id", Uuid()),
    column("state", Text()),
    column("ended_at", DateTime(timezone=True)),
    column("ended_reason", Text()),
)
plan_gaps = table(
    "plan_gaps",
    column("id", Uuid()),
    column("facility_id", Uuid()),
    column("window_id", Uuid()),
    column("why", JSONB()),
)


@dataclass(frozen=True, slots=True)
class Person:
    """A coordinator on a window."""

    coordinator_id: UUID
    name: str


async def people_on(tx: Transaction, window_ids: Iterable[UUID]) -> dict[UUID, tuple[Person, ...]]:
    """Who is confirmed on each window, in the order of their names. Windows of the caller's own facilities only."""
    rows = await tx.execute(
        select(assignments.c.window_id, Coordinator.id, Coordinator.name)
        .join_from(assignments, Coordinator, Coordinator.id == assignments.c.coordinator_id)
        .where(assignments.c.window_id.in_(list(window_ids)), assignments.c.state == CONFIRMED)
        .order_by(Coordinator.name)
    )
    found: dict[UUID, tuple[Person, ...]] = {}
    for window_id, coordinator_id, name in rows:
        found[window_id] = (*found.get(window_id, ()), Person(coordinator_id, name))
    return found


async def reasons_for(tx: Transaction, window_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Why the latest plan that looked at a window left it uncovered, in words. Nothing for windows never planned."""
    wanted = list(window_ids)
    if not wanted:
        return {}
    rows = await tx.execute(
        select(plan_gaps.c.window_id, plan_gaps.c.why)
        .where(plan_gaps.c.window_id.in_(wanted))
        .ext(distinct_on(plan_gaps.c.window_id))
        # Identifiers are made in the order of time: the greatest is the latest plan's.
        .order_by(plan_gaps.c.window_id, plan_gaps.c.id.desc())
    )
    # The sentence of a gap is written to be read by the facility: it counts, and names nobody (`scheduling.proposals`).
    return {window_id: sentence for window_id, why in rows if (sentence := str(why.get("sentence", "")))}


def confirmed_on(window_id: ColumnElement[UUID]) -> ScalarSelect[int]:
    """SQL: how many people are confirmed on a window."""
    return (
        select(func.count())
        .select_from(assignments)
        .where(assignments.c.window_id == window_id, assignments.c.state == CONFIRMED)
        .scalar_subquery()
    )
