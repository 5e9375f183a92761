"""The contract with a facility: read in words, agreed anew from a day on, its charges waived, a hired coordinator charged."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from pydantic import Field as Bounds
from pydantic import StringConstraints

from billing.money import minor_digits
from staffing import clock
from staffing.catalogue import SERVICES, service_name
from staffing.contracts import reading
from staffing.contracts.amounts import day_text
from staffing.contracts.reading import Agreement, Version
from staffing.contracts.samples import Sample, hour_at, samples
from staffing.contracts.service import version_of
from staffing.desk import contract_form, contract_views
from staffing.desk.contract_filling import filled
from staffing.desk.contract_sections import sections
from staffing.errors import Invalid
from staffing.facilities import queries as facilities
from staffing.facilities.queries import FacilityRow
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import charge_queries, charges, contract_versions
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.web.formatting import money
from staffing.web.forms import Day, Form, Typed, bind, typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]


class HireForm(Form):
    """A coordinator whom the facility hired. `salary`: a year's, where the fee is a part of it."""

    coordinator_id: UUID
    hired_on: Day
    salary: Annotated[Decimal, Bounds(gt=0, le=10_000_000, decimal_places=2)] | None = None


class WaiveForm(Form):
    reason: Annotated[str, StringConstraints(max_length=charges.LONGEST_REASON)] = ""


