"""Credit notes, refunds, withdrawals and write-offs at Stripe, after our books have them. Each is done once."""

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select, update

from billing.stripe.failures import StripeFailure, StripeRefused
from billing.stripe.results import StripeCreditNote, StripeInvoice, StripeRefund
from billing.stripe.values import CreditLine, CreditNoteDraft, RefundDraft
from staffing import clock
from staffing.crediting.models import CreditNote, CreditNoteLine, CreditReason
from staffing.invoicing.models import Invoice
from staffing.invoicing.service import CHECK
from staffing.payments.corrections_state import MADE_AT_STRIPE
from staffing.payments.following import follow_invoice
from staffing.payments.models import Payment, Refund, RefundState
from staffing.payments.sending import StripeDisagrees
from staffing.payments.stripe_calls import StripeStep, once
from staffing.persistence import jobs
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway

REASONS: dict[str, str | None] = {
    CreditReason.DISPUTED_WORK: "product_unsatisfactory",
    CreditReason.WRONG_RATE: "order_change",
    CreditReason.DUPLICATE: "duplicate",
    CreditReason.SERVICE_ISSUE: "product_unsatisfactory",
    CreditReason.GOODWILL: None,
}
"""Stripe's word for each of ours, where it has one."""


async def refund(database: Database, gateway: "StripeGateway", refund_id: UUID) -> None:
    """Have the money sent back. Raises the `StripeFailure` of the call."""
    async with database.transaction(SYSTEM) as tx:
        row = await tx.get(Refund, refund_id)
        if row is None or row.state == RefundState.FAILED or row.reason == MADE_AT_STRIPE:
            return
        payment = await tx.get_one(Payment, row.payment_id)
        invoice = await tx.get_one(Invoice, row.invoice_id)
    assert invoice.stripe_invoice_id is not None, "what was paid at Stripe is there"
    reason = "duplicate" if row.reason == CreditReason.DUPLICATE else "requested_by_customer"
    draft = RefundDraft(row.id, payment.stripe_payment_intent_id, row.amount_minor, reason)

    async def keep(tx: Transaction, made: StripeRefund) -> None:
        ours = await tx.get_one(Refund, refund_id, with_for_update=True)
        ours.stripe_refund_id = made.id
        if ours.state == RefundState.REQUESTED:
            ours.state = RefundState.PENDING.value
        await _look_soon(tx, invoice.id)

    await once(
        database,
        StripeStep("create", row.facility_id, about=("refund", row.id)),
        look=lambda: gateway.find_refund(row.id, payment.stripe_payment_intent_id),
        do=lambda key: gateway.create_refund(draft, idempotency_key=key),
        keep=keep,
    )
    await follow_invoice(database, gateway, invoice.stripe_invoice_id)


async def refund_failed(database: Database, refund_id: UUID, why: str) -> None:
    """Note that Stripe does not make a refund that was asked for, and why."""
    asked = update(Refund).where(Refund.id == refund_id, Refund.state == RefundState.REQUESTED.value)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(asked.values(state=RefundState.FAILED.value, failure=why, settled_at=clock.now()))


async def credit_note(database: Database, gateway: "StripeGateway", credit_note_id: UUID) -> None:
    """Issue the credit note at Stripe: first the refunds that go with it, then the note that names them.

    The note is issued here before Stripe knows of it. What Stripe has taken in the meantime, or cannot send back, the note
    gives back apart from Stripe; in our books it is then paid beyond what is owed, for the desk to refund.

    Raises the `StripeFailure` of a call, or `StripeDisagrees` when Stripe's note comes to something else.
    """
    async with database.transaction(SYSTEM) as tx:
        note = await tx.get(CreditNote, credit_note_id)
        if note is None:
            return
        invoice = await tx.get_one(Invoice, note.invoice_id)
        refunds = list(await tx.scalars(select(Refund.id).where(Refund.credit_note_id == note.id).order_by(Refund.id)))
    if invoice.stripe_invoice_id is None:
        raise StripeDisagrees("Stripe does not have the invoice yet. The credit note goes there after it.")
    for refund_id in refunds:
        try:
            await refund(database, gateway, refund_id)
        except StripeRefused as refused:
            # The note stands all the same: what does not go back this way is owed to the facility.
            await refund_failed(database, refund_id, in_plain_words("refund", refused))
    try:
        await _issue(database, gateway, note, invoice.stripe_invoice_id)
    except StripeRefused:
        # Paid since it was read, or since an earlier try with the same key: what Stripe has now is what counts.
        await _issue(database, gateway, note, invoice.stripe_invoice_id)
    await follow_invoice(database, gateway, invoice.stripe_invoice_id)


