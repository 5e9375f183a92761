"""From approved entries, charges and the dated contract to what an invoice says. Pure: nothing is read or stored here.

Each entry is rated by the version of the contract in force on the facility's local day on which it began, so a change of prices
inside a period gives lines of both prices.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.rates import Contract
from billing.rating import NOTHING_BEFORE, Before, Line, Period, Rating, RetainerUse, WorkedEntry, rate
from billing.rating.lines import CONVERSION, LATE_CANCELLATION
from billing.taxes import TaxRule, taxes
from staffing.catalogue import service_name
from staffing.contracts.amounts import day_text
from staffing.contracts.reading import Agreement
from staffing.invoicing.errors import CurrenciesDiffer, RateMissing
from staffing.invoicing.explanations import explanation_of
from staffing.wall_clock import local_day

Piece = tuple[UUID, datetime, datetime]
"""A stretch `[start, end)` of a work entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedLine:
    """A line as it would stand on the invoice. Seconds; amounts in minor units; `unit_rate` in whole units per hour."""

    key: str
    service: str
    coordinator_id: UUID | None
    kind: str
    worked_seconds: int
    billed_seconds: int
    unit_rate: Decimal
    amount_minor: int
    explanation: Mapping[str, Any]
    pieces: tuple[Piece, ...] = ()
    charge_id: UUID | None = None

    @property
    def entries(self) -> tuple[UUID, ...]:
        """The work entries behind the line, each once."""
        return tuple(dict.fromkeys(entry_id for entry_id, _, _ in self.pieces))


