"""What can go wrong with a billing run, one class per happening."""

from uuid import UUID

from staffing.errors import Conflict


class _OnRun(Conflict):
    """A conflict with the way to the run it is about."""

    def __init__(self, message: str = "", *, run_id: UUID | None = None, label: str = "See the run") -> None:
        super().__init__(message)
        self.run_id = run_id
        self.way_on_href = f"/desk/billing-runs/{run_id}" if run_id else "/desk/billing-runs"
        self.way_on_label = label


class RunInProgress(_OnRun):
    """A billing run of this period is in progress."""

    title = "Already in progress"


class RunHasMovedOn(_OnRun):
    """This run has moved on since you opened the page."""


class CannotAccept(_OnRun):
    """This cannot be accepted as it is."""

    title = "This has to be mended first"


class ChangedSinceProposed(_OnRun):
    """This draft changed since the run looked at it. Look again, then issue it."""
