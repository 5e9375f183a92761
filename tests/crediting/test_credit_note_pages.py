"""The pages of corrections through the real door: chosen, shown in words, issued; read by the facility; nothing typed is lost."""

import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest
from sqlalchemy import event, func, select, update
from support.crediting import balance, ledger_sum, pay_part
from support.visitors import Visitor
from support.world import World

from staffing.crediting.models import CreditNote
from staffing.invoicing.models import Invoice, InvoiceLine, InvoiceLineEntry
from staffing.payments.models import Refund
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog.models import WorkEntry

SignIn = Callable[[str], Awaitable[Visitor]]
Sent = Callable[..., Awaitable[UUID]]
pytestmark = pytest.mark.usefixtures("standing")


def text_of(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)).replace("&#39;", "'")


def hidden(answer: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    assert found, name
    return found[1]


async def ids(database: Database, invoice_id: UUID) -> list[UUID]:
    """$4.55, $42.00, $63.00."""
    async with database.transaction(SYSTEM) as tx:
        return list(
            await tx.scalars(
                select(InvoiceLine.id).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.amount_minor)
            )
        )


async def count(database: Database, model: type[CreditNote] | type[Refund]) -> int:
    async with database.transaction(SYSTEM) as tx:
        return int(await tx.scalar(select(func.count()).select_from(model)) or 0)


async def test_choose_see_issue(database: Database, sent: Sent, sign_in: SignIn) -> None:
    invoice_id = await sent()
    small, _, large = await ids(database, invoice_id)
    bella = await sign_in("bella")
    here = f"/desk/invoices/{invoice_id}"
    assert f'href="{here}/credit-notes/new"' in (await bella.get(here)).text
    page = await bella.get(f"{here}/credit-notes/new")
    assert "RD-2026-0001 over $109.55" in text_of(page)
    form = {"form_id": hidden(page, "form_id"), "reason": "wrong_rate", "to": "balance", "step": "check"}

    wrong = await bella.post(f"{here}/credit-notes", {**form, f"whole-{small}": "1", f"amount-{large}": "63.01", "reason": ""})
    assert wrong.status_code == 422
    assert 'value="63.01"' in wrong.text
    assert "Please choose what it is for." in wrong.text
    wrong = await bella.post(f"{here}/credit-notes", {**form, f"whole-{small}": "1", f"amount-{large}": "63.01"})
    assert "Only $63.00 of this line is left to credit." in text_of(wrong)
    assert re.search(rf'name="whole-{small}" type="checkbox" value="1" checked', wrong.text)
    wrong = await bella.post(f"{here}/credit-notes", {**form, f"minutes-{large}": "soon", f"amount-{small}": "4.555"})
    assert "Please give minutes as a number" in wrong.text
    assert "Please give an amount such as 18.20." in wrong.text
    wrong = await bella.post(f"{here}/credit-notes", {**form, f"minutes-{large}": "3", f"amount-{large}": "4"})
    assert "Choose one: all of it, minutes, or an amount." in wrong.text
    wrong = await bella.post(f"{here}/credit-notes", form)
    assert "Choose at least one line" in wrong.text

    chosen = {**form, f"whole-{small}": "1", f"minutes-{large}": "19.5"}
    shown = await bella.post(f"{here}/credit-notes", chosen)
    assert shown.status_code == 200
    sentence = "$18.20 lowers what Northside Family Medicine owes on RD-2026-0001 to $91.35; nothing is refunded."
    assert sentence in text_of(shown)
    assert await count(database, CreditNote) == 0
    confirmed = {**chosen, "step": "issue", "seal": hidden(shown, "seal")}

    # Changed after it was shown: shown again, not issued.
    again = await bella.post(f"{here}/credit-notes", {**confirmed, f"minutes-{large}": "20"})
    assert again.status_code == 409
    assert "Look at it once more." in text_of(again)
    assert await count(database, CreditNote) == 0

    done = await bella.post(f"{here}/credit-notes", confirmed)
    assert "CN-2026-0001 over $18.20 is issued" in text_of(done)
    twice = await bella.post(f"{here}/credit-notes", confirmed)
    assert twice.url.path == done.url.path
    assert await count(database, CreditNote) == 1
    assert "$18.20 off what was owed" in text_of(done)
    assert "19 min" in text_of(done)
    said = text_of(await bella.get(here))
    for words in ("Invoiced $109.55", "Credited -$18.20", "Still owed $91.35", "CN-2026-0001", "Wrong rate"):
        assert words in said, words
    listed = text_of(await bella.get("/desk/credit-notes"))
    assert "CN-2026-0001" in listed
    assert await ledger_sum(database) == 0


