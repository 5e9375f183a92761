"""What the pages of approving show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from staffing import clock
from staffing.facilities.queries import FacilityRow, facilities
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.web.formatting import day
from staffing.web.forms import Field, Typed
from staffing.web.pages import Page
from staffing.web.zones import TwoZones, two_zones
from staffing.worklog import flags, lifecycle, queries, wording
from staffing.worklog.decisions import UNDO_WITHIN
from staffing.worklog.lifecycle import Step
from staffing.worklog.models import EntryState
from staffing.worklog.queries import LastApproval
from staffing.worklog.rows import EntryRow
from staffing.worklog.sightings import sighting

_YOURS = {
    EntryState.SUBMITTED: "It waits for your approval.",
    EntryState.DISPUTED: "You dispute it; the agency will settle it.",
}
"""What a state means to the one who decides, where the common words speak of the facility as of somebody else."""
_DISPUTED_ON_INVOICE = "You dispute it. It is on an invoice: the agency will settle it, with a credit note where you are right."
FEW = 12
"""Up to so many fine entries all days stand open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An entry as its approver reads it: times on the facility's clock, the coordinator's beside it."""

    entry: EntryRow
    times: TwoZones
    reasons: tuple[str, ...]
    seen: str
    reason: Field

    @property
    def who(self) -> str:
        return self.entry.coordinator_name.split()[0]


@dataclass(frozen=True, slots=True)
class Share:
    """What one coordinator recorded among the fine entries."""

    coordinator: str
    entries: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Day:
    """The fine entries of one day on their facility's calendar."""

    name: str
    seconds: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    href: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsPage(Page):
    template: ClassVar[str] = "portal/approvals.html"
    surface: ClassVar[str] = "portal"

    tabs: tuple[Tab, ...]
    show: str
    several: bool
    """The caller acts for more than one facility: its name stands beside each entry."""
    flagged: tuple[Item, ...]
    fine: tuple[Item, ...]
    fine_days: tuple[Day, ...]
    fine_seconds: int
    fine_seen: str
    days_open: bool
    shares: tuple[Share, ...]
    others: tuple[Item, ...]
    undo: LastApproval | None
    undo_at: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage(Page):
    template: ClassVar[str] = "portal/entries/show.html"
    surface: ClassVar[str] = "portal"

    item: Item
    state_words: str
    story: tuple[tuple[str, str, str], ...]
    zone: str
    problem: str
    may_approve: bool
    may_dispute: bool
    dispute_open: bool
    may_withdraw_dispute: bool


async def approvals_page(tx: Transaction, principal: Principal, show: str = "", problem: str = "") -> ApprovalsPage:
    """The list of `show`: `disputed`, `decided`, or what waits."""
    places = await facilities(tx, principal)
    waiting = await queries.waiting_entries(tx, principal)
    disputed = await queries.disputed_entries(tx, principal)
    others = disputed if show == "disputed" else await queries.decided_entries(tx, principal) if show == "decided" else ()
    shown = others if show else waiting
    corrected = await queries.corrected(tx, [row.id for row in waiting]) if waiting and not show else {}
    undo = await queries.last_approval(tx, principal, clock.now() - UNDO_WITHIN)
    _note_shown(tx, shown)
    return arranged(
        place=_place(places),
        several=len(places) > 1,
        show=show,
        shown=shown,
        waiting=len(waiting),
        disputed=len(disputed),
        corrected=corrected,
        undo=undo,
        problem=problem,
    )


