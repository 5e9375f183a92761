"""Comparing our books with Stripe's: read both, follow up what differs, compare again, write down what is left."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from billing.stripe.failures import StripeFailure, StripeRefused
from billing.stripe.results import StripeCharge, StripeDispute, StripeRefund
from staffing import clock
from staffing.invoicing.models import Invoice
from staffing.payments import our_books, stripe_books
from staffing.payments.following import follow_invoice
from staffing.payments.models import Payment, PaymentDispute, Reconciliation, Refund
from staffing.payments.reconciliation import Difference, compare, compared
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway

ON_ITS_WAY = timedelta(minutes=15)
"""What was made here this recently need not be at Stripe yet."""
_MOST_FOLLOWED = 500
_CHARGES, _DISPUTES = ("ch_", "py_"), ("dp_", "du_")
"""How Stripe's ids of charges and of disputes begin."""


async def reconcile(database: Database, gateway: "StripeGateway", by: UUID | None = None) -> Reconciliation:
    """Compare now. What differs is asked about once more before it counts. Raises the `StripeFailure` that ended it."""
    run_id = new_id()
    async with database.transaction(SYSTEM) as tx:
        tx.add(Reconciliation(id=run_id, started_at=clock.now(), started_by=by, differences=[]))
    try:
        count, found = await _compare(database, gateway)
        if await _follow_up(database, gateway, found):
            count, found = await _compare(database, gateway)
    except StripeFailure as failure:
        async with database.transaction(SYSTEM) as tx:
            run = await tx.get_one(Reconciliation, run_id)
            run.finished_at, run.problem = clock.now(), failure.in_words
        raise
    async with database.transaction(SYSTEM) as tx:
        run = await tx.get_one(Reconciliation, run_id)
        run.finished_at, run.compared = clock.now(), count
        run.differences = [one.as_row() for one in found]
        await tx.flush()
    return run


async def _compare(database: Database, gateway: "StripeGateway") -> tuple[int, list[Difference]]:
    theirs = await stripe_books.read(gateway)
    async with database.transaction(SYSTEM) as tx:
        ours = await our_books.read(tx, clock.now() - ON_ITS_WAY)
    return compared(ours, theirs), compare(ours, theirs)


async def _follow_up(database: Database, gateway: "StripeGateway", found: list[Difference]) -> bool:
    """Ask Stripe about the invoices behind the differences. Whether there was anything to ask."""
    invoices = await _invoices_behind(database, gateway, found)
    for stripe_invoice_id in sorted(invoices)[:_MOST_FOLLOWED]:
        await follow_invoice(database, gateway, stripe_invoice_id)
    # A balance alone may differ because a payment came in between the two readings.
    return bool(invoices) or any(one.kind == "balance" for one in found)


async def _invoices_behind(database: Database, gateway: "StripeGateway", found: list[Difference]) -> set[str]:
    ids = {kind: {one.id for one in found if one.kind == kind} for kind in ("invoice", "payment", "refund", "dispute", "fee")}
    numbers = {one.reference for one in found if one.kind == "credit_note"}
    async with database.transaction(SYSTEM) as tx:
        of_rows = select(Invoice.stripe_invoice_id).where(
            Invoice.stripe_invoice_id.is_not(None),
            Invoice.stripe_invoice_id.in_(ids["invoice"])
            | Invoice.id.in_(select(Payment.invoice_id).where(Payment.stripe_payment_intent_id.in_(ids["payment"])))
            | Invoice.id.in_(select(Refund.invoice_id).where(Refund.stripe_refund_id.in_(ids["refund"])))
            | Invoice.id.in_(select(PaymentDispute.invoice_id).where(PaymentDispute.stripe_dispute_id.in_(ids["dispute"])))
            | Invoice.number.in_({number.rpartition("-CN-")[0] for number in numbers}),
        )
        known = {one for one in await tx.scalars(of_rows) if one}
        ours = set(
            await tx.scalars(select(Payment.stripe_payment_intent_id).where(Payment.stripe_payment_intent_id.in_(ids["payment"])))
        )
    for intent in sorted(ids["payment"] - ours)[:_MOST_FOLLOWED]:
        known |= await _of_payment(gateway, intent)
    for refund in sorted(one for one in ids["refund"] if one.startswith(("re_", "pyr_")))[:_MOST_FOLLOWED]:
        known |= await _of_payment(gateway, await _payment_of(gateway.retrieve_refund(refund)))
    for movement in sorted(ids["fee"])[:_MOST_FOLLOWED]:
        known |= await _of_payment(gateway, await _payment_behind(gateway, movement))
    for dispute in sorted(ids["dispute"])[:_MOST_FOLLOWED]:
        known |= await _of_payment(gateway, await _payment_of(gateway.retrieve_dispute(dispute)))
    return known | {one for one in ids["invoice"] if one.startswith("in_")}


async def _of_payment(gateway: "StripeGateway", intent: str | None) -> set[str]:
    found = None if intent is None else await gateway.find_invoice_of_payment(intent)
    return set() if found is None else {found}


async def _payment_behind(gateway: "StripeGateway", movement: str) -> str | None:
    """The payment whose charge, or dispute, moved our balance; None for another movement, or when Stripe does not have it."""
    try:
        source = (await gateway.retrieve_balance_transaction(movement)).source_id or ""
    except StripeRefused as refused:
        if refused.code != "resource_missing":
            raise
        return None
    if source.startswith(_CHARGES):
        return await _payment_of(gateway.retrieve_charge(source))
    return await _payment_of(gateway.retrieve_dispute(source)) if source.startswith(_DISPUTES) else None


async def _payment_of(asked: Awaitable[StripeRefund | StripeDispute | StripeCharge]) -> str | None:
    """The payment that a refund, dispute or charge is about; None when Stripe does not have it."""
    try:
        return (await asked).payment_intent_id
    except StripeRefused as refused:
        if refused.code != "resource_missing":
            raise
        return None
