"""Our books beside Stripe's and in themselves: the last looks at both, what waits, banks' disputes, how each facility pays."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invariants import queries as invariants
from staffing.invariants.models import InvariantCheck
from staffing.invoicing.models import Collection
from staffing.payments import queries, service
from staffing.payments.models import Reconciliation
from staffing.payments.queries import AccountRow, DisputeRow, Waiting
from staffing.persistence.transactions import Transaction
from staffing.web.formatting import moment, money
from staffing.web.forms import typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render, see_other

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]

_PATH = "/desk/reconciliation"
_LOOK_EVERY = 3
_KINDS = {
    "customer": "Facility",
    "invoice": "Invoice",
    "payment": "Payment",
    "refund": "Refund",
    "credit_note": "Credit note",
    "dispute": "Dispute",
    "fee": "Stripe's fee",
    "balance": "Stripe's balance",
}


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One difference, in words."""

    kind: str
    reference: str
    what: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """One comparison."""

    when: str
    compared: int
    differences: int
    problem: str
    running: bool


@dataclass(frozen=True, slots=True)
class InvariantRow:
    """Something that should always be true and is not."""

    says: str
    subject: str
    found: str


@dataclass(frozen=True, slots=True)
class CheckRow:
    """The last look at what should always be true."""

    when: str
    looked_at: int
    broken: tuple[InvariantRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationPage(Page):
    template: ClassVar[str] = "desk/reconciliation.html"
    surface: ClassVar[str] = "desk"

    last: RunRow | None
    differences: tuple[DifferenceRow, ...]
    runs: tuple[RunRow, ...]
    parked: tuple[AccountRow, ...]
    disputes: tuple[DisputeRow, ...]
    zone: str
    waiting: Waiting
    check: CheckRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsPage(Page):
    template: ClassVar[str] = "desk/payments/accounts.html"
    surface: ClassVar[str] = "desk"

    accounts: tuple[AccountRow, ...]


@get(_PATH, permission=Permission.DESK_PAYMENTS_READ)
async def show(request: Request, tx: Tx, principal: Caller) -> Response[str]:
    found = await queries.last_comparisons(tx, principal)
    runs = tuple(_run(one, principal.time_zone) for one in found)
    finished = next((one for one in found if one.finished_at is not None and not one.problem), None)
    page = ReconciliationPage(
        title="Reconciliation",
        last=_run(finished, principal.time_zone) if finished else None,
        differences=tuple(_difference(one) for one in finished.differences) if finished else (),
        runs=runs,
        parked=tuple(one for one in await queries.accounts(tx, principal) if one.parked_because),
        disputes=tuple(await queries.open_disputes(tx, principal)),
        zone=principal.time_zone,
        waiting=await queries.waiting(tx),
        check=_check(await invariants.last_check(tx, principal), principal.time_zone),
        refresh_seconds=_LOOK_EVERY if runs and runs[0].running else 0,
    )
    return render(request, page)


@post(_PATH, permission=Permission.DESK_PAYMENTS_WRITE)
async def compare(request: Request, tx: Tx, principal: Caller) -> Response[Any]:
    await service.ask_for_comparison(tx, principal)
    return see_other(request, _PATH, "Our books are being compared with Stripe's. The result shows here in a moment.")


@post("/desk/reconciliation/{facility_id:uuid}/release", permission=Permission.DESK_PAYMENTS_WRITE)
async def release(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[Any]:
    count = await service.unpark(tx, principal, facility_id)
    asked = "1 invoice is" if count == 1 else f"{count} invoices are"
    return see_other(request, _PATH, f"Released. {asked} asked about at Stripe anew; what still differs is held back again.")


@get("/desk/payments", permission=Permission.DESK_PAYMENTS_READ)
async def accounts(request: Request, tx: Tx, principal: Caller) -> Response[str]:
    page = PaymentsPage(title="How facilities pay", section=_PATH, accounts=tuple(await queries.accounts(tx, principal)))
    return render(request, page)


@post("/desk/payments/{facility_id:uuid}/collection", permission=Permission.DESK_PAYMENTS_WRITE)
async def collect(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[Any]:
    sent = await typed(request)
    chosen = await service.choose_collection(tx, principal, facility_id, sent.text("collection"))
    said = "charged automatically" if chosen is Collection.CHARGE_AUTOMATICALLY else "sent, and paid by the facility itself"
    return see_other(request, "/desk/payments", f"From the next invoice on, its invoices are {said}.")


def _run(one: Reconciliation, zone: str) -> RunRow:
    when = moment(one.finished_at or one.started_at, zone)
    return RunRow(when, one.compared, len(one.differences), one.problem, one.finished_at is None)


def _check(one: InvariantCheck | None, zone: str) -> CheckRow | None:
    if one is None:
        return None
    broken = tuple(InvariantRow(case["says"], case["subject"], case["found"]) for case in one.broken)
    return CheckRow(moment(one.checked_at, zone), one.looked_at, broken)


def _difference(one: dict[str, Any]) -> DifferenceRow:
    def amount(minor: int | None) -> str:
        return "–" if minor is None else money(minor, one["currency"] or "USD")

    return DifferenceRow(
        _KINDS.get(one["kind"], one["kind"]),
        one["reference"],
        one["what"],
        amount(one["ours_minor"]),
        amount(one["theirs_minor"]),
    )


HANDLERS: list[Any] = [show, compare, release, accounts, collect]