def arranged(
    *,
    place: str,
    several: bool,
    show: str,
    shown: Sequence[EntryRow],
    waiting: int,
    disputed: int,
    corrected: Mapping[UUID, str],
    undo: LastApproval | None,
    problem: str,
) -> ApprovalsPage:
    """The page of these entries: what waits is parted into what wants a look and what is fine. Pure."""
    items = [item(row, corrected.get(row.id, "")) for row in shown]
    fine = tuple(item(one.entry, with_day=False) for one in items if not one.reasons) if not show else ()
    return ApprovalsPage(
        title="Approvals",
        place=place,
        tabs=(
            Tab("To approve", "/portal/approvals", not show, waiting),
            Tab("Disputed", "/portal/approvals?show=disputed", show == "disputed", disputed),
            Tab("Decided", "/portal/approvals?show=decided", show == "decided"),
        ),
        show=show,
        several=several,
        flagged=() if show else tuple(one for one in items if one.reasons),
        fine=fine,
        fine_days=_days(fine),
        fine_seconds=sum(one.entry.seconds for one in fine),
        fine_seen=" ".join(f"{one.entry.id}:{one.seen}" for one in fine),
        days_open=len(fine) <= FEW,
        shares=_shares(fine),
        others=tuple(items) if show else (),
        undo=undo,
        undo_at=undo.decided_at.isoformat() if undo else "",
        problem=problem,
    )


async def entry_page(
    tx: Transaction,
    principal: Principal,
    entry_id: UUID,
    *,
    sent: Typed | None = None,
    errors: dict[str, str] | None = None,
    problem: str = "",
    dispute_open: bool = False,
) -> EntryPage:
    """One entry with its story. Raises `NotFound`. `dispute_open`: the sentence field is open already."""
    row = await queries.facility_entry(tx, principal, entry_id)
    corrected = await queries.corrected(tx, [entry_id])
    lines = await queries.story(tx, entry_id)
    audit.note(tx, "entry.read", "work_entry", entry_id, facility_id=row.facility_id, patient_id=row.patient_id)
    return EntryPage(
        title="Work entry",
        place=row.facility_name,
        section="/portal/approvals",
        item=item(row, corrected.get(entry_id, ""), sent, errors),
        state_words=_DISPUTED_ON_INVOICE if row.disputed_at else _YOURS.get(row.state, lifecycle.STATE_WORDS[row.state]),
        story=tuple(wording.story(lines, row.facility_zone)),
        zone=row.facility_zone,
        problem=problem,
        may_approve=lifecycle.possible(row.state, Step.APPROVED),
        may_dispute=not row.in_dispute and lifecycle.possible(row.state, Step.DISPUTED),
        dispute_open=dispute_open or bool(errors),
        may_withdraw_dispute=row.in_dispute and lifecycle.possible(row.state, Step.DISPUTE_WITHDRAWN),
    )


def item(
    row: EntryRow,
    corrected: str = "",
    sent: Typed | None = None,
    errors: dict[str, str] | None = None,
    *,
    with_day: bool = True,
) -> Item:
    """An entry as its approver reads it. `corrected`: what its author changed after submitting it once."""
    return Item(
        entry=row,
        times=two_zones(row.start, row.end, row.facility_zone, row.coordinator_zone, with_day=with_day),
        reasons=flags.reasons(row, corrected),
        seen=sighting(row.content),
        reason=(sent or Typed()).field("reason", "What is wrong?", errors=errors, required=True),
    )


def decision_time(text: str) -> datetime | None:
    """The instant in an undo form, or None for anything else."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _shares(items: Sequence[Item]) -> tuple[Share, ...]:
    shares: dict[str, Share] = {}
    for one in items:
        name = one.entry.coordinator_name
        before = shares.get(name, Share(name, 0, 0))
        shares[name] = Share(name, before.entries + 1, before.seconds + one.entry.seconds)
    return tuple(shares[name] for name in sorted(shares))


def _days(items: Sequence[Item]) -> tuple[Day, ...]:
    days: dict[str, list[Item]] = {}
    for one in items:
        days.setdefault(day(one.entry.start, one.entry.facility_zone), []).append(one)
    return tuple(Day(name, sum(one.entry.seconds for one in group), tuple(group)) for name, group in days.items())


def _place(places: Sequence[FacilityRow]) -> str:
    return places[0].name if len(places) == 1 else f"{len(places)} facilities"


def _note_shown(tx: Transaction, rows: Sequence[EntryRow]) -> None:
    """One line in each facility's access log: so many entries with its patients were on this page."""
    named = [row.facility_id for row in rows if row.patient_id is not None]
    for place in set(named):
        audit.note(tx, "entry.list", "facility", place, facility_id=place, detail=f"approvals: {named.count(place)} entries")
