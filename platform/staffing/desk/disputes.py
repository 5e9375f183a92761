"""Disputed entries: what the facility says, and settling it. A dispute holds back its own entry and nothing else."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing.crediting.queries import OnInvoice, on_invoices
from staffing.errors import Invalid
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.web.forms import Field, Typed, typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render, see_other
from staffing.web.zones import TwoZones, two_zones
from staffing.worklog import queries, service
from staffing.worklog.rows import EntryRow


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """One disputed entry as the agency reads it: no patient's name, the facility's clock first."""

    entry: EntryRow
    times: TwoZones
    reason: Field
    invoice: OnInvoice | None
    """The final invoice on which it stands: there it takes a credit note to take it back."""

    @property
    def credit_href(self) -> str:
        return f"/desk/invoices/{self.invoice.id}/credit-notes/new?entry={self.entry.id}" if self.invoice else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputesPage(Page):
    template: ClassVar[str] = "desk/disputes/list.html"
    surface: ClassVar[str] = "desk"

    rows: tuple[DisputeRow, ...]
    may_credit: bool


@get("/desk/disputes", permission=Permission.DESK_ENTRIES_SETTLE)
async def show(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    return render(request, await _page(tx, principal))


@post("/desk/disputes/{entry_id:uuid}", permission=Permission.DESK_ENTRIES_SETTLE)
async def settle(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], entry_id: FromPath[UUID]
) -> Response[Any]:
    """`outcome` is `keep` (the entry is approved after all) or `write_off`; `reason` is the sentence that both sides read."""
    sent = await typed(request)
    keep = sent.text("outcome") == "keep"
    try:
        await service.resolve(tx, principal, entry_id, keep=keep, reason=sent.storable("reason"))
    except Invalid as problem:
        return render(request, await _page(tx, principal, entry_id, sent, problem), status=422)
    if sent.text("invoiced"):
        outcome = "It stays on its invoice."
    else:
        outcome = "It stays and goes on the next invoice." if keep else "It is written off and will not be billed."
    return see_other(request, "/desk/disputes", f"The dispute is settled. {outcome}")


async def _page(
    tx: Transaction,
    principal: Principal,
    entry_id: UUID | None = None,
    sent: Typed | None = None,
    problem: Invalid | None = None,
) -> DisputesPage:
    entries = await queries.unsettled_disputes(tx, principal)
    invoiced = await on_invoices(tx, principal, [entry.id for entry in entries if entry.disputed_at])
    for facility_id in {entry.facility_id for entry in entries}:
        audit.note(tx, "disputes.read", "work_entry", "list", facility_id=facility_id)
    rows = []
    for entry in entries:
        here = entry.id == entry_id
        field = (sent if here and sent else Typed()).field(
            "reason",
            "How it was settled",
            errors=problem.fields if here and problem else {},
            required=True,
            hint="The facility and the coordinator read this sentence.",
        )
        times = two_zones(entry.start, entry.end, entry.facility_zone, entry.coordinator_zone, with_day=True)
        rows.append(DisputeRow(entry, times, field, invoiced.get(entry.id)))
    may_credit = principal.may(Permission.DESK_CREDITS_ISSUE)
    return DisputesPage(title="Disputes", rows=tuple(rows), may_credit=may_credit)


HANDLERS: list[Any] = [show, settle]
