"""Loading the demo agency: invented, whole, and the same for everybody who loads it on the same day."""

from collections.abc import Callable

from staffing import clock
from staffing.demo import absences, bench, bills, charts, clients, openings
from staffing.demo.dice import Dice
from staffing.demo.past import Past
from staffing.demo.stage import Stage
from staffing.persistence import audit
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

STEPS = 6


async def load(database: Database, *, advance: Callable[[str], None]) -> None:
    """Invent the agency in one transaction: it is there whole or not at all."""
    now = clock.now().replace(second=0, microsecond=0)
    stage = Stage(now=now, dice=Dice(f"lantern {now.date()}"))
    async with database.transaction(SYSTEM) as tx:
        await clients.add_clients(tx, stage)
        advance("Facilities and prices")
        bench.plan_duties(stage)
        await bench.add_bench(tx, stage)
        await clients.add_accounts(tx, stage)
        advance("Coordinators and accounts")
        await charts.add_patients(tx, stage)
        advance("Patients and their histories")
        past = Past(stage)
        for duty in stage.duties:
            past.serve(duty)
        await past.write(tx)
        advance("Four weeks of work")
        await openings.add_openings(tx, stage)
        await absences.add_absence(tx, stage)
        advance("Open requests and a call-off")
        invoices = await bills.add_bills(tx, stage)
        advance(f"{invoices} invoices")
        audit.note(tx, "load", "demo", "agency", detail=f"{len(past.entries)} entries")
