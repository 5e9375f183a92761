"""Saving, choosing and removing a way to pay, through the portal's door; automatic collection at the desk."""

from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update
from support.paying import Till
from support.visitors import Visitor

from staffing.invoicing.models import BillingAccount
from staffing.payments.models import PaymentSetup, SavedMethod
from staffing.persistence.tenancy import SYSTEM

PAGE = "/portal/payment-methods"


async def save(visitor: Visitor, till: Till, number: dict[str, str]) -> httpx.Response:
    """As a person does: ask, wait, go to Stripe's page, save there. Stripe's answer leads back."""
    form_id = uuid4()
    answer = await visitor.post(PAGE, {"facility_id": str(till.world.north), "form_id": str(form_id)}, follow=False)
    assert answer.headers["location"] == f"{PAGE}/new/{form_id}"
    assert "is being opened" in (await visitor.get(f"{PAGE}/new/{form_id}")).text
    await till.work_off()
    waiting = await visitor.get(f"{PAGE}/new/{form_id}")
    (setup,) = [one for one in await till.rows(PaymentSetup) if one.id == form_id]
    assert setup.url in waiting.text
    async with till.sandbox.client() as http:
        path = setup.url.removeprefix(till.sandbox.base)
        page = await http.get(path)
        token = page.text.split('name="form_token"')[1].split('value="')[1].split('"')[0]
        return await http.post(path, data={"form_token": token, **number})


async def test_a_card_is_saved_on_stripes_page_and_shows_here(till: Till, sign_in: object) -> None:
    alice: Visitor = await sign_in("alice")  # type: ignore[operator]
    answer = await save(alice, till, {"card_number": "4242 4242 4242 4242"})
    assert (answer.status_code, answer.headers["location"]) == (303, till.settings.public_url + PAGE)
    assert "Did you save something" in (await alice.get(PAGE)).text
    await till.hear()
    text = (await alice.get(PAGE)).text
    assert "Visa ending in 4242" in text
    assert "Did you save something" not in text
    (method,) = await till.rows(SavedMethod)
    assert method.expires_on is not None
    account = await till.account()
    assert account.payment_method == {"id": method.id, "kind": "card", "label": "Visa ending in 4242"}
    assert account.collection == "send_invoice"
    sent = "\n".join(till.sandbox.sent).lower()
    assert not any(word in sent for word in ("northside", "alice", "newton", "columbus"))


async def test_the_same_form_twice_opens_one_page(till: Till, sign_in: object) -> None:
    alice: Visitor = await sign_in("alice")  # type: ignore[operator]
    form = {"facility_id": str(till.world.north), "form_id": str(uuid4())}
    for _ in range(2):
        await alice.post(PAGE, form)
    await till.work_off()
    assert len(await till.rows(PaymentSetup)) == 1
    assert len(await till.sandbox.objects("checkout/sessions")) == 1


@pytest.mark.parametrize("kind", ["timeout_after", "error_after", "error_before", "rate_limit"])
async def test_trouble_while_the_page_is_made_passes(till: Till, sign_in: object, kind: str) -> None:
    alice: Visitor = await sign_in("alice")  # type: ignore[operator]
    await till.sandbox.fault(kind, "/v1/checkout", uses=1)
    await save(alice, till, {"card_number": "4242 4242 4242 4242"})
    assert len(await till.sandbox.objects("checkout/sessions")) == 1


async def test_another_one_is_chosen_and_the_old_one_removed(till: Till, sign_in: object) -> None:
    alice: Visitor = await sign_in("alice")  # type: ignore[operator]
    first = await till.save_method()
    second = await till.save_method("pm_usBankAccount_success")
    assert ((await till.account()).payment_method or {})["id"] == first
    await alice.post(f"{PAGE}/{second}/default")
    assert ((await till.account()).payment_method or {})["id"] == second
    answer = await alice.post(f"{PAGE}/{first}/remove")
    assert "Visa ending in 4242 was removed." in answer.text
    await till.work_off()
    customer = (await till.account()).stripe_customer_id
    assert customer is not None
    assert [one.id for one in await till.sandbox.gateway.list_payment_methods(customer)] == [second]
    await till.hear()
    assert {one.id: one.removed_at is not None for one in await till.rows(SavedMethod)} == {first: True, second: False}
    assert (await alice.post(f"{PAGE}/{first}/default")).status_code == 404


