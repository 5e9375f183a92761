"""A facility's whole life of money, told at random: what always holds, holds after every step.

`make test` plays the same few histories each time. `RELIEF_HISTORIES=500 make test ARGS=tests/histories WORKERS=0` plays as
many other ones; with `RELIEF_HISTORY_STEPS` each has so many steps. A history that fails is printed as a short program.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text
from support.history.billing import Billing
from support.history.happening import Happening
from support.history.paying import Paying
from support.history.stage import Stage, starts
from support.history.working import Working

from staffing import clock
from staffing.invariants import service as invariants
from staffing.invariants.statements import ALL, ALWAYS, Invariant
from staffing.payments import our_books, stripe_books
from staffing.payments.reconciliation import compare
from staffing.payments.reconciling import ON_ITS_WAY
from staffing.persistence import audit
from staffing.persistence.provision import Prepared
from staffing.persistence.transactions import Transaction
from staffing.settings import Settings

EXAMPLES = int(os.environ.get("RELIEF_HISTORIES", "0"))
STEPS = int(os.environ.get("RELIEF_HISTORY_STEPS", "40"))
FEW = 8
"""Histories in an ordinary run: a minute of one core."""


class History(Working, Billing, Paying, Happening):
    """The steps of all sides together."""

    def __init__(self, settings: Settings, template: Prepared, name: str, tally: Counter[tuple[str, str]]) -> None:
        super().__init__()
        self.tally, self.told, self.lost = tally, set(), set()
        self.folder = tempfile.TemporaryDirectory()
        self.issued: dict[str, Any] = {}
        self.compared = ""
        self.reached: set[tuple[str, Any, str]] = set()
        self.stage = Stage(settings, template, Path(self.folder.name), f"{name}_history", starts()[0])
        self.tally["histories", "begun"] += 1

    @initialize(start=st.sampled_from(starts()), hours=st.integers(2, 6))
    def begin(self, start: Any, hours: int) -> None:
        """Some work is done and approved already: it would take a third of a history to come so far."""
        self.stage.now = start
        self.stage.do(self.stage.build())
        self.seen = self.stage.do(self.stage.look())
        self.a_day_of_work("north", hours, "patient_care_coordinator")
        self.a_day_of_work("south", 1, "prior_authorization")
        self.bill("north", 3)
        self.bill("south", 3)

    @precondition(lambda self: self.stage.events and self.stage.events[-1]["id"] != self.compared)
    @rule()
    def everything_arrives(self) -> None:
        """Both sides' books are compared when nothing is on the way: not a cent differs."""
        self.calm_down()
        self.seen = self.stage.do(self.stage.look())
        self.compared = self.stage.events[-1]["id"]
        self.count("everything arrives", "done")
        self.stage.do(self._agrees_with_stripe())

    @invariant()
    def what_always_holds(self) -> None:
        if not hasattr(self, "seen"):
            return
        self.tally["steps", "done"] += 1
        self.seen = self.stage.do(self.stage.look())
        self._reached()
        self.stage.do(self._holds(ALWAYS))
        self.stage.do(self._issued_stays())

    def teardown(self) -> None:
        try:
            if hasattr(self, "seen") and self.stage.events:
                self.everything_arrives()
        finally:
            self.stage.close()
            self.folder.cleanup()

    def _reached(self) -> None:
        for kind in ("entries", "invoices", "payments", "refunds", "disputes"):
            for one in getattr(self.seen, kind):
                if (kind, one.id, one.state) not in self.reached:
                    self.reached.add((kind, one.id, one.state))
                    self.count(f"{kind} that were", one.state)

    async def _holds(self, which: Sequence[Invariant]) -> None:
        found = await self.stage.system(lambda tx: invariants.broken(tx, which))
        assert not found, "\n".join(str(one) for one in found)

    async def _issued_stays(self) -> None:
        """What a facility was sent never reads differently afterwards."""
        for number, read in (await self.stage.system(_documents)).items():
            assert self.issued.setdefault(number, read) == read, f"{number} changed after it was issued"

    async def _agrees_with_stripe(self) -> None:
        await self._holds(ALL)
        theirs = await stripe_books.read(self.stage.sandbox.gateway)
        ours = await self.stage.system(lambda tx: our_books.read(tx, clock.now() - ON_ITS_WAY))
        differences = compare(ours, theirs)
        problems = [one.stripe_problem for one in (*self.seen.invoices, *self.seen.notes) if one.stripe_problem]
        said = [f"{one.kind} {one.reference} {one.id}: {one.what}" for one in differences]
        assert not said, "\n".join([*said, *problems])
        chains = await self.stage.system(audit.verify)
        assert all(one.broken_at is None for one in chains)


async def _documents(tx: Transaction) -> dict[str, Any]:
    """Everything that was issued, by its number, as it reads."""
    rows = await tx.execute(
        text(
            "select i.number, (i.facility_id, i.period_start_on, i.period_end_on, i.currency, i.total_minor,"
            " i.tax_minor, i.tax_rates,"
            " i.due_on, i.finalized_at)::text, array_agg((l.position, l.service, l.kind, l.coordinator_id, l.seconds,"
            " l.billed_minutes, l.unit_rate, l.amount_minor, l.explanation)::text order by l.position)"
            " from invoices i join invoice_lines l on l.invoice_id = i.id where i.number is not null group by i.id"
            " union all"
            " select n.number, (n.invoice_id, n.subtotal_minor, n.tax_minor, n.applied_minor, n.refund_minor, n.balance_minor,"
            " n.issued_at)::text,"
            " array_agg((l.position, l.invoice_line_id, l.amount_minor, l.tax_minor)::text order by l.position)"
            " from credit_notes n join credit_note_lines l on l.credit_note_id = n.id group by n.id"
        )
    )
    return {number: (head, lines) for number, head, lines in rows}


@pytest.fixture
def tally() -> Iterator[Counter[tuple[str, str]]]:
    """How often each step went how; printed with `-s`."""
    counted: Counter[tuple[str, str]] = Counter()
    yield counted
    for (step, how), times in sorted(counted.items()):
        print(f"{times:6} {step}: {how}")


def test_the_books_hold_through_a_facilitys_whole_history(
    settings: Settings, template: Prepared, worker_name: str, tally: Counter[tuple[str, str]]
) -> None:
    run_state_machine_as_test(
        lambda: History(settings, template, worker_name, tally),
        settings=hypothesis_settings(
            max_examples=EXAMPLES or FEW,
            stateful_step_count=STEPS,
            derandomize=not EXAMPLES,
            database=None,
            deadline=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
