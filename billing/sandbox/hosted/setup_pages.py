"""The hosted page on which somebody saves a card or a bank account for later."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response

from billing.sandbox import due
from billing.sandbox.calls import checkout
from billing.sandbox.context import Addresses, Context, SandboxClock
from billing.sandbox.hosted.rendering import (
    SUGGESTED_ACCOUNT,
    SUGGESTED_CARD,
    html,
    kept_typed,
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
class SetupPage:
    """What the page shows. `state` is `open`, `complete` or `expired`; `problem` stands beside `problem_at`."""

    state: str
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
    back_url: str


@dataclass(slots=True)
class SetupPages:
    """Shows Checkout sessions in setup mode by the secret in their address, and takes what is to be saved."""

    store: Store
    addresses: Addresses
    clock: SandboxClock
    after_work: Callable[[], None]

    async def show(self, request: Request[Any, Any, Any]) -> Response[str]:
        """The page with its forms, or what came of it."""
        token = str(request.path_params["token"])
        with self.store.transaction() as transaction:
            due.run(transaction, self.addresses, self.clock)
            session = transaction.of_page("checkout.session", token)
            if session is None:
                return nothing_here(self.addresses.prefix)
            page = self._page(transaction, token, session, {})
        return html("setup.html", page=page)

    async def save(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Take the form; the way leads back to where the person came from."""
        token = str(request.path_params["token"])
        form = await typed(request)
        with self.store.transaction() as transaction:
            due.run(transaction, self.addresses, self.clock)
            session = transaction.of_page("checkout.session", token)
            if session is None:
                return nothing_here(self.addresses.prefix)
            problem = self._save(transaction, token, session, form) if session["status"] == "open" else ""
            page = self._page(transaction, token, session, form, problem)
        self.after_work()
        if problem:
            return html("setup.html", 422, page=page)
        return see_other(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))

    def _save(self, transaction: Transaction, token: str, session: Object, form: dict[str, str]) -> str:
        """Save what was typed; what went wrong in a sentence, empty when it is saved."""
        if not same(form.get("form_token", ""), token_for(transaction, token, session["id"], session["status"])):
            return "This page had grown old. Nothing was saved; please press Save again."
        number, problem = number_typed(form)
        if number is None:
            return f"{problem} Nothing was saved."
        try:
            with transaction.undone_by(Problem):
                checkout.complete(Context(transaction, self.addresses, self.clock), session, number)
        except Problem as refused:
            return f"{refused.message} Nothing was saved; try another one."
        return ""

    def _page(self, transaction: Transaction, token: str, session: Object, form: dict[str, str], problem: str = "") -> SetupPage:
        return SetupPage(
            state=session["status"],
            problem=problem,
            problem_at="account_number" if "account_number" in form else "card_number",
            form_token=token_for(transaction, token, session["id"], session["status"]),
            takes_cards="card" in session["payment_method_types"],
            takes_debits="us_bank_account" in session["payment_method_types"],
            card_number=kept_typed(form, "card_number", SUGGESTED_CARD),
            account_number=kept_typed(form, "account_number", SUGGESTED_ACCOUNT),
            routing_number=kept_typed(form, "routing_number", ROUTING_NUMBER),
            own_path=f"{self.addresses.prefix}/c/{token}",
            prefix=self.addresses.prefix,
            back_url=session["cancel_url"] or session["success_url"],
        )
