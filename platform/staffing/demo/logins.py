"""The demo logins. They exist only in demo mode; the password is shown on the sign-in page."""

from dataclasses import dataclass

from staffing.identity.models import Role

PASSWORD = "relief demo please"  # noqa: S105 - shown to everybody, and only ever valid for invented people


@dataclass(frozen=True, slots=True)
class Login:
    """A demo account: `facility` is the reference of its facility, `coordinator` of its roster entry, `shown` whether the
    sign-in page offers it.
    """

    role: Role
    email: str
    name: str
    label: str
    place: str
    time_zone: str
    facility: str | None = None
    coordinator: str | None = None
    shown: bool = False
    password: str = PASSWORD


LOGINS: tuple[Login, ...] = ()


def shown_on_sign_in() -> tuple[Login, ...]:
    return tuple(login for login in LOGINS if login.shown)
