"""Steps of invoices: drafting, a month's run, reviewing, finalising, correcting, giving up."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select
from support.history.telling import WHICH, Telling
from support.history.working import PLACES

from staffing.billing_runs import periods
from staffing.billing_runs import service as runs
from staffing.crediting.models import CreditReason
from staffing.crediting.rules import Asked
from staffing.crediting.service import To
from staffing.invoicing import service as invoicing
from staffing.invoicing.models import InvoiceLine, InvoiceLineEntry
from staffing.payments import corrections
from staffing.payments import service as payments
from staffing.persistence.base import new_id

CORRECTABLE = ("sent", "paid", "finalized", "uncollectible")


class Billing(Telling):
    """What billing does."""

    @rule(place=PLACES, days=st.sampled_from([0, 1, 3, 7, 14, 30]), ago=st.sampled_from([0, 0, 1]))
    def draft(self, place: str, days: int, ago: int) -> None:
        self.attempt("draft", self._draft(place, days, ago))

    @precondition(lambda self: self.seen.entries_in("approved"))
    @rule(place=PLACES, days=st.sampled_from([3, 14, 30]))
    def bill(self, place: str, days: int) -> None:
        """Drafted, looked through, finalised and sent, as on a day on which nobody interferes."""
        drafted = self.attempt("bill: draft", self._draft(place, days, 0))
        if drafted is None:
            return
        self.attempt("bill: review", self._review(drafted.id))
        if self.attempt("bill: finalise", self._finalise(drafted.id)):
            self.stage.do(self.stage.work_off())

    @precondition(lambda self: self.seen.invoices_in("draft"))
    @rule(which=WHICH)
    def review(self, which: int) -> None:
        self.attempt("review", self._review(self.pick(self.seen.invoices_in("draft"), which).id))

    @precondition(lambda self: self.seen.invoices_in("reviewed"))
    @rule(which=WHICH)
    def finalise(self, which: int) -> None:
        self.attempt("finalise", self._finalise(self.pick(self.seen.invoices_in("reviewed"), which).id))

    @precondition(lambda self: self.seen.invoices_in("draft", "reviewed"))
    @rule(which=WHICH)
    def discard_draft(self, which: int) -> None:
        self.attempt("discard draft", self._discard(self.pick(self.seen.invoices_in("draft", "reviewed"), which).id))

    @precondition(lambda self: self._others_month_is_over())
    @rule()
    def start_run(self) -> None:
        self.attempt("start run", self._start_run())

    @precondition(lambda self: [one for one in self.seen.runs if one.state == "proposed"])
    @rule(accept=st.booleans())
    def issue_run(self, accept: bool) -> None:
        run = next(one for one in self.seen.runs if one.state == "proposed")
        self.attempt("issue run", self._issue_run(run.id, accept=accept))

    @precondition(lambda self: self.seen.invoices_in(*CORRECTABLE))
    @rule(which=WHICH)
    def withdraw_invoice(self, which: int) -> None:
        one = self.pick(self.seen.invoices_in(*CORRECTABLE), which)
        self.attempt("withdraw invoice", self._void(one.id))

    @precondition(lambda self: self.seen.invoices_in("sent", "finalized"))
    @rule(which=WHICH)
    def write_off(self, which: int) -> None:
        one = self.pick(self.seen.invoices_in("sent", "finalized"), which)
        self.attempt("write off", self._write_off(one.id))

    @precondition(lambda self: self.seen.invoices_in(*CORRECTABLE))
    @rule(which=WHICH, line=WHICH, quarters=st.integers(1, 4), to=st.sampled_from([To.REFUND, To.REFUND, To.BALANCE]))
    def credit(self, which: int, line: int, quarters: int, to: To) -> None:
        one = self.pick(self.seen.invoices_in(*CORRECTABLE), which)
        self.attempt(f"credit {one.state} to {to.value}", self._credit(one, line, quarters, to))

    @precondition(lambda self: self._disputed_on_invoice())
    @rule(which=WHICH, to=st.sampled_from(list(To)))
    def settle_by_credit(self, which: int, to: To) -> None:
        one = self.pick(self._disputed_on_invoice(), which)
        self.attempt("settle by credit", self._credit_entry(one, to))

    @precondition(lambda self: self.seen.payments)
    @rule(which=WHICH, part=st.sampled_from([100, 1000, 4200]))
    def refund_without_note(self, which: int, part: int) -> None:
        self.attempt("refund without note", self._refund(self.pick(self.seen.payments, which), part))

    @precondition(lambda self: [one for one in self.seen.accounts if one.parked_because])
    @rule()
    def release_account(self) -> None:
        one = next(one for one in self.seen.accounts if one.parked_because)
        self.attempt("release account", self._release(one.facility_id))

    def _others_month_is_over(self) -> bool:
        """A run takes the last month, so there has to be work of it."""
        first = self.now.date().replace(day=1)
        return any(one.start.date() < first for one in self.seen.entries_in("approved"))

    def _disputed_on_invoice(self) -> list[Any]:
        return [one for one in self.seen.entries if one.state == "invoiced" and one.disputed_at]

    async def _draft(self, place: str, days: int, ago: int) -> Any:
        facility_id = self.place(place)
        today = self.now.astimezone(self.zone_of(facility_id)).date() - timedelta(days=ago)
        async with self.stage.as_("bella") as (tx, caller):
            return await invoicing.draft_invoice(tx, caller, facility_id, today - timedelta(days=days), today)

    async def _review(self, invoice_id: Any) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            await invoicing.review(tx, caller, invoice_id)

    async def _finalise(self, invoice_id: Any) -> Any:
        async with self.stage.as_("bella") as (tx, caller):
            return await invoicing.finalize(tx, caller, invoice_id)

    async def _discard(self, invoice_id: Any) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            await invoicing.void(tx, caller, invoice_id)

    async def _start_run(self) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            await runs.start(tx, caller, periods.last_month(self.now.date()))

    async def _issue_run(self, run_id: Any, *, accept: bool) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            if accept:
                await runs.accept_all(tx, caller, run_id)
            await runs.issue(tx, caller, run_id)

    async def _void(self, invoice_id: Any) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            await corrections.void_invoice(tx, caller, invoice_id, "It went to the wrong address.")

    async def _write_off(self, invoice_id: Any) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            await corrections.write_off(tx, caller, invoice_id, "They have closed for good.")

    async def _credit(self, invoice: Any, line: int, quarters: int, to: To) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            rows = (
                await tx.execute(
                    select(InvoiceLine.id, InvoiceLine.amount_minor)
                    .where(InvoiceLine.invoice_id == invoice.id)
                    .order_by(InvoiceLine.position)
                )
            ).all()
            chosen = self.pick(rows, line)
            amount = chosen.amount_minor * quarters // 4 if quarters < 4 else None
            asked = [Asked(line_id=chosen.id, amount_minor=amount)]
            await corrections.issue_credit_note(tx, caller, invoice.id, asked, CreditReason.GOODWILL, new_id(), to)

    async def _credit_entry(self, entry: Any, to: To) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            rows = (
                await tx.execute(
                    select(InvoiceLine.id, InvoiceLine.invoice_id, InvoiceLine.position)
                    .join(InvoiceLineEntry, InvoiceLineEntry.line_id == InvoiceLine.id)
                    .where(InvoiceLineEntry.entry_id == entry.id)
                    .order_by(InvoiceLine.position)
                    .distinct()
                )
            ).all()
            asked = [Asked(line_id=one.id, entry_id=entry.id) for one in rows]
            await corrections.issue_credit_note(
                tx, caller, rows[0].invoice_id, asked, CreditReason.DISPUTED_WORK, new_id(), to, settled="You are right."
            )

    async def _refund(self, payment: Any, part: int) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            await corrections.request_refund(tx, caller, payment.invoice_id, payment.id, part, "duplicate", new_id())

    async def _release(self, facility_id: Any) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            await payments.unpark(tx, caller, facility_id)
