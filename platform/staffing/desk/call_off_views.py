"""Views of recording a call-off, of the list of call-offs, and the line that the board begins with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from staffing.desk.times import ago_text
from staffing.scheduling.ahead import DutyAhead
from staffing.scheduling.call_off_queries import CallOffRow
from staffing.scheduling.call_off_rules import REACH_NAMES, REASON_NAMES, CallOffReason, Reach
from staffing.wall_clock import span_words
from staffing.web.forms import Field, Typed
from staffing.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffLine:
    """A call-off in the list, or on top of the board."""

    href: str
    name: str
    sentence: str
    what: str
    """The sentence without the name, for where the name stands beside."""
    meaning: str
    state: str
    reason: str
    recorded: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffsPage(Page):
    template: ClassVar[str] = "desk/call_offs/list.html"
    surface: ClassVar[str] = "desk"

    rows: tuple[CallOffLine, ...]
    may_record: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCallOffPage(Page):
    template: ClassVar[str] = "desk/call_offs/new.html"
    surface: ClassVar[str] = "desk"

    assignment: Field
    reach: Field
    until: Field
    reason: Field
    address: str
    """Where the form was opened."""
    nobody: bool
    one_person: str


def call_offs_page(rows: Sequence[CallOffRow], now: datetime, *, may_record: bool) -> CallOffsPage:
    return CallOffsPage(title="Call-offs", rows=tuple(line(row, now) for row in rows), may_record=may_record)


def line(row: CallOffRow, now: datetime) -> CallOffLine:
    return CallOffLine(
        href=f"/desk/call-offs/{row.id}",
        name=row.coordinator,
        sentence=sentence(row),
        what=_what(row),
        meaning="neutral" if row.withdrawn else "uncovered" if row.open else "covered",
        state=_state(row),
        reason=REASON_NAMES[CallOffReason(row.reason)],
        recorded=f"{row.coordinator if row.by_themselves else row.recorded_by}, {ago_text(row.recorded_at, now)}",
    )


def sentence(row: CallOffRow) -> str:
    """Ana Delfin called off Tue 24 Nov, 09:00–11:00 EST; 3 windows lack somebody."""
    if row.first_start is None or row.first_end is None:
        return f"{row.coordinator} called off; nothing was assigned."
    first = span_words(row.first_start, row.first_end, row.first_zone)
    more = f" and {row.open - 1} more" if row.open > 1 else ""
    if not row.open:
        return f"{row.coordinator} called off {first}{f' and {row.lost - 1} more' if row.lost > 1 else ''}."
    return f"{row.coordinator} called off {first}{more}; {counted(row.open)} somebody."


def _what(row: CallOffRow) -> str:
    said = sentence(row).removeprefix(f"{row.coordinator} ")
    return said[:1].upper() + said[1:]


def counted(number: int) -> str:
    return "one window lacks" if number == 1 else f"{number} windows lack"


def _state(row: CallOffRow) -> str:
    if row.withdrawn:
        return "Taken back"
    return f"{row.open} open" if row.open else "Relieved"


def new_page(
    duties: Sequence[DutyAhead],
    sent: Typed,
    errors: Mapping[str, str],
    *,
    address: str,
    person: str = "",
) -> NewCallOffPage:
    return NewCallOffPage(
        title=f"{person} called off" if person else "Record a call-off",
        assignment=sent.field(
            "assignment", "First assignment that they miss", errors=errors, required=True, options=_options(duties, person)
        ),
        reach=sent.field("reach", "How far it goes", errors=errors, required=True, options=_named(REACH_NAMES)),
        until=sent.field(
            "until", "Last day they are away", errors=errors, hint="Only for “Until the end of a day”; their own days."
        ),
        reason=sent.field("reason", "Why", errors=errors, required=True, options=_named(REASON_NAMES)),
        address=address,
        nobody=not duties,
        one_person=person,
    )


def _options(duties: Iterable[DutyAhead], person: str) -> list[tuple[str, str]]:
    return [
        (
            str(one.id),
            f"{'' if person else f'{one.coordinator}: '}{span_words(one.start, one.end, one.facility_zone)}, {one.facility}",
        )
        for one in duties
    ]


def _named(names: Mapping[Reach, str] | Mapping[CallOffReason, str]) -> list[tuple[str, str]]:
    return [(code.value, words) for code, words in names.items()]


def next_of_each(duties: Sequence[DutyAhead]) -> list[DutyAhead]:
    """The next assignment of everybody, by name: with all of them the list would be too long to choose from."""
    first: dict[UUID, DutyAhead] = {}
    for one in duties:
        first.setdefault(one.coordinator_id, one)
    return sorted(first.values(), key=lambda one: (one.coordinator, one.start))
