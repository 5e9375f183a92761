"""What takes money back: credit notes, refunds, disputes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import stripe

from billing.stripe.calls.caller import PAGE, Caller, options, seconds
from billing.stripe.payment_readings import read_dispute, read_refund
from billing.stripe.readings import read_credit_note
from billing.stripe.results import StripeCreditNote, StripeDispute, StripeRefund
from billing.stripe.values import CreditNoteDraft, RefundDraft, stripe_id


class CorrectionCalls(Caller):
    """Calls about credit notes, refunds and disputes."""

    async def create_credit_note(self, draft: CreditNoteDraft, *, idempotency_key: str) -> StripeCreditNote:
        """Issue a credit note. It lowers what the invoice asks for first; what is left over goes back as `draft` says."""
        params, key = self._payloads.credit_note(draft), options(idempotency_key)
        return read_credit_note(await self._done(lambda: self._client.v1.credit_notes.create_async(params, key)))

    async def retrieve_credit_note(self, credit_note_id: str) -> StripeCreditNote:
        """The credit note as it is now."""
        checked = stripe_id(credit_note_id, "cn")
        return read_credit_note(await self._done(lambda: self._client.v1.credit_notes.retrieve_async(checked)))

    async def void_credit_note(self, credit_note_id: str, *, idempotency_key: str) -> StripeCreditNote:
        """Withdraw a credit note that only lowered an open invoice; one that gave money back is refused."""
        checked, key = stripe_id(credit_note_id, "cn"), options(idempotency_key)
        return read_credit_note(await self._done(lambda: self._client.v1.credit_notes.void_credit_note_async(checked, {}, key)))

    async def list_credit_notes(
        self, *, invoice_id: str | None = None, since: datetime | None = None
    ) -> tuple[StripeCreditNote, ...]:
        """All credit notes, newest first: of an invoice, or made at or after `since`, or both."""
        params: stripe.params.CreditNoteListParams = {"limit": PAGE}
        if invoice_id is not None:
            params["invoice"] = stripe_id(invoice_id, "in")
        if since is not None:
            params["created"] = {"gte": seconds(since)}
        return await self._all(read_credit_note, lambda: self._client.v1.credit_notes.list_async(params))

    async def find_credit_note(self, credit_note_id: UUID, invoice_id: str) -> StripeCreditNote | None:
        """The credit note that carries our id, among all of the invoice's; None when there is none."""
        wanted = str(credit_note_id)
        found = await self.list_credit_notes(invoice_id=invoice_id)
        return next((note for note in found if note.metadata.get("credit_note_id") == wanted), None)

    async def create_refund(self, draft: RefundDraft, *, idempotency_key: str) -> StripeRefund:
        """Give money back for a payment: all that is left of it, or a part."""
        params, key = self._payloads.refund(draft), options(idempotency_key)
        return read_refund(await self._done(lambda: self._client.v1.refunds.create_async(params, key)))

    async def retrieve_refund(self, refund_id: str) -> StripeRefund:
        """The refund as it is now."""
        checked = stripe_id(refund_id, "re", "pyr")
        return read_refund(await self._done(lambda: self._client.v1.refunds.retrieve_async(checked)))

    async def list_refunds(
        self, *, payment_intent_id: str | None = None, charge_id: str | None = None, since: datetime | None = None
    ) -> tuple[StripeRefund, ...]:
        """All refunds, newest first: of a payment intent, of a charge, made at or after `since`."""
        params: stripe.params.RefundListParams = {"limit": PAGE}
        if payment_intent_id is not None:
            params["payment_intent"] = stripe_id(payment_intent_id, "pi")
        if charge_id is not None:
            params["charge"] = stripe_id(charge_id, "ch", "py")
        if since is not None:
            params["created"] = {"gte": seconds(since)}
        return await self._all(read_refund, lambda: self._client.v1.refunds.list_async(params))

    async def find_refund(self, refund_id: UUID, payment_intent_id: str) -> StripeRefund | None:
        """The refund that carries our id, among all of the payment's; None when there is none."""
        wanted = str(refund_id)
        found = await self.list_refunds(payment_intent_id=payment_intent_id)
        return next((refund for refund in found if refund.metadata.get("refund_id") == wanted), None)

    async def retrieve_dispute(self, dispute_id: str) -> StripeDispute:
        """The dispute as it is now. It is answered by hand, at Stripe."""
        checked = stripe_id(dispute_id, "du", "dp")
        return read_dispute(await self._done(lambda: self._client.v1.disputes.retrieve_async(checked)))

    async def list_disputes(
        self, *, payment_intent_id: str | None = None, charge_id: str | None = None, since: datetime | None = None
    ) -> tuple[StripeDispute, ...]:
        """All disputes, newest first: of a payment intent, of a charge, made at or after `since`."""
        params: stripe.params.DisputeListParams = {"limit": PAGE}
        if payment_intent_id is not None:
            params["payment_intent"] = stripe_id(payment_intent_id, "pi")
        if charge_id is not None:
            params["charge"] = stripe_id(charge_id, "ch", "py")
        if since is not None:
            params["created"] = {"gte": seconds(since)}
        return await self._all(read_dispute, lambda: self._client.v1.disputes.list_async(params))
