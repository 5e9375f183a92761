"""What can go wrong with a request for relief."""

from dataclasses import dataclass
from datetime import date, datetime

from staffing.errors import Conflict, Invalid


@dataclass(frozen=True, slots=True)
class ClockQuestion:
    """A wall-clock time that a day does not have, or has twice, and the two instants it could mean.

    `key` names the question in the answers (`"2026-03-08-02:00"`); `earlier` and `later` are the neighbours, an answer is
    `"earlier"` or `"later"`.
    """

    key: str
    day: date
    clock: str
    twice: bool
    earlier: datetime
    later: datetime
    sentence: str
    earlier_words: str
    later_words: str


class ClockAsked(Invalid):
    """On one of these days the clocks change: somebody must say which instant is meant. Nothing is guessed."""

    title = "The clocks change on one of these days"

    def __init__(self, questions: tuple[ClockQuestion, ...]) -> None:
        super().__init__(windows=" ".join(f"{one.sentence}. {one.earlier_words} or {one.later_words}?" for one in questions))
        self.questions = questions


class FormAlreadySent(Invalid):
    """This form was sent before with other content."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"This form was already sent: it made {reference}, and that request stays as it is. "
            "Send it once more if you want a second request with what you see here."
        )
        self.reference = reference


class AgreementMissing(Invalid):
    """The agency may not send anybody before the business associate agreement is signed."""


class RequestIsClosed(Conflict):
    """This request is no longer open."""

    title = "This request is no longer open"

    def __init__(self, message: str, way_on_href: str = "") -> None:
        super().__init__(message)
        self.way_on_href = way_on_href
        self.way_on_label = "See the request"
