"""February is closed, disputed, corrected, paid and refunded, and every place says the same of it to the cent.

The work is recorded here, so that each amount is computed by hand from minutes and rates.
"""

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest
from playwright.sync_api import Browser, Page, expect
from support.books import Bill, Books, Figures, Hand, eventually, total_of_pdf
from support.browsing import Somebody
from support.deployments import Deployment

pytestmark = pytest.mark.browser

NORTHSIDE, SOUTHLAKE = "Northside Family Medicine", "Southlake Heart Clinic"
COORDINATION, AUTHORIZATION = Decimal("40.50"), Decimal("44.75")
"""An hour of patient care coordination at Northside, one of prior authorization at Southlake, by their demo contracts."""
SENTENCE = "Nobody of us asked for this call."
MOST_INTERACTIONS = 3


def amount(minutes: int, rate: Decimal) -> int:
    """Cents, rounded half up once."""
    return int((rate * 100 * minutes / 60).quantize(Decimal(1), ROUND_HALF_UP))


def dollars(minor: int) -> str:
    return f"${minor // 100}.{minor % 100:02d}"


N_FIRST, N_SECOND, S_FINE, S_DISPUTED = 47, 38, 53, 20
NORTH = amount(N_FIRST + N_SECOND, COORDINATION)
SOUTH = amount(S_FINE, AUTHORIZATION)
LATER = amount(S_DISPUTED, AUTHORIZATION)
CREDITED_MINUTES, REFUNDED = 10, 500
CREDITED = amount(CREDITED_MINUTES, COORDINATION)


def login(logins: list[dict[str, str]], start: str) -> dict[str, str]:
    return next(one for one in logins if one["email"].startswith(start))


def test_a_month_from_its_close_to_its_last_cent(browser: Browser, site: Deployment) -> None:
    # 57.375 is rounded up; the others down and up.
    assert [dollars(minor) for minor in (NORTH, SOUTH, LATER, CREDITED)] == ["$57.38", "$39.53", "$14.92", "$6.75"]
    logins = site.logins()
    coordinator = Somebody(browser, site).sign_in(login(logins, "ana."))
    record(coordinator, NORTHSIDE, "18:00", "18:47")
    record(coordinator, NORTHSIDE, "19:00", "19:38")
    record(coordinator, SOUTHLAKE, "20:00", "20:53")
    record(coordinator, SOUTHLAKE, "21:00", "21:20")
    coordinator.page.goto("/workspace/week?start=2026-02-23")
    coordinator.page.get_by_role("button", name="Submit the week").click()
    coordinator.close()

    north = Somebody(browser, site).sign_in(login(logins, "dana@"))
    south = Somebody(browser, site).sign_in(login(logins, "ruben@"))
    approve(north, "18:00–18:47")
    approve(north, "19:00–19:38")
    approve(south, "19:00–19:53")
    dispute(south, "20:00–20:20")

    billing = Somebody(browser, site).sign_in(login(logins, "morgan."))
    books = Books(site, billing)
    close_the_month(billing)
    first, second = issued(billing.page, NORTHSIDE), issued(billing.page, SOUTHLAKE)
    books.agree(first, north, Figures(NORTH, owed=NORTH))
    books.agree(second, south, Figures(SOUTH, owed=SOUTH))
    the_dispute_waits(billing, south, second)

    credit_minutes(books, first, north)
    left = NORTH - CREDITED
    books.agree(first, north, Figures(NORTH, credited=CREDITED, owed=left))

    pay_by_card(north, first, left)
    books.agree(first, north, Figures(NORTH, credited=CREDITED, paid=left))

    refund_a_part(books, first, north)
    books.agree(first, north, Figures(NORTH, credited=CREDITED + REFUNDED, paid=left, refunded=REFUNDED))

    debit_the_bank(south, second)
    books.agree(second, south, Figures(SOUTH, owed=SOUTH))

    settle(billing)
    third = bill_what_was_settled(billing)
    books.agree(third, south, Figures(LATER, owed=LATER))

    # The bank answers after four business days; nobody is signed in any more by then.
    site.advance(days=6, hours=1)
    for person, start in ((billing, "morgan."), (south, "ruben@")):
        person.sign_in(login(logins, start))
    books.agree(second, south, Figures(SOUTH, paid=SOUTH))
    compared = site.relief("reconcile")
    assert compared.returncode == 0, compared.stdout + compared.stderr
    for person in (north, south, billing):
        person.close()


