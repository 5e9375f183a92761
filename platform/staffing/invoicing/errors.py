"""What can go wrong between approved work and money, one class per happening."""

from typing import Self
from uuid import UUID

from staffing.errors import Conflict


class _WithWayOn(Conflict):
    """A conflict that knows where the reader goes next."""

    def __init__(self, message: str = "", *, href: str = "", label: str = "", conflicts: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.way_on_href = href
        self.way_on_label = label
        self.conflicts = conflicts

    @classmethod
    def on_invoice(cls, message: str, invoice_id: UUID, *, conflicts: tuple[str, ...] = ()) -> Self:
        """The same with the way back to the invoice."""
        return cls(message, href=f"/desk/invoices/{invoice_id}", label="Back to the invoice", conflicts=conflicts)


class StepNotPossible(_WithWayOn):
    """An invoice in this state cannot take this step."""

    title = "Not at this point"


class ChangedSinceSeen(_WithWayOn):
    """This invoice changed since you opened the page. Look at it again before you go on."""


class NothingToInvoice(_WithWayOn):
    """There are no approved hours that are not on an invoice yet."""

    title = "Nothing to invoice"


class AlreadyInvoiced(_WithWayOn):
    """This period has been invoiced; what is approved later goes on the next invoice."""

    title = "Already invoiced"


class PeriodsOverlap(_WithWayOn):
    """A retainer or a minimum is owed once for each day: this period shares days with another invoice."""

    title = "Days that are on an invoice already"


class AlreadyCharged(_WithWayOn):
    """The same happening is charged once."""

    title = "Charged before"


class RateMissing(_WithWayOn):
    """Work was approved for which no rate is agreed."""

    title = "A rate is missing"


class CurrenciesDiffer(_WithWayOn):
    """One invoice has one currency."""

    title = "Two currencies"


class ChangedSinceDrafted(_WithWayOn):
    """What the invoice was drafted from has changed since."""

    title = "This changed after it was drafted"


class NotPayable(_WithWayOn):
    """There is nothing to pay on this invoice now."""

    title = "Nothing to pay here now"
