"""The demo's own work off the request: paying in the sandbox what the invented facilities have paid."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from staffing.demo.payer import pay
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.persistence.jobs import JobContext, JobKind, TryAgain
from staffing.persistence.tenancy import SYSTEM
from staffing.settings import Settings

PAY = "demo.pay_invoice"


async def pay_invoice(context: JobContext, payload: Mapping[str, str]) -> None:
    """Pay one invoice on its hosted page once it is there. Does nothing where payments are real."""
    if not context.resource(Settings).uses_sandbox:
        return
    async with context.database.transaction(SYSTEM) as tx:
        invoice = await tx.get(Invoice, UUID(payload["id"]))
    if invoice is None or invoice.state in (InvoiceState.PAID, InvoiceState.VOID):
        return
    if invoice.state != InvoiceState.SENT or invoice.hosted_url is None:
        raise TryAgain(timedelta(seconds=3), "the invoice is not at the payment provider yet")
    await pay(invoice.hosted_url)


KINDS = [JobKind(PAY, pay_invoice, concurrency=1)]
