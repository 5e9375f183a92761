"""From lines to what is owed. Sums of integers: nothing is rounded here but the tax, once per invoice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from billing.money import Money, round_half_up, total
from billing.rating import Line

NO_TAX = Decimal(0)


class Settlement(StrEnum):
    """How far an invoice is paid."""

    UNPAID = "unpaid"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    OVERPAID = "overpaid"


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    """The sum of the lines, the tax on it, and both together."""

    subtotal: Money
    tax: Money
    total: Money


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


def invoice_totals(lines: Iterable[Line], currency: str, tax_percent: Decimal = NO_TAX) -> InvoiceTotals:
    """The totals of an invoice of `lines`, all in `currency`; the tax is `tax_percent` of their sum, half up."""
    if not tax_percent.is_finite() or not 0 <= tax_percent <= 100:
        raise ValueError(f"A tax rate is 0 to 100 percent, not {tax_percent}.")
    subtotal = total((Money(line.amount_minor, currency) for line in lines), currency)
    tax = Money(round_half_up(Fraction(subtotal.minor) * Fraction(tax_percent) / 100), currency)
    return InvoiceTotals(subtotal, tax, subtotal + tax)
