"""Confirming relief: one option is made as it was shown, all of it, or nothing and the page says what changed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from staffing import clock
from staffing.errors import NotFound
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.scheduling import changing
from staffing.scheduling.calling_off import locked_call_off, search_again
from staffing.scheduling.changing import Change, InTheWay
from staffing.scheduling.errors import CallOffHasMovedOn, ReliefNoLongerFits
from staffing.scheduling.lost import still_lost
from staffing.scheduling.models import ReliefSearch
from staffing.scheduling.relief_words import option_of


@dataclass(frozen=True, slots=True)
class Relieved:
    """What confirming did. `open` counts the lost windows that still lack somebody."""

    people: tuple[str, ...]
    windows: int
    open: int


async def confirm(tx: Transaction, principal: Principal, call_off_id: UUID, search_id: UUID, key: str) -> Relieved:
    """Make one option of a search. What it leaves open is looked at anew.

    Raises `NotFound` for an option that there is not, `ReliefNoLongerFits` with a sentence for everything that is in the way
    by now, `CallOffHasMovedOn` when the coordinator can come after all.
    """
    principal.require(Permission.DESK_PLANS_APPLY)
    call_off = await locked_call_off(tx, call_off_id)
    search = await tx.scalar(select(ReliefSearch).where(ReliefSearch.id == search_id, ReliefSearch.call_off_id == call_off_id))
    option = option_of(search.found, key) if search is not None and search.found else None
    if option is None:
        raise NotFound
    if call_off.withdrawn_at is not None:
        raise CallOffHasMovedOn
    why = {move["coordinator_id"]: _why(knows=not move["new_to"]) for move in option["moves"]}
    takes = await changing.choices_for(
        tx, [(UUID(person), UUID(window), why.get(person, {})) for person, window in option["adds"]]
    )
    change = Change(takes=takes, releases=[UUID(one) for one in option["releases"]], relief_for_id=call_off_id, parts=True)
    try:
        async with tx.begin_nested():  # what is done until something is in the way is undone, and the rest of the request goes on
            await changing.make(tx, principal, change)
    except InTheWay as found:
        raise ReliefNoLongerFits(found.sentences, f"/desk/call-offs/{call_off_id}") from found
    audit.note(tx, "relief.confirmed", "call_off", call_off_id, detail=f"{len(takes)} windows, option {key}")
    left = await still_lost(tx, call_off_id, clock.now())
    if left:
        await search_again(tx, principal, call_off_id)
    return Relieved(tuple(dict.fromkeys(one.coordinator for one in takes)), len(takes), len(left))


def _why(*, knows: bool) -> dict[str, Any]:
    """What the facility and the coordinator may read: no names, no money."""
    return {"sentences": [f"Steps in after a call-off; {'knows' if knows else 'new to'} the facility."], "knows_facility": knows}
