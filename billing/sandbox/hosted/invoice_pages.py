"""The hosted invoice: what it is for, forms to pay it by card or by bank debit, and its receipt."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response

from billing.sandbox import due
from billing.sandbox.calls import payment_methods, payments, settling
from billing.sandbox.context import Addresses, Context, SandboxClock
from billing.sandbox.hosted.rendering import (
    SUGGESTED_ACCOUNT,
    SUGGESTED_CARD,
    day,
    html,
    kept_typed,
    money,
    nothing_here,
    number_typed,
    same,
    see_other,
    token_for,
    typed,
)
from billing.sandbox.store import Store, Transaction
from billing.sandbox.test_numbers import ROUTING_NUMBER
from billing.sandbox.wire import Object, Problem


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the invoice as the payer reads it."""

    description: str
    amount: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a hosted page shows. `state` is `open`, `processing`, `paid` or `closed`; `problem` stands beside `problem_at`."""

    state: str
    number: str
    amount: str
    total: str
    credited: str
    due_on: str
    paid_on: str
    paid_with: str
    rows: tuple[Row, ...]
    closed_because: str
    last_failure: str
    problem: str
    problem_at: str
    form_token: str
    takes_cards: bool
    takes_debits: bool
    card_number: str
    account_number: str
    routing_number: str
    own_path: str
    prefix: str
    return_url: str | None
    is_receipt: bool


@dataclass(slots=True)
class InvoicePages:
    """Shows invoices by the secret in their address, and takes payments."""

    store: Store
    addresses: Addresses
    clock: SandboxClock
    after_work: Callable[[], None]

    async def show(self, request: Request[Any, Any, Any], *, receipt: bool = False) -> Response[str]:
        """The invoice, or its receipt once it is paid."""
        token = str(request.path_params["token"])
        with self.store.transaction() as transaction:
            due.run(transaction, self.addresses, self.clock)
            invoice = transaction.of_page("invoice", token)
            if invoice is None or (receipt and invoice["status"] != "paid"):
                return nothing_here(self.addresses.prefix)
            page = self._page(transaction, token, invoice, {}, receipt=receipt)
        return html("invoice.html", page=page)

    async def pay(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Take the form for a card or for a bank debit."""
        token = str(request.path_params["token"])
        form = await typed(request)
        with self.store.transaction() as transaction:
            due.run(transaction, self.addresses, self.clock)
            invoice = transaction.of_page("invoice", token)
            if invoice is None:
                return nothing_here(self.addresses.prefix)
            problem = ""
            if self._state(transaction, invoice) == "open":
                problem = self._charge(transaction, token, invoice, form)
            if problem:
                invoice = transaction.of_page("invoice", token) or invoice
                page = self._page(transaction, token, invoice, form, problem=problem)
        self.after_work()
        if problem:
            return html("invoice.html", 422, page=page)
        return see_other(f"{self.addresses.prefix}/i/{token}")

    async def settle(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """The sandbox's own shortcut: the bank answers about a debit now, not in four business days."""
        token = str(request.path_params["token"])
        form = await typed(request)
        with self.store.transaction() as transaction:
            due.run(transaction, self.addresses, self.clock)
            invoice = transaction.of_page("invoice", token)
            if invoice is None:
                return nothing_here(self.addresses.prefix)
            intent = settling.open_intent(Context(transaction, self.addresses, self.clock), invoice["id"])
            if intent is not None and same(form.get("form_token", ""), self._form_token(transaction, token, invoice)):
                due.at_once(transaction, self.addresses, self.clock, "debit", intent["id"])
        self.after_work()
        return see_other(f"{self.addresses.prefix}/i/{token}")

    def _charge(self, transaction: Transaction, token: str, invoice: Object, form: dict[str, str]) -> str:
        """Charge what was typed; what went wrong in a sentence for the payer, empty when it is paid or under way."""
        if not same(form.get("form_token", ""), self._form_token(transaction, token, invoice)):
            return "This page had grown old. Nothing was charged; please press Pay again."
        number, problem = number_typed(form)
        if number is None:
            return f"{problem} Nothing was charged."
        context = Context(transaction, self.addresses, self.clock)
        try:
            payments.charge(context, invoice, payment_methods.from_test_number(context, number), alone=False)
        except payments.Declined as declined:
            return f"{declined.number.message} Nothing was charged; try another card."
        except Problem as problem_found:
            return f"{problem_found.message} Nothing was charged."
        return ""

    def _state(self, transaction: Transaction, invoice: Object) -> str:
        if invoice["status"] not in ("open", "paid"):
            return "closed"
        intent = settling.open_intent(Context(transaction, self.addresses, self.clock), invoice["id"])
        under_way = intent is not None and intent["status"] == "processing"
        return "processing" if under_way else str(invoice["status"])

    def _form_token(self, transaction: Transaction, token: str, invoice: Object) -> str:
        """Good for this page until the next attempt to pay."""
        return token_for(transaction, token, invoice["id"], invoice["amount_due"], invoice["attempt_count"])

    def _page(
        self,
        transaction: Transaction,
        token: str,
        invoice: Object,
        form: dict[str, str],
        *,
        receipt: bool = False,
        problem: str = "",
    ) -> Page:
        lines = transaction.children("line_item", invoice["id"])
        currency = invoice["currency"]
        intent = settling.open_intent(Context(transaction, self.addresses, self.clock), invoice["id"])
        kinds = intent["payment_method_types"] if intent else []
        credited = invoice["pre_payment_credit_notes_amount"] - invoice["starting_balance"]
        return Page(
            state=self._state(transaction, invoice),
            number=invoice["number"] or "",
            amount=money(invoice["amount_due"], currency),
            total=money(invoice["total"], currency),
            credited=money(-credited, currency) if credited else "",
            due_on=day(invoice["due_date"]),
            paid_on=day(invoice["status_transitions"]["paid_at"]),
            paid_with=_paid_with(transaction, invoice),
            rows=(*(Row(line["description"] or "", money(line["amount"], currency)) for line in lines), *_taxes(invoice)),
            closed_because={"void": "withdrawn", "uncollectible": "written off"}.get(invoice["status"], ""),
            last_failure="" if problem or not intent else (intent["last_payment_error"] or {}).get("message", ""),
            problem=problem,
            problem_at="account_number" if "account_number" in form else "card_number",
            form_token=self._form_token(transaction, token, invoice),
            takes_cards="card" in kinds,
            takes_debits="us_bank_account" in kinds,
            card_number=kept_typed(form, "card_number", SUGGESTED_CARD),
            account_number=kept_typed(form, "account_number", SUGGESTED_ACCOUNT),
            routing_number=kept_typed(form, "routing_number", ROUTING_NUMBER),
            own_path=f"{self.addresses.prefix}/i/{token}",
            prefix=self.addresses.prefix,
            return_url=self.addresses.return_url,
            is_receipt=receipt,
        )


def _taxes(invoice: Object) -> tuple[Row, ...]:
    on_top = sum(tax["amount"] for tax in invoice["total_taxes"] or [] if tax["tax_behavior"] == "exclusive")
    return (Row("Tax", money(on_top, invoice["currency"])),) if on_top else ()


def _paid_with(transaction: Transaction, invoice: Object) -> str:
    """`Visa ending 4242`, or `a bank account ending 6789`, for an invoice that was paid through the sandbox."""
    for intent in transaction.children("payment_intent", invoice["id"]):
        for charge in transaction.children("charge", intent["id"]):
            details = charge["payment_method_details"]
            if charge["paid"] and details["type"] == "card":
                return f"{str(details['card']['brand']).capitalize()} ending {details['card']['last4']}"
            if charge["paid"]:
                return f"a bank account ending {details['us_bank_account']['last4']}"
    return ""
