"""What a period owes besides its hours: guaranteed hours, retainer fees, true-ups. Each is one line, rounded once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from billing.money import amount_for, round_half_up
from billing.rates import Contract, DatedCard, InvalidRateCard, Retainer, RollOver
from billing.rating.lines import COMMITMENT, GUARANTEED_HOURS, RETAINER, TRUE_UP, Carried, Figure, Line, RetainerUse

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Period:
    """The facility's local days that an invoice covers, `first` and `last` included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("A period must not end before it begins.")

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier invoices did, in minor units.

    `work_minor` and `true_up_minor` were billed for this same period, `term_minor` for the commitment's whole term so far,
    and `carried` are the included seconds that rolled over into this period.
    """

    work_minor: int = 0
    true_up_minor: int = 0
    term_minor: int = 0
    carried: tuple[Carried, ...] = ()


NOTHING_BEFORE = Before()


@dataclass(frozen=True, slots=True)
class Part:
    """A card and the part of the period in which it is in force: `days` of the period's `of_days`."""

    version: int
    dated: DatedCard
    days: int
    of_days: int

    @property
    def share(self) -> Fraction:
        """1 for a card that holds all period long."""
        return Fraction(self.days, self.of_days)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The pro-rata part, where there is one."""
        return () if self.days == self.of_days else (Figure("days", self.days), Figure("of_days", self.of_days))


def parts_of(contract: Contract, period: Period | None) -> list[Part]:
    """The cards in force in `period`, each with its share of the days.

    Without a period a single card holds all of it. Raises `InvalidRateCard` when a clause needs a period and there is none.
    """
    if period is not None:
        days = [contract.days_in_force(position, period.first, period.last) for position in range(len(contract.cards))]
        return [Part(position, contract.cards[position], some, period.days) for position, some in enumerate(days) if some]
    if len(contract.cards) > 1 and any(dated.card.has_period_clauses for dated in contract.cards):
        raise InvalidRateCard("Several rate cards with a minimum or a retainer need a period, to know how long each holds.")
    if any(dated.card.commitment for dated in contract.cards):
        raise InvalidRateCard("A commitment needs a period, to know when its term ends.")
    return [Part(position, dated, 1, 1) for position, dated in enumerate(contract.cards)]


def included_seconds(parts: Iterable[Part]) -> int:
    """What the retainers of the period include, each by its share of the days, half up to the minute."""
    return sum(_included_minutes(part, part.dated.card.retainer) * 60 for part in parts if part.dated.card.retainer)


def _included_minutes(part: Part, retainer: Retainer) -> int:
    return round_half_up(retainer.included_minutes * part.share)


def retainer_lines(parts: Iterable[Part]) -> list[Line]:
    """The retainer's fee, for each card by its share of the days."""
    lines = []
    for part in parts:
        retainer = part.dated.card.retainer
        if retainer is not None:
            figures = (
                Figure("fee_minor", retainer.fee_minor),
                Figure("included_minutes", _included_minutes(part, retainer)),
                *part.figures,
            )
            amount = round_half_up(retainer.fee_minor * part.share)
            lines.append(amount_line(RETAINER, amount, figures, version=part.version))
    return lines


def retainer_use(parts: list[Part], carried: tuple[Carried, ...], used: int) -> RetainerUse | None:
    """How the period used its retainer: what was carried in is used before what the period itself includes, oldest first."""
    rules = [part.dated.card.retainer for part in parts if part.dated.card.retainer]
    if not rules:
        return None
    included = included_seconds(parts)
    lots = sorted(carried, key=lambda lot: (lot.periods_left is None, lot.periods_left or 0))
    left, rest = [], used
    for lot in lots:
        taken = min(rest, lot.seconds)
        rest -= taken
        left.append(Carried(lot.seconds - taken, lot.periods_left))
    carried_out = _carried_out(left, included - rest, rules[-1].roll_over)
    return RetainerUse(included, sum(lot.seconds for lot in carried), used, carried_out)


