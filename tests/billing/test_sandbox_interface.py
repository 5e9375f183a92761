"""The sandbox answers as Stripe does: keys, versions, parameters, errors, lists, and objects of the library's own shapes."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from billing.sandbox.interface.idempotency import scoped
from billing.stripe.connection import SANDBOX_KEY

Conform = Callable[[Any, type], list[str]]


async def error_of(sandbox: Any, *call: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = await sandbox.call(*call, **headers)
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        ("", "did not provide"),
        ("Bearer ", "did not provide"),
        ("Bearer sk_live_abc", "live API key"),
        ("Bearer hello", "Invalid API Key"),
        ("Basic !!!", "did not provide"),
    ],
)
async def test_only_test_keys_open_it(sandbox: Any, authorization: str, said: str) -> None:
    status, error = await error_of(sandbox, "GET", "/v1/customers", authorization=authorization)
    assert status == 401
    assert said in error["message"]
    assert "sk_live_abc" not in error["message"]


async def test_a_key_may_also_come_as_a_user_name(sandbox: Any) -> None:
    basic = base64.b64encode(b"sk_test_abc:").decode()
    assert (await sandbox.call("GET", "/v1/customers", authorization=f"Basic {basic}")).status_code == 200


async def test_it_speaks_one_version(sandbox: Any) -> None:
    assert (await sandbox.call("GET", "/v1/customers")).headers["stripe-version"] == stripe.api_version
    status, error = await error_of(sandbox, "GET", "/v1/customers", stripe_version="2017-08-15")
    assert status == 400
    assert stripe.api_version in error["message"]


async def test_every_answer_has_a_request_id(sandbox: Any) -> None:
    answers = [await sandbox.call("GET", path) for path in ("/v1/customers", "/v1/nothing", "/v1/invoices/in_1")]
    assert [answer.status_code for answer in answers] == [200, 404, 404]
    assert len({answer.headers["request-id"] for answer in answers}) == 3


REFUSED_PARAMETERS = [
    ("/v1/customers", {"nmae": "x"}, "parameter_unknown", "nmae"),
    ("/v1/customers", {"email": "nobody"}, "email_invalid", "email"),
    ("/v1/invoices", {"customer": "CUS", "automatic_taxx[enabled]": "true"}, "parameter_unknown", "automatic_taxx"),
    ("/v1/invoices", {"customer": "CUS", "collection_method": "snail"}, None, "collection_method"),
    ("/v1/invoices", {"customer": "CUS", "days_until_due": "soon"}, "parameter_invalid_integer", "days_until_due"),
    ("/v1/invoices", {"customer": "CUS", "auto_advance": "maybe"}, None, "auto_advance"),
    ("/v1/invoices", {"customer": "CUS", "idempotency_key": "x"}, "parameter_unknown", "idempotency_key"),
    ("/v1/invoices", {"customer": "CUS", "discounts[0][coupon]": "x"}, None, "discounts[0][coupon]"),
    ("/v1/invoices", {}, "parameter_missing", "customer"),
    ("/v1/invoices", {"customer": "cus_nobody"}, "resource_missing", "customer"),
    ("/v1/invoices", {"customer": "CUS", "days_until_due": "30"}, None, None),
    ("/v1/invoices", {"customer": "CUS", "collection_method": "send_invoice"}, None, None),
    ("/v1/invoices", {"customer": "CUS", "metadata[a]": "x" * 501}, None, "metadata[a]"),
    ("/v1/invoices/INV/add_lines", {}, "parameter_missing", "lines"),
    ("/v1/invoices/INV/add_lines", {"lines[0][amount]": "1.5"}, "parameter_invalid_integer", "lines[0][amount]"),
    ("/v1/invoices/INV/add_lines", {"lines[0][amt]": "1"}, "parameter_unknown", "lines[0][amt]"),
    ("/v1/invoices/INV/add_lines", {"lines[0][description]": "x"}, "parameter_missing", "lines[0][amount]"),
    (
        "/v1/invoices/INV/add_lines",
        {"lines[0][amount]": "1", "lines[0][tax_rates][0]": "t"},
        "resource_missing",
        "lines[0][tax_rates]",
    ),
    ("/v1/invoiceitems", {"customer": "CUS", "price": "price_1"}, "parameter_unknown", "price"),
]


@pytest.mark.parametrize(("path", "parameters", "code", "param"), REFUSED_PARAMETERS)
async def test_parameters_are_checked_as_the_library_types_them(
    sandbox: Any, path: str, parameters: dict[str, str], code: str | None, param: str | None
) -> None:
    draft = await sandbox.invoice(final=False)
    filled = {name: draft.customer_id if value == "CUS" else value for name, value in parameters.items()}
    before = (await sandbox.call("GET", f"/v1/invoices/{draft.id}")).json()
    status, error = await error_of(sandbox, "POST", path.replace("INV", draft.id), filled)
    assert status == 400
    assert error["type"] == "invalid_request_error"
    assert (error.get("code"), error.get("param")) == (code, param)
    assert (await sandbox.call("GET", f"/v1/invoices/{draft.id}")).json() == before


async def test_an_invoice_with_a_term_needs_a_customer_with_an_address(sandbox: Any) -> None:
    customer = (await sandbox.call("POST", "/v1/customers", {"name": "x"})).json()
    term = {"customer": customer["id"], "collection_method": "send_invoice", "days_until_due": "30"}
    status, error = await error_of(sandbox, "POST", "/v1/invoices", term)
    assert status == 400
    assert error["message"].startswith("Missing email")


async def test_a_key_replays_the_first_answer_and_says_so(sandbox: Any) -> None:
    first = await sandbox.call("POST", "/v1/customers", {"name": "x"}, idempotency_key="k1")
    again = await sandbox.call("POST", "/v1/customers", {"name": "x"}, idempotency_key="k1")
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await sandbox.call("GET", "/v1/customers")).json()["data"]) == 1


async def test_a_key_with_other_content_is_an_idempotency_error(sandbox: Any) -> None:
    await sandbox.call("POST", "/v1/customers", {"name": "x"}, idempotency_key="k1")
    for path, name in (("/v1/customers", "y"), ("/v1/invoices", "x")):
        status, error = await error_of(sandbox, "POST", path, {"name": name}, idempotency_key="k1")
        assert (status, error["type"]) == (400, "idempotency_error")


async def test_a_key_is_nothing_to_another_api_key_and_is_forgotten_after_a_day(sandbox: Any) -> None:
    async def create(api_key: str) -> str:
        headers = {"authorization": f"Bearer {api_key}", "idempotency_key": "k1"}
        return str((await sandbox.call("POST", "/v1/customers", {"name": "x"}, **headers)).json()["id"])

    first, other = await create("sk_test_one"), await create("sk_test_other")
    assert first != other
    assert await create("sk_test_one") == first
    await sandbox.control("clock", advance_seconds=24 * 3600 + 1)
    assert await create("sk_test_one") not in (first, other)


async def test_a_refusal_before_work_began_frees_the_key(sandbox: Any) -> None:
    status, _ = await error_of(sandbox, "POST", "/v1/customers", {"nmae": "x"}, idempotency_key="k1")
    assert status == 400
    assert (await sandbox.call("POST", "/v1/customers", {"name": "x"}, idempotency_key="k1")).status_code == 200


async def test_an_error_after_work_began_is_kept(sandbox: Any) -> None:
    draft = await sandbox.invoice(final=False)
    path = f"/v1/invoices/{draft.id}/pay"
    status, error = await error_of(sandbox, "POST", path, {"payment_method": "pm_card_visa"}, idempotency_key="k1")
    assert (status, error["code"]) == (400, "invoice_not_payable")
    await sandbox.call("POST", f"/v1/invoices/{draft.id}/finalize")
    again = await sandbox.call("POST", path, {"payment_method": "pm_card_visa"}, idempotency_key="k1")
    assert again.status_code == 400
    assert again.headers["idempotent-replayed"] == "true"
    assert (await sandbox.call("POST", path, {"payment_method": "pm_card_visa"}, idempotency_key="k2")).json()["status"] == "paid"


async def test_a_key_whose_work_goes_on_is_a_conflict(sandbox: Any) -> None:
    store = sandbox.store()
    with store.transaction() as transaction:
        transaction.execute(
            "insert into keys values (?, ?, strftime('%s', 'now') + 0.0, null, null)",
            (
                scoped("k1", SANDBOX_KEY),
                json.dumps(["POST", "/v1/customers", {"name": "x"}]),
            ),
        )
    status, error = await error_of(sandbox, "POST", "/v1/customers", {"name": "x"}, idempotency_key="k1")
    assert (status, error["code"]) == (409, "idempotency_key_in_use")
    with store.transaction() as transaction:
        transaction.execute("update keys set taken_at = taken_at - 61")
    assert (await sandbox.call("POST", "/v1/customers", {"name": "x"}, idempotency_key="k1")).status_code == 200
    store.close()


async def test_lists_page_in_both_directions(sandbox: Any) -> None:
    made = [(await sandbox.call("POST", "/v1/customers", {"name": str(n)})).json()["id"] for n in range(5)]
    newest_first = made[::-1]

    async def page(query: str) -> tuple[list[str], bool]:
        content = (await sandbox.call("GET", f"/v1/customers?{query}")).json()
        return [item["id"] for item in content["data"]], content["has_more"]

    assert await page("limit=2") == (newest_first[:2], True)
    assert await page(f"limit=2&starting_after={newest_first[1]}") == (newest_first[2:4], True)
    assert await page(f"limit=2&starting_after={newest_first[3]}") == (newest_first[4:], False)
    assert await page(f"limit=2&ending_before={newest_first[4]}") == (newest_first[2:4], True)
    assert await page(f"limit=9&ending_before={newest_first[1]}") == (newest_first[:1], False)
    for odd in ("limit=0", "limit=101", "starting_after=cus_nobody", f"starting_after={made[0]}&ending_before={made[1]}"):
        assert (await sandbox.call("GET", f"/v1/customers?{odd}")).status_code == 400


async def test_invoices_are_found_by_customer_status_and_time(sandbox: Any) -> None:
    open_one, draft = await sandbox.invoice(), await sandbox.invoice(final=False)

    async def found(query: str) -> list[str]:
        return [item["id"] for item in (await sandbox.call("GET", f"/v1/invoices?{query}")).json()["data"]]

    assert await found(f"customer={draft.customer_id}") == [draft.id]
    assert await found("status=open") == [open_one.id]
    created = int(draft.created_at.timestamp())
    assert await found(f"created[gte]={created + 3600}") == []
    assert draft.id in await found(f"created[gte]={created}&created[lt]={created + 1}")


async def test_a_long_invoice_shows_ten_lines_and_pages_the_rest(sandbox: Any) -> None:
    long = await sandbox.invoice(tuple(range(100, 125)))
    assert long.line_count == 25
    assert long.total_minor == sum(range(100, 125))
    shown = (await sandbox.call("GET", f"/v1/invoices/{long.id}")).json()["lines"]
    assert (len(shown["data"]), shown["has_more"], shown["total_count"]) == (10, True, 25)
    amounts, after = [], ""
    while True:
        content = (await sandbox.call("GET", f"/v1/invoices/{long.id}/lines?limit=10{after}")).json()
        amounts += [line["amount"] for line in content["data"]]
        if not content["has_more"]:
            break
        after = f"&starting_after={content['data'][-1]['id']}"
    assert amounts == list(range(100, 125))


async def test_numbers_are_given_once(sandbox: Any) -> None:
    one, other = await sandbox.invoice(), await sandbox.invoice(final=False)
    again = {"customer": other.customer_id, "number": one.number}
    double = (await sandbox.call("POST", "/v1/invoices", again)).json()
    status, error = await error_of(sandbox, "POST", f"/v1/invoices/{double['id']}/finalize")
    assert status == 400
    assert "already in use" in error["message"]
    finals = [
        (await sandbox.call("POST", f"/v1/invoices/{item}/finalize")).json()["number"]
        for item in [other.id, (await sandbox.call("POST", "/v1/invoices", {"customer": other.customer_id})).json()["id"]]
    ]
    assert [number.rpartition("-")[2] for number in finals] == ["0001", "0002"]


async def test_states_follow_stripes_rules(sandbox: Any) -> None:
    final = await sandbox.invoice()

    async def post(step: str, **parameters: str) -> int:
        return int((await sandbox.call("POST", f"/v1/invoices/{final.id}/{step}", parameters)).status_code)

    assert await post("finalize") == 400
    assert await post("send") == 200
    assert await post("pay", payment_method="pm_card_chargeDeclined") == 402
    assert await post("pay") == 400
    assert await post("mark_uncollectible") == 200
    assert await post("void") == 200
    assert await post("void") == 400
    assert await post("pay", paid_out_of_band="true") == 400
    other = await sandbox.invoice()
    assert (await sandbox.call("POST", f"/v1/invoices/{other.id}/pay", {"paid_out_of_band": "true"})).json()["status"] == "paid"
    assert (await sandbox.call("POST", f"/v1/invoices/{other.id}/void")).status_code == 400


async def test_an_invoice_over_nothing_is_paid_when_it_is_final(sandbox: Any) -> None:
    assert (await sandbox.invoice((0,))).status == "paid"


async def test_metadata_is_merged_and_keys_are_unset(sandbox: Any) -> None:
    final = await sandbox.invoice()
    path = f"/v1/invoices/{final.id}"
    changed = (await sandbox.call("POST", path, {"metadata[a]": "1", "metadata[facility_id]": ""})).json()
    assert changed["metadata"] == {"invoice_id": final.metadata["invoice_id"], "a": "1"}
    assert (await sandbox.call("POST", path, {"metadata": ""})).json()["metadata"] == {}


async def test_invoice_items_wait_for_an_invoice_that_takes_them(sandbox: Any) -> None:
    customer = (await sandbox.call("POST", "/v1/customers", {"email": "f@example.com"})).json()["id"]
    await sandbox.call("POST", "/v1/invoiceitems", {"customer": customer, "amount": "500", "currency": "usd"})
    bare = {"customer": customer, "currency": "usd"}
    excluding = (await sandbox.call("POST", "/v1/invoices", {**bare, "pending_invoice_items_behavior": "exclude"})).json()
    including = (await sandbox.call("POST", "/v1/invoices", {**bare, "pending_invoice_items_behavior": "include"})).json()
    taken = (await sandbox.call("POST", "/v1/invoices", {**bare, "pending_invoice_items_behavior": "include"})).json()
    assert (excluding["total"], including["total"], taken["total"]) == (0, 500, 0)
    onto = {"customer": customer, "amount": "70", "invoice": excluding["id"]}
    item = (await sandbox.call("POST", "/v1/invoiceitems", onto)).json()
    assert item["invoice"] == excluding["id"]
    assert (await sandbox.call("GET", f"/v1/invoices/{excluding['id']}")).json()["total"] == 70


async def test_what_is_asked_for_is_expanded_and_what_cannot_be_is_refused(sandbox: Any) -> None:
    final = await sandbox.invoice()
    answer = (await sandbox.call("GET", f"/v1/invoices/{final.id}?expand[0]=customer&expand[1]=payments")).json()
    assert answer["customer"]["object"] == "customer"
    assert answer["payments"]["data"][0]["payment"]["type"] == "payment_intent"
    listed = (await sandbox.call("GET", "/v1/invoices?expand[]=data.customer")).json()
    assert listed["data"][0]["customer"]["id"] == final.customer_id
    assert (await sandbox.call("GET", f"/v1/invoices/{final.id}?expand[]=lines.data.price")).status_code == 400


@pytest.mark.parametrize(
    "body", ["a[b]c]=1&a=2", "[]=1", "a[b]=1&a=2", "a=1&a=2", "x" * 70, "%ff=1", "a[b][c][d][e][f][g]=1", "=1", "&&&"]
)
async def test_odd_forms_are_refused_and_never_break_it(sandbox: Any, body: str) -> None:
    answer = await sandbox.http.post(
        f"{sandbox.url}/v1/customers",
        content=body,
        headers={"authorization": "Bearer sk_test_x", "content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == (200 if body == "&&&" else 400)


async def test_every_object_has_the_shape_the_library_expects(sandbox: Any, conform: Conform) -> None:
    draft, paid, void = await sandbox.invoice(final=False), await sandbox.invoice(), await sandbox.invoice()
    await sandbox.call("POST", f"/v1/invoices/{paid.id}/pay", {"payment_method": "pm_card_chargeDeclined"})
    after_decline = (await sandbox.call("GET", "/v1/payment_intents")).json()["data"]
    await sandbox.call("POST", f"/v1/invoices/{paid.id}/pay", {"payment_method": "pm_card_visa"})
    await sandbox.call("POST", f"/v1/invoices/{void.id}/void")
    item = (await sandbox.call("POST", "/v1/invoiceitems", {"customer": draft.customer_id, "amount": "1"})).json()

    async def listed(path: str) -> list[Any]:
        content = (await sandbox.call("GET", f"/v1/{path}")).json()
        assert set(content) == {"object", "data", "has_more", "url"}
        return list(content["data"])

    invoices = await listed("invoices?expand[]=data.payments")
    shapes: list[tuple[list[Any], type, int]] = [
        (invoices, stripe.Invoice, 3),
        ([line for invoice in invoices for line in invoice["lines"]["data"]], stripe.InvoiceLineItem, 3),
        (await listed("customers"), stripe.Customer, 3),
        ([item], stripe.InvoiceItem, 1),
        (after_decline + await listed("payment_intents"), stripe.PaymentIntent, 4),
        (await listed("charges"), stripe.Charge, 2),
        (await listed("invoice_payments"), stripe.InvoicePayment, 2),
        (await listed("events?limit=100"), stripe.Event, 20),
    ]
    for found, kind, at_least in shapes:
        assert len(found) >= at_least, kind
        for thing in found:
            assert conform(thing, kind) == []


def test_the_check_of_shapes_finds_what_is_wrong(conform: Conform) -> None:
    wrong = {"id": 5, "object": "customer", "created": "now", "livemode": False, "nmae": "x", "tax_exempt": "maybe"}
    found = conform(wrong, stripe.Customer)
    assert {problem.split(":")[0] for problem in found} == {".id", ".created", ".nmae", ".tax_exempt"}


async def test_events_are_listed_by_type(sandbox: Any) -> None:
    await sandbox.invoice()

    async def types(query: str) -> list[str]:
        content = (await sandbox.call("GET", f"/v1/events?limit=100&{query}")).json()
        return [event["type"] for event in content["data"]]

    assert await types("type=customer.created") == ["customer.created"]
    assert set(await types("type=invoice.*")) == {"invoice.created", "invoice.updated", "invoice.finalized"}
    assert set(await types("types[0]=customer.created&types[1]=invoice.created")) == {"customer.created", "invoice.created"}
