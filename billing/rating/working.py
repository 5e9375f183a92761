"""Worked entries to lines: cut, price, round by entry, raise to the minimum call, add up, round by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing.money import amount_for
from billing.rates import Contract, RateCard, RoundingRule, RoundingScope, ServiceRate
from billing.rating.entries import ALREADY_BILLED, WorkedEntry
from billing.rating.lines import INCLUDED, OVERAGE, Applied, Line, PayLine, Share
from billing.rating.pieces import Piece, cut, with_overtime
from billing.rating.prices import Price, bill_price, overage_price, pay_price


@dataclass(frozen=True, slots=True)
class Agreed:
    """What holds for one entry: the card in force on the local day on which it began, and the rate of that day."""

    version: int
    card: RateCard
    level: int
    rate: ServiceRate


@dataclass(frozen=True, slots=True)
class Bit:
    """A piece with its price and the seconds billed for it, before its line is rounded."""

    piece: Piece
    agreed: Agreed
    price: Price
    worked_seconds: int
    billed_seconds: int


def agreed_for(contract: Contract, start: datetime, service: str, level: int, zone: ZoneInfo, currency: str) -> Agreed | str:
    """What is agreed for work that begins at `start`; or, as a sentence, why nothing is."""
    day = start.astimezone(zone).date()
    version = contract.in_force(day)
    if version is None:
        return f"No rate card is in force on {day}."
    card = contract.cards[version].card
    found = card.rate_on(day, service, level, currency)
    return f"The rate card has no rate for {service!r}." if found is None else Agreed(version, card, *found)


def bits(entries: Iterable[tuple[WorkedEntry, Agreed]], zone: ZoneInfo) -> list[Bit]:
    """The priced pieces of all approved entries, in the order in which they were worked.

    Entries that are on an invoice already count towards overtime and give no bits.
    """
    agreed = {entry.id: (entry, found) for entry, found in entries}
    in_order = sorted(agreed.values(), key=lambda pair: (pair[0].status not in ALREADY_BILLED, pair[0].start, pair[0].id))
    cuts = [
        (piece, found.card.overtime)
        for entry, found in in_order
        for piece in sorted(cut(entry, found.card, zone), key=lambda piece: piece.start)
    ]
    by_entry: dict[str, list[Piece]] = {}
    for piece in with_overtime(cuts, zone):
        by_entry.setdefault(piece.entry.id, []).append(piece)
    result: list[Bit] = []
    for entry, found in in_order:
        if entry.is_approved:
            result += _bits_of(by_entry[entry.id], found)
    return result


def _bits_of(pieces: list[Piece], agreed: Agreed) -> list[Bit]:
    billed = _billed_seconds([piece.seconds for piece in pieces], agreed.card)
    return [
        Bit(piece, agreed, bill_price(piece, agreed.card, agreed.rate), piece.seconds, seconds)
        for piece, seconds in zip(pieces, billed, strict=True)
    ]


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


def drawn_from_retainer(found: Iterable[Bit], available_seconds: int) -> tuple[list[Bit], int]:
    """The bits after the included seconds are used up from the first on, and how many were used.

    Covered time costs nothing more; what is beyond is overage. A bit on the border is cut.
    """
    left = available_seconds
    result: list[Bit] = []
    for bit in found:
        retainer = bit.agreed.card.retainer
        if retainer is None or not retainer.covers(bit.piece.entry.service):
            result.append(bit)
            continue
        covered = min(left, bit.billed_seconds)
        left -= covered
        if covered == bit.billed_seconds:
            result.append(_included(bit, bit.worked_seconds, covered))
            continue
        worked = min(bit.worked_seconds, covered)
        if covered:
            result.append(_included(bit, worked, covered))
        price = overage_price(bit.piece, bit.agreed.card, bit.agreed.rate, retainer.overage_per_hour)
        kind = OVERAGE if not price.applied else f"{OVERAGE}+{price.kind}"
        price = Price(kind, price.per_hour, price.applied)
        rest = replace(bit.piece, start=bit.piece.start + timedelta(seconds=worked), seconds=bit.piece.seconds - worked)
        result.append(Bit(rest, bit.agreed, price, bit.worked_seconds - worked, bit.billed_seconds - covered))
    return result, available_seconds - left


def _included(bit: Bit, worked: int, billed: int) -> Bit:
    return Bit(bit.piece, bit.agreed, Price(INCLUDED, Decimal(0), ()), worked, billed)


@dataclass(frozen=True, slots=True, order=True)
class LineKey:
    """What one line has in common."""

    service: str
    coordinator: str
    level: int
    kind: str
    unit_rate: Decimal
    version: int


@dataclass(frozen=True, slots=True)
class LineStyle:
    """What else a line shows: the same for all bits of one key."""

    base_rate: Decimal
    applied: tuple[Applied, ...]
    rounding: RoundingRule


def lines_of(found: Iterable[Bit], currency: str) -> list[Line]:
    """The lines of these bits, in a fixed order. The amount of a line is rounded once."""
    shares: dict[LineKey, dict[str, Share]] = {}
    styles: dict[LineKey, LineStyle] = {}
    for bit in found:
        entry, agreed, price = bit.piece.entry, bit.agreed, bit.price
        key = LineKey(entry.service, entry.coordinator, agreed.level, price.kind, price.per_hour, agreed.version)
        styles.setdefault(key, LineStyle(agreed.rate.bill_per_hour, price.applied, agreed.card.rounding))
        _add_share(shares.setdefault(key, {}), bit)
    return [_line(key, tuple(shares[key].values()), styles[key], currency) for key in sorted(shares)]


def _add_share(shares: dict[str, Share], bit: Bit) -> None:
    before = shares.get(bit.piece.entry.id, Share(bit.piece.entry.id, 0, 0))
    because = tuple(dict.fromkeys((*before.because, *bit.piece.because)))
    shares[before.entry_id] = Share(
        before.entry_id,
        before.worked_seconds + bit.worked_seconds,
        before.billed_seconds + bit.billed_seconds,
        because,
        _joined(before.pieces, bit),
    )


def _joined(pieces: tuple[tuple[datetime, datetime], ...], bit: Bit) -> tuple[tuple[datetime, datetime], ...]:
    """`pieces` and what `bit` adds; one that goes on where the last ends makes it longer."""
    start, end = bit.piece.start, bit.piece.start + timedelta(seconds=bit.worked_seconds)
    if start == end:
        return pieces
    if pieces and pieces[-1][1] == start:
        return (*pieces[:-1], (pieces[-1][0], end))
    return (*pieces, (start, end))


def _line(key: LineKey, shares: tuple[Share, ...], style: LineStyle, currency: str) -> Line:
    seconds = sum(share.billed_seconds for share in shares)
    if style.rounding.scope is RoundingScope.LINE:
        seconds = style.rounding.rounded(seconds)
    return Line(
        key.service,
        key.coordinator,
        key.kind,
        seconds,
        key.unit_rate,
        amount_for(seconds, key.unit_rate, currency).minor,
        shares,
        level=key.level,
        base_rate=style.base_rate,
        applied=style.applied,
        rounding=style.rounding,
        version=key.version,
    )


def pay_lines_of(found: Iterable[Bit], currency: str) -> tuple[list[PayLine], list[str]]:
    """The coordinators' side of these bits by the second, and the services whose pay rate is not known."""
    entries: dict[LineKey, dict[str, int]] = {}
    unknown: set[str] = set()
    for bit in found:
        entry, agreed = bit.piece.entry, bit.agreed
        if agreed.rate.pay_per_hour is None:
            unknown.add(entry.service)
            continue
        price = pay_price(bit.piece, agreed.card, agreed.rate.pay_per_hour)
        key = LineKey(entry.service, entry.coordinator, agreed.level, price.kind, price.per_hour, agreed.version)
        worked = entries.setdefault(key, {})
        worked[entry.id] = worked.get(entry.id, 0) + bit.worked_seconds
    return [_pay_line(key, entries[key], currency) for key in sorted(entries)], sorted(unknown)


def _pay_line(key: LineKey, worked: Mapping[str, int], currency: str) -> PayLine:
    seconds = sum(worked.values())
    amount = amount_for(seconds, key.unit_rate, currency).minor
    return PayLine(key.service, key.coordinator, key.kind, seconds, key.unit_rate, amount, tuple(worked), key.level)
