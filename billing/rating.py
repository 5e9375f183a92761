"""Rating: approved work and a rate card in, invoice lines out. Pure; the same input always gives the same lines.

Each entry is cut where a premium begins or ends on the facility's wall clock, rounded as the contract says, raised to
the minimum call, and added to the line of its service, coordinator and kind of time. A line's amount is rounded once.
Every line keeps the entries it came from with their raw and billed seconds; what cannot be billed is held, with a
reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing.local_time import pieces_between_borders, zone_of
from billing.money import amount_for, minor_digits
from billing.rates import RateCard, RoundingScope

APPROVED = "approved"
_LONGEST_ENTRY = timedelta(days=31)
_WAITING = {
    "running": "The timer is still running.",
    "draft": "It has not been submitted yet.",
    "submitted": "It waits for the facility's approval.",
    "returned": "It was returned to the coordinator.",
    "disputed": "The facility disputes it.",
    "written_off": "It was written off.",
    "locked": "It is already on an invoice.",
    "invoiced": "It is already on an invoice.",
}


class InvalidEntry(ValueError):
    """A work entry that cannot be rated: the message names it and says why."""


@dataclass(frozen=True, slots=True)
class WorkedEntry:
    """One stretch of work `[start, end)` for a facility, both with a UTC offset; fractions of a second are cut off.

    `id`, `coordinator` and `service` are opaque here; `service` must be a name on the rate card. Only the status
    `approved` is billed.
    """

    id: str
    coordinator: str
    service: str
    start: datetime
    end: datetime
    status: str = APPROVED

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            instant: datetime = getattr(self, name)
            if instant.tzinfo is None or instant.utcoffset() is None:
                raise InvalidEntry(f"Entry {self.id}: its {name} has no UTC offset.")
            object.__setattr__(self, name, instant.astimezone(UTC).replace(microsecond=0))
        if self.end <= self.start and self.status == APPROVED:
            raise InvalidEntry(f"Entry {self.id}: it ends at or before its start.")
        if self.end - self.start > _LONGEST_ENTRY:
            raise InvalidEntry(f"Entry {self.id}: it is longer than {_LONGEST_ENTRY.days} days.")

    @property
    def seconds(self) -> int:
        """Raw worked time."""
        return int((self.end - self.start).total_seconds())


@dataclass(frozen=True, slots=True)
class Share:
    """What one entry adds to one line: raw worked seconds, and the seconds billed before rounding of the line."""

    entry_id: str
    worked_seconds: int
    billed_seconds: int


@dataclass(frozen=True, slots=True)
class Line:
    """One invoice line: a service by a coordinator in one kind of time at one rate.

    `seconds` is billed time after all rounding; `unit_rate` whole currency units per hour, premium included.
    """

    service: str
    coordinator: str
    kind: str
    seconds: int
    unit_rate: Decimal
    amount_minor: int
    shares: tuple[Share, ...]

    @property
    def entries(self) -> tuple[str, ...]:
        """Ids of the entries behind the line, in the order they were worked."""
        return tuple(share.entry_id for share in self.shares)

    @property
    def worked_seconds(self) -> int:
        """Raw worked time behind the line, before minimum and rounding."""
        return sum(share.worked_seconds for share in self.shares)

    @property
    def minutes(self) -> Decimal:
        """Billed minutes; whole unless the contract bills to the second."""
        return Decimal(self.seconds) / 60

    @property
    def key(self) -> str:
        """A name that follows from the line's content: billing the same work again gives the same name."""
        content = "\x1f".join((self.service, self.coordinator, self.kind, f"{self.unit_rate:f}", *sorted(self.entries)))
        return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Held:
    """An entry that is not billed now, and why, as a sentence."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rating:
    """The outcome: `total_minor` is the sum of the lines' amounts, in minor units of `currency`."""

    lines: tuple[Line, ...]
    total_minor: int
    held: tuple[Held, ...]
    currency: str


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str
    multiplier: Decimal
    seconds: int


_LineKey = tuple[str, str, str, Decimal]  # service, coordinator, kind, unit rate


