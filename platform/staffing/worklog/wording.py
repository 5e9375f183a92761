"""The story of an entry in sentences."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from staffing.worklog.lifecycle import Step
from staffing.worklog.queries import StoryLine

_SENTENCES: dict[str, str] = {
    Step.STARTED: "{actor} started the timer",
    Step.ADDED: "{actor} added it by hand",
    Step.STOPPED: "{actor} stopped the timer",
    Step.CONTINUED: "Cut off from the entry before",
    Step.DESCRIBED: "{actor} wrote",
    Step.TAKEN_BACK: "{actor} took it back",
    Step.SUBMITTED: "{actor} submitted it",
    Step.WITHDRAWN: "{actor} withdrew it to correct it",
    Step.APPROVED: "{actor} approved it",
    Step.APPROVAL_UNDONE: "{actor} undid the approval",
    Step.DISPUTED: "{actor} disputed it",
    Step.DISPUTE_WITHDRAWN: "{actor} withdrew the dispute",
    Step.KEPT: "{actor} settled the dispute: it stays",
    Step.WRITTEN_OFF: "{actor} settled the dispute: it is written off",
    Step.CREDITED: "{actor} settled the dispute: it is credited",
    Step.INVOICED: "It was put on an invoice",
    Step.RELEASED: "It was taken off an invoice that was discarded",
}
_BAD = {Step.DISPUTED, Step.WRITTEN_OFF, Step.TAKEN_BACK}


def story(lines: Iterable[StoryLine], zone: str) -> Iterator[tuple[str, str, str]]:
    """For each step: the sentence with its reason, when (in `zone`), and `done` or `bad`."""
    for line in lines:
        sentence = _SENTENCES.get(line.step, "{actor}: " + line.step.replace("_", " ")).format(actor=line.actor)
        if line.reason:
            joint = " " if line.step == Step.DESCRIBED else ": "
            sentence += joint + (line.reason if line.step == Step.DESCRIBED else f"“{line.reason}”")
        yield sentence, _when(line.happened_at, zone), "bad" if line.step in _BAD else "done"


def _when(instant: datetime, zone: str) -> str:
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%a %-d %b, %H:%M}"


def age(birth_date: date, at: datetime, zone: str) -> int:
    """Whole years of age on the facility's calendar day."""
    today = at.astimezone(ZoneInfo(zone)).date()
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))
