"""Why a reminder cannot be sent or a pause not be lifted."""

from staffing.errors import Conflict


class RemindedToday(Conflict):
    """This facility was reminded today already. One reminder a day is enough; try again tomorrow."""

    title = "Reminded today already"
    way_on_label = "Back to the facility's account"

    def __init__(self, message: str = "", way_on_href: str = "/desk/receivables") -> None:
        super().__init__(message)
        self.way_on_href = way_on_href


class NothingToRemindOf(Conflict):
    """Nothing is owed on this invoice, or a payment is under way: there is nothing to remind of."""

    title = "Nothing to remind of"


class NotPaused(Conflict):
    """This facility's service is not paused. It may have been paid in the meantime."""

    title = "Not paused"
