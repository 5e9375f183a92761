"""Corrections of issued invoices as the desk asks for them: credit notes, refunds, withdrawing, giving up.

Each locks the invoice, checks against the payments that are under way, and leaves the calls to Stripe to jobs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from staffing.contracts.amounts import money_text
from staffing.crediting import service as crediting
from staffing.crediting.errors import RefundNeedsCreditNote
from staffing.crediting.models import CreditNote, CreditReason
from staffing.crediting.rules import Asked
from staffing.crediting.service import Plan, To
from staffing.errors import Invalid, NotFound
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing.models import Invoice
from staffing.payments import refund_requests
from staffing.payments.models import Refund
from staffing.payments.names import REFUND
from staffing.payments.refund_requests import Refundable
from staffing.persistence import jobs
from staffing.persistence.transactions import Transaction

OVERPAID, PAID_TWICE = "requested_by_customer", "duplicate"
REFUND_REASONS = (PAID_TWICE, OVERPAID)
"""Why money goes back without a credit note, in Stripe's words."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a credit note would do, and from which payments money would go back."""

    plan: Plan
    back: tuple[tuple[Refundable, int], ...]


async def preview_credit_note(tx: Transaction, principal: Principal, invoice_id: UUID, asked: Sequence[Asked], to: To) -> Preview:
    """What `issue_credit_note` would do; nothing is written. Raises as it does."""
    principal.require(Permission.DESK_CREDITS_ISSUE)
    invoice = await crediting.locked(tx, invoice_id)
    await refund_requests.refuse_under_way(tx, invoice, "credited")
    plan = await crediting.planned(tx, invoice, asked, to)
    if not plan.outcome.refund_minor:
        return Preview(plan, ())
    found = await refund_requests.refundable(tx, invoice_id)
    refund_requests.check_refundable(found, plan.outcome.refund_minor, invoice.currency)
    return Preview(plan, tuple(refund_requests.split(found, plan.outcome.refund_minor)))


async def issue_credit_note(
    tx: Transaction,
    principal: Principal,
    invoice_id: UUID,
    lines: Sequence[Asked],
    reason: CreditReason,
    form_id: UUID,
    to: To = To.REFUND,
    *,
    settled: str = "",
    confirmed: str | None = None,
) -> CreditNote:
    """Take back `lines` of an issued invoice. The same form sent twice gives the same credit note.

    What is still owed is lowered first; what was paid already is sent back or kept, as `to` says. Raises `NotAllowed`,
    `NotFound`, `CreditNotPossible`, `OutcomeChanged`, `Invalid` (`lines`, `line-<id>`, `to`, `settled`).
    """
    principal.require(Permission.DESK_CREDITS_ISSUE)
    invoice = await crediting.locked(tx, invoice_id)
    if (before := await crediting.issued_before(tx, invoice, form_id)) is not None:
        return before
    await refund_requests.refuse_under_way(tx, invoice, "credited")
    note = await crediting.issue(
        tx, principal, invoice, lines, reason=reason, form_id=form_id, to=to, settled=settled, confirmed=confirmed
    )
    if note.refund_minor:
        await refund_requests.request_for_note(tx, note)
    return note


async def void_invoice(
    tx: Transaction, principal: Principal, invoice_id: UUID, reason: str, *, seen_version: int | None = None
) -> Invoice:
    """Withdraw an issued invoice of which nothing is paid, credited or under way."""
    principal.require(Permission.DESK_INVOICES_FINALIZE)
    await refund_requests.refuse_under_way(tx, await crediting.locked(tx, invoice_id), "withdrawn")
    return await crediting.void(tx, principal, invoice_id, reason, seen_version=seen_version)


async def write_off(
    tx: Transaction, principal: Principal, invoice_id: UUID, reason: str, *, seen_version: int | None = None
) -> Invoice:
    """Give up what is still owed on an invoice, while no payment of it is under way."""
    principal.require(Permission.DESK_INVOICES_WRITE_OFF)
    await refund_requests.refuse_under_way(tx, await crediting.locked(tx, invoice_id), "written off")
    return await crediting.write_off(tx, principal, invoice_id, reason, seen_version=seen_version)


async def request_refund(
    tx: Transaction,
    principal: Principal,
    invoice_id: UUID,
    payment_id: UUID,
    amount_minor: int,
    reason: str,
    form_id: UUID,
) -> Refund:
    """Send back what came in beyond what is owed: a payment made twice, or too much. The same form sent twice asks once.

    What was invoiced and is paid goes back only with a credit note: `RefundNeedsCreditNote`. Raises `NotAllowed`, `NotFound`,
    `Invalid` (`payment`, `amount`, `reason`).
    """
    principal.require(Permission.DESK_REFUNDS_REQUEST)
    invoice = await crediting.locked(tx, invoice_id)
    before = await tx.scalar(select(Refund).where(Refund.form_id == form_id))
    if before is not None:
        if before.invoice_id != invoice_id:
            raise NotFound
        return before
    if reason not in REFUND_REASONS:
        raise Invalid(reason="Please choose one of the options.")
    over = await refund_requests.overpaid(tx, invoice_id)
    if amount_minor > over:
        raise _needs_note(invoice, over)
    found = {one.payment_id: one for one in await refund_requests.refundable(tx, invoice_id)}
    payment = found.get(payment_id)
    if payment is None:
        raise Invalid(payment="This payment cannot be refunded any more. Choose another one.")
    if not 0 < amount_minor <= payment.left_minor:
        raise Invalid(amount=f"Between {money_text(1, invoice.currency)} and {money_text(payment.left_minor, invoice.currency)}.")
    refund = refund_requests.add_without_note(tx, invoice, payment_id, amount_minor, reason, form_id, principal.account_id)
    await tx.flush()
    await jobs.enqueue(tx, REFUND, {"id": str(refund.id)}, dedupe=f"{REFUND}:{refund.id}")
    return refund


def _needs_note(invoice: Invoice, over: int) -> RefundNeedsCreditNote:
    can = f"{money_text(over, invoice.currency)} of it is" if over else "Nothing of it is"
    return RefundNeedsCreditNote(
        f"What was invoiced and paid goes back with a credit note that says what for. {can} more than is owed and can be"
        " refunded without one.",
        href=f"/desk/invoices/{invoice.id}/credit-notes/new",
        label="Write a credit note",
    )