def rate(entries: Iterable[WorkedEntry], card: RateCard, time_zone: str, currency: str) -> Rating:
    """Rate `entries` of one facility by `card`, on the wall clock of the IANA `time_zone`, in `currency`.

    The order of the entries does not matter. Raises `UnknownTimeZone`, `InvalidEntry` (an id that comes twice) or
    `ValueError` (no such currency).
    """
    zone = zone_of(time_zone)
    minor_digits(currency)
    ordered = sorted(entries, key=lambda entry: (entry.start, entry.id))
    _refuse_doubles(ordered)
    held = [Held(entry.id, reason) for entry in ordered if (reason := _reason_to_hold(entry, card))]
    held_ids = {entry.id for entry in held}
    shares: dict[_LineKey, list[Share]] = {}
    for entry in ordered:
        if entry.id not in held_ids:
            for key, share in _shares(entry, card, zone):
                shares.setdefault(key, []).append(share)
    lines = tuple(_line(key, tuple(shares[key]), card, currency) for key in sorted(shares))
    return Rating(lines, sum(line.amount_minor for line in lines), tuple(held), currency)


def _refuse_doubles(entries: list[WorkedEntry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise InvalidEntry(f"Entry {entry.id} comes twice.")
        seen.add(entry.id)


def _reason_to_hold(entry: WorkedEntry, card: RateCard) -> str:
    if entry.status != APPROVED:
        return _WAITING.get(entry.status, f"Its status is {entry.status!r}, not approved.")
    if entry.service not in card.services:
        return f"The rate card has no rate for {entry.service!r}."
    return ""


def _shares(entry: WorkedEntry, card: RateCard, zone: ZoneInfo) -> Iterable[tuple[_LineKey, Share]]:
    """What the entry adds to which line; at most one share per line, however often a kind of time comes again."""
    pieces = _pieces(entry, card, zone)
    added: dict[_LineKey, Share] = {}
    for piece, billed in zip(pieces, _billed_seconds([piece.seconds for piece in pieces], card), strict=True):
        unit_rate = card.services[entry.service].bill_per_hour * piece.multiplier
        key = (entry.service, entry.coordinator, piece.kind, unit_rate)
        before = added.get(key, Share(entry.id, 0, 0))
        added[key] = Share(entry.id, before.worked_seconds + piece.seconds, before.billed_seconds + billed)
    return added.items()


def _pieces(entry: WorkedEntry, card: RateCard, zone: ZoneInfo) -> list[_Piece]:
    """The entry by kinds of time, in the order they were worked."""
    pieces: list[_Piece] = []
    for start, end in pieces_between_borders(entry.start, entry.end, zone, card.borders):
        kind, multiplier = card.premium_at((start + (end - start) / 2).astimezone(zone))
        seconds = int((end - start).total_seconds())
        if pieces and (pieces[-1].kind, pieces[-1].multiplier) == (kind, multiplier):
            seconds += pieces.pop().seconds
        pieces.append(_Piece(kind, multiplier, seconds))
    return pieces


def _billed_seconds(worked: list[int], card: RateCard) -> list[int]:
    """Billed seconds per piece of one entry.

    Rounding by entry rounds the entry as a whole: each border between pieces moves to the unit, counted from the start
    of the entry. Then the last piece is filled up to the minimum call.
    """
    billed = list(worked)
    if card.rounding.scope is RoundingScope.ENTRY:
        run, rounded_run = 0, 0
        for position, seconds in enumerate(worked):
            run += seconds
            billed[position] = card.rounding.rounded(run) - rounded_run
            rounded_run += billed[position]
    billed[-1] += max(0, card.minimum_call_minutes * 60 - sum(billed))
    return billed


def _line(key: _LineKey, shares: tuple[Share, ...], card: RateCard, currency: str) -> Line:
    service, coordinator, kind, unit_rate = key
    seconds = sum(share.billed_seconds for share in shares)
    if card.rounding.scope is RoundingScope.LINE:
        seconds = card.rounding.rounded(seconds)
    amount = amount_for(seconds, unit_rate, currency)
    return Line(service, coordinator, kind, seconds, unit_rate, amount.minor, shares)
