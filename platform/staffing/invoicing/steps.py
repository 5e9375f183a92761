"""One step of an invoice's life: the state changes and the access log says from where to where. Always both."""

from staffing.invoicing import lifecycle
from staffing.invoicing.lifecycle import Step
from staffing.invoicing.models import Invoice
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction


def take_step(tx: Transaction, invoice: Invoice, step: Step) -> None:
    """Lead the invoice on. Raises `StepNotPossible`."""
    before = invoice.state
    invoice.state = lifecycle.after(before, step).value
    audit.note(
        tx,
        f"invoice.{step.value}",
        "invoice",
        invoice.id,
        facility_id=invoice.facility_id,
        detail=f"{before} to {invoice.state}",
    )