async def test_what_is_charged_automatically_cannot_be_removed(till: Till, sign_in: object) -> None:
    alice: Visitor = await sign_in("alice")  # type: ignore[operator]
    method = await till.automatic()
    answer = await alice.post(f"{PAGE}/{method}/remove")
    assert answer.status_code == 409
    assert "Choose another one" in answer.text
    assert (await till.account()).payment_method is not None


async def test_what_was_removed_at_stripe_ends_automatic_collection(till: Till) -> None:
    method = await till.automatic()
    await till.post(f"/v1/payment_methods/{method}/detach", {})
    await till.hear()
    account = await till.account()
    assert (account.payment_method, account.collection) == (None, "send_invoice")


async def test_bob_may_and_charlie_sees_nothing_of_it(till: Till, sign_in: object) -> None:
    bob: Visitor = await sign_in("bob")  # type: ignore[operator]
    charlie: Visitor = await sign_in("charlie")  # type: ignore[operator]
    method = await till.save_method("pm_card_mastercard")
    assert "Mastercard ending in 4444" in (await bob.get(PAGE)).text
    assert "Mastercard" not in (await charlie.get(PAGE)).text
    assert (await charlie.post(f"{PAGE}/{method}/default")).status_code == 404
    assert (await charlie.post(f"{PAGE}/{method}/remove")).status_code == 404
    theirs = {"facility_id": str(till.world.north), "form_id": str(uuid4())}
    assert (await charlie.post(PAGE, theirs)).status_code == 404
    assert await till.rows(PaymentSetup) == []
    assert (await bob.post(f"{PAGE}/{method}/remove")).status_code == 200


async def test_the_desk_charges_automatically_only_from_a_saved_method(till: Till, sign_in: object) -> None:
    bella: Visitor = await sign_in("bella")  # type: ignore[operator]
    address = f"/desk/payments/{till.world.north}/collection"
    refused = await bella.post(address, {"collection": "charge_automatically"})
    assert refused.status_code == 409
    assert "no saved way to pay" in refused.text
    await till.save_method()
    await bella.post(address, {"collection": "charge_automatically"})
    assert (await till.account()).collection == "charge_automatically"
    assert "Charged automatically" in (await bella.get("/desk/payments")).text
    assert (await bella.post(address, {"collection": "whenever"})).status_code == 422
    await bella.post(address, {"collection": "send_invoice"})
    assert (await till.account()).collection == "send_invoice"


async def test_the_desk_sees_what_is_held_back_and_releases_it(till: Till, sign_in: object) -> None:
    bella: Visitor = await sign_in("bella")  # type: ignore[operator]
    invoice_id = await till.paid("4000 0000 0000 0259")
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(update(BillingAccount).values(parked_because="RD-2026-0001: it differs."))
    page = await bella.get("/desk/reconciliation")
    assert "RD-2026-0001: it differs." in page.text
    assert "Needs an answer" in page.text
    await bella.post(f"/desk/reconciliation/{till.world.north}/release")
    await bella.post(f"/desk/reconciliation/{till.world.south}/release")
    again = await bella.post(f"/desk/reconciliation/{till.world.north}/release")
    assert again.status_code == 409
    await bella.post("/desk/reconciliation")
    assert "payments.reconcile" in await till.work_off()
    assert "No difference among" in (await bella.get("/desk/reconciliation")).text
    shown = await bella.get(f"/desk/invoices/{invoice_id}")
    assert "Disputed at the bank: fraudulent" in shown.text
    assert "Evidence at Stripe by" in shown.text


async def test_a_debit_under_way_is_not_paid_twice_by_its_facility(till: Till, sign_in: object) -> None:
    alice: Visitor = await sign_in("alice")  # type: ignore[operator]
    await till.automatic("pm_usBankAccount_success")
    invoice_id = await till.invoice()
    await till.work_off()
    page = await alice.get(f"/portal/invoices/{invoice_id}")
    assert "is under way" in page.text
    assert f'href="/portal/invoices/{invoice_id}/pay"' not in page.text
    answer = await alice.get(f"/portal/invoices/{invoice_id}/pay")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/portal/invoices/{invoice_id}")
    assert "under way already" in (await alice.get(f"/portal/invoices/{invoice_id}")).text