@get("/desk/facilities/{facility_id:uuid}/contract", permission=Permission.DESK_CONTRACTS_READ)
async def show(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[str]:
    asked = Typed.of(service=request.query_params.get("service", ""), at=request.query_params.get("at", ""))
    return await _page(request, tx, principal, facility_id, asked)


@get("/desk/facilities/{facility_id:uuid}/contract/new", permission=Permission.DESK_CONTRACTS_WRITE)
async def show_form(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[str]:
    facility = await facilities.facility(tx, principal, facility_id)
    agreed = await reading.agreement(tx, facility_id)
    base = _chosen(agreed, request.query_params.get("based_on", ""))
    billed = await contract_versions.billed_until(tx, facility_id)
    first = _today(facility) if billed is None else max(_today(facility), billed + timedelta(days=1))
    return await _form(request, tx, principal, facility, base, filled(base, first), {})


@post("/desk/facilities/{facility_id:uuid}/contract", permission=Permission.DESK_CONTRACTS_WRITE)
async def agree(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[Any]:
    """Agree on what was typed; or, asked for it, show what it would cost and agree on nothing."""
    facility = await facilities.facility(tx, principal, facility_id)
    sent = await typed(request)
    agreed = await reading.agreement(tx, facility_id)
    base = _version(agreed, sent.text("based_on"))
    account = await contract_versions.account_of(tx, principal, facility_id)
    try:
        new = contract_form.understood(sent, _services(facility, base), account.currency, base)
        if sent.text("try"):
            return await _form(request, tx, principal, facility, base, sent, {}, version_of(new))
        await contract_versions.agree(tx, principal, facility_id, new)
    except Invalid as problem:
        return await _form(request, tx, principal, facility, base, sent, problem.fields)
    said = f"Agreed from {day_text(new.valid_from)}. Drafts that it changes say so."
    return see_other(request, f"/desk/facilities/{facility_id}/contract", said)


@post("/desk/facilities/{facility_id:uuid}/conversions", permission=Permission.DESK_CONTRACTS_WRITE)
async def hire(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[Any]:
    await facilities.facility(tx, principal, facility_id)
    sent = await typed(request)
    try:
        form = bind(HireForm, sent)
        account = await contract_versions.account_of(tx, principal, facility_id)
        salary = None if form.salary is None else int(form.salary.scaleb(minor_digits(account.currency)))
        made = await charges.charge_conversion(tx, principal, facility_id, form.coordinator_id, form.hired_on, salary)
    except Invalid as problem:
        return await _page(request, tx, principal, facility_id, sent, problem.fields)
    said = f"The conversion fee of {money(made.amount_minor, made.currency)} goes on the next invoice."
    return see_other(request, f"/desk/facilities/{facility_id}/contract#charges", said)


@post("/desk/charges/{charge_id:uuid}/waive", permission=Permission.DESK_CONTRACTS_WRITE)
async def waive(request: Request, tx: Tx, principal: Caller, charge_id: FromPath[UUID]) -> Response[Any]:
    sent = await typed(request)
    facility_id = await charge_queries.facility_of(tx, principal, charge_id)
    try:
        await charges.waive(tx, principal, charge_id, bind(WaiveForm, sent).reason)
    except Invalid as problem:
        return await _page(request, tx, principal, facility_id, sent, problem.fields, charge_id)
    return see_other(request, f"/desk/facilities/{facility_id}/contract#charges", "The charge is waived.")


async def _page(
    request: Request,
    tx: Transaction,
    principal: Principal,
    facility_id: UUID,
    sent: Typed,
    errors: dict[str, str] | None = None,
    waiving: UUID | None = None,
) -> Response[str]:
    facility = await facilities.facility(tx, principal, facility_id)
    agreed = await reading.agreement(tx, facility_id)
    today = _today(facility)
    version = agreed.in_force(today) or next(iter(agreed.versions), None)
    billed = await contract_versions.billed_until(tx, facility_id)
    services = _priced(version)
    service = sent.text("service") if sent.text("service") in services else next(iter(services), "")
    shown, at_error = _samples(version, service, facility.time_zone, today, sent.text("at"))
    problems = dict(errors or {}) | ({"at": at_error} if at_error else {})
    people = await charge_queries.people_who_worked(tx, principal, facility_id)
    options = [(str(person), name) for person, name in people]
    audit.note(tx, "read", "contract", facility_id, facility_id=facility_id)
    page = contract_views.ContractPage(
        title=f"Contract with {facility.name}",
        section="/desk/invoices",
        facility=facility,
        versions=contract_views.version_views(agreed, today),
        payment=contract_views.payment_words(await contract_versions.account_of(tx, principal, facility_id)),
        billed_until=day_text(billed) if billed else "",
        samples=shown,
        service=Typed.of(service=service).field(
            "service", "An hour of", options=[(code, service_name(code)) for code in services], required=True
        ),
        at=sent.field("at", "At", errors=problems),
        charges=tuple(await charge_queries.charges_of(tx, principal, facility_id)),
        waive_reason=sent.field("reason", "Why", errors=problems, required=True),
        waiving=waiving,
        hire=(
            sent.field("coordinator_id", "Who was hired", errors=problems, options=options, required=True),
            sent.field("hired_on", "From", errors=problems, required=True),
            sent.field("salary", "A year's salary", errors=problems, hint="Where the fee is a part of it."),
        ),
        may_write=principal.may(Permission.DESK_CONTRACTS_WRITE),
    )
    return render(request, page, status=422 if problems else 200)


async def _form(
    request: Request,
    tx: Transaction,
    principal: Principal,
    facility: FacilityRow,
    base: Version | None,
    sent: Typed,
    errors: dict[str, str],
    tried: Version | None = None,
) -> Response[str]:
    billed = await contract_versions.billed_until(tx, facility.id)
    account = await contract_versions.account_of(tx, principal, facility.id)
    sampled = next(iter(_priced(tried)), "")
    page = contract_views.ContractFormPage(
        title="New version of the contract",
        section="/desk/invoices",
        facility=facility,
        currency=account.currency,
        billed_until=day_text(billed) if billed else "",
        valid_from=sent.field("valid_from", "It holds from", errors=errors, required=True),
        sections=sections(sent, errors, _services(facility, base)),
        based_on=str(base.id) if base else "",
        samples=samples(tried, sampled, facility.time_zone, _today(facility)) if tried and sampled else (),
        sampled=service_name(sampled) if sampled else "",
    )
    return render(request, page, status=422 if errors else 200)


def _samples(version: Version | None, service: str, zone: str, today: date, at: str) -> tuple[tuple[Sample, ...], str]:
    """The usual moments, and before them the one that was asked for."""
    if version is None or not service:
        return (), ""
    usual = samples(version, service, zone, today)
    if not at:
        return usual, ""
    try:
        asked = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone))
        if not 2000 <= asked.year <= 2100:
            raise ValueError(at)
    except ValueError:
        return usual, "Please give a day and a time like 2026-11-24 22:00."
    return (hour_at(version, service, asked.astimezone(UTC), zone), *usual), ""


def _today(facility: FacilityRow) -> date:
    return clock.now().astimezone(ZoneInfo(facility.time_zone)).date()


def _services(facility: FacilityRow, base: Version | None) -> list[str]:
    """What can be priced: the services of the facility's line, and whatever is priced now."""
    own = [service.code for service in SERVICES if service.line == facility.line]
    return own + [code for code in _priced(base) if code not in own]


def _priced(version: Version | None) -> list[str]:
    return sorted(version.card.services, key=service_name) if version else []


def _version(agreed: Agreement, text: str) -> Version | None:
    return next((version for version in agreed.versions if str(version.id) == text), None)


def _chosen(agreed: Agreement, text: str) -> Version | None:
    """The version that was asked for, else the latest."""
    return _version(agreed, text) or (agreed.versions[-1] if agreed.versions else None)


HANDLERS: list[Any] = [show, show_form, agree, hire, waive]
