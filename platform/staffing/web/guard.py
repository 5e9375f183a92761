"""Default deny: every route names one permission, and one guard reads it."""

from collections.abc import Iterable
from typing import Any

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from staffing.errors import NotAllowed, NotFound, NotSignedIn
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.web import csrf
from staffing.web.http import Request


class RouteWithoutPermission(Exception):
    """A route names no permission: the application does not start."""


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let the request pass when its caller may do what the route is for, and when an unsafe one comes from our own page."""
    if "permission" not in handler.opt:
        # Litestar's own answers to OPTIONS: nothing of ours asks for them. Any other route could not have started without.
        raise NotFound
    permission: Permission = handler.opt["permission"]
    principal: Principal | None = connection.scope.get("user")
    if permission is not Permission.PUBLIC:
        if principal is None:
            raise NotSignedIn
        if not principal.may(permission):
            # A page of another surface is not there for this role; an action of the own surface is refused in words.
            raise NotAllowed if _same_surface(principal, permission) else NotFound
    if handler.opt.get("csrf", True) and isinstance(connection, Request):
        await csrf.check(connection)


def _same_surface(principal: Principal, permission: Permission) -> bool:
    place = permission.split(":")[0]
    return any(principal.may(other) for other in Permission if other.split(":")[0] == place)


def check_routes(app: Litestar) -> None:
    """Raise `RouteWithoutPermission` for the first route that names none."""
    for path, handler in route_handlers(app):
        if not isinstance(handler.opt.get("permission"), Permission):
            raise RouteWithoutPermission(f"{path} ({handler.handler_name}) names no permission")


def route_handlers(app: Litestar) -> Iterable[tuple[str, BaseRouteHandler]]:
    """Every (path, handler) of the application; Litestar's own OPTIONS answers are left out."""
    for route in app.routes:
        handlers = getattr(route, "route_handlers", None) or [route.route_handler]  # type: ignore[union-attr]
        for handler in handlers:
            if getattr(handler, "http_methods", None) != {"OPTIONS"}:
                yield route.path, handler
