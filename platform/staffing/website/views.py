"""Views of the public site, sign-in and invitations."""

from dataclasses import dataclass
from typing import ClassVar

from staffing.catalogue import Service
from staffing.web.forms import Field
from staffing.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage(Page):
    template: ClassVar[str] = "website/home.html"
    surface: ClassVar[str] = "site"

    agency: str
    medical: tuple[Service, ...]
    dental: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """A demo account as the sign-in page offers it; `field_values` go into a form of one button."""

    label: str
    email: str
    password: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage(Page):
    template: ClassVar[str] = "website/sign_in.html"

    email: Field
    password: Field
    next: str
    problem: str = ""
    demo_logins: tuple[DemoLogin, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationPage(Page):
    template: ClassVar[str] = "website/invitation.html"

    token: str
    email: str
    role_label: str
    name: Field
    password: Field
