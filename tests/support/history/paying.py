"""Steps at Stripe: facilities and their banks pay, dispute, take back; somebody of the agency does something there by hand."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from support.history.telling import WHICH, Telling
from support.history.working import PLACES

from staffing.invoicing.models import Collection
from staffing.payments import service as payments
from staffing.payments.customers import customer_of

GOOD = "4242 4242 4242 4242"
CARDS = st.sampled_from(
    [
        GOOD,
        GOOD,
        "4000 0000 0000 0002",  # declined
        "4000 0000 0000 0259",  # paid, then disputed as fraudulent
        "4000 0000 0000 1976",  # paid, then only asked about
        "4000 0000 0000 7726",  # paid; a refund takes five days
        "4000 0000 0000 5126",  # paid; a refund comes back
    ]
)
BANKS = st.sampled_from(
    [
        "000123456789",  # paid after four days
        "000123456789",
        "000222222227",  # no funds
        "000555555559",  # paid, taken back a day later
    ]
)
SAVED = st.sampled_from(
    ["pm_card_visa", "pm_usBankAccount_success", "pm_card_chargeCustomerFail", "pm_usBankAccount_insufficientFunds"]
)


class Paying(Telling):
    """What payers, banks and Stripe's own pages do."""

    @precondition(lambda self: self._payable())
    @rule(which=WHICH, card=CARDS)
    def pay_by_card(self, which: int, card: str) -> None:
        one = self.pick(self._payable(), which)
        status = self.stage.do(self._pay(one.hosted_url, {"card_number": card}))
        self.count("pay by card", {303: "done", 422: "declined"}.get(status, str(status)))

    @precondition(lambda self: self._payable())
    @rule(which=WHICH, account=BANKS)
    def pay_by_debit(self, which: int, account: str) -> None:
        one = self.pick(self._payable(), which)
        status = self.stage.do(self._pay(one.hosted_url, {"account_number": account, "routing_number": "110000000"}))
        self.count("pay by debit", {303: "done", 422: "declined"}.get(status, str(status)))

    @precondition(lambda self: self._payable())
    @rule(which=WHICH)
    def pay_elsewhere(self, which: int) -> None:
        """A cheque came; somebody notes it at Stripe."""
        one = self.pick(self._payable(), which)
        self._at_stripe("pay elsewhere", f"/v1/invoices/{one.stripe_invoice_id}/pay", {"paid_out_of_band": "true"})

    @precondition(lambda self: any(not one.has_method for one in self.seen.accounts))
    @rule(place=PLACES, method=SAVED)
    def save_method(self, place: str, method: str) -> None:
        self.stage.do(self._save(place, method))
        self.count("save method", "done")

    @precondition(lambda self: [one for one in self.seen.accounts if one.has_method])
    @rule(which=WHICH, automatic=st.booleans())
    def choose_collection(self, which: int, automatic: bool) -> None:
        one = self.pick([one for one in self.seen.accounts if one.has_method], which)
        wanted = Collection.CHARGE_AUTOMATICALLY if automatic else Collection.SEND_INVOICE
        self.attempt("choose collection", self._choose(one.facility_id, wanted))

    @precondition(lambda self: self._settled())
    @rule(which=WHICH, reason=st.sampled_from(["fraudulent", "product_not_received"]))
    def bank_disputes(self, which: int, reason: str) -> None:
        one = self.pick(self._settled(), which)
        charge = self.stage.do(self._charge_of(one))
        self._at_stripe("bank disputes", "/_control/disputes", {"charge": charge, "reason": reason}, control=True)

    @precondition(lambda self: self._undecided())
    @rule(which=WHICH, won=st.booleans())
    def bank_decides(self, which: int, won: bool) -> None:
        one = self.pick(self._undecided(), which)
        step = f"bank decides: {'won' if won else 'lost'}"
        self._at_stripe(step, f"/_control/disputes/{one.stripe_dispute_id}", {"won": won}, control=True)

    @precondition(lambda self: self._at_the_bank())
    @rule(which=WHICH)
    def refund_comes_back(self, which: int) -> None:
        one = self.pick(self._at_the_bank(), which)
        self._at_stripe("refund comes back", f"/_control/refunds/{one.stripe_refund_id}/fail", {}, control=True)

    @precondition(lambda self: self._settled())
    @rule(which=WHICH, amount=st.sampled_from([100, 2500]))
    def refund_at_stripe(self, which: int, amount: int) -> None:
        """Somebody of the agency presses Refund on Stripe's own pages, past the desk."""
        one = self.pick(self._settled(), which)
        self._at_stripe("refund at Stripe", "/v1/refunds", {"payment_intent": one.stripe_payment_intent_id, "amount": amount})

    def _payable(self) -> list[Any]:
        """What its facility has a page for, whatever our books say: a page that is open stays so when an invoice is withdrawn."""
        return [one for one in self.seen.invoices if one.hosted_url and one.stripe_status not in ("paid", "void", None)]

    def _settled(self) -> list[Any]:
        return [one for one in self.seen.payments if one.state == "succeeded"]

    def _undecided(self) -> list[Any]:
        return [one for one in self.seen.disputes if one.state in ("needs_response", "under_review", "warning_needs_response")]

    def _at_the_bank(self) -> list[Any]:
        return [one for one in self.seen.refunds if one.stripe_refund_id and one.state in ("pending", "succeeded")]

    def _at_stripe(self, step: str, path: str, said: dict[str, Any], *, control: bool = False) -> None:
        status = self.stage.do(self._say(path, said, control=control))
        self.count(step, "done" if status < 300 else f"refused {status}")

    async def _say(self, path: str, said: dict[str, Any], *, control: bool) -> int:
        async with self.stage.sandbox.client() as http:
            if control:
                return (await http.post(path, json=said)).status_code
            return (await http.post(path, data=said, headers={"authorization": "Bearer sk_test_x"})).status_code

    async def _pay(self, hosted_url: str, typed: dict[str, str]) -> int:
        """The page is opened, filled in and sent; 409 where it offers nothing to pay any more."""
        path = hosted_url.removeprefix(self.stage.sandbox.base)
        async with self.stage.sandbox.client() as http:
            page = (await http.get(path)).text
            if 'name="form_token"' not in page:
                return 409
            token = page.split('name="form_token"')[1].split('value="')[1].split('"')[0]
            return (await http.post(path, data={"form_token": token, **typed})).status_code

    async def _save(self, place: str, method: str) -> None:
        """The facility saves a way to pay on Stripe's page; that it did comes to us as an event."""
        customer = await customer_of(self.stage.database, self.stage.sandbox.gateway, self.place(place))
        await self.stage.till.post(f"/v1/payment_methods/{method}/attach", {"customer": customer})

    async def _choose(self, facility_id: Any, wanted: Collection) -> None:
        async with self.stage.as_("bella") as (tx, caller):
            await payments.choose_collection(tx, caller, facility_id, wanted.value)

    async def _charge_of(self, payment: Any) -> str:
        async with self.stage.sandbox.client() as http:
            answer = await http.get(
                f"/v1/payment_intents/{payment.stripe_payment_intent_id}", headers={"authorization": "Bearer sk_test_x"}
            )
        return str(answer.json()["latest_charge"])
