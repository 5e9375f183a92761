"""From lines to what is owed. Sums of integers: what is rounded has been rounded by the line, or by the tax."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from billing.money import Money, total
from billing.rating import Line
from billing.taxes import NO_TAX, TaxAmount, TaxRule, taxes


class Settlement(StrEnum):
    """How far an invoice is paid."""

    UNPAID = "unpaid"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    OVERPAID = "overpaid"


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    """The sum of the lines, the tax, and what is owed. A tax inside the prices leaves `total` at `subtotal`."""

    subtotal: Money
    tax: Money
    total: Money
    taxes: tuple[TaxAmount, ...] = ()

    @property
    def before_tax(self) -> Money:
        """What is owed less the tax, wherever the tax stands."""
        return self.total - self.tax


@dataclass(frozen=True, slots=True)
class Balance:
    """What has happened to an invoice's `total`: `paid` came in, `credited` was taken back by credit notes."""

    total: Money
    paid: Money
    credited: Money

    @property
    def due(self) -> Money:
        """What is still owed; negative when too much came in."""
        return self.total - self.credited - self.paid

    @property
    def settlement(self) -> Settlement:
        """An invoice that needs nothing more is paid, also when a credit note took all of it back."""
        if self.due.minor < 0:
            return Settlement.OVERPAID
        if self.due.minor == 0:
            return Settlement.PAID
        return Settlement.PARTLY_PAID if self.paid.minor > 0 else Settlement.UNPAID


def invoice_totals(lines: Iterable[Line], currency: str, tax: TaxRule = NO_TAX) -> InvoiceTotals:
    """The totals of an invoice of `lines`, all in `currency`, with the taxes of `tax`."""
    amounts = [line.amount_minor for line in lines]
    subtotal = Money(sum(amounts), currency)
    by_rate = taxes(amounts, currency, tax)
    taxed = total((amount.tax for amount in by_rate), currency)
    return InvoiceTotals(subtotal, taxed, subtotal if tax.inclusive else subtotal + taxed, by_rate)
