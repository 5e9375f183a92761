"""Bringing a finalised invoice to Stripe: customer, empty invoice, lines, final. Each is done once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select, update

from billing.money import Money, round_half_up
from billing.stripe_payload import MOST_LINES_PER_CALL, DraftLine, FacilityCustomer, InvoiceDraft
from billing.stripe_results import StripeCustomer, StripeFailure, StripeInvoice
from staffing.catalogue import service_name
from staffing.invoicing import stripe_state
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceLine, InvoiceState
from staffing.invoicing.stripe_calls import StripeStep, once
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction

if TYPE_CHECKING:
    from billing.stripe_gateway import StripeGateway


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
    customer_id: str | None
    stripe_invoice_id: str | None

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
    sender = _Sender(database, gateway, waiting)
    await sender.customer()
    await sender.invoice()
    for part, lines in enumerate(batched_lines(waiting.lines)):
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

    async def customer(self) -> None:
        if self.waiting.customer_id is not None:
            return
        payer = FacilityCustomer(self.waiting.facility_id)

        async def keep(tx: Transaction, found: StripeCustomer) -> None:
            account = update(BillingAccount).where(BillingAccount.facility_id == payer.facility_id)
            await tx.execute(account.values(stripe_customer_id=found.id))

        await once(
            self.database,
            StripeStep("customer", payer.facility_id),
            look=lambda: self.gateway.find_customer(payer.facility_id),
            do=lambda key: self.gateway.ensure_customer(payer, idempotency_key=key),
            keep=keep,
        )

    async def invoice(self) -> None:
        if self.waiting.stripe_invoice_id is not None:
            return
        waiting = self.waiting
        draft = InvoiceDraft(
            invoice_id=waiting.invoice_id,
            facility_id=waiting.facility_id,
            customer_id=await self._customer_id(),
            currency=waiting.currency,
            days_until_due=waiting.terms_days,
            number=waiting.number,
        )

        async def keep(tx: Transaction, made: StripeInvoice) -> None:
            await tx.execute(update(Invoice).where(Invoice.id == waiting.invoice_id).values(stripe_invoice_id=made.id))

        await once(
            self.database,
            StripeStep("create", waiting.facility_id, waiting.invoice_id),
            look=lambda: self.gateway.find_invoice(draft.invoice_id, draft.customer_id),
            do=lambda key: self.gateway.create_invoice(draft, idempotency_key=key),
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
            await stripe_state.record(tx, self.waiting.invoice_id, final)

        await once(
            self.database,
            StripeStep("finalize", self.waiting.facility_id, self.waiting.invoice_id),
            look=look,
            do=do,
            keep=keep,
        )

    async def _customer_id(self) -> str:
        """What the customer's step has kept."""
        async with self.database.transaction(SYSTEM) as tx:
            account = await tx.get_one(BillingAccount, self.waiting.facility_id)
        assert account.stripe_customer_id is not None
        return account.stripe_customer_id

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
            customer_id=account.stripe_customer_id,
            stripe_invoice_id=invoice.stripe_invoice_id,
        )


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
