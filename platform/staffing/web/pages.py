"""What every page is made of. A view is a frozen dataclass that names its template; the template reads one variable, `page`."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from staffing.identity.permissions import Permission


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, for the top bar."""

    name: str
    role_label: str
    email: str


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the rail. It is shown to those who have `permission`."""

    label: str
    href: str
    icon: str
    permission: Permission
    current: bool = False
    count: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence on top of the next page. `kind`: good, info, warn, bad. Never a patient's name."""

    kind: str
    text: str
    undo_href: str | None = None
    undo_label: str = "Undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """The running timer as the bar at the bottom shows it."""

    facility: str
    facility_colour: int
    patient: str
    service: str
    started_at_iso: str
    elapsed_text: str
    stop_action: str
    switch_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around the content, filled in by `rendering.render`."""

    title: str
    surface: str
    person: Person | None
    place: str
    nav: tuple[NavItem, ...]
    csrf_token: str
    notices: tuple[Notice, ...]
    stripe_mode: str
    demo: bool
    here: str
    refresh_seconds: int
    zone_label: str
    timer: Timer | None
    idle_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Base of every view. Subclasses set `template` and `surface` and add what their template shows."""

    template: ClassVar[str]
    surface: ClassVar[str] = "plain"

    title: str
    place: str = ""
    """The facility or agency named in the top bar."""
    section: str = ""
    """The entry of the rail that this page belongs to, where its address does not say so."""
    counts: dict[str, int] = field(default_factory=dict)
    """Numbers beside entries of the rail, by their address."""
    refresh_seconds: int = 0
    """Without JavaScript the page reloads itself after this time; 0: never."""
    timer: Timer | None = None
    frame: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """Base of a view that is a part of a page; its template reads one variable, `row`."""

    template: ClassVar[str]
