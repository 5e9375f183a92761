"""The life of an invoice, pure: which step is possible when, and what it leads to.

`draft → reviewed → finalized → sent → paid`. A draft that changes is a draft again, reviewed or not. The lines of a finalised
invoice never change: it is withdrawn as a whole while nothing of it is paid, or corrected by credit notes. One that nobody will
pay is `uncollectible`, and may be paid after all.
"""

from enum import StrEnum

from staffing.invoicing.errors import StepNotPossible
from staffing.invoicing.models import InvoiceState


class Step(StrEnum):
    """What can happen to an invoice."""

    REDRAFT = "redraft"
    REVIEW = "review"
    FINALIZE = "finalize"
    SEND = "send"
    PAY = "pay"
    VOID = "void"
    WRITE_OFF = "write_off"


OPEN = frozenset({InvoiceState.DRAFT, InvoiceState.REVIEWED})
"""Still the agency's working paper: lines may change, the facility does not see it."""
ISSUED = frozenset({InvoiceState.FINALIZED, InvoiceState.SENT, InvoiceState.PAID, InvoiceState.UNCOLLECTIBLE})
"""It has a number, its lines never change again, and its entries are on no other invoice."""

_LEADS_TO: dict[tuple[InvoiceState, Step], InvoiceState] = {
    (InvoiceState.DRAFT, Step.REDRAFT): InvoiceState.DRAFT,
    (InvoiceState.REVIEWED, Step.REDRAFT): InvoiceState.DRAFT,
    (InvoiceState.DRAFT, Step.REVIEW): InvoiceState.REVIEWED,
    (InvoiceState.REVIEWED, Step.FINALIZE): InvoiceState.FINALIZED,
    (InvoiceState.FINALIZED, Step.SEND): InvoiceState.SENT,
    (InvoiceState.SENT, Step.PAY): InvoiceState.PAID,
    # The payment may be known before the outcome of the sending is: webhooks come in no order.
    (InvoiceState.FINALIZED, Step.PAY): InvoiceState.PAID,
    (InvoiceState.UNCOLLECTIBLE, Step.PAY): InvoiceState.PAID,
    (InvoiceState.DRAFT, Step.VOID): InvoiceState.VOID,
    (InvoiceState.REVIEWED, Step.VOID): InvoiceState.VOID,
    # Only while nothing of it is paid, which the ledger knows: see `service.void`.
    (InvoiceState.FINALIZED, Step.VOID): InvoiceState.VOID,
    (InvoiceState.SENT, Step.VOID): InvoiceState.VOID,
    (InvoiceState.FINALIZED, Step.WRITE_OFF): InvoiceState.UNCOLLECTIBLE,
    (InvoiceState.SENT, Step.WRITE_OFF): InvoiceState.UNCOLLECTIBLE,
}

_WHY_NOT = {
    InvoiceState.DRAFT: "This invoice is a draft: it has to be reviewed first.",
    InvoiceState.REVIEWED: "This invoice is reviewed and waits to be finalised.",
    InvoiceState.FINALIZED: "This invoice is finalised already; it cannot be changed any more.",
    InvoiceState.SENT: "This invoice has been sent to the facility; it cannot be changed any more.",
    InvoiceState.PAID: "This invoice is paid.",
    InvoiceState.VOID: "This invoice was withdrawn.",
    InvoiceState.UNCOLLECTIBLE: "This invoice was written off as uncollectible; it can still be paid.",
}


def possible(state: str, step: Step) -> bool:
    """Whether an invoice in `state` may take `step`."""
    return (InvoiceState(state), step) in _LEADS_TO


def after(state: str, step: Step) -> InvoiceState:
    """The state that `step` leads to. Raises `StepNotPossible` with the reason in words."""
    current = InvoiceState(state)
    if (current, step) not in _LEADS_TO:
        raise StepNotPossible(_WHY_NOT[current])
    return _LEADS_TO[current, step]


def why_not(state: str) -> str:
    """What stands in the way of a step that is not possible, in words."""
    return _WHY_NOT[InvoiceState(state)]
