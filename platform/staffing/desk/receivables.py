"""What facilities owe, by age; a facility's account with its terms, reminders and the pause of its service."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream
from pydantic import Field as Bounds

from staffing import clock
from staffing.desk import receivables_views as views
from staffing.dunning import reading, service, terms
from staffing.dunning.terms import Terms
from staffing.errors import Invalid
from staffing.facilities.queries import facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.payments.errors import NoSavedMethod
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.reporting import receivables, statement_files
from staffing.wall_clock import local_day
from staffing.web.downloads import csv_file
from staffing.web.formatting import day
from staffing.web.forms import Form, Typed, bind, typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]
_PATH = "/desk/receivables"


class TermsForm(Form):
    """How a facility pays."""

    terms_days: Annotated[int, Bounds(ge=0, le=365)]
    reminder_days: str = ""
    pause_after_days: Annotated[int, Bounds(ge=terms.SHORTEST_PAUSE, le=365)] | None = None
    collection: str


@get("/desk/receivables", permission=Permission.DESK_RECEIVABLES_READ)
async def show_list(request: Request, tx: Tx, principal: Caller) -> Response[str]:
    today = local_day(clock.now(), await service.zone_of_agency(tx))
    rows = await receivables.aged(tx, principal, today)
    announced = tuple(await reading.pauses_announced(tx, principal))
    return render(request, views.ReceivablesPage(title="Receivables", rows=tuple(rows), today=today, announced=announced))


@get("/desk/receivables/csv", permission=Permission.DESK_EXPORTS_READ)
async def download_list(request: Request, tx: Tx, principal: Caller) -> Stream:
    today = local_day(clock.now(), await service.zone_of_agency(tx))
    rows = await receivables.aged(tx, principal, today)
    audit.note(tx, "export", "receivables", today.isoformat(), detail="CSV")
    return csv_file(statement_files.aged_lines(rows), f"receivables-{today.isoformat()}")


@get("/desk/receivables/{facility_id:uuid}", permission=Permission.DESK_RECEIVABLES_READ)
async def show(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[str]:
    return await _account(request, tx, principal, facility_id, {})


@post("/desk/receivables/{facility_id:uuid}/terms", permission=Permission.DESK_RECEIVABLES_WRITE)
async def change_terms(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[Any]:
    sent = await typed(request)
    await facility(tx, principal, facility_id)
    try:
        form = bind(TermsForm, sent)
        wanted = Terms(
            terms_days=form.terms_days,
            reminder_days=terms.read_days(form.reminder_days),
            pause_after_days=form.pause_after_days,
            collection=form.collection,
        )
        changed = await terms.change_terms(tx, principal, facility_id, wanted)
    except NoSavedMethod as problem:
        return await _account(request, tx, principal, facility_id, {"collection": problem.message}, sent)
    except Invalid as problem:
        return await _account(request, tx, principal, facility_id, problem.fields, sent)
    said = "These terms hold from the next invoice on." if changed else "Nothing was changed."
    return see_other(request, f"{_PATH}/{facility_id}", said)


@post("/desk/receivables/{facility_id:uuid}/resume", permission=Permission.DESK_RECEIVABLES_WRITE)
async def lift_pause(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[Any]:
    sent = await typed(request)
    place = await facility(tx, principal, facility_id)
    try:
        await service.lift_pause(tx, principal, facility_id, sent.storable("reason"))
    except Invalid as problem:
        return await _account(request, tx, principal, facility_id, problem.fields, Typed.of(reason=sent.text("reason")))
    return see_other(request, f"{_PATH}/{facility_id}", f"Planning goes on for {place.name}.")


@post("/desk/invoices/{invoice_id:uuid}/remind", permission=Permission.DESK_RECEIVABLES_WRITE)
async def remind(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    reminded = await service.remind_now(tx, principal, invoice_id)
    said = f"The reminder of {reminded.number} is on the facility's pages, and its e-mail on the way."
    return see_other(request, f"{_PATH}/{reminded.facility_id}", said)


async def _account(
    request: Request, tx: Transaction, principal: Principal, facility_id: UUID, errors: dict[str, str], sent: Typed | None = None
) -> Response[str]:
    place = await facility(tx, principal, facility_id)
    account = await terms.account_of(tx, principal, facility_id)
    owed = await receivables.owed_by(tx, principal, facility_id)
    history = await reading.sent_to(tx, principal, facility_id)
    zone, now = await service.zone_of_agency(tx), clock.now()
    today, last = local_day(now, zone), reading.latest_by_invoice(history)
    agreed = Terms(
        terms_days=account.terms_days,
        reminder_days=tuple(account.reminder_days),
        pause_after_days=account.pause_after_days,
        collection=account.collection,
    )
    form = sent if sent is not None and "terms_days" in sent.data else views.terms_form(agreed)
    may_write = principal.may(Permission.DESK_RECEIVABLES_WRITE)
    page = views.AccountPage(
        title=f"What {place.name} owes",
        section=_PATH,
        facility=place,
        owed=tuple(
            views.OwedRow(
                invoice=one,
                late=one.late(today),
                last=last.get(one.id),
                may_remind=may_write and one.state == "sent" and one.owed_minor > 0,
            )
            for one in owed
        ),
        history=tuple(history),
        numbers=await reading.numbers(tx, {row.invoice_id for row in history}),
        zone=zone,
        reminded_today=reading.reminded_today(history, now, zone),
        paused_since=day(account.paused_at, zone) if account.paused_at else "",
        parked_because=account.parked_because,
        method=(account.payment_method or {}).get("label", ""),
        may_write=may_write,
        terms_days=form.field("terms_days", "Days to pay", errors=errors, required=True),
        reminder_days=form.field(
            "reminder_days", "Reminders", errors=errors, hint="Days after the due date, before it with a minus: -3, 3, 10, 20."
        ),
        pause_after_days=form.field(
            "pause_after_days", "Pause planning", errors=errors, hint="Announced five days before. Empty: never."
        ),
        collection=form.field("collection", "Who starts a payment", errors=errors, required=True, options=views.COLLECTION_WORDS),
        reason=(sent or Typed()).field("reason", "Why planning goes on", errors=errors, required=True),
    )
    return render(request, page, status=422 if errors else 200)


HANDLERS: list[Any] = [show_list, download_list, show, change_terms, lift_pause, remind]
