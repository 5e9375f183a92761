"""The demo logins on the sign-in page: only in demo mode, and only when the database holds the demo agency."""

from staffing.identity import queries
from staffing.web.http import Request
from staffing.website.views import DemoLogin


async def demo_logins(request: Request) -> tuple[DemoLogin, ...]:
    """What the application was composed with; nothing in a database of a real agency."""
    offered: tuple[DemoLogin, ...] = request.app.state.demo_logins
    if not offered:
        return ()
    agency = await queries.agency(request.tx)
    return offered if agency is not None and agency.demo else ()
