"""What earlier invoices did that a later one has to know: a commitment's term so far, included time that rolled over."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select

from billing.rates import Commitment
from billing.rating import NOTHING_BEFORE, Before, Carried, Period, RetainerUse
from billing.rating.lines import CONVERSION
from staffing.contracts.reading import Agreement
from staffing.invoicing.errors import PeriodsOverlap
from staffing.invoicing.models import Invoice, InvoiceLine, InvoiceState, RetainerPeriod
from staffing.invoicing.rules import period_text
from staffing.persistence.transactions import Transaction

_MINUTES = Decimal("0.0001")


async def before(tx: Transaction, facility_id: UUID, agreed: Agreement, period: Period, invoice_id: UUID | None) -> Before:
    """What other invoices of the facility did before this period. Drafts count: they will be issued, or this one is brought
    up to date when they are not.
    """
    versions = agreed.in_force_between(period.first, period.last)
    commitment = next((version.card.commitment for version in reversed(versions) if version.card.commitment), None)
    term = await _billed_in_term(tx, facility_id, commitment, period, invoice_id) if commitment else 0
    has_retainer = any(version.card.retainer for version in versions)
    carried = await _carried(tx, facility_id, period.first) if has_retainer else ()
    return Before(term_minor=term, carried=carried) if term or carried else NOTHING_BEFORE


async def check_days_free(tx: Transaction, facility_id: UUID, agreed: Agreement, period: Period, invoice_id: UUID | None) -> None:
    """Raise `PeriodsOverlap` where a clause is owed once for each day and some day is on another invoice already."""
    if not any(version.card.has_period_clauses for version in agreed.in_force_between(period.first, period.last)):
        return
    other = await tx.scalar(
        select(Invoice)
        .where(
            Invoice.facility_id == facility_id,
            Invoice.state != InvoiceState.VOID.value,
            Invoice.period_start_on <= period.last,
            Invoice.period_end_on >= period.first,
            *([Invoice.id != invoice_id] if invoice_id is not None else []),
        )
        .order_by(Invoice.period_start_on)
        .limit(1)
    )
    if other is not None:
        raise PeriodsOverlap(
            "The contract has a retainer or a minimum, which is owed once for each day, and"
            f" {period_text(other.period_start_on, other.period_end_on)} is on {other.number or 'a draft'} already."
            " Choose a period that shares no day with it.",
            href=f"/desk/invoices/{other.id}",
            label=f"See {other.number or 'the draft'}",
        )


async def _billed_in_term(
    tx: Transaction, facility_id: UUID, commitment: Commitment, period: Period, invoice_id: UUID | None
) -> int:
    """What other invoices billed for the commitment's term before this period; fees for hired people do not count."""
    billed = await tx.scalar(
        select(cast(func.coalesce(func.sum(InvoiceLine.amount_minor), 0), BigInteger))
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(
            Invoice.facility_id == facility_id,
            Invoice.state != InvoiceState.VOID.value,
            Invoice.period_end_on.between(commitment.first, commitment.last),
            Invoice.period_end_on < period.first,
            InvoiceLine.kind != CONVERSION,
            *([Invoice.id != invoice_id] if invoice_id is not None else []),
        )
    )
    return billed or 0


async def _carried(tx: Transaction, facility_id: UUID, first: date) -> tuple[Carried, ...]:
    """What the latest period before `first` left over."""
    lots = await tx.scalar(
        select(RetainerPeriod.carried_out)
        .join(Invoice, Invoice.id == RetainerPeriod.invoice_id)
        .where(
            RetainerPeriod.facility_id == facility_id,
            RetainerPeriod.period_end_on < first,
            Invoice.state != InvoiceState.VOID.value,
        )
        .order_by(RetainerPeriod.period_end_on.desc())
        .limit(1)
    )
    return tuple(Carried(lot["seconds"], lot["periods_left"]) for lot in lots or ())


def retainer_row(invoice: Invoice, use: RetainerUse) -> dict[str, Any]:
    """The values of the `RetainerPeriod` of `invoice`."""
    return {
        "invoice_id": invoice.id,
        "facility_id": invoice.facility_id,
        "period_end_on": invoice.period_end_on,
        "included_minutes": _minutes(use.included_seconds),
        "carried_in_minutes": _minutes(use.carried_in_seconds),
        "used_minutes": _minutes(use.used_seconds),
        "carried_out_minutes": _minutes(sum(lot.seconds for lot in use.carried_out)),
        "carried_out": _lots(use.carried_out),
    }


async def same_retainer(tx: Transaction, invoice_id: UUID, use: RetainerUse | None) -> bool:
    """Whether what is stored about the invoice's retainer is `use`."""
    stored = await tx.get(RetainerPeriod, invoice_id, populate_existing=True)
    if stored is None or use is None:
        return stored is None and use is None
    wanted: Mapping[str, Any] = {
        "included_minutes": _minutes(use.included_seconds),
        "carried_in_minutes": _minutes(use.carried_in_seconds),
        "used_minutes": _minutes(use.used_seconds),
        "carried_out": _lots(use.carried_out),
    }
    return all(getattr(stored, name) == value for name, value in wanted.items())


def _lots(carried: Sequence[Carried]) -> list[dict[str, int | None]]:
    return [{"seconds": lot.seconds, "periods_left": lot.periods_left} for lot in carried]


def _minutes(seconds: int) -> Decimal:
    return (Decimal(seconds) / 60).quantize(_MINUTES)
