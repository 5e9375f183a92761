"""The running timer as every page of the workspace shows it."""

from staffing import clock
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.web.formatting import duration
from staffing.web.pages import Timer
from staffing.worklog import queries
from staffing.worklog.rows import EntryRow


async def running(tx: Transaction, principal: Principal) -> Timer | None:
    """The coordinator's running timer for the bar, or None."""
    row = await queries.running_entry(tx, principal)
    return bar(row) if row else None


def bar(row: EntryRow) -> Timer:
    """The bar of a running entry; the server's clock counts, whatever the device's says."""
    seconds = max(int((clock.now() - row.start).total_seconds()), 0)
    return Timer(
        facility=row.facility_name,
        facility_colour=row.facility_colour,
        patient=row.patient_name,
        service=row.service_name,
        started_at_iso=row.start.isoformat(),
        elapsed_text=duration(seconds),
        stop_action="/workspace/timer/stop",
        switch_href="/workspace#start",
    )
