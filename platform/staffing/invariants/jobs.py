"""The look at the invariants, every quarter of an hour."""

import logging
from collections.abc import Mapping

from staffing.invariants import service
from staffing.persistence.jobs import JobContext, JobKind, Repeating
from staffing.persistence.tenancy import SYSTEM

log = logging.getLogger(__name__)
LOOK = "invariants.look"


async def look(context: JobContext, payload: Mapping[str, str]) -> None:
    """Look, write down what was found, and say in the log what does not hold."""
    async with context.database.transaction(SYSTEM) as tx:
        check = await service.look(tx)
    for one in check.broken:
        log.error("invariant %s is broken: %s: %s", one["name"], one["subject"], one["found"])


KINDS: list[JobKind] = [JobKind(LOOK, look, concurrency=1)]
REPEATING: list[Repeating] = [Repeating(LOOK, "*/15 * * * *")]
