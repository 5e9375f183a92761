"""What rating gives: invoice lines that can be explained, lines of pay, and what is held."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from billing.rates import RoundingRule

GUARANTEED_HOURS, RETAINER, INCLUDED, OVERAGE = "guaranteed_hours", "retainer", "included", "overage"
LATE_CANCELLATION, TRUE_UP, COMMITMENT, CONVERSION = "late_cancellation", "true_up", "commitment", "conversion"


@dataclass(frozen=True, slots=True)
class Share:
    """What one entry adds to one line: raw worked seconds, and the seconds billed before rounding of the line.

    `because` names what a multiplier cannot say: `Thanksgiving Day (US-CA)`. `pieces` are the stretches `[start, end)` of
    the entry that are on this line, in UTC and in order; together they last `worked_seconds`.
    """

    entry_id: str
    worked_seconds: int
    billed_seconds: int
    because: tuple[str, ...] = ()
    pieces: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule that changed the price of an hour. Without a `multiplier` it set a price of its own."""

    rule: str
    multiplier: Decimal | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number or a day that an amount was worked out from, such as `guaranteed_minimum_minor` 100000."""

    name: str
    value: int | str


@dataclass(frozen=True, slots=True)
class Line:
    """One invoice line: a service by a coordinator in one kind of time at one rate, or an amount that is no work.

    `seconds` is billed time after all rounding; `unit_rate` whole currency units per hour, premiums included. How it came
    about: `base_rate` is the rate before the rules in `applied`, `rounding` what made `seconds` of the shares' sum, `figures`
    what an amount without hours was worked out from. `reference` is the id of the cancellation or hire behind the line,
    `version` the position of its rate card in the contract.
    """

    service: str
    coordinator: str
    kind: str
    seconds: int
    unit_rate: Decimal
    amount_minor: int
    shares: tuple[Share, ...]
    level: int = 0
    base_rate: Decimal | None = None
    applied: tuple[Applied, ...] = ()
    rounding: RoundingRule = field(default_factory=RoundingRule)
    figures: tuple[Figure, ...] = ()
    reference: str = ""
    version: int = 0

    @property
    def entries(self) -> tuple[str, ...]:
        """Ids of the entries behind the line, in the order they were worked."""
        return tuple(share.entry_id for share in self.shares)

    @property
    def worked_seconds(self) -> int:
        """Raw worked time behind the line, before minimum and rounding."""
        return sum(share.worked_seconds for share in self.shares)

    @property
    def seconds_before_rounding(self) -> int:
        """Billed time before the line was rounded; minimum call and rounding by entry included."""
        return sum(share.billed_seconds for share in self.shares) if self.shares else self.seconds

    @property
    def minutes(self) -> Decimal:
        """Billed minutes; whole unless the contract bills to the second."""
        return Decimal(self.seconds) / 60

    @property
    def key(self) -> str:
        """A name that follows from the line's content: billing the same work again gives the same name."""
        parts = [self.service, self.coordinator, self.kind, f"{self.unit_rate:f}", *sorted(self.entries)]
        parts += [f"level {self.level}"] if self.level else []
        parts += [f"for {self.reference}"] if self.reference else []
        parts += [f"card {self.version}"] if self.version and not self.shares else []
        return hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class PayLine:
    """What a coordinator earns for one service in one kind of time, by the second: worked time is never rounded for pay."""

    service: str
    coordinator: str
    kind: str
    seconds: int
    unit_rate: Decimal
    amount_minor: int
    entries: tuple[str, ...]
    level: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """An entry that is not billed now, and why, as a sentence."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Carried:
    """Included seconds that were not used and may be, in this period and so many more (`periods_left`; none: for ever)."""

    seconds: int
    periods_left: int | None = None


@dataclass(frozen=True, slots=True)
class RetainerUse:
    """How a period used its retainer, in seconds. `carried_out` goes into the next period's `Before`."""

    included_seconds: int
    carried_in_seconds: int
    used_seconds: int
    carried_out: tuple[Carried, ...]

    @property
    def forfeited_seconds(self) -> int:
        """What was neither used nor carried on."""
        return self.included_seconds + self.carried_in_seconds - self.used_seconds - sum(lot.seconds for lot in self.carried_out)


@dataclass(frozen=True, slots=True)
class Rating:
    """The outcome: `total_minor` is the sum of the lines' amounts, in minor units of `currency`.

    `pay_lines` are the coordinators' side of the same work; `unpriced_pay` names services whose pay rate is not known.
    `overlaps` are pairs of entries in which one coordinator works twice at once: billed as they stand, for somebody to look at.
    """

    lines: tuple[Line, ...]
    total_minor: int
    held: tuple[Held, ...]
    currency: str
    pay_lines: tuple[PayLine, ...] = ()
    unpriced_pay: tuple[str, ...] = ()
    overlaps: tuple[tuple[str, str], ...] = ()
    retainer: RetainerUse | None = None

    @property
    def pay_minor(self) -> int | None:
        """What the coordinators earn; unknown while a worked service has no pay rate."""
        return None if self.unpriced_pay else sum(line.amount_minor for line in self.pay_lines)

    @property
    def margin_minor(self) -> int | None:
        """What is billed less what is paid."""
        return None if self.pay_minor is None else self.total_minor - self.pay_minor
