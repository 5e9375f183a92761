"""What can go wrong when money is taken back, one class per happening."""

from staffing.invoicing.errors import StepNotPossible


class CreditNotPossible(StepNotPossible):
    """This invoice cannot be credited now."""

    title = "No credit note here now"


class OutcomeChanged(StepNotPossible):
    """What the credit note would do changed since you looked."""

    title = "This changed while you were looking"


class RefundNeedsCreditNote(StepNotPossible):
    """A refund needs a credit note."""

    title = "This needs a credit note"
