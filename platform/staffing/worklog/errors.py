"""What can go wrong with recorded work."""

from collections.abc import Mapping
from datetime import timedelta

from staffing.errors import Conflict, Invalid


class StepNotPossible(Conflict):
    """This entry has moved on since you looked."""

    title = "This entry has moved on"


class TimeTaken(Invalid):
    """The time overlaps with time of the same person; `conflicts` names their own entries, to nobody else."""

    title = "No minute counts twice"

    def __init__(self, message: str, conflicts: tuple[str, ...], *, inside_running: bool = False, **fields: str) -> None:
        super().__init__(message, **fields)
        self.conflicts = conflicts
        self.inside_running = inside_running
        """The only thing in the way is the running timer: its time can be cut in two around the new entry."""


class TimeToChoose(Invalid):
    """A local time that exists twice that day. `choices`: for each field the readings, `("0", "first, EDT")`."""

    def __init__(self, choices: Mapping[str, tuple[tuple[str, str], ...]], **fields: str) -> None:
        super().__init__("", **fields)
        self.choices = choices


class TimerRanLong(Conflict):
    """The timer ran so long that its end has to be said."""

    title = "When did you stop?"
    way_on_href = "/workspace/timer/stop"
    way_on_label = "Say when you stopped"

    def __init__(self, message: str, ran: timedelta) -> None:
        super().__init__(message)
        self.ran = ran


class NoTimerRuns(Conflict):
    """No timer is running: it was stopped already, perhaps on another device."""

    title = "No timer is running"
    way_on_href = "/workspace"
    way_on_label = "Go to today"


class EntryChanged(Conflict):
    """The entry is no longer what you saw. `changed` names what is different."""

    title = "The entry changed while you were looking"

    def __init__(self, message: str, changed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.changed = changed


class TooLateToUndo(Conflict):
    """This approval can no longer be undone here. Dispute the entry, with the reason, instead."""

    title = "Too late to undo"
