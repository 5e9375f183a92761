"""Where an invoice stands in the ledger, and what of it is not credited yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select

from billing.ledger import Account as LedgerAccount
from billing.ledger import Happening
from staffing.crediting.models import CreditNote, CreditNoteLine
from staffing.crediting.rules import LineLeft, entry_shares, line_taxes
from staffing.invoicing.models import Invoice, InvoiceLine, InvoiceLineEntry, LedgerPosting, LedgerTransaction
from staffing.persistence.transactions import Transaction

__all__ = ["Creditable", "Standing", "creditable", "kept_credit", "standing"]

_PAID = (Happening.PAYMENT_RECEIVED, Happening.PAID_ELSEWHERE)
_BACK = (Happening.PAYMENT_REFUNDED, Happening.REFUND_RETURNED)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger says of an invoice, in minor units. Nothing here is negative but `owed_minor` when too much came in."""

    invoiced_minor: int
    paid_minor: int
    """By payments; what went back is in `refunded_minor`."""
    refunded_minor: int
    credited_minor: int
    kept_minor: int
    """Of what was credited: kept for the next invoices."""
    used_minor: int
    """Paid with credit kept from earlier."""
    written_off_minor: int
    owed_minor: int


@dataclass(frozen=True, slots=True)
class Creditable:
    """The lines of an invoice with what is left of them, and by line and entry what is left of each entry's share."""

    lines: Mapping[UUID, LineLeft]
    entries: Mapping[tuple[UUID, UUID], int]
    left_minor: int
    """Of the invoice, tax included."""

    def lines_of(self, entry_id: UUID) -> list[UUID]:
        """The lines on which the entry still has something, in their order."""
        return [line for line in self.lines if self.entries.get((line, entry_id), 0) > 0]


async def standing(tx: Transaction, invoice_id: UUID) -> Standing:
    """Of an invoice that the caller has read."""
    rows = await tx.execute(
        select(LedgerTransaction.kind, LedgerPosting.account, cast(func.sum(LedgerPosting.amount_minor), BigInteger))
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .where(
            LedgerTransaction.invoice_id == invoice_id,
            LedgerPosting.account.in_([LedgerAccount.RECEIVABLE.value, LedgerAccount.BAD_DEBT.value]),
        )
        .group_by(LedgerTransaction.kind, LedgerPosting.account)
    )
    receivable: dict[str, int] = {}
    bad_debt = 0
    for kind, account, amount in rows:
        if account == LedgerAccount.RECEIVABLE:
            receivable[kind] = amount
        else:
            bad_debt += amount

    def of(*kinds: Happening) -> int:
        return sum(receivable.get(kind.value, 0) for kind in kinds)

    return Standing(
        invoiced_minor=of(Happening.INVOICE_FINALISED),
        paid_minor=-of(*_PAID),
        refunded_minor=of(*_BACK),
        credited_minor=-of(Happening.CREDIT_ISSUED),
        kept_minor=of(Happening.CREDIT_KEPT),
        used_minor=-of(Happening.CREDIT_USED),
        written_off_minor=bad_debt,
        owed_minor=sum(receivable.values()),
    )


async def kept_credit(tx: Transaction, facility_id: UUID) -> int:
    """What the agency keeps for the facility's next invoices, in minor units. The caller may see the facility."""
    found = await tx.scalar(
        select(cast(func.coalesce(func.sum(LedgerPosting.amount_minor), 0), BigInteger)).where(
            LedgerPosting.facility_id == facility_id, LedgerPosting.account == LedgerAccount.CUSTOMER_CREDIT.value
        )
    )
    return -(found or 0)


async def creditable(tx: Transaction, invoice: Invoice) -> Creditable:
    """What of an invoice's lines and entries is not credited. Only under the invoice's lock does it stay so."""
    lines = (
        await tx.execute(
            select(InvoiceLine.id, InvoiceLine.amount_minor, InvoiceLine.billed_minutes)
            .where(InvoiceLine.invoice_id == invoice.id)
            .order_by(InvoiceLine.position)
        )
    ).all()
    taken = await _taken(tx, invoice.id)
    taxes = line_taxes([line.amount_minor for line in lines], invoice.tax_rates, invoice.currency)
    found = {
        line.id: LineLeft(
            id=line.id,
            amount_minor=line.amount_minor,
            billed_minutes=line.billed_minutes,
            taxes=tax,
            credited_minor=sum(row.amount_minor for row in taken if row.invoice_line_id == line.id),
            credited_minutes=sum((row.minutes or Decimal(0) for row in taken if row.invoice_line_id == line.id), Decimal(0)),
        )
        for line, tax in zip(lines, taxes, strict=True)
    }
    entries: dict[tuple[UUID, UUID], int] = {}
    for line_id, pieces in (await _pieces(tx, invoice.id)).items():
        for entry_id, share in entry_shares(found[line_id].amount_minor, pieces).items():
            of_entry = [row for row in taken if (row.invoice_line_id, row.entry_id) == (line_id, entry_id)]
            entries[line_id, entry_id] = share - sum(row.amount_minor for row in of_entry)
    credited = await tx.scalar(select(func.sum(CreditNote.total_minor)).where(CreditNote.invoice_id == invoice.id))
    return Creditable(found, entries, invoice.total_minor - int(credited or 0))


async def _taken(tx: Transaction, invoice_id: UUID) -> list[CreditNoteLine]:
    rows = await tx.scalars(
        select(CreditNoteLine)
        .join(CreditNote, CreditNote.id == CreditNoteLine.credit_note_id)
        .where(CreditNote.invoice_id == invoice_id)
    )
    return list(rows)


async def _pieces(tx: Transaction, invoice_id: UUID) -> dict[UUID, list[tuple[UUID, int]]]:
    """Per line its entries with their seconds, in the order of the work."""
    start, end = func.lower(InvoiceLineEntry.during), func.upper(InvoiceLineEntry.during)
    rows = await tx.execute(
        select(InvoiceLineEntry.line_id, InvoiceLineEntry.entry_id, cast(func.extract("epoch", end - start), BigInteger))
        .join(InvoiceLine, InvoiceLine.id == InvoiceLineEntry.line_id)
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(start, InvoiceLineEntry.entry_id)
    )
    found: dict[UUID, list[tuple[UUID, int]]] = {}
    for line_id, entry_id, seconds in rows:
        found.setdefault(line_id, []).append((entry_id, seconds))
    return found