async def test_what_was_paid_goes_back_or_is_kept(database: Database, sent: Sent, sign_in: SignIn) -> None:
    invoice_id = await sent(paid=10955)
    small, middle, _ = await ids(database, invoice_id)
    bella = await sign_in("bella")
    here = f"/desk/invoices/{invoice_id}"
    page = await bella.get(f"{here}/credit-notes/new")
    assert "Send it back: Visa ending in 4242" in text_of(page)
    form = {"form_id": hidden(page, "form_id"), "reason": "duplicate", f"whole-{small}": "1", "step": "check"}
    shown = await bella.post(f"{here}/credit-notes", {**form, "to": "refund"})
    assert "$4.55 goes back to Northside Family Medicine: Visa ending in 4242." in text_of(shown)
    await bella.post(f"{here}/credit-notes", {**form, "to": "refund", "step": "issue", "seal": hidden(shown, "seal")})
    assert await count(database, Refund) == 1
    form = {**form, "form_id": str(new_id()), f"whole-{small}": "", f"whole-{middle}": "1", "to": "balance"}
    shown = await bella.post(f"{here}/credit-notes", form)
    assert "$42.00 was paid already and is kept as credit" in text_of(shown)
    done = await bella.post(f"{here}/credit-notes", {**form, "step": "issue", "seal": hidden(shown, "seal")})
    assert "$42.00 kept for next invoices" in text_of(done)
    said = text_of(await bella.get(here))
    assert "has $42.00 of credit. It comes off the next invoice that is sent." in said
    assert await balance(database, "customer_credit") == -4200

    alice, bob, charlie = await sign_in("alice"), await sign_in("bob"), await sign_in("charlie")
    for visitor in (alice, bob):
        said = text_of(await visitor.get(f"/portal/invoices/{invoice_id}"))
        for words in ("Billed twice", "CN-2026-0002", "Kept for next invoices $42.00", "Asked for"):
            assert words in said, words
        listed = await visitor.get("/portal/credit-notes")
        assert "You have $42.00 of credit. It comes off the next invoice." in text_of(listed)
        (first, *_) = re.findall(r'href="(/portal/credit-notes/[0-9a-f-]+)"', listed.text)
        assert "Joseph Abad" in text_of(await visitor.get(first))
    assert "Nothing was credited yet." in (await charlie.get("/portal/credit-notes")).text
    assert (await charlie.get(first)).status_code == 404
    assert (await charlie.get(f"/portal/invoices/{invoice_id}")).status_code == 404
    assert (await charlie.get(first.replace("portal", "desk"))).status_code == 404


