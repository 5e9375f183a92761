"""When an unpaid invoice asks for attention, pure: which stage of the reminders is due on a day, and when service pauses.

Days are counted from the due date, on the agency's calendar. However long nothing ran, one stage comes at most: the newest.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WARNING_DAYS = 5
"""So long before the pause it is announced, at least."""
PAUSE_WARNING = "pause_warning"
PAUSED = "paused"
PAUSE_LIFTED = "pause_lifted"
BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What was agreed with a facility. `pause_after_days` None: service is never paused."""

    reminder_days: Sequence[int]
    pause_after_days: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A stage that went out, and on which day."""

    stage: str
    on: date


def stage_of(day: int) -> str:
    """The name of the reminder that goes out `day` days after the due date (before it where negative)."""
    return f"due_soon_{-day}" if day < 0 else "due_today" if day == 0 else f"overdue_{day}"


def by_hand(day: date) -> str:
    """The name of a reminder that a person sends on `day`."""
    return f"{BY_HAND}_{day.isoformat()}"


def stage_today(due_on: date, today: date, agreed: Schedule, sent: Collection[Sent]) -> str | None:
    """What is to go out for an unpaid invoice today; None: nothing.

    The pause and its warning come before a reminder. A reminder is left out when anything went out since its day: so the stages
    that were missed meanwhile never follow each other, and a changed schedule repeats nothing.
    """
    late = (today - due_on).days
    if (stage := _pausing(late, today, agreed, sent)) is not None:
        return stage
    # A reminder that it will soon be due says nothing to somebody who is late.
    days = [day for day in agreed.reminder_days if day <= late and (day >= 0 or late <= 0)]
    if not days:
        return None
    newest = max(days)
    since = due_on + timedelta(days=newest)
    if any(one.on >= since for one in sent if one.stage != PAUSE_LIFTED):
        return None
    return stage_of(newest)


def pause_on(due_on: date, pause_after_days: int, warned_on: date) -> date:
    """The first day on which service may pause, after the warning of `warned_on`."""
    return max(due_on + timedelta(days=pause_after_days), warned_on + timedelta(days=WARNING_DAYS))


def _pausing(late: int, today: date, agreed: Schedule, sent: Collection[Sent]) -> str | None:
    if agreed.pause_after_days is None or any(one.stage in (PAUSED, PAUSE_LIFTED) for one in sent):
        return None
    warned = next((one.on for one in sent if one.stage == PAUSE_WARNING), None)
    if warned is None:
        return PAUSE_WARNING if late >= agreed.pause_after_days - WARNING_DAYS else None
    due_on = today - timedelta(days=late)
    return PAUSED if today >= pause_on(due_on, agreed.pause_after_days, warned) else None
