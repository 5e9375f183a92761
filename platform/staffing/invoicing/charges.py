"""One-off amounts of the contract: bookings that a facility cancelled late, coordinators that it hired.

A charge is rated when it happens and keeps its lines; the next invoice takes them as they are. It is unique by what it is for,
and can be waived with a reason until it stands on an issued invoice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Date, Select, Text, cast, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert

from billing.rating import Cancellation, Hire, InvalidEntry, Line
from billing.rating.fees import cancellation_lines, conversion_lines
from billing.rating.lines import CONVERSION, LATE_CANCELLATION
from staffing import clock
from staffing.contracts.amounts import day_text
from staffing.contracts.reading import Agreement, agreement
from staffing.errors import Invalid, NotFound
from staffing.facilities import queries as facilities
from staffing.facilities.models import Facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import accounts
from staffing.invoicing.errors import AlreadyCharged, StepNotPossible
from staffing.invoicing.explaining import Said, sentences
from staffing.invoicing.explanations import explanation_of
from staffing.invoicing.lifecycle import ISSUED
from staffing.invoicing.models import BillingAccount, Charge, Invoice, InvoiceLine
from staffing.invoicing.proposals import DueCharge, charge_lines, due_charge
from staffing.persistence import audit
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.scheduling.models import Assignment, AssignmentState
from staffing.worklog.models import EntryState, WorkEntry

LONGEST_REASON = 500
MOST_EXPLAINED = 3


@dataclass(frozen=True, slots=True)
class Fee:
    """What cancelling a request costs at one instant: `bookings` are charged. `agreed`: the contract charges late ones at all.

    `sentences` say how the amount comes about; many bookings are summed up.
    """

    amount_minor: int
    currency: str
    bookings: int
    agreed: bool
    sentences: tuple[str, ...]


async def cancellation_fee(tx: Transaction, principal: Principal, request_id: UUID) -> Fee:
    """What the facility would be charged if the request were cancelled now. Raises `NotFound` for another's request."""
    now = clock.now()
    place = (
        await tx.execute(
            select(Facility.id, Facility.time_zone, BillingAccount.currency)
            .join(StaffingRequest, StaffingRequest.facility_id == Facility.id)
            .outerjoin(BillingAccount, BillingAccount.facility_id == Facility.id)
            .where(StaffingRequest.id == request_id, facilities.visible_to(principal, Facility.id.expression))
        )
    ).one_or_none()
    if place is None:
        raise NotFound
    rows = await tx.execute(
        _bookings().where(
            StaffingRequest.id == request_id,
            Assignment.state == AssignmentState.CONFIRMED.value,
            ~CoverageWindow.cancelled,
            func.lower(Assignment.during) > now,
        )
    )
    currency = place.currency or "USD"
    bookings = [_cancellation(row, now) for row in rows]
    agreed = await agreement(tx, place.id)
    found = _rated(bookings, agreed, place.time_zone, currency)
    charged = len({line.reference for line in found})
    return Fee(
        sum(line.amount_minor for line in found),
        currency,
        charged,
        any(version.card.late_cancellation for version in agreed.versions),
        _in_words(found, agreed, currency) if charged <= MOST_EXPLAINED else (),
    )


async def note_cancellations(tx: Transaction, facility_id: UUID, locked: BillingAccount | None = None) -> int:
    """Write down what the facility owes for bookings that it cancelled late and that are not written down yet.

    Called again it finds nothing more. Returns how many charges it made. `locked`: the facility's account, where the caller
    has locked it already.
    """
    account = locked or await accounts.locked(tx, facility_id)
    facility = await tx.get_one(Facility, facility_id)
    charged = exists().where(Charge.kind == LATE_CANCELLATION, Charge.reference == cast(Assignment.id, Text))
    rows = (
        await tx.execute(
            _bookings()
            .add_columns(StaffingRequest.closed_at)
            .where(
                Assignment.facility_id == facility_id,
                # Until a job has released them they are still confirmed.
                Assignment.state.in_([AssignmentState.CONFIRMED.value, AssignmentState.CANCELLED.value]),
                CoverageWindow.cancelled,
                StaffingRequest.closed_at.is_not(None),
                func.lower(Assignment.during) > StaffingRequest.closed_at,
                ~charged,
            )
        )
    ).all()
    if not rows:
        return 0
    agreed = await agreement(tx, facility_id)
    cancelled_at = {str(row[0]): row[-1] for row in rows}
    lines = _rated([_cancellation(row, row[-1]) for row in rows], agreed, facility.time_zone, account.currency)
    by_booking: dict[str, list[Line]] = {}
    for line in lines:
        by_booking.setdefault(line.reference, []).append(line)
    for reference, mine in by_booking.items():
        await _write(tx, facility_id, LATE_CANCELLATION, reference, mine, cancelled_at[reference], account.currency, agreed)
    return len(by_booking)