async def test_a_disputed_entry_on_an_invoice_is_offered_its_credit_note(
    database: Database, world: World, sent: Sent, sign_in: SignIn
) -> None:
    invoice_id = await sent()
    *_, large = await ids(database, invoice_id)
    async with database.transaction(SYSTEM) as tx:
        rows = await tx.scalars(
            select(InvoiceLineEntry.entry_id)
            .where(InvoiceLineEntry.line_id == large)
            .order_by(func.lower(InvoiceLineEntry.during))
        )
        first, second = rows.all()
    alice, bella, dora = await sign_in("alice"), await sign_in("bella"), await sign_in("dora")
    line = await alice.get(f"/portal/invoices/{invoice_id}/lines/{large}")
    assert f'href="/portal/entries/{second}"' in line.text
    for entry_id in (first, second):
        await alice.get(f"/portal/entries/{entry_id}")
        await alice.post(f"/portal/entries/{entry_id}/dispute", {"reason": "We had no call at ten."})
    assert "You dispute it. It is on an invoice" in (await alice.get(f"/portal/entries/{second}")).text
    assert "We had no call at ten." in (await alice.get("/portal/approvals?show=disputed")).text

    offered = await bella.get("/desk/disputes")
    assert "It stands on RD-2026-0001, which is final" in text_of(offered)
    assert "Write it off" not in offered.text
    assert "Credit this entry" not in (await dora.get("/desk/disputes")).text
    kept = await bella.post(f"/desk/disputes/{first}", {"outcome": "keep", "reason": "The log has it.", "invoiced": "1"})
    assert "It stays on its invoice." in text_of(kept)

    path = f"/desk/invoices/{invoice_id}/credit-notes"
    assert f'href="{path}/new?entry={second}"' in offered.text
    page = await bella.get(f"{path}/new?entry={second}")
    assert "Its share $21.00" in text_of(page) or "$63.00 $21.00" in text_of(page)
    assert "Alvarez" not in page.text
    form = {"form_id": hidden(page, "form_id"), "entry": str(second), "reason": "disputed_work", "step": "check"}
    shown = await bella.post(path, {**form, "settled": ""})
    assert "$21.00 lowers what" in text_of(shown)
    silent = await bella.post(path, {**form, "settled": " ", "step": "issue", "seal": hidden(shown, "seal")})
    assert silent.status_code == 422
    assert "Please say how this was settled." in silent.text
    done = await bella.post(path, {**form, "settled": "You are right.", "step": "issue", "seal": hidden(shown, "seal")})
    assert "CN-2026-0001 over $21.00 is issued" in text_of(done)
    assert "10:00–10:30" in text_of(done)
    assert "No entry is disputed." in (await bella.get("/desk/disputes")).text
    assert "You are right." in (await alice.get(f"/portal/entries/{second}")).text
    assert "$21.00 credited" in text_of(await alice.get(f"/portal/invoices/{invoice_id}/lines/{large}"))
    assert "This entry is credited already." in (await bella.get(f"{path}/new?entry={second}")).text
    for strange in (new_id(), "x"):
        assert (await bella.get(f"{path}/new?entry={strange}")).status_code == 404
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.get_one(WorkEntry, second)).state == "invoiced"


async def test_withdrawing_and_writing_off_say_what_they_do(database: Database, sent: Sent, sign_in: SignIn) -> None:
    invoice_id = await sent()
    bella, alice = await sign_in("bella"), await sign_in("alice")
    here = f"/desk/invoices/{invoice_id}"
    page = await bella.get(f"{here}/write-off")
    assert "$109.55 that Northside Family Medicine owes on RD-2026-0001 is booked as a loss" in text_of(page)
    silent = await bella.post(f"{here}/write-off", {"version": hidden(page, "version"), "reason": " "})
    assert silent.status_code == 422
    assert "Please say in a sentence why." in silent.text
    stale = await bella.post(f"{here}/write-off", {"version": "999", "reason": "Closed."})
    assert stale.status_code == 409
    done = await bella.post(f"{here}/write-off", {"version": hidden(page, "version"), "reason": "The clinic closed."})
    assert "RD-2026-0001 is written off." in text_of(done)
    assert "Written off: “The clinic closed.”" in text_of(done)
    assert await balance(database, "bad_debt") == 10955
    said = await alice.get(f"/portal/invoices/{invoice_id}")
    assert "The clinic closed." not in said.text
    assert "$109.55 Ask us how to pay" in text_of(await alice.get("/portal/invoices"))
    assert "what was not paid of it is given up already" in text_of(await bella.get(f"{here}/credit-notes/new"))
    assert "This invoice was written off" in (await bella.get(f"{here}/withdraw")).text


