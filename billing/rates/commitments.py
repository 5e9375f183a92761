"""What a facility pays for a period however much was worked: minimums, a commitment over a term, a retainer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.rates.checks import InvalidRateCard, check_rate, check_whole

LARGEST_AMOUNT = 10**12
LONGEST_TIME = 10**6
"""Minutes; a hundred people for a month."""


@dataclass(frozen=True, slots=True)
class GuaranteedHours:
    """At least `minutes` of `service` are billed in a period; what is missing costs the service's regular rate."""

    service: str
    minutes: int

    def __post_init__(self) -> None:
        check_whole("minutes of guaranteed hours", self.minutes, 1, LONGEST_TIME)


@dataclass(frozen=True, slots=True)
class Commitment:
    """At least `minimum_minor` are billed from `first` to `last`, several periods. The invoice of the last one trues up."""

    minimum_minor: int
    first: date
    last: date

    def __post_init__(self) -> None:
        check_whole("minimum of a commitment", self.minimum_minor, 1, LARGEST_AMOUNT)
        if self.last < self.first:
            raise InvalidRateCard("A commitment must not end before it begins.")


@dataclass(frozen=True, slots=True)
class RollOver:
    """Included minutes that were not used may be used later.

    At most `limit_minutes` are carried (none: all), and each for `expires_after_periods` further periods (none: for ever).
    """

    limit_minutes: int | None = None
    expires_after_periods: int | None = None

    def __post_init__(self) -> None:
        if self.limit_minutes is not None:
            check_whole("limit of roll-over minutes", self.limit_minutes, 0, LONGEST_TIME)
        if self.expires_after_periods is not None:
            check_whole("number of periods that minutes roll over", self.expires_after_periods, 1, 120)


@dataclass(frozen=True, slots=True)
class Retainer:
    """A fixed fee per period with included minutes.

    Work beyond them is overage, at `overage_per_hour` or, without one, at the service's rate; premiums and overtime raise
    overage alone. `services` are those that the included minutes cover (empty: all).
    """

    fee_minor: int
    included_minutes: int
    overage_per_hour: Decimal | None = None
    services: frozenset[str] = frozenset()
    roll_over: RollOver | None = None

    def __post_init__(self) -> None:
        check_whole("fee of a retainer", self.fee_minor, 0, LARGEST_AMOUNT)
        check_whole("included minutes of a retainer", self.included_minutes, 0, LONGEST_TIME)
        if self.overage_per_hour is not None:
            check_rate("overage_per_hour", self.overage_per_hour)

    def covers(self, service: str) -> bool:
        """Whether work of `service` uses included minutes."""
        return not self.services or service in self.services