async def charge_conversion(
    tx: Transaction,
    principal: Principal,
    facility_id: UUID,
    coordinator_id: UUID,
    hired_on: date,
    salary_minor: int | None = None,
) -> Charge:
    """Charge the fee for a coordinator whom the facility has hired.

    Raises `Invalid` when nothing is agreed, the fee needs a salary or the coordinator never worked there, `AlreadyCharged`,
    `NotFound` for the facility.
    """
    principal.require(Permission.DESK_CONTRACTS_WRITE)
    facility = await tx.get(Facility, facility_id)
    if facility is None:
        raise NotFound
    account = await accounts.locked(tx, facility_id)
    worked = await _worked(tx, facility_id, coordinator_id)
    if worked is None:
        raise Invalid(coordinator_id="This person has no approved work here. Please choose somebody who has.")
    first_on, minutes = worked
    reference = f"{coordinator_id}@{facility_id}"
    if await tx.scalar(select(Charge.id).where(Charge.kind == CONVERSION, Charge.reference == reference)):
        raise AlreadyCharged("This person's conversion fee was charged before; the same fee is not charged twice.")
    agreed = await agreement(tx, facility_id)
    contract = agreed.contract
    if contract is None:
        raise Invalid(hired_on="There is no contract yet.")
    try:
        hire = Hire(reference, str(coordinator_id), hired_on, salary_minor, first_on, minutes)
        lines, held = conversion_lines([hire], contract, account.currency)
    except InvalidEntry as problem:
        raise Invalid(**_hire_problem(problem)) from problem
    if held:
        raise Invalid(hired_on=f"The contract names no fee for hiring on {day_text(hired_on)}.")
    if not lines:
        raise Invalid(hired_on="By the contract nothing is owed any more for this person on that day.")
    happened_at = datetime.combine(hired_on, time(12), ZoneInfo(facility.time_zone))
    charge = await _write(tx, facility_id, CONVERSION, reference, lines, happened_at, account.currency, agreed, coordinator_id)
    assert charge is not None, "the account is locked: nobody else wrote it meanwhile"
    return charge


async def waive(tx: Transaction, principal: Principal, charge_id: UUID, reason: str) -> Charge:
    """Let the facility off a charge. An open draft that has it says so and is brought up to date by drafting it again.

    Raises `NotFound`, `Invalid` without a reason, `StepNotPossible` once it stands on an issued invoice.
    """
    principal.require(Permission.DESK_CONTRACTS_WRITE)
    facility_id = await tx.scalar(select(Charge.facility_id).where(Charge.id == charge_id))
    if facility_id is None:
        raise NotFound
    if not reason.strip():
        raise Invalid(reason="Please say in a few words why: whoever looks at this charge later will read it.")
    await accounts.locked(tx, facility_id)
    charge = (await tx.scalars(select(Charge).where(Charge.id == charge_id).with_for_update())).one()
    if charge.waived_at is not None:
        raise StepNotPossible("This charge was waived before.")
    billed = await tx.scalar(
        select(Invoice.number)
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .where(InvoiceLine.id == charge.line_id, Invoice.state.in_([state.value for state in ISSUED]))
    )
    if billed:
        raise StepNotPossible(f"This charge is on {billed} already. Take it back with a credit note.")
    charge.waived_at, charge.waived_by = clock.now(), principal.account_id
    charge.waived_because = reason.strip()[:LONGEST_REASON]
    await tx.flush()
    audit.note(tx, "charge.waive", "charge", charge.id, facility_id=facility_id)
    return charge


async def due(tx: Transaction, facility: Facility, currency: str, end_on: date, invoice_id: UUID | None) -> list[DueCharge]:
    """Charges of the days up to `end_on` that are on no other invoice, and those on `invoice_id` already."""
    day = cast(func.timezone(facility.time_zone, Charge.happened_at), Date)
    elsewhere = exists().where(
        InvoiceLine.id == Charge.line_id, *([InvoiceLine.invoice_id != invoice_id] if invoice_id is not None else [])
    )
    return await _taken(
        tx, select(Charge).where(Charge.facility_id == facility.id, Charge.currency == currency, day <= end_on, ~elsewhere)
    )


async def on_invoice(tx: Transaction, invoice_id: UUID) -> list[DueCharge]:
    """The charges on an invoice that were not waived since, kept from changing until the transaction ends."""
    lines = select(InvoiceLine.id).where(InvoiceLine.invoice_id == invoice_id)
    return await _taken(tx, select(Charge).where(Charge.line_id.in_(lines)).with_for_update())


