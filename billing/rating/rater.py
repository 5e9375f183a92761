"""The whole of it: work, bookings called off and hires of one facility in, the lines of its invoice out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

from billing.local_time import zone_of
from billing.money import minor_digits
from billing.rates import Contract, DatedCard, RateCard
from billing.rating.entries import ALREADY_BILLED, Cancellation, Hire, WorkedEntry, overlaps, refuse_doubles
from billing.rating.fees import cancellation_lines, conversion_lines
from billing.rating.lines import Held, Rating
from billing.rating.periods import (
    NOTHING_BEFORE,
    Before,
    Period,
    guaranteed_hours_lines,
    included_seconds,
    parts_of,
    retainer_lines,
    retainer_use,
    true_up_lines,
)
from billing.rating.working import Agreed, agreed_for, bits, drawn_from_retainer, lines_of, pay_lines_of


def rate(
    entries: Iterable[WorkedEntry],
    agreed: RateCard | Contract,
    time_zone: str,
    currency: str,
    *,
    period: Period | None = None,
    before: Before = NOTHING_BEFORE,
    cancellations: Iterable[Cancellation] = (),
    hires: Iterable[Hire] = (),
) -> Rating:
    """Rate the `entries` of one facility by what is `agreed`, on the wall clock of the IANA `time_zone`, in `currency`.

    `period` says which local days are billed; a contract of several cards needs it for minimums and retainers, which are
    shared out by days. The order of the entries does not matter. Entries of a week or day that are on an invoice already
    may be given too, with such a status: they are not billed, but count towards the limits of overtime.

    Raises `UnknownTimeZone`, `InvalidEntry` (an id that comes twice, a hire that lacks what its fee counts),
    `InvalidRateCard` (a clause needs a period) or `ValueError` (no such currency).
    """
    zone = zone_of(time_zone)
    minor_digits(currency)
    contract = agreed if isinstance(agreed, Contract) else Contract((DatedCard(agreed),))
    ordered = sorted(entries, key=lambda entry: (entry.start, entry.id))
    called_off, hired = list(cancellations), list(hires)
    refuse_doubles("Entry", (entry.id for entry in ordered))
    refuse_doubles("Cancellation", (booking.id for booking in called_off))
    refuse_doubles("Hire", (hire.id for hire in hired))
    parts = parts_of(contract, period)
    found, held = _billable(ordered, contract, zone, currency)
    worked = bits(found, zone)
    available = included_seconds(parts) + sum(lot.seconds for lot in before.carried)
    drawn, used = drawn_from_retainer(sorted(worked, key=lambda bit: (bit.piece.start, bit.piece.entry.id)), available)
    work = lines_of(drawn, currency)
    late, unpriced = cancellation_lines(called_off, contract, zone, currency)
    missing = guaranteed_hours_lines(parts, work, currency, _price_day(ordered, zone, period))
    counted = [*work, *missing, *retainer_lines(parts), *late]
    billed = sum(line.amount_minor for line in counted)
    converted, not_agreed = conversion_lines(hired, contract, currency)
    lines = (*counted, *true_up_lines(parts, period, billed, before), *converted)
    pay_lines, unknown = pay_lines_of(worked, currency)
    return Rating(
        lines,
        sum(line.amount_minor for line in lines),
        (*held, *unpriced, *not_agreed),
        currency,
        tuple(pay_lines),
        tuple(unknown),
        overlaps(entry for entry, _ in found),
        retainer_use(parts, before.carried, used),
    )


def _billable(
    ordered: list[WorkedEntry], contract: Contract, zone: ZoneInfo, currency: str
) -> tuple[list[tuple[WorkedEntry, Agreed]], list[Held]]:
    """The entries that are billed or count towards overtime, with what is agreed for each; and those that are not billed."""
    found: list[tuple[WorkedEntry, Agreed]] = []
    held: list[Held] = []
    for entry in ordered:
        reason = entry.reason_to_wait
        agreed = agreed_for(contract, entry.start, entry.service, entry.level, zone, currency)
        if reason or isinstance(agreed, str):
            held.append(Held(entry.id, reason or str(agreed)))
        counts = entry.status in ALREADY_BILLED or not reason
        if counts and not isinstance(agreed, str) and entry.seconds > 0:
            found.append((entry, agreed))
    return found, held


def _price_day(ordered: list[WorkedEntry], zone: ZoneInfo, period: Period | None) -> date:
    """The day whose prices hold for hours that were not worked: the last of the period, or of the work."""
    if period is not None:
        return period.last
    return max((entry.start.astimezone(zone).date() for entry in ordered), default=date.min)
