"""The hosted pages: an invoice with a form to pay it, and its receipt. Plain HTML that works without JavaScript."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.response import Redirect

from billing.sandbox.context import Addresses, Context
from billing.sandbox.payments import CARDS, Declined, charge_card
from billing.sandbox.store import Store, Transaction
from billing.sandbox.wire import Object

FOLDER = Path(__file__).parent / "pages"
_LONGEST_FORM = 4096
_NO_DECIMALS = {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the invoice as the payer reads it."""

    description: str
    amount: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a hosted page shows. `state` is `open`, `paid` or `closed`; `problem` stands beside the card's field."""

    state: str
    number: str
    amount: str
    due_on: str
    paid_on: str
    card: str
    rows: tuple[Row, ...]
    closed_because: str
    problem: str
    form_token: str
    card_number: str
    own_path: str
    prefix: str
    return_url: str | None
    is_receipt: bool


@dataclass(slots=True)
class HostedPages:
    """Shows invoices by the secret in their address, and takes payments."""

    store: Store
    addresses: Addresses
    clock: Callable[[], datetime]
    after_work: Callable[[], None]

    async def show(self, request: Request[Any, Any, Any], *, receipt: bool = False) -> Response[str]:
        """The invoice, or its receipt once it is paid."""
        token = str(request.path_params["token"])
        with self.store.transaction() as transaction:
            invoice = transaction.invoice_of_page(token)
            if invoice is None or (receipt and invoice["status"] != "paid"):
                return self._nothing_here()
            page = self._page(transaction, token, invoice, receipt=receipt)
        return _html("invoice.html", page)

    async def pay(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Take the form; the outcome is shown by a page of its own, so that reloading does not pay again."""
        token = str(request.path_params["token"])
        body = await request.body()
        form = parse_qs(body[:_LONGEST_FORM].decode("utf-8", "replace"), keep_blank_values=True)
        typed = form.get("card_number", [""])[0]
        number = "".join(typed.split()).replace("-", "")
        with self.store.transaction() as transaction:
            invoice = transaction.invoice_of_page(token)
            if invoice is None:
                return self._nothing_here()
            if invoice["status"] == "open":
                given = form.get("form_token", [""])[0]
                problem = self._charge(transaction, token, invoice, number, given)
                if problem:
                    invoice = transaction.invoice_of_page(token) or invoice
                    # What was typed comes back, unless it might be somebody's real card.
                    kept = typed if number in CARDS else ""
                    page = replace(self._page(transaction, token, invoice, problem=problem), card_number=kept)
                    self.after_work()
                    return _html("invoice.html", page, 422)
        self.after_work()
        return Redirect(f"{self.addresses.prefix}/i/{token}", status_code=303, headers=_HEADERS)

    def _charge(self, transaction: Transaction, token: str, invoice: Object, number: str, form_token: str) -> str:
        """Charge the card; what went wrong in a sentence for the payer, empty when it is paid."""
        if not hmac.compare_digest(form_token.encode(), self._form_token(transaction, token, invoice).encode()):
            return "This page had grown old. Nothing was charged; please press Pay again."
        card = CARDS.get(number)
        if card is None:
            return "This sandbox takes test cards only, such as 4242 4242 4242 4242. Nothing was charged."
        try:
            charge_card(Context(transaction, self.addresses, self.clock), invoice, card)
        except Declined as declined:
            return f"{declined.card.message} Nothing was charged; try another card."
        return ""

    def _form_token(self, transaction: Transaction, token: str, invoice: Object) -> str:
        """Good for this page until the next attempt to pay."""
        content = f"{token}:{invoice['id']}:{invoice['amount_due']}:{invoice['attempt_count']}"
        return hmac.new(transaction.setting("form_secret").encode(), content.encode(), hashlib.sha256).hexdigest()

    def _page(self, transaction: Transaction, token: str, invoice: Object, *, receipt: bool = False, problem: str = "") -> Page:
        state = invoice["status"] if invoice["status"] in ("open", "paid") else "closed"
        lines = transaction.children("line_item", invoice["id"])
        currency = invoice["currency"]
        return Page(
            state=state,
            number=invoice["number"] or "",
            amount=money(invoice["amount_due"], currency),
            due_on=day(invoice["due_date"]),
            paid_on=day(invoice["status_transitions"]["paid_at"]),
            card=_card_used(transaction, invoice),
            rows=tuple(Row(line["description"] or "", money(line["amount"], currency)) for line in lines),
            closed_because={"void": "withdrawn", "uncollectible": "written off"}.get(invoice["status"], ""),
            problem=problem,
            form_token=self._form_token(transaction, token, invoice),
            card_number="4242 4242 4242 4242",
            own_path=f"{self.addresses.prefix}/i/{token}",
            prefix=self.addresses.prefix,
            return_url=self.addresses.return_url,
            is_receipt=receipt,
        )

    def _nothing_here(self) -> Response[str]:
        text = _TEMPLATES.get_template("nothing.html").render(prefix=self.addresses.prefix)
        return Response(text, status_code=404, media_type="text/html", headers=_HEADERS)


def stylesheet() -> Response[str]:
    """The pages' one style sheet."""
    headers = {"cache-control": "public, max-age=300", "x-content-type-options": "nosniff"}
    return Response((FOLDER / "sandbox.css").read_text(encoding="utf-8"), media_type="text/css", headers=headers)


def money(minor: int, currency: str) -> str:
    """`$1,234.50`, or `1,234.50 EUR`."""
    major = Decimal(minor) if currency in _NO_DECIMALS else Decimal(minor).scaleb(-2)
    sign = "-" if major < 0 else ""
    return f"{sign}${abs(major):,}" if currency == "usd" else f"{major:,} {currency.upper()}"


def day(seconds: int | None) -> str:
    """`November 6, 2026`, in UTC; empty for none."""
    if seconds is None:
        return ""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%B} {moment.day}, {moment.year}"


def _card_used(transaction: Transaction, invoice: Object) -> str:
    """`Visa ending 4242` for an invoice paid by card."""
    for intent in transaction.children("payment_intent", invoice["id"]):
        for charge in transaction.children("charge", intent["id"]):
            if charge["paid"]:
                card = charge["payment_method_details"]["card"]
                return f"{str(card['brand']).capitalize()} ending {card['last4']}"
    return ""


def _html(template: str, page: Page, status: int = 200) -> Response[str]:
    text = _TEMPLATES.get_template(template).render(page=page)
    return Response(text, status_code=status, media_type="text/html", headers=_HEADERS)
