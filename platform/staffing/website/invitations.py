"""Accepting an invitation."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from pydantic import StringConstraints

from staffing.errors import Invalid
from staffing.identity import invitations, sessions
from staffing.identity.models import Role
from staffing.identity.permissions import HOME, ROLE_NAMES, Permission
from staffing.persistence.transactions import Transaction
from staffing.web.authentication import cookie_name
from staffing.web.forms import Form, Typed, bind, typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other
from staffing.website.sign_in import address_of, session_cookie
from staffing.website.views import InvitationPage


class AcceptForm(Form):
    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    password: Annotated[str, StringConstraints(strip_whitespace=False, max_length=200)]


@get("/invitations/{token:str}", permission=Permission.PUBLIC)
async def show(request: Request, tx: NamedDependency[Transaction], token: FromPath[str]) -> Response[str]:
    invitation = await invitations.open_invitation(tx, token)
    return render(request, await _page(tx, token, Typed.of(name=invitation.name)))


@post("/invitations/{token:str}", permission=Permission.PUBLIC)
async def accept(request: Request, tx: NamedDependency[Transaction], token: FromPath[str]) -> Response[Any]:
    sent = await typed(request)
    try:
        form = bind(AcceptForm, sent)
        account = await invitations.accept(tx, token, form.name, form.password)
    except Invalid as problem:
        return render(request, await _page(tx, token, sent, problem), status=422)
    session = await sessions.start(
        tx,
        account,
        address=address_of(request),
        browser=request.headers.get("user-agent", ""),
        replacing=request.cookies.get(cookie_name(request.settings), ""),
    )
    answer = see_other(request, HOME[Role(account.role)], f"Welcome, {account.name}.")
    answer.cookies.append(session_cookie(request.settings, session))
    return answer


async def _page(tx: Transaction, token: str, sent: Typed, problem: Invalid | None = None) -> InvitationPage:
    invitation = await invitations.open_invitation(tx, token)
    errors = problem.fields if problem else {}
    return InvitationPage(
        title="Welcome to Relief Desk",
        token=token,
        email=invitation.email,
        role_label=ROLE_NAMES[Role(invitation.role)],
        name=sent.field("name", "Your name", errors=errors, required=True, autocomplete="name"),
        password=Typed().field(
            "password",
            "Choose a password",
            errors=errors,
            required=True,
            autocomplete="new-password",
            hint="At least 12 characters. A sentence is fine.",
        ),
    )