@dataclass(frozen=True, slots=True)
class DueCharge:
    """A charge that waits for an invoice: what it is, and the lines that were rated when it happened."""

    id: UUID
    kind: str
    amount_minor: int
    lines: tuple[ProposedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Everything that an invoice is worked out from.

    `billed` is work of the same weeks on other invoices: it is not billed again, but counts towards the limits of overtime.
    """

    period: Period
    entries: Sequence[WorkedEntry]
    billed: Sequence[WorkedEntry] = ()
    before: Before = NOTHING_BEFORE
    charges: Sequence[DueCharge] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an invoice would say now. Amounts in minor units of `currency`; `tax_rates` as `Invoice.tax_rates` keeps them."""

    currency: str
    lines: tuple[ProposedLine, ...]
    tax_rates: tuple[Mapping[str, Any], ...] = ()
    tax_minor: int = 0
    inclusive: bool = False
    retainer: RetainerUse | None = field(default=None)

    @property
    def subtotal_minor(self) -> int:
        """The sum of the lines."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        """What the facility would owe: a tax inside the prices adds nothing."""
        return self.subtotal_minor + (0 if self.inclusive else self.tax_minor)


def propose(basis: Basis, agreed: Agreement, time_zone: str, currency: str) -> Proposal:
    """What the invoice says that is worked out from `basis`.

    Raises `RateMissing`, naming every service and day for which no price is agreed, and `CurrenciesDiffer` when a version of
    the contract that it needs is in another currency than the facility pays in.
    """
    entries = [entry for entry in basis.entries if entry.seconds]
    _check_prices(entries, agreed, time_zone)
    _check_currencies(entries, basis.period, agreed, time_zone, currency)
    contract = agreed.contract
    lines = [line for charge in basis.charges for line in charge.lines]
    retainer = None
    if contract is not None:
        rating = _rated(entries, basis, contract, time_zone, currency)
        retainer = rating.retainer
        lines += [_proposed(line, agreed) for line in rating.lines]
    lines.sort(key=lambda line: (not line.service, line.service, str(line.coordinator_id or ""), bool(line.charge_id)))
    return _taxed(currency, tuple(lines), agreed.tax_on(basis.period.last), retainer)


def _rated(entries: Sequence[WorkedEntry], basis: Basis, contract: Contract, time_zone: str, currency: str) -> Rating:
    # Late cancellations count towards a minimum as work does; what somebody pays for hiring a person does not.
    charged = sum(charge.amount_minor for charge in basis.charges if charge.kind != CONVERSION)
    before = replace(basis.before, work_minor=basis.before.work_minor + charged, term_minor=basis.before.term_minor + charged)
    given = {entry.id for entry in entries}
    others = [replace(entry, status="invoiced") for entry in basis.billed if entry.id not in given]
    rating = rate([*entries, *others], contract, time_zone, currency, period=basis.period, before=before)
    waits = {held.id for held in rating.held} & given
    assert not waits, "only approved entries with a rate are rated here"
    return rating


def _check_prices(entries: Iterable[WorkedEntry], agreed: Agreement, time_zone: str) -> None:
    missing: set[tuple[str, date]] = set()
    for entry in entries:
        # Work belongs to the day of the facility's calendar on which it began.
        day = local_day(entry.start, time_zone)
        version = agreed.in_force(day)
        if version is None or entry.service not in version.card.services:
            missing.add((entry.service, day))
    if missing:
        raise _rate_missing(missing)


def _check_currencies(entries: Iterable[WorkedEntry], period: Period, agreed: Agreement, time_zone: str, currency: str) -> None:
    needed = {version.id for version in agreed.in_force_between(period.first, period.last)}
    needed |= {version.id for entry in entries if (version := agreed.in_force(local_day(entry.start, time_zone)))}
    for version in agreed.versions:
        if version.id in needed and version.currency != currency:
            raise CurrenciesDiffer(
                f"The prices in force from {day_text(version.valid_from)} are in {version.currency}, but this facility pays in"
                f" {currency}. Set both to one currency, then draft again."
            )


def _proposed(line: Line, agreed: Agreement) -> ProposedLine:
    pieces = tuple((UUID(share.entry_id), start, end) for share in line.shares for start, end in share.pieces)
    version = agreed.versions[line.version]
    return ProposedLine(
        key=line.key,
        service=line.service,
        coordinator_id=UUID(line.coordinator) if line.coordinator else None,
        kind=line.kind,
        worked_seconds=line.worked_seconds,
        billed_seconds=line.seconds,
        unit_rate=line.unit_rate,
        amount_minor=line.amount_minor,
        explanation=explanation_of(line, version),
        pieces=pieces,
    )


def _taxed(currency: str, lines: tuple[ProposedLine, ...], rule: TaxRule, retainer: RetainerUse | None) -> Proposal:
    amounts = taxes([line.amount_minor for line in lines], currency, rule)
    rows = tuple(
        {
            "name": amount.rate.name,
            "percent": f"{amount.rate.percent.normalize():f}",
            "jurisdiction": amount.rate.jurisdiction,
            "inclusive": rule.inclusive,
            "taxable_minor": amount.taxable.minor,
            "tax_minor": amount.tax.minor,
        }
        for amount in amounts
    )
    return Proposal(currency, lines, rows, sum(amount.tax.minor for amount in amounts), rule.inclusive, retainer)


def charge_lines(rated: Iterable[Line], agreed: Agreement) -> list[dict[str, Any]]:
    """The lines of a charge as `Charge.explanation` keeps them, so that what was agreed to is what is billed."""
    return [
        {
            "key": line.key,
            "service": line.service,
            "coordinator": line.coordinator,
            "kind": line.kind,
            "seconds": line.seconds,
            "unit_rate": f"{line.unit_rate:f}",
            "amount_minor": line.amount_minor,
            "explanation": explanation_of(line, agreed.versions[line.version]),
        }
        for line in rated
    ]


def due_charge(charge_id: UUID, kind: str, amount_minor: int, explanation: Mapping[str, Any]) -> DueCharge:
    """A stored charge as drafting takes it."""
    lines = tuple(
        ProposedLine(
            key=line["key"],
            service=line["service"],
            coordinator_id=UUID(line["coordinator"]) if line["coordinator"] else None,
            kind=line["kind"],
            worked_seconds=0,
            billed_seconds=line["seconds"],
            unit_rate=Decimal(line["unit_rate"]),
            amount_minor=line["amount_minor"],
            explanation=line["explanation"],
            charge_id=charge_id,
        )
        for line in explanation["lines"]
    )
    return DueCharge(charge_id, kind, amount_minor, lines)


def is_cancellation(kind: str) -> bool:
    return kind.partition("+")[0] == LATE_CANCELLATION


def _rate_missing(missing: set[tuple[str, date]]) -> RateMissing:
    first: dict[str, date] = {}
    for service, day in sorted(missing, key=lambda pair: (pair[1], pair[0])):
        first.setdefault(service, day)
    names = [f"{service_name(service)}, worked on {day_text(day)}" for service, day in first.items()]
    if len(names) == 1:
        return RateMissing(f"No rate is agreed for {names[0]}. Add it to the facility's contract, then draft again.")
    return RateMissing(
        "No rate is agreed for some of the work. Add it to the facility's contract, then draft again.", conflicts=tuple(names)
    )
