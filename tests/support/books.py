"""What an invoice comes to, read in every place that says so: the desk, the portal, its PDF, Stripe, the journal.

Everything is read as its reader gets it (pages in a browser, files as they are downloaded, Stripe over HTTP) and handed back as
the same value, so that a test compares each place with what it computed itself.
"""

import csv
import io
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from playwright.sync_api import Locator, Page
from support.browsing import Somebody
from support.deployments import Deployment
from support.statements import text_of_pdf

from billing.stripe.connection import API_VERSION
from staffing.payments.gateway import sandbox_key
from staffing.settings import load

WAIT_SECONDS = 60
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Figures:
    """An invoice's money in cents."""

    invoiced: int
    credited: int = 0
    paid: int = 0
    refunded: int = 0
    owed: int = 0


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice as both sides find it."""

    id: str
    number: str


class Hand:
    """What somebody does with their hands: each click and each filled field is one interaction."""

    def __init__(self) -> None:
        self.count = 0

    def click(self, target: Locator) -> None:
        self.count += 1
        target.click()

    def fill(self, target: Locator, text: str) -> None:
        self.count += 1
        target.fill(text)


def eventually(read: Callable[[], Read], expected: Read) -> None:
    """`read` gives `expected` once the workers have done their part; if not, the difference is shown."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := read()) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == expected


def cents(text: str) -> int:
    """`-$1,234.50` as a whole number of cents."""
    found = re.search(r"([-−]?)\$([\d,]+)\.(\d\d)(?!\d)", text)
    assert found, f"no amount in {text!r}"
    return int(found[2].replace(",", "") + found[3]) * (-1 if found[1] else 1)


class Books:
    """The five places. `billing` is at the desk; the facility's own person is named with each reading of the portal."""

    def __init__(self, site: Deployment, billing: Somebody) -> None:
        self.site, self.billing = site, billing
        self._key = sandbox_key(load(site.environment))

    def agree(self, bill: Bill, at: Somebody, expected: Figures) -> None:
        """Every place says the same of the invoice, to the cent; the PDF says what was invoiced."""
        eventually(lambda: self.desk(bill), expected)
        eventually(lambda: self.portal(bill, at), expected)
        eventually(lambda: self.stripe(bill), expected)
        assert self.journal(bill) == expected
        assert self.pdf(f"/portal/invoices/{bill.id}/pdf", at) == expected.invoiced

    def desk(self, bill: Bill) -> Figures:
        page = self.billing.page
        page.goto(f"/desk/invoices/{bill.id}")
        assert "differs" not in page.locator("main").inner_text(), "our ledger beside Stripe"
        return _on_page(page)

    def portal(self, bill: Bill, at: Somebody) -> Figures:
        page = at.page
        page.goto(f"/portal/invoices/{bill.id}")
        found = _on_page(page)
        pay = page.get_by_role("link", name=re.compile(r"^Pay \$"))
        # A payment that is under way leaves nothing to be paid, though the ledger has it as owed until it has come in.
        if pay.count():
            assert cents(pay.inner_text()) == found.owed
        return found

    def pdf(self, address: str, who: Somebody) -> int:
        """The total on a document."""
        answer = who.context.request.get(address)
        assert answer.ok, address
        return total_of_pdf(answer.body())

    def journal(self, bill: Bill) -> Figures:
        """From the accounting export, which has to balance."""
        answer = self.billing.context.request.get("/desk/exports/journal")
        assert answer.ok
        *rows, sums = csv.DictReader(io.StringIO(answer.text()))
        assert sums["debit"] == sums["credit"]
        moved = dict.fromkeys(("invoice_finalised", "credit_issued", "payment_received", "payment_refunded"), 0)
        owed = 0
        for row in rows:
            if row["invoice"] == bill.number and row["account"] == "receivable":
                minor = _minor(row["debit"]) - _minor(row["credit"])
                moved[row["happening"]] += minor
                owed += minor
        return Figures(
            moved["invoice_finalised"], -moved["credit_issued"], -moved["payment_received"], moved["payment_refunded"], owed
        )

    def stripe(self, bill: Bill) -> Figures:
        found = next((one for one in self._all("invoices") if one["metadata"]["invoice_id"] == bill.id), None)
        if found is None:
            return Figures(0)
        paid = [one["payment"]["payment_intent"] for one in self._all("invoice_payments", invoice=found["id"], status="paid")]
        back = [one for intent in paid for one in self._all("refunds", payment_intent=intent)]
        return Figures(
            invoiced=found["total"],
            credited=found["pre_payment_credit_notes_amount"] + found["post_payment_credit_notes_amount"],
            paid=found["amount_paid"],
            refunded=sum(one["amount"] for one in back if one["status"] == "succeeded"),
            owed=found["amount_remaining"],
        )

    def _all(self, kind: str, **asked: str) -> list[dict[str, Any]]:
        answer = httpx.get(
            f"{self.site.url}/sandbox/stripe/v1/{kind}", params={"limit": "100", **asked}, auth=(self._key, ""),
            headers={"stripe-version": API_VERSION},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        listed = answer.json()
        assert not listed["has_more"]
        found: list[dict[str, Any]] = listed["data"]
        return found


def total_of_pdf(content: bytes) -> int:
    """The sum under the lines of an invoice or a credit note."""
    return cents(text_of_pdf(content).rpartition("Total")[2])


def _on_page(page: Page) -> Figures:
    """From the table that says what became of the amount; before anything did, from the total and what came in."""
    invoiced = cents(page.get_by_role("table", name="Lines of the invoice").locator("tfoot").inner_text())
    story = page.get_by_role("table", name="What became of the amount")
    if not story.count():
        came_in = page.get_by_role("table", name="Payments").get_by_role("row").filter(has_text="Received")
        paid = sum(cents(text) for text in came_in.all_inner_texts())
        return Figures(invoiced, paid=paid, owed=invoiced - paid)
    rows = {row.split("\t")[0].strip(): cents(row) for row in story.get_by_role("row").all_inner_texts() if "$" in row}
    assert rows["Invoiced"] == invoiced
    return Figures(invoiced, -rows.get("Credited", 0), -rows.get("Paid", 0), rows.get("Refunded", 0), rows["Still owed"])


def _minor(text: str) -> int:
    return int(text.replace(".", "")) if text else 0