def _carried_out(left: list[Carried], unused: int, rule: RollOver | None) -> tuple[Carried, ...]:
    """What rolls over: never what has expired, at most the limit, and of that what lasts longest."""
    if rule is None:
        return ()
    aged = [Carried(lot.seconds, None if lot.periods_left is None else lot.periods_left - 1) for lot in left]
    lots = [*(lot for lot in aged if lot.periods_left != 0), Carried(unused, rule.expires_after_periods)]
    room = None if rule.limit_minutes is None else rule.limit_minutes * 60
    kept: list[Carried] = []
    for lot in reversed(lots):
        seconds = lot.seconds if room is None else min(lot.seconds, room)
        room = None if room is None else room - seconds
        kept += [Carried(seconds, lot.periods_left)] if seconds else []
    return tuple(reversed(kept))


def guaranteed_hours_lines(parts: Iterable[Part], work: list[Line], currency: str, day: date) -> list[Line]:
    """For each service with guaranteed hours the minutes that are missing, at its regular rate on `day`."""
    lines = []
    for part in parts:
        for hours in part.dated.card.guaranteed_hours:
            guaranteed = round_half_up(hours.minutes * part.share) * 60
            billed = sum(line.seconds for line in work if line.service == hours.service and line.version == part.version)
            found = part.dated.card.rate_on(day, hours.service, 0, currency)
            assert found is not None, "a card has a rate for each service it guarantees"
            if (missing := guaranteed - billed) > 0:
                rate = found[1].bill_per_hour
                amount = amount_for(missing, rate, currency).minor
                figures = (Figure("guaranteed_minutes", guaranteed // 60), Figure("billed_seconds", billed), *part.figures)
                lines.append(
                    Line(
                        hours.service, "", GUARANTEED_HOURS, missing, rate, amount, (), base_rate=rate, figures=figures,
                        version=part.version,
                    )
                )  # fmt: skip
    return lines


def true_up(minimum_minor: int, billed_minor: int, trued_up_minor: int = 0) -> int:
    """What is missing to the minimum, less what earlier true-ups billed already; negative gives some of that back."""
    return max(0, minimum_minor - billed_minor) - trued_up_minor


def true_up_lines(parts: list[Part], period: Period | None, billed_minor: int, before: Before) -> list[Line]:
    """The lines that make the period's guaranteed minimum, and at the end of its term the commitment."""
    lines = []
    minimum = round_half_up(sum((part.dated.card.guaranteed_minimum_minor * part.share for part in parts), Fraction(0)))
    amount = true_up(minimum, billed_minor + before.work_minor, before.true_up_minor)
    if amount:
        figures = [Figure("guaranteed_minimum_minor", minimum), Figure("billed_minor", billed_minor + before.work_minor)]
        figures += [Figure("trued_up_before_minor", before.true_up_minor)] if before.true_up_minor else []
        figures += [figure for part in parts for figure in part.figures] if len(parts) == 1 else []
        lines.append(amount_line(TRUE_UP, amount, tuple(figures)))
    commitment = next((part.dated.card.commitment for part in reversed(parts) if part.dated.card.commitment), None)
    if commitment is not None and period is not None and period.first <= commitment.last <= period.last:
        billed = billed_minor + amount + before.term_minor
        missing = true_up(commitment.minimum_minor, billed)
        if missing:
            figures = [Figure("commitment_minor", commitment.minimum_minor), Figure("billed_minor", billed)]
            figures += [Figure("from", commitment.first.isoformat()), Figure("to", commitment.last.isoformat())]
            lines.append(amount_line(COMMITMENT, missing, tuple(figures)))
    return lines


def amount_line(
    kind: str, amount: int, figures: tuple[Figure, ...], coordinator: str = "", service: str = "", reference: str = "",
    version: int = 0,
) -> Line:  # fmt: skip
    """A line that is an amount and no hours."""
    return Line(service, coordinator, kind, 0, NOTHING, amount, (), figures=figures, reference=reference, version=version)
