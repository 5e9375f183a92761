"""What a facility pays when it cancels late, and when it hires a coordinator away."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.rates.checks import InvalidRateCard, check_decimal, check_whole
from billing.rates.commitments import LARGEST_AMOUNT, LONGEST_TIME

_HUNDRED = Decimal(100)
_LONGEST_WINDOW = 90 * 24 * 60


class CancellationKind(StrEnum):
    """How a late cancellation is charged."""

    NONE = "none"
    HOURS = "hours"
    FLAT = "flat"
    PERCENT = "percent"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class LateCancellation:
    """What a booking costs that is cancelled less than `window_minutes` before its start.

    `hours` bills the first `minutes` of the booking (all of it, when it is shorter), `flat` bills `amount_minor`, `percent`
    bills that part of what the booking would have cost, `full` all of it. Exactly one of the three goes with its kind.
    """

    kind: CancellationKind
    window_minutes: int
    minutes: int | None = None
    amount_minor: int | None = None
    percent: Decimal | None = None

    def __post_init__(self) -> None:
        check_whole("window of a late cancellation", self.window_minutes, 0, _LONGEST_WINDOW)
        needed = {CancellationKind.HOURS: "minutes", CancellationKind.FLAT: "amount_minor", CancellationKind.PERCENT: "percent"}
        wrong = [
            f"A late cancellation of kind {self.kind} {'needs' if needed.get(self.kind) == name else 'has no'} {name}."
            for name in ("minutes", "amount_minor", "percent")
            if (getattr(self, name) is None) == (needed.get(self.kind) == name)
        ]
        if wrong:
            raise InvalidRateCard(*wrong)
        if self.minutes is not None:
            check_whole("minutes of a late cancellation", self.minutes, 1, LONGEST_TIME)
        if self.amount_minor is not None:
            check_whole("amount of a late cancellation", self.amount_minor, 0, LARGEST_AMOUNT)
        if self.percent is not None:
            check_decimal("percent of a late cancellation", self.percent, Decimal(0), _HUNDRED)


class ReducedBy(StrEnum):
    """What makes a conversion fee fall."""

    NOTHING = "nothing"
    MONTHS = "months"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class ConversionFee:
    """What the facility owes for hiring a coordinator: `amount_minor`, or `percent_of_salary` of a year's salary.

    It falls evenly to nothing over `free_after_months` full months since the first day of work, or over
    `free_after_minutes` worked there, whichever `reduced_by` names.
    """

    amount_minor: int | None = None
    percent_of_salary: Decimal | None = None
    reduced_by: ReducedBy = ReducedBy.NOTHING
    free_after_months: int | None = None
    free_after_minutes: int | None = None

    def __post_init__(self) -> None:
        problems: list[str] = []
        if (self.amount_minor is None) == (self.percent_of_salary is None):
            problems.append("A conversion fee is either amount_minor or percent_of_salary.")
        if (self.free_after_months is None) == (self.reduced_by is ReducedBy.MONTHS):
            problems.append("A conversion fee has free_after_months when it is reduced by months, and only then.")
        if (self.free_after_minutes is None) == (self.reduced_by is ReducedBy.HOURS):
            problems.append("A conversion fee has free_after_minutes when it is reduced by hours, and only then.")
        if problems:
            raise InvalidRateCard(*problems)
        if self.amount_minor is not None:
            check_whole("amount of a conversion fee", self.amount_minor, 0, LARGEST_AMOUNT)
        if self.percent_of_salary is not None:
            check_decimal("percent of a conversion fee", self.percent_of_salary, Decimal(0), _HUNDRED)
        if self.free_after_months is not None:
            check_whole("months until a conversion is free", self.free_after_months, 1, 120)
        if self.free_after_minutes is not None:
            check_whole("minutes until a conversion is free", self.free_after_minutes, 1, LONGEST_TIME)
