"""The search for relief as a job: what runs and what was lost, as it stands now; the solver's answer; our words for it.

It takes about a second. A worker that dies in between leaves nothing to clear up: the job is picked up again and begins anew.
"""

import asyncio
import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from matching.formats import problem_to_json
from matching.relief import CallOff as Away
from staffing import clock
from staffing.persistence import audit
from staffing.persistence.base import new_id
from staffing.persistence.jobs import JobContext
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Transaction
from staffing.roster.models import Coordinator
from staffing.roster.rules import week_bounds, week_of
from staffing.scheduling import solver_process
from staffing.scheduling.errors import SearchFailed
from staffing.scheduling.facts import Facts, Held, interval_of
from staffing.scheduling.loading import load_running
from staffing.scheduling.lost import still_lost
from staffing.scheduling.models import CallOff, ReliefSearch, ReliefState
from staffing.scheduling.relief_words import tell
from staffing.scheduling.running import Running, state_running
from staffing.scheduling.solver_process import Abandoned, Stopping
from staffing.settings import Settings

log = logging.getLogger(__name__)

FAILED = "The search for relief ended without an answer. Nothing was changed; look again, or plan near the running plan."


@dataclass(frozen=True, slots=True)
class _Posed:
    """What a search answers."""

    search_id: UUID
    facts: Facts
    running: Running
    away: Away


async def find_relief(context: JobContext, payload: Mapping[str, str]) -> None:
    """Look for relief after one call-off, unless nothing is open (any more)."""
    search_id = UUID(payload["search_id"]) if "search_id" in payload else new_id()
    posed = await _begin(context, UUID(payload["call_off_id"]), search_id)
    if posed is None:
        return
    folder = context.resource(Settings).home / "relief" / str(posed.search_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        document = await solver_process.relieve(
            posed.running.problem, posed.running.plan, posed.away, folder=folder, stopping=context.resource(Stopping)
        )
        found = await asyncio.to_thread(
            tell, document, posed.facts, posed.running.problem, posed.running.plan, UUID(posed.away.coordinator)
        )
        await _end(context, posed.search_id, ReliefState.FOUND, found=found)
    except Abandoned:
        await _end(context, posed.search_id, ReliefState.FAILED, failure="The worker was ended during the search. Look again.")
    except SearchFailed as failure:
        log.error("relief search %s: %s", posed.search_id, failure)
        await _end(context, posed.search_id, ReliefState.FAILED, failure=FAILED)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def gave_up_relief(context: JobContext, payload: Mapping[str, str], why: str) -> None:
    async with context.database.transaction(SYSTEM) as tx:
        await tx.execute(
            update(ReliefSearch)
            .where(ReliefSearch.call_off_id == UUID(payload["call_off_id"]), ReliefSearch.state == ReliefState.SEARCHING.value)
            .values(state=ReliefState.FAILED.value, failure=FAILED, finished_at=clock.now())
        )


async def _begin(context: JobContext, call_off_id: UUID, search_id: UUID) -> _Posed | None:
    """Store what the search starts from. None when there is nothing to look for."""
    async with context.database.transaction(SYSTEM) as tx:
        now = clock.now()
        call_off = await tx.scalar(select(CallOff).where(CallOff.id == call_off_id).with_for_update())
        if call_off is None or call_off.withdrawn_at is not None:
            return None
        await _forget_unfinished(tx, call_off_id, search_id, now)
        search = await tx.get(ReliefSearch, search_id) or ReliefSearch(id=search_id, call_off_id=call_off_id)
        lost = await still_lost(tx, call_off_id, now)
        if not lost:
            search.state, search.started_at, search.finished_at = ReliefState.FOUND.value, now, now
            search.found = {"loss": 0, "whole": {}, "items": []}
            tx.add(search)
            return None
        zone = await tx.scalar(select(Coordinator.time_zone).where(Coordinator.id == call_off.coordinator_id))
        facts = await load_running(tx, now, until=_until(lost, zone or "UTC"), with_paused=True)
        facts = _as_if_coming(facts, call_off)
        running = state_running(facts, lost)
        assert running is not None, "what was lost is ahead"
        span = interval_of(call_off.during)
        away = Away(str(call_off.coordinator_id), span.start, span.end)
        snapshot = {
            "problem": problem_to_json(running.problem),
            "running": [[pair.coordinator, pair.window] for pair in sorted(running.plan)],
            "call_off": [away.coordinator, span.start.isoformat(), span.end.isoformat()],
        }
        search.state, search.started_at = ReliefState.SEARCHING.value, now
        search.snapshot = snapshot
        search.snapshot_hash = hashlib.sha256(json.dumps(snapshot, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        tx.add(search)
        return _Posed(search.id, facts, running, away)


def _until(lost: list[Held], zone: str) -> datetime:
    """To the end of the week of the last lost window: relief is for the days concerned, not for the weeks after."""
    last = max(one.during.end for one in lost)
    week = week_bounds(week_of(last - timedelta(minutes=1), zone), zone)
    return max(last, week.end)


def _as_if_coming(facts: Facts, call_off: CallOff) -> Facts:
    """The facts without this absence: the solver takes the person away itself and counts what that costs."""
    gone = interval_of(call_off.during)
    coordinators = tuple(
        replace(person, away=tuple(one for one in person.away if one != gone)) if person.id == call_off.coordinator_id else person
        for person in facts.coordinators
    )
    return replace(facts, coordinators=coordinators)


async def _forget_unfinished(tx: Transaction, call_off_id: UUID, search_id: UUID, now: datetime) -> None:
    """Earlier searches that nobody finished are over: this one takes their place."""
    await tx.execute(
        update(ReliefSearch)
        .where(
            ReliefSearch.call_off_id == call_off_id,
            ReliefSearch.state == ReliefState.SEARCHING.value,
            ReliefSearch.id < search_id,
        )
        .values(state=ReliefState.FAILED.value, failure="The search was interrupted.", finished_at=now)
    )


async def _end(
    context: JobContext, search_id: UUID, state: ReliefState, *, found: dict[str, Any] | None = None, failure: str = ""
) -> None:
    async with context.database.transaction(SYSTEM) as tx:
        search = await tx.scalar(select(ReliefSearch).where(ReliefSearch.id == search_id).with_for_update())
        if search is None or search.state != ReliefState.SEARCHING:
            return
        search.state, search.found, search.failure, search.finished_at = state.value, found, failure, clock.now()
        options = 0 if found is None else len(found["whole"]) + sum(len(item["options"]) for item in found["items"])
        audit.note(tx, f"relief.{state.value}", "call_off", search.call_off_id, detail=f"{options} options")
