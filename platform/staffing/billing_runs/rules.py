"""What makes an invoice of a run worth a look before it goes out, and what explains its difference to the month before. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from billing.money import Money, minor_digits, rate_text
from staffing.billing_runs.models import ItemState
from staffing.billing_runs.periods import Period
from staffing.catalogue import service_name
from staffing.invoicing.rules import day_text

MUCH_PERCENT = 30
"""From here on a change against the month before is looked at by somebody."""
MUCH_MAJOR = 100
"""…unless it is smaller than this, in whole units of the currency."""


class FlagKind(StrEnum):
    """Why somebody has to look."""

    MUCH_MORE = "much_more"
    MUCH_LESS = "much_less"
    FIRST = "first"
    HELD = "held"
    NO_PAY_RATE = "no_pay_rate"
    NEGATIVE_MARGIN = "negative_margin"
    PRICE_MISSING = "price_missing"
    CANNOT_DRAFT = "cannot_draft"
    NOTHING = "nothing"
    OLDER = "older"
    NOT_OVER = "not_over"
    PAUSED = "paused"
    PARKED = "parked"


FLAG_NAMES: dict[FlagKind, str] = {
    FlagKind.MUCH_MORE: "Much more",
    FlagKind.MUCH_LESS: "Much less",
    FlagKind.FIRST: "First invoice",
    FlagKind.HELD: "Work held back",
    FlagKind.NO_PAY_RATE: "No pay rate",
    FlagKind.NEGATIVE_MARGIN: "Costs more than it brings",
    FlagKind.PRICE_MISSING: "Price missing",
    FlagKind.CANNOT_DRAFT: "Cannot be drafted",
    FlagKind.NOTHING: "Nothing this time",
    FlagKind.OLDER: "Older work",
    FlagKind.NOT_OVER: "Not over yet",
    FlagKind.PAUSED: "Paused",
    FlagKind.PARKED: "Parked",
}
BLOCKING = frozenset({FlagKind.PRICE_MISSING, FlagKind.CANNOT_DRAFT})
"""There is no draft to accept: this has to be mended, or left out."""


@dataclass(frozen=True, slots=True)
class Flag:
    kind: FlagKind
    sentence: str

    def stored(self) -> dict[str, str]:
        return {"kind": self.kind.value, "sentence": self.sentence}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one facility's invoice of the period. Amounts in minor units of `currency`."""

    period: Period
    currency: str
    total_minor: int = 0
    net_minor: int = 0
    """The total without tax: what the work brings."""
    previous_minor: int | None = None
    """What the invoices of the period before come to; None: there was none."""
    invoiced_before: bool = True
    held_count: int = 0
    held_seconds: int = 0
    cost_minor: int = 0
    without_pay: tuple[str, ...] = ()
    """Coordinators on this invoice for whom no pay is stored on the days they worked."""
    older_count: int = 0
    older_seconds: int = 0
    paused_on: date | None = None
    parked_because: str = ""
    over: bool = True
    """Whether the last day has passed on the facility's own calendar."""
    refused: Flag | None = None
    """Why no draft could be made."""


def flags(facts: Facts) -> tuple[Flag, ...]:
    """Everything that somebody should look at before this is issued, the gravest first."""
    found = [facts.refused] if facts.refused else []
    if not facts.refused:
        found += [*_change(facts), *_margin(facts)]
    return tuple(flag for flag in (*found, *_work(facts), *_account(facts)) if flag is not None)


def state_of(facts: Facts, found: Sequence[Flag]) -> ItemState:
    """Where the facility stands after it was proposed."""
    if found and (facts.total_minor or any(flag.kind in (FlagKind.NOTHING, *BLOCKING) for flag in found)):
        return ItemState.FLAGGED
    return ItemState.READY if facts.total_minor else ItemState.NOTHING


def percent(now_minor: int, before_minor: int) -> int | None:
    """By how much more (or less, negative) it is, in whole percent; None when there was nothing to compare with."""
    return round(100 * (now_minor - before_minor) / before_minor) if before_minor else None


def _change(facts: Facts) -> list[Flag]:
    total, before = facts.total_minor, facts.previous_minor
    month = facts.period.before.words
    if not total:
        if not before:
            return []
        return [Flag(FlagKind.NOTHING, f"There is nothing to invoice, but {month} came to {_money(facts, before)}.")]
    if not facts.invoiced_before:
        return [Flag(FlagKind.FIRST, "The first invoice of this facility: compare its prices with the contract.")]
    if not before:
        return [Flag(FlagKind.MUCH_MORE, f"There was no invoice for {month}; now it is {_money(facts, total)}.")]
    difference = abs(total - before)
    if 100 * difference < MUCH_PERCENT * before or difference < MUCH_MAJOR * 10 ** minor_digits(facts.currency):
        return []
    kind, word = (FlagKind.MUCH_MORE, "more") if total > before else (FlagKind.MUCH_LESS, "less")
    by = f"{_money(facts, difference)} ({abs(percent(total, before) or 0)} %)"
    return [Flag(kind, f"{by} {word} than {month}, which came to {_money(facts, before)}.")]


