"""Saved ways to pay: a facility saves a card or bank account on Stripe's page, chooses which one is charged, removes one.

Card and account numbers never reach us; the page at Stripe is made by a job, and what was saved there is read from Stripe.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing import clock
from staffing.facilities.queries import facilities
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.payments import queries, service
from staffing.payments.models import SetupState
from staffing.payments.queries import AccountRow
from staffing.persistence.transactions import Transaction
from staffing.web.forms import Form, bind, typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render, see_other

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]

_PATH = "/portal/payment-methods"
_LOOK_EVERY = 3
_STRIPE_ANSWERS_WITHIN = timedelta(minutes=15)


class SaveForm(Form):
    """Where a way to pay is to be saved; `form_id` was made with the blank form."""

    facility_id: UUID
    form_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMethods(Page):
    template: ClassVar[str] = "portal/payments/methods.html"
    surface: ClassVar[str] = "portal"

    accounts: tuple[AccountRow, ...]
    today: dict[str, date]
    """The local date of each facility's zone."""
    form_ids: dict[UUID, UUID]
    """Per facility, the id of its blank form."""
    waiting: bool
    """Somebody was on Stripe's page a moment ago, and what was saved there is not known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningStripe(Page):
    template: ClassVar[str] = "portal/payments/opening.html"
    surface: ClassVar[str] = "portal"

    state: str
    url: str | None
    problem: str
    own_path: str
    money_moves: bool

    @property
    def waiting(self) -> bool:
        return self.state == SetupState.REQUESTED


@get(_PATH, permission=Permission.PORTAL_PAYMENTS_READ)
async def show(request: Request, tx: Tx, principal: Caller) -> Response[str]:
    accounts = tuple(await queries.accounts(tx, principal))
    waiting = await queries.saving_under_way(tx, principal, clock.now() - _STRIPE_ANSWERS_WITHIN)
    places = await facilities(tx, principal)
    page = SavedMethods(
        title="Ways to pay",
        place=places[0].name if len(places) == 1 else f"{len(places)} facilities",
        section="/portal/invoices",
        accounts=accounts,
        today={one.facility_zone: clock.now().astimezone(ZoneInfo(one.facility_zone)).date() for one in accounts},
        form_ids={one.facility_id: uuid4() for one in accounts},
        waiting=waiting,
        refresh_seconds=_LOOK_EVERY if waiting else 0,
    )
    return render(request, page)


@post(_PATH, permission=Permission.PORTAL_PAYMENTS_WRITE)
async def save(request: Request, tx: Tx, principal: Caller) -> Response[Any]:
    form = bind(SaveForm, await typed(request))
    await service.ask_for_page(tx, principal, form.facility_id, form.form_id)
    return see_other(request, f"{_PATH}/new/{form.form_id}")


@get("/portal/payment-methods/new/{setup_id:uuid}", permission=Permission.PORTAL_PAYMENTS_READ)
async def opening(request: Request, tx: Tx, principal: Caller, setup_id: FromPath[UUID]) -> Response[Any]:
    """Waits for Stripe's page, and leads to it."""
    setup = await queries.setup(tx, principal, setup_id)
    if setup.state == SetupState.COMPLETE:
        return see_other(request, _PATH, "Saved. It can be charged when the agency collects automatically.")
    page = OpeningStripe(
        title="Save a way to pay",
        section="/portal/invoices",
        state=setup.state,
        url=setup.url,
        problem=setup.problem,
        own_path=f"{_PATH}/new/{setup_id}",
        money_moves=request.settings.stripe_mode == "live",
        refresh_seconds=_LOOK_EVERY if setup.state == SetupState.REQUESTED else 0,
    )
    return render(request, page)


@post("/portal/payment-methods/{method_id:str}/default", permission=Permission.PORTAL_PAYMENTS_WRITE)
async def make_default(request: Request, tx: Tx, principal: Caller, method_id: FromPath[str]) -> Response[Any]:
    label = await service.make_default(tx, principal, method_id)
    return see_other(request, _PATH, f"{label} is the one that is charged from now on.")


@post("/portal/payment-methods/{method_id:str}/remove", permission=Permission.PORTAL_PAYMENTS_WRITE)
async def remove(request: Request, tx: Tx, principal: Caller, method_id: FromPath[str]) -> Response[Any]:
    label = await service.remove(tx, principal, method_id)
    return see_other(request, _PATH, f"{label} was removed.")


HANDLERS: list[Any] = [show, save, opening, make_default, remove]