async def _issue(database: Database, gateway: "StripeGateway", note: CreditNote, stripe_invoice_id: str) -> None:
    draft = await _note_draft(database, gateway, note, stripe_invoice_id)

    async def keep(tx: Transaction, made: StripeCreditNote) -> None:
        ours = await tx.get_one(CreditNote, note.id, with_for_update=True)
        ours.stripe_credit_note_id, ours.stripe_problem = made.id, ""
        await _look_soon(tx, note.invoice_id)

    await once(
        database,
        StripeStep("create", note.facility_id, about=("credit_note", note.id)),
        look=lambda: gateway.find_credit_note(note.id, draft.stripe_invoice_id),
        do=lambda key: gateway.create_credit_note(draft, idempotency_key=key),
        keep=keep,
    )


async def void(database: Database, gateway: "StripeGateway", invoice_id: UUID) -> None:
    """Withdraw the invoice at Stripe as well, where it is already: a draft there is removed, a final one voided."""
    await _end(database, gateway, invoice_id, "void")


async def write_off(database: Database, gateway: "StripeGateway", invoice_id: UUID) -> None:
    """Note at Stripe that nobody expects this to be paid; it still can be."""
    await _end(database, gateway, invoice_id, "uncollectible")


async def _end(database: Database, gateway: "StripeGateway", invoice_id: UUID, step: str) -> None:
    async with database.transaction(SYSTEM) as tx:
        invoice = await tx.get(Invoice, invoice_id)
    if invoice is None or invoice.stripe_invoice_id is None:
        return
    stripe_id = invoice.stripe_invoice_id

    async def now() -> StripeInvoice | None:
        try:
            return await gateway.retrieve_invoice(stripe_id)
        except StripeRefused as refused:
            if refused.code != "resource_missing":
                raise
            return None

    async def look() -> StripeInvoice | None:
        found = await now()
        return found if found is not None and found.status == step else None

    async def do(key: str) -> StripeInvoice:
        found = await gateway.retrieve_invoice(stripe_id)
        if found.status == "draft":
            await gateway.delete_draft(stripe_id, idempotency_key=key)
            return replace(found, status="deleted")
        if step == "void":
            return await gateway.void_invoice(stripe_id, idempotency_key=key)
        return await gateway.mark_uncollectible(stripe_id, idempotency_key=key)

    async def keep(tx: Transaction, found: StripeInvoice) -> None:
        if found.status == "deleted":
            await tx.execute(update(Invoice).where(Invoice.id == invoice_id).values(stripe_invoice_id=None, stripe_status=None))
        await _look_soon(tx, invoice_id)

    if await now() is None:
        return
    try:
        await once(database, StripeStep(step, invoice.facility_id, invoice_id), look=look, do=do, keep=keep)
    except StripeRefused:
        # Refused because it was paid in the meantime: what Stripe says then is what counts.
        if (found := await now()) is None or found.status != "paid":
            raise
    finally:
        await follow_invoice(database, gateway, stripe_id)


async def _note_draft(database: Database, gateway: "StripeGateway", note: CreditNote, stripe_invoice_id: str) -> CreditNoteDraft:
    """The note with Stripe's ids of the lines, and of the refunds made for it."""
    async with database.transaction(SYSTEM) as tx:
        lines = list(
            await tx.scalars(
                select(CreditNoteLine).where(CreditNoteLine.credit_note_id == note.id).order_by(CreditNoteLine.position)
            )
        )
        made = Refund.stripe_refund_id.is_not(None), Refund.state != RefundState.FAILED.value
        refunds = (
            await tx.execute(select(Refund.stripe_refund_id, Refund.amount_minor).where(Refund.credit_note_id == note.id, *made))
        ).all()
    at_stripe = {line.line_key: line.id for line in await gateway.list_lines(stripe_invoice_id) if line.line_key}
    if any(line.invoice_line_id.hex not in at_stripe for line in lines):
        raise StripeDisagrees("Stripe's invoice does not have a line that is credited. Look at it there.")
    left_over = max(note.total_minor - (await gateway.retrieve_invoice(stripe_invoice_id)).amount_remaining_minor, 0)
    given_back = note.balance_minor + sum(amount for _, amount in refunds)
    return CreditNoteDraft(
        credit_note_id=note.id,
        stripe_invoice_id=stripe_invoice_id,
        lines=tuple(CreditLine(at_stripe[line.invoice_line_id.hex], line.amount_minor) for line in lines),
        reason=REASONS[note.reason],
        balance_minor=note.balance_minor,
        out_of_band_minor=max(left_over - given_back, 0),
        refund_ids=tuple(refund_id for refund_id, _ in refunds if refund_id),
    )


async def _look_soon(tx: Transaction, invoice_id: UUID) -> None:
    """A job that asks Stripe, in case this process ends before it has followed."""
    await jobs.enqueue(tx, CHECK, {"id": str(invoice_id)}, dedupe=f"{CHECK}:{invoice_id}")


def in_plain_words(what: str, failure: StripeFailure) -> str:
    """What the billing desk reads about a call that failed for good."""
    return f"Stripe refused the {what}: {failure.message.rstrip('.')}."
