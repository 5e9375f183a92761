"""The one builder of everything that is sent to Stripe: frozen, checked values in, Stripe's parameters out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from billing.money import rate_text
from billing.stripe.values import (
    CARD,
    FEE_KINDS,
    KINDS,
    MOST_LINES_PER_CALL,
    US_BANK_DEBIT,
    CreditNoteDraft,
    DraftLine,
    FacilityCustomer,
    InvoiceDraft,
    NotAllowedToLeave,
    RefundDraft,
    SetupDraft,
    TaxRateDraft,
    require_currency,
    stripe_id,
)

if TYPE_CHECKING:
    from stripe.params import (
        CreditNoteCreateParams,
        CustomerCreateParams,
        CustomerUpdateParams,
        InvoiceAddLinesParams,
        InvoiceCreateParams,
        InvoicePayParams,
        RefundCreateParams,
        TaxRateCreateParams,
    )
    from stripe.params._invoice_add_lines_params import InvoiceAddLinesParamsLine
    from stripe.params.checkout import SessionCreateParams


class PayloadBuilder:
    """Turns frozen values into Stripe's parameters.

    `services` is the catalogue: no other service name can leave. `return_urls` are the pages of ours to which Stripe's
    pages may lead back: no other address can leave.
    """

    def __init__(self, services: frozenset[str], return_urls: frozenset[str] = frozenset()) -> None:
        self._services = services
        self._return_urls = return_urls

    def customer(self, customer: FacilityCustomer) -> CustomerCreateParams:
        """A customer named by its opaque reference.

        Stripe refuses to make an invoice with a due date for a customer without an e-mail address, so the address is
        the opaque id at a domain reserved for never receiving mail (RFC 2606). Nobody is written to by Stripe.
        """
        return {
            "name": f"Facility {customer.facility_id.hex[-8:]}",
            "email": customer_email(customer),
            "metadata": {"facility_id": str(customer.facility_id)},
        }

    def default_payment_method(self, payment_method_id: str | None) -> CustomerUpdateParams:
        """The saved way to pay that automatic collection uses; None: none any more."""
        chosen = "" if payment_method_id is None else stripe_id(payment_method_id, "pm")
        return {"invoice_settings": {"default_payment_method": chosen}}

    def invoice(self, draft: InvoiceDraft) -> InvoiceCreateParams:
        """An empty draft that takes no stray items and does nothing on its own."""
        params: InvoiceCreateParams = {
            "customer": draft.customer_id,
            "currency": draft.currency.lower(),
            "auto_advance": False,
            "collection_method": "charge_automatically" if draft.automatic else "send_invoice",
            "pending_invoice_items_behavior": "exclude",
            "metadata": {"invoice_id": str(draft.invoice_id), "facility_id": str(draft.facility_id)},
        }
        if not draft.automatic:
            params["days_until_due"] = draft.days_until_due
        if draft.number is not None:
            params["number"] = draft.number
        if draft.payment_method_id is not None:
            params["default_payment_method"] = draft.payment_method_id
        if draft.payment_kinds:
            params["payment_settings"] = {"payment_method_types": list(draft.payment_kinds)}
        return params

    def lines(self, lines: Sequence[DraftLine], currency: str) -> InvoiceAddLinesParams:
        """The lines of one invoice, 1 to 250. A service outside the catalogue raises `NotAllowedToLeave`."""
        require_currency(currency)
        if not 0 < len(lines) <= MOST_LINES_PER_CALL:
            raise ValueError(f"One call takes 1 to {MOST_LINES_PER_CALL} lines, not {len(lines)}.")
        return {"lines": [self._line(line, currency) for line in lines]}

    def payment(self, payment_method_id: str | None) -> InvoicePayParams:
        """Charge a saved way to pay (the invoice's or the customer's default when None) while nobody is there."""
        params: InvoicePayParams = {"off_session": True}
        if payment_method_id is not None:
            params["payment_method"] = stripe_id(payment_method_id, "pm")
        return params

    def credit_note(self, draft: CreditNoteDraft) -> CreditNoteCreateParams:
        """A credit note for lines; nobody is written to by Stripe."""
        params: CreditNoteCreateParams = {
            "invoice": draft.stripe_invoice_id,
            "email_type": "none",
            "lines": [
                {"type": "invoice_line_item", "invoice_line_item": line.stripe_line_id, "amount": line.amount_minor}
                for line in draft.lines
            ],
            "metadata": {"credit_note_id": str(draft.credit_note_id)},
        }
        if draft.reason is not None:
            params["reason"] = draft.reason
        if draft.refund_minor:
            params["refund_amount"] = draft.refund_minor
        if draft.balance_minor:
            params["credit_amount"] = draft.balance_minor
        if draft.out_of_band_minor:
            params["out_of_band_amount"] = draft.out_of_band_minor
        if draft.refund_ids:
            params["refunds"] = [{"refund": refund} for refund in draft.refund_ids]
        return params

    def refund(self, draft: RefundDraft) -> RefundCreateParams:
        """Money back for a payment."""
        params: RefundCreateParams = {
            "payment_intent": draft.payment_intent_id,
            "metadata": {"refund_id": str(draft.refund_id)},
        }
        if draft.amount_minor is not None:
            params["amount"] = draft.amount_minor
        if draft.reason is not None:
            params["reason"] = draft.reason
        return params

    def tax_rate(self, draft: TaxRateDraft) -> TaxRateCreateParams:
        """A sales tax of a state."""
        return {
            "display_name": "Sales tax",
            "percentage": float(draft.percentage),
            "inclusive": draft.inclusive,
            "country": "US",
            "state": draft.region.removeprefix("US-"),
            "jurisdiction": draft.region,
            "tax_type": "sales_tax",
            "metadata": {"tax_rate_id": str(draft.tax_rate_id)},
        }

    def setup(self, draft: SetupDraft) -> SessionCreateParams:
        """A page of Stripe's where a way to pay is saved. An address that is not ours raises `NotAllowedToLeave`."""
        if draft.return_url not in self._return_urls:
            raise NotAllowedToLeave("Stripe's page may lead back only to one of our own pages.")
        ours = {"setup_id": str(draft.setup_id), "facility_id": str(draft.facility_id)}
        return {
            "mode": "setup",
            "customer": draft.customer_id,
            "allowed_payment_method_types": [kind for kind in (CARD, US_BANK_DEBIT) if kind in draft.payment_kinds],
            "success_url": draft.return_url,
            "cancel_url": draft.return_url,
            "client_reference_id": str(draft.setup_id),
            "metadata": ours,
            "setup_intent_data": {"metadata": ours},
        }

    def _line(self, line: DraftLine, currency: str) -> InvoiceAddLinesParamsLine:
        about_no_service = line.service == "" and _is_fee(line)
        if line.service not in self._services and not about_no_service:
            raise NotAllowedToLeave("A line's service must be one of the catalogue.")
        params: InvoiceAddLinesParamsLine = {
            "amount": line.amount_minor,
            "description": describe(line, currency),
            "metadata": {"line_key": line.line_key, "kind": line.kind},
        }
        if line.tax_rate_ids:
            params["tax_rates"] = list(line.tax_rate_ids)
        return params


def customer_email(customer: FacilityCustomer) -> str:
    """The customer's address, which is its opaque id; by it the customer is found again."""
    return f"facility-{customer.facility_id.hex}@example.com"


def describe(line: DraftLine, currency: str) -> str:
    """What the payer reads: `Care Plan Management, night: 7 h 30 min at 60.00 USD/h`."""
    kinds = line.kind.split("+")
    words = " and ".join(KINDS[kind] for kind in kinds if KINDS[kind])
    what = ", ".join(part for part in (line.service, words) if part)
    if not line.seconds and _is_fee(line):
        return what[:1].upper() + what[1:]
    hours, rest = divmod(line.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{seconds} s" if seconds else ""]
    worked = " ".join(part for part in parts if part) or "0 min"
    return f"{what}: {worked} at {rate_text(line.unit_rate, currency)} {currency}/h"


def _is_fee(line: DraftLine) -> bool:
    return any(kind in FEE_KINDS for kind in line.kind.split("+"))
