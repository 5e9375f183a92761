"""Charging a facility's saved way to pay while nobody is there, where its account says so.

One explicit call. A decline is final for a day: no storm of attempts; what happens then is the reminders' business.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func, select

from billing.stripe.failures import StripeDeclined
from billing.stripe.results import StripeInvoice
from staffing import clock
from staffing.invoicing.models import BillingAccount, Collection, Invoice, InvoiceState
from staffing.invoicing.service import CHECK
from staffing.payments.following import follow_invoice
from staffing.payments.models import Payment, PaymentState, StripeCall
from staffing.payments.stripe_calls import NOTHING_DONE, CallState, StripeStep, once
from staffing.persistence import jobs
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway

REST = timedelta(hours=24)
"""After a decline nothing is charged by itself for so long."""


@dataclass(frozen=True, slots=True)
class _Charge:
    invoice_id: UUID
    facility_id: UUID
    stripe_invoice_id: str
    method_id: str


async def charge(database: Database, gateway: "StripeGateway", invoice_id: UUID) -> None:
    """Charge the invoice, unless it is paid, a payment is under way, or it was declined within a day.

    Raises the `StripeFailure` of the call, except for a decline, which is taken in as a failed payment.
    """
    wanted = await _wanted(database, invoice_id)
    if wanted is None:
        return

    async def look() -> StripeInvoice | None:
        found = await gateway.retrieve_invoice(wanted.stripe_invoice_id)
        if found.status == "paid":
            return found
        under_way = found.payment_intent_id and (await gateway.retrieve_payment(found.payment_intent_id)).status == "processing"
        return found if under_way else None

    async def do(key: str) -> StripeInvoice:
        return await gateway.pay_invoice(wanted.stripe_invoice_id, idempotency_key=key, payment_method_id=wanted.method_id)

    async def keep(tx: Transaction, found: StripeInvoice) -> None:
        await jobs.enqueue(tx, CHECK, {"id": str(invoice_id)}, dedupe=f"{CHECK}:{invoice_id}")

    try:
        await once(database, StripeStep("pay", wanted.facility_id, invoice_id), look=look, do=do, keep=keep)
    except StripeDeclined:
        await follow_invoice(database, gateway, wanted.stripe_invoice_id)
        return
    await follow_invoice(database, gateway, wanted.stripe_invoice_id)


async def _wanted(database: Database, invoice_id: UUID) -> _Charge | None:
    async with database.transaction(SYSTEM) as tx:
        invoice = await tx.get(Invoice, invoice_id)
        if invoice is None or invoice.state != InvoiceState.SENT or invoice.stripe_invoice_id is None:
            return None
        account = await tx.get_one(BillingAccount, invoice.facility_id)
        automatic = Collection.CHARGE_AUTOMATICALLY in (invoice.collection, account.collection)
        if not automatic or account.payment_method is None or account.parked_because:
            return None
        if await _rests(tx, invoice_id, clock.now() - REST):
            return None
        return _Charge(invoice.id, invoice.facility_id, invoice.stripe_invoice_id, account.payment_method["id"])


async def _rests(tx: Transaction, invoice_id: UUID, since: datetime) -> bool:
    """Whether a payment is under way, or one was refused since then."""
    under_way = select(func.count()).where(Payment.invoice_id == invoice_id, Payment.state == PaymentState.PROCESSING.value)
    refused = select(func.count()).where(
        StripeCall.invoice_id == invoice_id,
        StripeCall.purpose == "pay",
        StripeCall.state == CallState.REFUSED.value,
        StripeCall.problem.not_in(NOTHING_DONE),
        StripeCall.finished_at > since,
    )
    return bool(await tx.scalar(under_way)) or bool(await tx.scalar(refused))