async def put_on(tx: Transaction, charge_id: UUID, line_id: UUID) -> None:
    """Note the line that bills a charge."""
    await tx.execute(update(Charge).where(Charge.id == charge_id).values(line_id=line_id))


async def free(tx: Transaction, invoice_id: UUID) -> None:
    """Take charges off a withdrawn invoice: the next one bills them."""
    lines = select(InvoiceLine.id).where(InvoiceLine.invoice_id == invoice_id)
    await tx.execute(update(Charge).where(Charge.line_id.in_(lines)).values(line_id=None))


async def _taken(tx: Transaction, statement: Select[Charge]) -> list[DueCharge]:
    found = await tx.scalars(statement.where(Charge.waived_at.is_(None)).order_by(Charge.happened_at, Charge.id))
    return [due_charge(one.id, one.kind, one.amount_minor, one.explanation) for one in found]


def _bookings() -> Select[UUID, UUID, str, int, datetime, datetime]:
    return (
        select(
            Assignment.id,
            Assignment.coordinator_id,
            StaffingRequest.service,
            StaffingRequest.level,
            func.lower(Assignment.during),
            func.upper(Assignment.during),
        )
        .join(CoverageWindow, CoverageWindow.id == Assignment.window_id)
        .join(StaffingRequest, StaffingRequest.id == Assignment.request_id)
    )


def _in_words(lines: list[Line], agreed: Agreement, currency: str) -> tuple[str, ...]:
    return tuple(
        sentence
        for line in lines
        for sentence in sentences(
            Said(
                service=line.service,
                kind=line.kind,
                seconds=0,
                billed_seconds=line.seconds,
                unit_rate=line.unit_rate,
                amount_minor=line.amount_minor,
                currency=currency,
                explanation=explanation_of(line, agreed.versions[line.version]),
            )
        )
    )


def _cancellation(row: Sequence[object], at: datetime) -> Cancellation:
    booking_id, coordinator_id, service, level, start, end = row[:6]
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    return Cancellation(str(booking_id), str(coordinator_id), str(service), start, end, at, level=int(str(level)))


def _rated(bookings: list[Cancellation], agreed: Agreement, time_zone: str, currency: str) -> list[Line]:
    contract = agreed.contract
    if contract is None:
        return []
    lines, _unpriced = cancellation_lines(bookings, contract, ZoneInfo(time_zone), currency)
    return [line for line in lines if line.amount_minor]


async def _write(
    tx: Transaction,
    facility_id: UUID,
    kind: str,
    reference: str,
    lines: list[Line],
    happened_at: datetime,
    currency: str,
    agreed: Agreement,
    coordinator_id: UUID | None = None,
) -> Charge | None:
    """The charge, or nothing where the same happening is written down already."""
    statement = (
        insert(Charge)
        .values(
            id=new_id(),
            facility_id=facility_id,
            kind=kind,
            reference=reference,
            service=lines[0].service,
            coordinator_id=coordinator_id or (UUID(lines[0].coordinator) if lines[0].coordinator else None),
            happened_at=happened_at,
            amount_minor=sum(line.amount_minor for line in lines),
            currency=currency,
            explanation={"lines": charge_lines(lines, agreed)},
        )
        .on_conflict_do_nothing(index_elements=[Charge.kind, Charge.reference])
        .returning(Charge)
    )
    charge = (await tx.scalars(statement)).one_or_none()
    if charge is not None:
        audit.note(tx, "charge.noted", "charge", charge.id, facility_id=facility_id, detail=kind)
    return charge


async def _worked(tx: Transaction, facility_id: UUID, coordinator_id: UUID) -> tuple[date, int] | None:
    """The first local day on which the coordinator worked there, and the whole minutes since."""
    seconds = func.extract("epoch", func.upper(WorkEntry.during) - func.lower(WorkEntry.during))
    first, worked = (
        await tx.execute(
            select(func.min(cast(func.timezone(Facility.time_zone, func.lower(WorkEntry.during)), Date)), func.sum(seconds))
            .join(Facility, Facility.id == WorkEntry.facility_id)
            .where(
                WorkEntry.facility_id == facility_id,
                WorkEntry.coordinator_id == coordinator_id,
                WorkEntry.state.in_([EntryState.APPROVED.value, EntryState.INVOICED.value]),
            )
        )
    ).one()
    return None if first is None else (first, int(worked) // 60)


def _hire_problem(problem: InvalidEntry) -> dict[str, str]:
    if "salary_minor" in str(problem):
        return {"salary": "The fee is a part of a year's salary: please fill it in."}
    return {"hired_on": "This day lies before the first day of work here."}
