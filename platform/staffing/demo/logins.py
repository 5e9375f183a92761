"""The demo logins. They exist only in demo mode; the password is shown on the sign-in page."""

from dataclasses import dataclass

from staffing.demo.people import AGENCY_DOMAIN, AGENCY_ZONE, COORDINATORS, MANAGERS, STAFF
from staffing.demo.places import PLACES
from staffing.identity.models import Role

PASSWORD = "relief demo please"  # noqa: S105 - shown to everybody, and only ever valid for invented people
SHOWN_PLACES = 2
SHOWN_COORDINATORS = 2


@dataclass(frozen=True, slots=True)
class Login:
    """A demo account. `facility` and `coordinator` are references; `shown`: the sign-in page offers it."""

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


def _all() -> tuple[Login, ...]:
    managers = [
        Login(
            role=Role.FACILITY,
            email=f"{manager.split()[0]}@{place.name.replace(' ', '')}.example".lower(),
            name=manager,
            label=f"Practice manager {manager.split()[0]}",
            place=place.name,
            time_zone=place.zone,
            facility=place.reference,
            shown=number < SHOWN_PLACES,
        )
        for number, (manager, place) in enumerate(zip(MANAGERS, PLACES, strict=True))
    ]
    staff = [
        Login(
            role=Role(role),
            email=f"{name.replace(' ', '.')}@{AGENCY_DOMAIN}".lower(),
            name=name,
            label=f"{role.capitalize()} {name.split()[0]}",
            place="Agency",
            time_zone=AGENCY_ZONE,
            shown=True,
        )
        for role, name in STAFF
    ]
    coordinators = [
        Login(
            role=Role.COORDINATOR,
            email=person.email,
            name=person.name,
            label=f"Coordinator {person.name.split()[0]}",
            place=f"works from {person.base.country}",
            time_zone=person.base.zone,
            coordinator=person.reference,
            shown=number < SHOWN_COORDINATORS,
        )
        for number, person in enumerate(COORDINATORS)
    ]
    return (*managers, *staff, *coordinators)


LOGINS = _all()


def shown_on_sign_in() -> tuple[Login, ...]:
    return tuple(login for login in LOGINS if login.shown)


def as_json(public_url: str) -> list[dict[str, str]]:
    """The logins as other programs read them."""
    return [
        {
            "role": login.role.value,
            "email": login.email,
            "password": login.password,
            "name": login.name,
            **({"facility": login.place} if login.role is Role.FACILITY else {}),
            "sign_in": f"{public_url}/sign-in",
        }
        for login in LOGINS
    ]