async def test_withdrawing_an_issued_invoice(database: Database, sent: Sent, sign_in: SignIn) -> None:
    invoice_id = await sent()
    bella, alice = await sign_in("bella"), await sign_in("alice")
    here = f"/desk/invoices/{invoice_id}"
    page = await bella.get(f"{here}/withdraw")
    assert "RD-2026-0001 over $109.55 is taken back as a whole" in text_of(page)
    done = await bella.post(f"{here}/withdraw", {"version": hidden(page, "version"), "reason": "Sent to the wrong clinic."})
    assert "RD-2026-0001 is withdrawn." in text_of(done)
    assert "Withdrawn: “Sent to the wrong clinic.”" in text_of(done)
    assert await balance(database, "receivable") == 0
    said = text_of(await alice.get(f"/portal/invoices/{invoice_id}"))
    assert "This invoice was withdrawn, nothing is owed on it: “Sent to the wrong clinic.”" in said
    assert "Withdrawn" in text_of(await alice.get("/portal/invoices"))


async def test_a_refund_without_a_credit_note_is_refused_in_words(database: Database, sent: Sent, sign_in: SignIn) -> None:
    invoice_id = await sent(paid=10955)
    bella = await sign_in("bella")
    here = f"/desk/invoices/{invoice_id}/refund"
    page = await bella.get(here)
    assert "What was invoiced and paid goes back with a credit note" in text_of(page)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Invoice).values(stripe_problem=""))
    payment = await pay_part(database, invoice_id, 2000)
    page = await bella.get(here)
    assert "$20.00 came in beyond what is owed on RD-2026-0001." in text_of(page)
    form = {"form_id": hidden(page, "form_id"), "payment": str(payment), "reason": "duplicate"}
    wrong = await bella.post(here, {**form, "amount": "twenty"})
    assert wrong.status_code == 422
    assert 'value="twenty"' in wrong.text
    too_much = await bella.post(here, {**form, "amount": "20.01"})
    assert too_much.status_code == 409
    assert "$20.00 of it is more than is owed and can be refunded without one." in text_of(too_much)
    done = await bella.post(here, {**form, "amount": "20.00"})
    assert "$20.00 is on its way back to Northside Family Medicine." in text_of(done)
    await bella.post(here, {**form, "amount": "20.00"})
    assert await count(database, Refund) == 1


@pytest.mark.parametrize("name", ["alice", "charlie", "maria", "dora"])
async def test_who_may_not_correct(database: Database, sent: Sent, sign_in: SignIn, name: str) -> None:
    invoice_id = await sent()
    visitor = await sign_in(name)
    here = f"/desk/invoices/{invoice_id}"
    for path in (f"{here}/credit-notes/new", f"{here}/withdraw", f"{here}/write-off", f"{here}/refund", "/desk/credit-notes"):
        assert (await visitor.get(path)).status_code in (403, 404), path
    for path in (f"{here}/credit-notes", f"{here}/withdraw", f"{here}/write-off", f"{here}/refund"):
        answer = await visitor.post(path, {"reason": "wrong_rate", "step": "check"}, follow=False)
        assert answer.status_code in (403, 404), path


async def test_the_lists_take_few_queries(database: Database, sent: Sent, sign_in: SignIn) -> None:
    invoice_id = await sent()
    bella, alice = await sign_in("bella"), await sign_in("alice")
    path = f"/desk/invoices/{invoice_id}/credit-notes"
    for line_id in await ids(database, invoice_id):
        form = {"form_id": str(new_id()), "reason": "goodwill", f"amount-{line_id}": "1", "step": "check"}
        await bella.get(f"{path}/new")
        shown = await bella.post(path, form)
        await bella.post(path, {**form, "step": "issue", "seal": hidden(shown, "seal")})
    assert await count(database, CreditNote) == 3
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    for visitor, where in ((bella, "/desk/credit-notes"), (alice, "/portal/credit-notes"), (bella, "/desk/disputes")):
        statements.clear()
        assert (await visitor.get(where)).status_code == 200
        assert sum(one.lstrip().lower().startswith("select") for one in statements) <= 8, (where, statements)
