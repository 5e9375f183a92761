"""The work of a run off the request: a job per facility, so that none waits for, stops or repeats another."""

from collections.abc import Mapping
from uuid import UUID

from staffing.billing_runs import issuing, proposing
from staffing.billing_runs.service import ISSUE, PROPOSE
from staffing.errors import NotAllowed
from staffing.persistence.jobs import JobContext, JobKind

AT_ONCE = 4
"""So many facilities at a time: one processor's worth, and what a death can interrupt."""
AT_HAND = 20
"""So many more are taken off the queue: the turns of the time in which it writes down what is done."""


async def propose(context: JobContext, payload: Mapping[str, str]) -> None:
    run_id, facility_id = UUID(payload["run"]), UUID(payload["facility"])
    try:
        await proposing.propose(context.database, run_id, facility_id, UUID(payload["account"]))
    except NotAllowed as refused:
        await proposing.could_not_propose(context.database, run_id, facility_id, refused.message)


async def issue(context: JobContext, payload: Mapping[str, str]) -> None:
    await issuing.issue(context.database, UUID(payload["run"]), UUID(payload["facility"]), UUID(payload["account"]))


_SORRY = "This stopped because of a fault on our side; nothing of it was kept. Look again: the others are not touched by it."


async def _gave_up_proposing(context: JobContext, payload: Mapping[str, str], why: str) -> None:
    await proposing.could_not_propose(context.database, UUID(payload["run"]), UUID(payload["facility"]), _SORRY)


async def _gave_up_issuing(context: JobContext, payload: Mapping[str, str], why: str) -> None:
    await issuing.could_not_issue(context.database, UUID(payload["run"]), UUID(payload["facility"]), _SORRY)


KINDS: list[JobKind] = [
    JobKind(PROPOSE, propose, give_up=_gave_up_proposing, concurrency=AT_ONCE, ahead=AT_HAND),
    JobKind(ISSUE, issue, give_up=_gave_up_issuing, concurrency=AT_ONCE, ahead=AT_HAND),
]
