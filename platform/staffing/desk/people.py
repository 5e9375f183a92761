"""Who can sign in, and inviting more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID
from zoneinfo import available_timezones

from litestar import Response, get, post
from litestar.di import NamedDependency
from pydantic import StringConstraints, field_validator

from staffing import clock
from staffing.errors import Invalid
from staffing.identity import invitations, queries
from staffing.identity.models import Role
from staffing.identity.permissions import AGENCY_ROLES, ROLE_NAMES, Permission
from staffing.identity.principals import Principal
from staffing.identity.queries import AccountRow, InvitationRow
from staffing.persistence.transactions import Transaction
from staffing.reporting.directory import coordinator_choices, facilities_of_accounts, facility_choices
from staffing.web.forms import Field, Form, Typed, bind, typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render

ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage",
    "Pacific/Honolulu", "Asia/Manila", "Asia/Kolkata", "America/Mexico_City", "America/Bogota", "Africa/Johannesburg",
)  # fmt: skip


class InviteForm(Form):
    email: Annotated[str, StringConstraints(min_length=1, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    role: Literal["facility", "coordinator", "dispatcher", "billing", "owner"]
    time_zone: str
    facility_id: UUID | None = None
    coordinator_id: UUID | None = None

    @field_validator("time_zone")
    @classmethod
    def known(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("Please choose one of the options.")
        return zone


@dataclass(frozen=True, slots=True)
class PersonRow:
    name: str
    email: str
    role: str
    at: str
    """The facilities a practice manager acts for."""
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage(Page):
    template: ClassVar[str] = "desk/people/list.html"
    surface: ClassVar[str] = "desk"

    accounts: tuple[PersonRow, ...]
    coordinators: tuple[PersonRow, ...]
    invitations: tuple[InvitationRow, ...]
    zone: str
    fields: dict[str, Field]
    link: str = ""
    """The address of an invitation just made: shown this once."""
    invited: str = ""


@get("/desk/people", permission=Permission.DESK_PEOPLE_INVITE)
async def show(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    return render(request, await _page(tx, principal, Typed.of(role="facility", time_zone=principal.time_zone)))


@post("/desk/people", permission=Permission.DESK_PEOPLE_INVITE, status_code=200)
async def invite(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    sent = await typed(request)
    try:
        form = bind(InviteForm, sent)
        role = Role(form.role)
        person = invitations.NewPerson(
            email=form.email,
            name=form.name,
            role=role,
            time_zone=form.time_zone,
            facility_id=form.facility_id if role is Role.FACILITY else None,
            coordinator_id=form.coordinator_id if role is Role.COORDINATOR else None,
        )
        token = await invitations.invite(tx, principal, person)
    except Invalid as problem:
        return render(request, await _page(tx, principal, sent, problem.fields), status=422)
    # The link is shown on this very page and nowhere stored, so this form answers with the page instead of leading to it.
    blank = Typed.of(role=form.role, time_zone=form.time_zone)
    link = f"{request.settings.public_url}/invitations/{token}"
    return render(request, await _page(tx, principal, blank, link=link, invited=form.name))


async def _page(
    tx: Transaction,
    principal: Principal,
    sent: Typed,
    errors: dict[str, str] | None = None,
    *,
    link: str = "",
    invited: str = "",
) -> PeoplePage:
    accounts = await queries.accounts(tx)
    places = await facilities_of_accounts(tx, principal)
    on_roster = await coordinator_choices(tx, principal)
    zones = dict.fromkeys((principal.time_zone, *ZONES))
    roles = [role for role in Role if role not in AGENCY_ROLES or principal.role is Role.OWNER]
    fields = (
        sent.field("name", "Name", errors=errors, required=True, autocomplete="off"),
        sent.field("email", "E-mail", errors=errors, required=True, autocomplete="off"),
        sent.field("role", "Role", errors=errors, required=True, options=[(role.value, ROLE_NAMES[role]) for role in roles]),
        sent.field(
            "facility_id",
            "Facility",
            errors=errors,
            hint="Only for a practice manager.",
            options=await facility_choices(tx, principal),
        ),
        sent.field(
            "coordinator_id",
            "Roster entry",
            errors=errors,
            hint="Only for a coordinator." + ("" if on_roster else " Everybody on the roster can sign in already."),
            options=on_roster,
        ),
        sent.field(
            "time_zone", "Time zone", errors=errors, required=True, options=[(zone, zone.replace("_", " ")) for zone in zones]
        ),
    )
    return PeoplePage(
        title="People",
        accounts=tuple(_row(account, places) for account in accounts if account.role != Role.COORDINATOR),
        coordinators=tuple(_row(account, places) for account in accounts if account.role == Role.COORDINATOR),
        invitations=tuple(await queries.open_invitations(tx, clock.now())),
        zone=principal.time_zone,
        fields={field.name: field for field in fields},
        link=link,
        invited=invited,
    )


def _row(account: AccountRow, places: Mapping[str, Sequence[str]]) -> PersonRow:
    state = "May no longer sign in" if account.disabled_at else "Can sign in"
    return PersonRow(account.name, account.email, ROLE_NAMES[Role(account.role)], ", ".join(places.get(account.email, ())), state)


HANDLERS: list[Any] = [show, invite]