def record(coordinator: Somebody, facility: str, start: str, end: str) -> None:
    """Work of Friday evening, when the timer was forgotten."""
    page = coordinator.page
    page.goto("/workspace/entries/new?day=2026-02-27")
    who = page.get_by_label("Patient and facility")
    who.select_option(who.locator("option", has_text=f"· {facility}").first.get_attribute("value"))
    page.get_by_label(re.compile("^From ")).fill(start)
    page.get_by_label(re.compile("^To ")).fill(end)
    page.get_by_label("Activity").select_option(label="Follow-up")
    page.get_by_label("What you did").fill("Asked how the week went; no new symptoms.")
    page.get_by_label("Why without a timer").fill("The call came after hours.")
    page.get_by_role("button", name="Record this work").click()
    expect(page.locator("body")).to_contain_text("Recorded.")


def the_entry(facility: Somebody, times: str) -> Page:
    page = facility.page
    page.goto("/portal/approvals")
    page.get_by_role("link", name=re.compile(f"27 Feb, {times}")).first.click()
    return page


def approve(facility: Somebody, times: str) -> None:
    page = the_entry(facility, times)
    page.get_by_role("button", name="Approve this entry").click()
    expect(page.locator("main")).to_contain_text(re.compile("approved", re.IGNORECASE))


def dispute(facility: Somebody, times: str) -> None:
    page = the_entry(facility, times)
    page.locator("summary", has_text="Dispute").click()
    page.locator("details[open] textarea").fill(SENTENCE)
    page.get_by_role("button", name="Dispute this entry").click()
    expect(page.locator("main")).to_contain_text("Disputed")


def close_the_month(billing: Somebody) -> None:
    page, hand = billing.page, Hand()
    page.goto("/desk/invoices")
    hand.click(page.get_by_role("button", name="Propose the invoices of February 2026"))
    waiting = page.get_by_role("table", name="Facilities that wait for a decision")
    waiting.wait_for(timeout=60_000)
    expect(waiting.get_by_role("row").filter(has_text=NORTHSIDE)).to_contain_text(dollars(NORTH))
    expect(waiting.get_by_role("row").filter(has_text=SOUTHLAKE)).to_contain_text(dollars(SOUTH))
    expect(waiting.get_by_role("row").filter(has_text=SOUTHLAKE)).to_contain_text("wait or are disputed")
    hand.click(page.get_by_role("button", name=re.compile(r"Accept all \d")))
    hand.click(page.get_by_role("button", name=re.compile(r"Issue \d+ invoices, \$")))
    page.get_by_role("table", name="Invoices of this run").wait_for(timeout=60_000)
    assert hand.count <= MOST_INTERACTIONS


def issued(page: Page, facility: str) -> Bill:
    """The invoice that the run issued to a facility."""
    row = page.get_by_role("table", name="Invoices of this run").get_by_role("row").filter(has_text=facility)
    link = row.get_by_role("link", name=re.compile(r"RD-2026-\d{4}"))
    href = link.get_attribute("href")
    assert href
    return Bill(href.rpartition("/")[2], link.inner_text())


def the_dispute_waits(billing: Somebody, facility: Somebody, bill: Bill) -> None:
    """It stands beside the invoice with the facility's sentence, and is not in its amount."""
    for person, address in ((billing, f"/desk/invoices/{bill.id}"), (facility, f"/portal/invoices/{bill.id}")):
        person.page.goto(address)
        expect(person.page.locator("#held")).to_contain_text(SENTENCE)
        expect(person.page.locator("article.sheet")).to_contain_text(dollars(SOUTH))


def write_credit_note(books: Books, bill: Bill, field: str, what: str, total: int) -> str:
    """A credit note over a part of the invoice's only line: its address."""
    page = books.billing.page
    page.goto(f"/desk/invoices/{bill.id}")
    page.get_by_role("link", name="Write a credit note").click()
    page.get_by_label(re.compile(f": {field}")).fill(what)
    page.get_by_label("What it is for").select_option(label="Goodwill")
    page.get_by_role("button", name="Show what it does").last.click()
    page.get_by_role("button", name=f"Issue the credit note over {dollars(total)}").click()
    page.wait_for_url(re.compile(r"/desk/credit-notes/[0-9a-f-]{36}"))
    expect(page.get_by_role("table", name="What is taken back").locator("tfoot")).to_contain_text(dollars(total))
    return page.url.rpartition("/desk")[2]


