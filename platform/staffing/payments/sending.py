"""Bringing a finalised invoice to Stripe: customer, tax rates, empty invoice, lines, final. Each is done once.

Nothing is charged by this. Where the facility is charged automatically, a job of its own does that afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from sqlalchemy import select

from billing.money import Money, round_half_up
from billing.stripe.failures import StripeFailure
from billing.stripe.results import StripeInvoice, StripeTaxRate
from billing.stripe.values import CARD, MOST_LINES_PER_CALL, US_BANK_DEBIT, DraftLine, InvoiceDraft, TaxRateDraft
from staffing.catalogue import service_name
from staffing.invoicing.models import BillingAccount, Collection, Invoice, InvoiceLine, InvoiceState
from staffing.invoicing.service import CHECK, VOID_AT_STRIPE
from staffing.payments import stripe_state
from staffing.payments.customers import customer_of
from staffing.payments.names import CHARGE
from staffing.payments.stripe_calls import StripeStep, once
from staffing.persistence import jobs
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway


_TAX_RATES = UUID("5a5b7c1e-3f0f-4f0e-9d53-6a3f5f0c9b11")
"""Under it, what a rate is makes its id: the same rate is made once at Stripe."""


class StripeDisagrees(Exception):
    """What Stripe holds is not what we sent: nothing goes on until somebody has looked. The message is for the billing desk."""


@dataclass(frozen=True, slots=True)
class Consignment:
    """Everything of an invoice that goes to Stripe: opaque ids, service names, quantities, amounts."""

    invoice_id: UUID
    facility_id: UUID
    number: str
    currency: str
    total_minor: int
    terms_days: int
    lines: tuple[DraftLine, ...]
    tax_rates: tuple[TaxRateDraft, ...]
    stripe_invoice_id: str | None
    automatic: bool
    payment_method_id: str | None

    def matches(self, found: StripeInvoice) -> bool:
        """Whether Stripe holds all our lines and the same amount."""
        same_amount = (found.total_minor, found.currency) == (self.total_minor, self.currency)
        return same_amount and found.line_count == len(self.lines)


async def send_invoice(database: Database, gateway: "StripeGateway", invoice_id: UUID) -> None:
    """Bring the invoice to Stripe as far as it is not there yet.

    Called again it goes on where it ended. Raises the `StripeFailure` of a failed call, `AttemptOver`, or `StripeDisagrees`.
    """
    waiting = await _waiting(database, invoice_id)
    if waiting is None:
        return
    sender = _Sender(database, gateway, waiting, await customer_of(database, gateway, waiting.facility_id))
    await sender.invoice()
    rates = tuple([await sender.tax_rate(rate) for rate in waiting.tax_rates])
    taxed = [replace(line, tax_rate_ids=rates) for line in waiting.lines]
    for part, lines in enumerate(batched_lines(taxed)):
        await sender.lines(part, lines)
    await sender.final()


def batched_lines(lines: Sequence[DraftLine]) -> list[Sequence[DraftLine]]:
    """The lines in portions of one call each."""
    return [lines[start : start + MOST_LINES_PER_CALL] for start in range(0, len(lines), MOST_LINES_PER_CALL)]


@dataclass(slots=True)
class _Sender:
    """The steps of one run. Ids that a step brought are read from the database, where the step has kept them."""

    database: Database
    gateway: "StripeGateway"
    waiting: Consignment
    customer_id: str

    async def invoice(self) -> None:
        if self.waiting.stripe_invoice_id is not None:
            return
        waiting = self.waiting
        draft = InvoiceDraft(
            invoice_id=waiting.invoice_id,
            facility_id=waiting.facility_id,
            customer_id=self.customer_id,
            currency=waiting.currency,
            days_until_due=waiting.terms_days,
            number=waiting.number,
            automatic=waiting.automatic,
            payment_method_id=waiting.payment_method_id,
            payment_kinds=(CARD, US_BANK_DEBIT) if waiting.currency == "USD" else (CARD,),
        )

        async def keep(tx: Transaction, made: StripeInvoice) -> None:
            invoice = await tx.get_one(Invoice, waiting.invoice_id, with_for_update=True)
            invoice.stripe_invoice_id = made.id
            if invoice.state == InvoiceState.VOID:
                # Withdrawn while it was being sent: nobody is to pay it.
                await jobs.enqueue(tx, VOID_AT_STRIPE, {"id": str(invoice.id)}, dedupe=f"{VOID_AT_STRIPE}:{invoice.id}")

        await once(
            self.database,
            StripeStep("create", waiting.facility_id, waiting.invoice_id),
            look=lambda: self.gateway.find_invoice(draft.invoice_id, draft.customer_id),
            do=lambda key: self.gateway.create_invoice(draft, idempotency_key=key),
            keep=keep,
        )

    async def tax_rate(self, rate: TaxRateDraft) -> str:
        """Stripe's id of a rate."""

        async def keep(tx: Transaction, made: StripeTaxRate) -> None:
            """Its id is the call's outcome."""

        return await once(
            self.database,
            StripeStep("create", self.waiting.facility_id, about=("tax_rate", rate.tax_rate_id)),
            look=lambda: self.gateway.find_tax_rate(rate.tax_rate_id),
            do=lambda key: self.gateway.ensure_tax_rate(rate, idempotency_key=key),
            keep=keep,
        )

    async def lines(self, part: int, lines: Sequence[DraftLine]) -> None:
        stripe_id = await self._stripe_id()
        count_after = part * MOST_LINES_PER_CALL + len(lines)

        async def look() -> StripeInvoice | None:
            found = await self.gateway.retrieve_invoice(stripe_id)
            return found if found.line_count >= count_after else None

        async def keep(tx: Transaction, filled: StripeInvoice) -> None:
            """The lines are at Stripe; the outcome says so."""

        await once(
            self.database,
            StripeStep("lines", self.waiting.facility_id, self.waiting.invoice_id, part),
            look=look,
            do=lambda key: self.gateway.add_lines(stripe_id, lines, self.waiting.currency, idempotency_key=key),
            keep=keep,
        )

    async def final(self) -> None:
        stripe_id = await self._stripe_id()

        async def look() -> StripeInvoice | None:
            found = await self.gateway.retrieve_invoice(stripe_id)
            return None if found.status == "draft" else found

        async def do(key: str) -> StripeInvoice:
            found = await self.gateway.retrieve_invoice(stripe_id)
            if not self.waiting.matches(found):
                raise StripeDisagrees(_difference(self.waiting, found))
            return await self.gateway.finalize_invoice(stripe_id, idempotency_key=key)

        async def keep(tx: Transaction, final: StripeInvoice) -> None:
            await stripe_state.sent(tx, self.waiting.invoice_id, final)
            payload = {"id": str(self.waiting.invoice_id)}
            if final.status == "paid":
                # The facility's credit covered all of it.
                await jobs.enqueue(tx, CHECK, payload, dedupe=f"{CHECK}:{self.waiting.invoice_id}")
            if self.waiting.automatic:
                await jobs.enqueue(tx, CHARGE, payload, dedupe=f"{CHARGE}:{self.waiting.invoice_id}")

        await once(
            self.database,
            StripeStep("finalize", self.waiting.facility_id, self.waiting.invoice_id),
            look=look,
            do=do,
            keep=keep,
        )

    async def _stripe_id(self) -> str:
        """What the invoice's step has kept."""
        async with self.database.transaction(SYSTEM) as tx:
            invoice = await tx.get_one(Invoice, self.waiting.invoice_id)
        assert invoice.stripe_invoice_id is not None
        return invoice.stripe_invoice_id


