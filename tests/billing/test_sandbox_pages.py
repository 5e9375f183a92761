"""The hosted invoice page: what the payer sees, and that paying works with a plain form."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest


def form_token(page: httpx.Response) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
    assert found
    return found[1]


def problem(page: httpx.Response) -> str:
    found = re.search(r'<p id="problem"[^>]*>(.*?)</p>', page.text, re.DOTALL)
    return unescape(found[1]) if found else ""


async def open_page(sandbox: Any, *amounts: int) -> tuple[Any, httpx.Response]:
    final = await sandbox.invoice(amounts or (123450,))
    page = await sandbox.http.get(final.hosted_invoice_url)
    assert page.status_code == 200
    return final, page


async def pay(sandbox: Any, final: Any, page: httpx.Response, number: str) -> httpx.Response:
    form = {"card_number": number, "form_token": form_token(page)}
    answer: httpx.Response = await sandbox.http.post(final.hosted_invoice_url, data=form)
    return answer


async def test_an_open_invoice_shows_what_is_due_and_a_form(sandbox: Any) -> None:
    final, page = await open_page(sandbox, 100000, 23450)
    assert "Payment sandbox" in page.text
    assert final.number in page.text
    assert "$1,234.50" in page.text
    assert page.text.count("Care Plan Management: 7 h 30 min at 60.00 USD/h") == 2
    assert "$234.50" in page.text
    assert 'value="4242 4242 4242 4242"' in page.text
    assert "Due on" in page.text


async def test_paying_leads_to_a_page_that_says_paid_and_the_way_back(sandbox: Any) -> None:
    final, page = await open_page(sandbox)
    answer = await pay(sandbox, final, page, "4242 4242 4242 4242")
    assert answer.status_code == 303
    assert answer.headers["location"] == final.hosted_invoice_url.removeprefix(sandbox.url)
    paid = await sandbox.http.get(final.hosted_invoice_url)
    assert re.search(r"Paid on \w+ \d+, \d{4} with Visa ending 4242", paid.text)
    assert 'href="https://portal.test/invoices"' in paid.text
    assert "<form" not in paid.text
    now = await sandbox.gateway.retrieve_invoice(final.id)
    assert (now.status, now.amount_paid_minor, now.amount_remaining_minor) == ("paid", 123450, 0)
    assert now.paid_at is not None


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("4000000000000002", "Your card was declined."),
        ("4000 0000 0000 9995", "Your card has insufficient funds."),
        ("4000-0000-0000-0069", "Your card has expired."),
        ("4000000000000127", "security code is incorrect"),
        ("4111111111111111", "test cards only"),
        ("", "test cards only"),
        ("<script>alert(1)</script>", "test cards only"),
    ],
)
async def test_a_declined_card_is_explained_beside_the_field(sandbox: Any, number: str, said: str) -> None:
    final, page = await open_page(sandbox)
    answer = await pay(sandbox, final, page, number)
    assert answer.status_code == 422
    assert said in problem(answer)
    assert 'aria-invalid="true"' in answer.text
    assert "Nothing was charged" in problem(answer)
    # A test card stays in the field; what might be a real one does not come back.
    assert (f'value="{number}"' in answer.text) is (not number or number.startswith("4000"))
    assert "4111111111111111" not in answer.text
    assert "<script>" not in answer.text
    assert (await sandbox.gateway.retrieve_invoice(final.id)).status == "open"
    assert (await pay(sandbox, final, answer, "4242424242424242")).status_code == 303


async def test_a_decline_is_kept_as_an_attempt_with_its_events(sandbox: Any) -> None:
    final, page = await open_page(sandbox)
    await pay(sandbox, final, page, "4000000000000002")
    types = [event["type"] for event in (await sandbox.call("GET", "/v1/events?limit=3")).json()["data"]]
    assert types == ["invoice.payment_failed", "payment_intent.payment_failed", "charge.failed"]
    (charge,) = (await sandbox.call("GET", "/v1/charges")).json()["data"]
    assert (charge["status"], charge["failure_code"]) == ("failed", "card_declined")
    assert "4000000000000002" not in (await sandbox.call("GET", "/v1/events?limit=100")).text


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
async def test_without_the_pages_own_token_nothing_is_charged(sandbox: Any, token: str) -> None:
    final, _ = await open_page(sandbox)
    form = {"card_number": "4242424242424242", "form_token": token}
    answer = await sandbox.http.post(final.hosted_invoice_url, data=form)
    assert answer.status_code == 422
    assert "grown old" in problem(answer)
    assert (await sandbox.call("GET", "/v1/charges")).json()["data"] == []


async def test_the_form_of_another_invoice_pays_nothing(sandbox: Any) -> None:
    final, _ = await open_page(sandbox)
    _, other_page = await open_page(sandbox)
    assert (await pay(sandbox, final, other_page, "4242424242424242")).status_code == 422
    assert (await sandbox.gateway.retrieve_invoice(final.id)).status == "open"


async def test_a_form_is_good_for_one_attempt(sandbox: Any) -> None:
    final, page = await open_page(sandbox)
    assert (await pay(sandbox, final, page, "4000000000000002")).status_code == 422
    again = await pay(sandbox, final, page, "4242424242424242")
    assert "grown old" in problem(again)
    assert (await sandbox.gateway.retrieve_invoice(final.id)).status == "open"
    assert (await sandbox.call("GET", f"/v1/invoices/{final.id}")).json()["attempt_count"] == 1


async def test_a_form_sent_twice_charges_once(sandbox: Any) -> None:
    final, page = await open_page(sandbox)
    answers = [await pay(sandbox, final, page, "4242424242424242") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert len((await sandbox.call("GET", "/v1/charges")).json()["data"]) == 1


async def test_the_receipt_comes_with_the_payment(sandbox: Any) -> None:
    final, page = await open_page(sandbox)
    receipt = f"{final.hosted_invoice_url}/receipt"
    assert (await sandbox.http.get(receipt)).status_code == 404
    await pay(sandbox, final, page, "5555555555554444")
    shown = await sandbox.http.get(receipt)
    assert shown.status_code == 200
    assert f"Receipt for invoice {final.number}" in shown.text
    assert "Mastercard ending 4444" in shown.text


async def test_a_voided_invoice_cannot_be_paid(sandbox: Any) -> None:
    final, page = await open_page(sandbox)
    await sandbox.gateway.void_invoice(final.id, idempotency_key=sandbox.key(final, "void"))
    shown = await sandbox.http.get(final.hosted_invoice_url)
    assert "withdrawn" in shown.text
    assert "<form" not in shown.text
    assert (await pay(sandbox, final, page, "4242424242424242")).status_code == 303
    assert (await sandbox.call("GET", "/v1/charges")).json()["data"] == []


async def test_unknown_pages_are_not_found_in_words(sandbox: Any) -> None:
    for path in ("/i/nothing", "/i/nothing/receipt"):
        answer = await sandbox.http.get(f"{sandbox.url}{path}")
        assert answer.status_code == 404
        assert "There is no invoice at this address" in answer.text
    assert (await sandbox.http.post(f"{sandbox.url}/i/nothing", data={"a": "b"})).status_code == 404
    assert (await sandbox.http.get(f"{sandbox.url}/elsewhere")).status_code == 404


async def test_texts_from_the_interface_are_shown_as_texts(sandbox: Any) -> None:
    draft = await sandbox.invoice(final=False)
    line = {"lines[0][amount]": "1", "lines[0][description]": '<img src=x onerror="alert(1)">{{7*7}}'}
    await sandbox.call("POST", f"/v1/invoices/{draft.id}/add_lines", line)
    final = (await sandbox.call("POST", f"/v1/invoices/{draft.id}/finalize")).json()
    page = await sandbox.http.get(final["hosted_invoice_url"])
    assert "<img" not in page.text
    assert "{{7*7}}" in page.text


class Elements(HTMLParser):
    """Collects what a strict content policy would block, and what is needed to read and fill the page."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.labels: set[str] = set()
        self.fields: set[str] = set()
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("script", "style") or any(name == "style" or name.startswith("on") for name in values):
            self.inline.append(tag)
        if tag == "label":
            self.labels.add(values.get("for") or "")
        if tag == "input" and values.get("type") != "hidden":
            self.fields.add(values.get("id") or "")
        if tag in ("h1", "h2"):
            self.headings.append(tag)


async def test_the_page_keeps_a_strict_content_policy_and_names_its_fields(sandbox: Any) -> None:
    final, page = await open_page(sandbox)
    declined = await pay(sandbox, final, page, "4000000000000002")
    for shown in (page, declined):
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert shown.headers["referrer-policy"] == "no-referrer"
        elements = Elements()
        elements.feed(shown.text)
        assert elements.inline == []
        assert elements.fields == elements.labels == {"card_number", "routing_number", "account_number"}
        assert elements.headings == ["h1", "h2", "h2", "h2"]
    styles = await sandbox.http.get(f"{sandbox.url}/_assets/sandbox.css")
    assert styles.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in styles.text
    assert "url(" not in styles.text
