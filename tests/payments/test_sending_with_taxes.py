"""Tax rates at Stripe: made once for all invoices, on every line, and the total stays ours."""

from typing import Any
from uuid import UUID

from sqlalchemy import update
from support.paying import Till

from staffing.invoicing.models import Invoice
from staffing.payments.models import StripeCall
from staffing.persistence.tenancy import SYSTEM

OHIO = {
    "name": "Sales tax",
    "percent": "6.25",
    "jurisdiction": "US-OH",
    "inclusive": False,
    "taxable_minor": 4200,
    "tax_minor": 263,
}


async def taxed(till: Till, total_minor: int, tax_minor: int, rates: list[dict[str, Any]]) -> UUID:
    invoice_id = await till.invoice()
    async with till.database.transaction(SYSTEM) as tx:
        of_invoice = update(Invoice).where(Invoice.id == invoice_id)
        await tx.execute(of_invoice.values(total_minor=total_minor, tax_minor=tax_minor, tax_rates=rates))
    return invoice_id


async def test_a_tax_is_made_once_and_on_every_line(till: Till) -> None:
    for _ in range(2):
        invoice_id = await taxed(till, 4463, 263, [OHIO])
        await till.run("invoicing.send", invoice_id)
        invoice = await till.read(invoice_id)
        assert (invoice.state, invoice.stripe_total_minor, invoice.stripe_problem) == ("sent", 4463, "")
    (rate,) = await till.sandbox.objects("tax_rates")
    assert (rate["percentage"], rate["jurisdiction"], rate["inclusive"]) == (6.25, "US-OH", False)
    for one in await till.sandbox.objects("invoices"):
        assert [tax["amount"] for tax in one["total_taxes"]] == [263]
    made = [call for call in await till.rows(StripeCall) if call.subject.startswith("tax_rate:")]
    assert [(call.state, call.object_id) for call in made] == [("done", rate["id"])]


async def test_another_facility_uses_the_same_rate(till: Till) -> None:
    await till.run("invoicing.send", await taxed(till, 4463, 263, [OHIO]))
    other = await till.invoice(facility_id=till.world.south)
    async with till.database.transaction(SYSTEM) as tx:
        of_invoice = update(Invoice).where(Invoice.id == other)
        values = {"total_minor": Invoice.total_minor + 263, "tax_minor": 263, "tax_rates": [OHIO]}
        await tx.execute(of_invoice.values(**values))
    await till.run("invoicing.send", other)
    assert (await till.read(other)).state == "sent"
    assert len(await till.sandbox.objects("tax_rates")) == 1


async def test_a_tax_inside_the_prices_adds_nothing(till: Till) -> None:
    inside = OHIO | {"inclusive": True, "taxable_minor": 3953, "tax_minor": 247}
    invoice_id = await taxed(till, 4200, 247, [inside])
    await till.run("invoicing.send", invoice_id)
    invoice = await till.read(invoice_id)
    assert (invoice.state, invoice.stripe_total_minor) == ("sent", 4200)


async def test_a_tax_that_stripe_works_out_otherwise_is_not_sent(till: Till) -> None:
    invoice_id = await taxed(till, 4462, 262, [OHIO])
    await till.run("invoicing.send", invoice_id)
    invoice = await till.read(invoice_id)
    assert invoice.state == "finalized"
    assert "Stripe's draft has 1 lines and 44.63 USD, our invoice 1 lines and 44.62 USD" in invoice.stripe_problem
