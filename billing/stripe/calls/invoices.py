"""Invoices: from an empty draft to paid, void or given up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import stripe

from billing.stripe.calls.caller import PAGE, Caller, options, seconds
from billing.stripe.readings import counts_all_lines, read_invoice, read_line
from billing.stripe.results import StripeInvoice, StripeLine
from billing.stripe.values import DraftLine, InvoiceDraft, stripe_id


class InvoiceCalls(Caller):
    """Calls about invoices."""

    async def create_invoice(self, draft: InvoiceDraft, *, idempotency_key: str) -> StripeInvoice:
        """A new, empty draft invoice that does nothing on its own."""
        params, key = self._payloads.invoice(draft), options(idempotency_key)
        return await self._invoice(lambda: self._client.v1.invoices.create_async(params, key))

    async def add_lines(
        self, invoice_id: str, lines: Sequence[DraftLine], currency: str, *, idempotency_key: str
    ) -> StripeInvoice:
        """Add 1 to 250 lines to a draft invoice."""
        checked, key = stripe_id(invoice_id, "in"), options(idempotency_key)
        params = self._payloads.lines(lines, currency)
        return await self._invoice(lambda: self._client.v1.invoices.add_lines_async(checked, params, key))

    async def finalize_invoice(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Make a draft final: it gets its number and its page for paying, and can no longer be changed.

        Nothing is charged by this, also where collection is automatic: `pay_invoice` does that, when the caller says so.
        An invoice that comes to nothing, or that the customer's credit covers, is paid at once.
        """
        checked, key = stripe_id(invoice_id, "in"), options(idempotency_key)
        return await self._invoice(lambda: self._client.v1.invoices.finalize_invoice_async(checked, {"auto_advance": False}, key))

    async def pay_invoice(self, invoice_id: str, *, idempotency_key: str, payment_method_id: str | None = None) -> StripeInvoice:
        """Charge a saved way to pay (the invoice's or the customer's default when None) while nobody is there.

        A card answers at once: the invoice is paid, or `StripeDeclined` is raised. A bank debit takes days: the invoice
        stays open and its payment intent is `processing`.
        """
        checked, key = stripe_id(invoice_id, "in"), options(idempotency_key)
        params = self._payloads.payment(payment_method_id)
        return await self._invoice(lambda: self._client.v1.invoices.pay_async(checked, params, key))

    async def mark_paid_elsewhere(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Close an open invoice that was paid outside Stripe, by cheque or bank transfer."""
        checked, key = stripe_id(invoice_id, "in"), options(idempotency_key)
        return await self._invoice(lambda: self._client.v1.invoices.pay_async(checked, {"paid_out_of_band": True}, key))

    async def send_invoice(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Have Stripe note the invoice as sent (`invoice.sent`). Its mail goes to an address that receives none."""
        checked, key = stripe_id(invoice_id, "in"), options(idempotency_key)
        return await self._invoice(lambda: self._client.v1.invoices.send_invoice_async(checked, {}, key))

    async def void_invoice(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Withdraw a final, unpaid invoice. Refused while a bank debit for it is under way."""
        checked, key = stripe_id(invoice_id, "in"), options(idempotency_key)
        return await self._invoice(lambda: self._client.v1.invoices.void_invoice_async(checked, {}, key))

    async def mark_uncollectible(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Give an open invoice up; it can still be paid or voided."""
        checked, key = stripe_id(invoice_id, "in"), options(idempotency_key)
        return await self._invoice(lambda: self._client.v1.invoices.mark_uncollectible_async(checked, {}, key))

    async def delete_draft(self, invoice_id: str, *, idempotency_key: str) -> None:
        """Remove a draft for good; a final invoice is refused."""
        checked, key = stripe_id(invoice_id, "in"), options(idempotency_key)
        await self._done(lambda: self._client.v1.invoices.delete_async(checked, {}, key))

    async def retrieve_invoice(self, invoice_id: str) -> StripeInvoice:
        """The invoice as it is now, with the payment intent that paid it or will."""
        checked = stripe_id(invoice_id, "in")
        return await self._invoice(lambda: self._client.v1.invoices.retrieve_async(checked, {"expand": ["payments"]}))

    async def list_lines(self, invoice_id: str) -> tuple[StripeLine, ...]:
        """All lines of an invoice, in the order in which they were added. Credit notes name them by id."""
        checked = stripe_id(invoice_id, "in")
        return await self._all(read_line, lambda: self._client.v1.invoices.line_items.list_async(checked, {"limit": PAGE}))

    async def find_invoice(self, invoice_id: UUID, customer_id: str) -> StripeInvoice | None:
        """The invoice that carries our `invoice_id`, among all of the customer's; None when there is none."""
        wanted = str(invoice_id)
        found = await self.list_invoices(customer_id=customer_id)
        return next((invoice for invoice in found if invoice.metadata.get("invoice_id") == wanted), None)

    async def list_invoices(self, *, customer_id: str | None = None, since: datetime | None = None) -> tuple[StripeInvoice, ...]:
        """All invoices, newest first: of one customer, or created at or after `since`, or both."""
        params: stripe.params.InvoiceListParams = {"limit": PAGE}
        if customer_id is not None:
            params["customer"] = stripe_id(customer_id, "cus")
        if since is not None:
            params["created"] = {"gte": seconds(since)}
        return await self._all(read_invoice, lambda: self._client.v1.invoices.list_async(params))

    async def _invoice(self, call: Callable[[], Awaitable[stripe.Invoice]]) -> StripeInvoice:
        """The invoice that `call` answers, with its lines counted where the answer does not show or count them all."""
        answer = await self._done(call)
        invoice = read_invoice(answer)
        if counts_all_lines(answer):
            return invoice
        return replace(invoice, line_count=len(await self.list_lines(invoice.id)))