def credit_note_everywhere(books: Books, facility: Somebody, address: str, total: int) -> None:
    facility.page.goto(f"/portal{address}")
    expect(facility.page.get_by_role("table", name="What is taken back").locator("tfoot")).to_contain_text(dollars(total))
    assert books.pdf(f"/portal{address}/pdf", facility) == books.pdf(f"/desk{address}/pdf", books.billing) == total


def credit_minutes(books: Books, bill: Bill, facility: Somebody) -> None:
    """Ten minutes of the line, before anything of it is paid: less is owed."""
    address = write_credit_note(books, bill, "minutes", str(CREDITED_MINUTES), CREDITED)
    credit_note_everywhere(books, facility, address, CREDITED)


def refund_a_part(books: Books, bill: Bill, facility: Somebody) -> None:
    """Five dollars of what is paid go back to the card."""
    address = write_credit_note(books, bill, "amount", "5.00", REFUNDED)
    credit_note_everywhere(books, facility, address, REFUNDED)
    books.billing.page.goto(f"/desk{address}")

    def sent_back() -> bool:
        books.billing.page.reload()
        row = books.billing.page.get_by_role("table", name="Refunds").get_by_role("row").filter(has_text=dollars(REFUNDED))
        return "Sent back" in row.inner_text()

    eventually(sent_back, True)


def pay_by_card(facility: Somebody, bill: Bill, owed: int) -> None:
    """The document and the money in three interactions; the page says by itself when it has come in."""
    page, hand = facility.page, Hand()
    page.goto("/portal/invoices")
    with page.expect_download() as download:
        hand.click(page.get_by_role("link", name=f"Get the PDF of {bill.number}"))
    assert total_of_pdf(download.value.path().read_bytes()) == NORTH
    hand.click(page.get_by_role("link", name=f"Pay {dollars(owed)} for {bill.number}"))
    page.wait_for_url(re.compile("/sandbox/stripe/"))
    expect(page.get_by_label("Card number")).to_have_value(re.compile("4242 4242 4242 4242|4242424242424242"))
    hand.click(page.get_by_role("button", name=f"Pay {dollars(owed)}"))
    expect(page.locator("body")).to_contain_text("Paid on")
    assert hand.count <= MOST_INTERACTIONS
    page.goto("/portal/invoices")
    expect(page.locator("body")).to_contain_text(f"Payment received — thank you. {bill.number} is paid.", timeout=60_000)


def debit_the_bank(facility: Somebody, bill: Bill) -> None:
    """A US bank account takes days: until then it is under way, and nobody can pay twice."""
    page, hand = facility.page, Hand()
    page.goto("/portal/invoices")
    hand.click(page.get_by_role("link", name=f"Pay {dollars(SOUTH)} for {bill.number}"))
    page.wait_for_url(re.compile("/sandbox/stripe/"))
    expect(page.get_by_label("Account number")).to_have_value("000123456789")
    hand.click(page.get_by_role("button", name=f"Debit {dollars(SOUTH)}"))
    expect(page.locator("body")).to_contain_text("The bank debit is under way")
    assert hand.count <= MOST_INTERACTIONS
    page.goto(f"/portal/invoices/{bill.id}")
    expect(page.locator("main")).to_contain_text(f"Your payment of {dollars(SOUTH)} from", timeout=60_000)
    expect(page.get_by_role("link", name=re.compile(r"^Pay \$"))).to_have_count(0)


def settle(billing: Somebody) -> None:
    page = billing.page
    page.goto("/desk/disputes")
    card = page.locator(".card").filter(has_text=SENTENCE)
    card.locator("summary").click()
    card.get_by_label("How it was settled").fill("The call is on the clinic's own list; both of us looked.")
    card.get_by_role("button", name="Keep the entry").click()
    expect(page.locator("body")).to_contain_text("It stays and goes on the next invoice.")


def bill_what_was_settled(billing: Somebody) -> Bill:
    """The next invoice has exactly the entry that was held back."""
    page = billing.page
    page.goto("/desk/invoices?start_on=2026-03-01&end_on=2026-03-03")
    page.get_by_role("button", name=f"Draft the invoice for {SOUTHLAKE}").click()
    page.wait_for_url(re.compile(r"/desk/invoices/[0-9a-f-]{36}"))
    page.get_by_role("button", name="Mark as reviewed").click()
    page.locator("summary", has_text="Finalise and send").click()
    page.get_by_role("button", name=f"Finalise and send {dollars(LATER)}").click()
    heading = page.get_by_role("heading", name=re.compile(r"Invoice RD-2026-\d{4}"))
    heading.wait_for()
    return Bill(page.url.rpartition("/")[2], heading.inner_text().removeprefix("Invoice "))
