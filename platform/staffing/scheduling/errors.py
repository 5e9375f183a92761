"""What can go wrong with a plan, an assignment, a call-off."""

from staffing.errors import Conflict, Invalid


class PlanHasMovedOn(Conflict):
    """This plan has moved on since you looked. Open it again to see where it stands."""

    title = "This plan has moved on"


class AssignmentHasMovedOn(Conflict):
    """This assignment has changed since you looked. Open the schedule again to see where it stands."""

    title = "This assignment has changed"


class CallOffHasMovedOn(Conflict):
    """This call-off was taken back in the meantime. Nothing was changed."""

    title = "This call-off was taken back"


class ReliefNoLongerFits(Conflict):
    """Something changed since this relief was worked out. Nothing of it was made."""

    title = "This relief no longer fits"
    way_on_label = "Look for relief again"

    def __init__(self, conflicts: tuple[str, ...], way_on_href: str) -> None:
        super().__init__()
        self.conflicts = conflicts
        self.way_on_href = way_on_href


class NothingToPlan(Invalid):
    """Every window of the next four weeks is covered: there is nothing to plan."""

    title = "Nothing to plan"


class PlanNoLongerFits(Conflict):
    """What the plan was made from has changed since. Nothing of it was applied; plan again to take the changes in."""

    title = "This plan no longer fits"
    way_on_label = "Go to the plan and plan again"

    def __init__(self, conflicts: tuple[str, ...], way_on_href: str) -> None:
        count = "One choice" if len(conflicts) == 1 else f"{len(conflicts)} choices"
        super().__init__(
            f"{count} of this plan cannot be made any more, because something changed since it was worked out. "
            "Nothing was applied. Plan again to take the changes in."
        )
        self.conflicts = conflicts
        self.way_on_href = way_on_href


class SearchFailed(Exception):
    """The solver ended without a plan. The message is for the log; the plan's page says it in words."""
