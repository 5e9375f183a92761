"""The demo logins on the sign-in page: only in demo mode, and only when the database holds the demo agency."""

from staffing.demo import logins
from staffing.identity import queries
from staffing.persistence.transactions import Transaction
from staffing.website.views import DemoLogin


async def demo_logins(tx: Transaction) -> tuple[DemoLogin, ...]:
    agency = await queries.agency(tx)
    if agency is None or not agency.demo:
        return ()
    return tuple(DemoLogin(login.label, login.email, login.password, login.place) for login in logins.shown_on_sign_in())