def _margin(facts: Facts) -> list[Flag]:
    if facts.without_pay:
        return [Flag(FlagKind.NO_PAY_RATE, f"What {_listed(facts.without_pay)} costs is not known: no pay rate for those days.")]
    if facts.total_minor and facts.cost_minor > facts.net_minor:
        costs, brings = _money(facts, facts.cost_minor), _money(facts, facts.net_minor)
        return [Flag(FlagKind.NEGATIVE_MARGIN, f"The work costs {costs} and brings {brings}.")]
    return []


def _work(facts: Facts) -> list[Flag]:
    found = []
    if facts.held_count:
        wait = "waits for approval or is disputed and goes" if facts.held_count == 1 else "wait or are disputed and go"
        found.append(Flag(FlagKind.HELD, f"{_entries(facts.held_count, facts.held_seconds)} {wait} on the next invoice."))
    if facts.older_count:
        be = "is" if facts.older_count == 1 else "are"
        sentence = f"{_entries(facts.older_count, facts.older_seconds)} {be} from before {day_text(facts.period.start_on)}."
        found.append(Flag(FlagKind.OLDER, sentence))
    if not facts.over and facts.total_minor:
        found.append(Flag(FlagKind.NOT_OVER, f"It is still {day_text(facts.period.end_on)} there: work may be added."))
    return found


def _account(facts: Facts) -> list[Flag]:
    if not facts.total_minor:
        return []
    found = []
    if facts.parked_because:
        found.append(Flag(FlagKind.PARKED, f"Parked: {facts.parked_because}"))
    if facts.paused_on:
        found.append(Flag(FlagKind.PAUSED, f"Paused since {day_text(facts.paused_on)}: an older invoice is not paid."))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSum:
    """What one service comes to on a facility's invoices of a period."""

    service: str
    seconds: int
    amount_minor: int
    unit_rate: Decimal | None = None
    """The regular rate, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The services of now and of the period before, of one facility."""

    currency: str
    now: tuple[ServiceSum, ...] = field(default=())
    before: tuple[ServiceSum, ...] = field(default=())


MOST_REASONS = 3


def reasons(comparison: Comparison) -> tuple[str, ...]:
    """What the difference comes from, the largest part first: `+12 h Prior authorization`."""
    before = {one.service: one for one in comparison.before}
    now = {one.service: one for one in comparison.now}
    parts = [_reason(now.get(name), before.get(name), comparison.currency) for name in sorted(now.keys() | before.keys())]
    parts.sort(key=lambda part: -part[0])
    return tuple(words for weight, words in parts if weight)[:MOST_REASONS]


def _reason(now: ServiceSum | None, before: ServiceSum | None, currency: str) -> tuple[int, str]:
    if now is None or before is None:
        one = now or before
        assert one is not None
        return abs(one.amount_minor), f"{'new' if now else 'no'} {_name(one.service)} ({money_text(one.amount_minor, currency)})"
    weight, name = abs(now.amount_minor - before.amount_minor), _name(now.service)
    if now.unit_rate and before.unit_rate and now.unit_rate != before.unit_rate:
        rates = f"at {rate_text(now.unit_rate, currency)}, was {rate_text(before.unit_rate, currency)} an hour"
        return weight, f"{name} {rates}"
    longer = now.seconds - before.seconds
    if longer:
        return weight, f"{'+' if longer > 0 else '−'}{time_text(abs(longer))} {name}"
    return weight, f"{name}: {money_text(now.amount_minor, currency)}, was {money_text(before.amount_minor, currency)}"


def _name(service: str) -> str:
    return service_name(service) if service else "fees"


def _money(facts: Facts, minor: int) -> str:
    return money_text(minor, facts.currency)


def money_text(minor: int, currency: str) -> str:
    """`$1,234.50`; other currencies with their code: `1,234.50 EUR`."""
    amount = f"{Money(abs(minor), currency).major:,}"
    return ("−" if minor < 0 else "") + (f"${amount}" if currency == "USD" else f"{amount} {currency}")


def time_text(seconds: int) -> str:
    """`4 h 30 min`, `12 h`, `5 min`; seconds are left out."""
    hours, minutes = divmod(seconds // 60, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes or not hours else "") if part)


def _entries(count: int, seconds: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'} ({time_text(seconds)})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