async def _waiting(database: Database, invoice_id: UUID) -> Consignment | None:
    """What has to go to Stripe; None when the invoice is not finalised, or is there already."""
    async with database.transaction(SYSTEM) as tx:
        invoice = await tx.get(Invoice, invoice_id)
        if invoice is None or invoice.state != InvoiceState.FINALIZED:
            return None
        account = await tx.get_one(BillingAccount, invoice.facility_id)
        found = await tx.scalars(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.position))
        assert invoice.number is not None, "a finalised invoice has a number"
        return Consignment(
            invoice_id=invoice.id,
            facility_id=invoice.facility_id,
            number=invoice.number,
            currency=invoice.currency,
            total_minor=invoice.total_minor,
            terms_days=account.terms_days,
            lines=tuple(_draft_line(line) for line in found),
            tax_rates=tuple(tax_rate(rate) for rate in invoice.tax_rates),
            stripe_invoice_id=invoice.stripe_invoice_id,
            automatic=invoice.collection == Collection.CHARGE_AUTOMATICALLY and account.payment_method is not None,
            payment_method_id=(account.payment_method or {}).get("id"),
        )


def tax_rate(rate: dict[str, Any]) -> TaxRateDraft:
    """A rate of `Invoice.tax_rates` as it is made at Stripe. Its id follows from what it is."""
    region, percent, inclusive = str(rate["jurisdiction"]), Decimal(rate["percent"]), bool(rate["inclusive"])
    name = f"{region}:{percent.normalize():f}:{inclusive}"
    return TaxRateDraft(uuid5(_TAX_RATES, name), region, percent, inclusive)


def _draft_line(line: InvoiceLine) -> DraftLine:
    """The line without who did the work. Its id follows from its content, so it is the line's name at Stripe as well."""
    return DraftLine(
        line_key=line.id.hex,
        service=service_name(line.service),
        kind=line.kind,
        seconds=round_half_up(line.billed_minutes * 60),
        unit_rate=line.unit_rate,
        amount_minor=line.amount_minor,
    )


def _difference(waiting: Consignment, found: StripeInvoice) -> str:
    ours, theirs = Money(waiting.total_minor, waiting.currency), Money(found.total_minor, found.currency)
    return (
        f"Stripe's draft has {found.line_count} lines and {theirs}, our invoice {len(waiting.lines)} lines and {ours}."
        " It was not finalised at Stripe. Look at the draft there before you try again."
    )


def in_plain_words(failure: StripeFailure) -> str:
    """What the billing desk reads about a call that failed for good."""
    return f"Stripe refused the invoice: {failure.message.rstrip('.')}. Nothing was sent to the facility."
