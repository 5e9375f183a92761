"""What there is at one moment of a history, in an order that is the same when it is played again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Row

from staffing import clock
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

_READ = {
    "windows": """
        select w.id, w.facility_id, w.request_id, lower(w.during) as start, upper(w.during) as "end", r.service
          from coverage_windows w join staffing_requests r on r.id = w.request_id and r.state = 'open'
         where not w.cancelled and upper(w.during) > :now and w.headcount > (
           select count(*) from assignments a where a.window_id = w.id and a.state = 'confirmed')""",
    "ahead": """
        select r.id, r.facility_id from staffing_requests r where r.state = 'open' and exists (
          select from coverage_windows w where w.request_id = r.id and not w.cancelled and lower(w.during) > :now)""",
    "assignments": """
        select a.id, a.facility_id, a.coordinator_id, a.state, lower(a.during) as start, upper(a.during) as "end", r.service
          from assignments a join staffing_requests r on r.id = a.request_id
         where a.state = 'confirmed' or (a.state = 'called_off' and a.ended_at > lower(a.during))""",
    "call_offs": "select id from call_offs where withdrawn_at is null",
    "entries": """
        select id, facility_id, coordinator_id, state, lower(during) as start, upper(during) as "end", service, activity, note,
               disputed_at, decided_at, decided_by from work_entries where state <> 'void'""",
    "invoices": """
        select i.id, i.facility_id, i.state, i.number, i.total_minor, i.tax_minor, i.currency, i.period_start_on, i.period_end_on,
               i.due_on, i.finalized_at, i.stripe_invoice_id, i.stripe_status, i.stripe_problem, i.hosted_url, i.collection,
               (select coalesce(sum(p.amount_minor), 0)::bigint from ledger_transactions t
                  join ledger_postings p on p.transaction_id = t.id and p.account = 'receivable'
                 where t.invoice_id = i.id) as owed_minor
          from invoices i""",
    "payments": "select id, invoice_id, facility_id, state, method, amount_minor, stripe_payment_intent_id from payments",
    "refunds": "select id, invoice_id, payment_id, state, amount_minor, stripe_refund_id from refunds",
    "disputes": "select id, invoice_id, state, stripe_dispute_id from payment_disputes",
    "notes": "select id, invoice_id, stripe_credit_note_id, stripe_problem from credit_notes",
    "runs": "select id, state from billing_runs",
    "accounts": """
        select facility_id as id, facility_id, parked_because, collection, payment_method is not null as has_method, paused_at
          from billing_accounts""",
    "jobs": "select id, entrypoint from queue.pgqueuer",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows as they are, each list in the order in which its rows were made."""

    windows: list[Row[Any]]
    """Ahead or under way, with a place that nobody has."""
    ahead: list[Row[Any]]
    """Requests that can be cancelled."""
    assignments: list[Row[Any]]
    """Those that were or are worked."""
    call_offs: list[Row[Any]]
    entries: list[Row[Any]]
    invoices: list[Row[Any]]
    payments: list[Row[Any]]
    refunds: list[Row[Any]]
    disputes: list[Row[Any]]
    notes: list[Row[Any]]
    runs: list[Row[Any]]
    accounts: list[Row[Any]]
    jobs: list[Row[Any]]

    def entries_in(self, *states: str) -> list[Row[Any]]:
        return [one for one in self.entries if one.state in states]

    def invoices_in(self, *states: str) -> list[Row[Any]]:
        return [one for one in self.invoices if one.state in states]


async def look_around(database: Database) -> Seen:
    async with database.transaction(SYSTEM) as tx:
        found = {}
        for name, statement in _READ.items():
            values = {"now": clock.now()} if ":now" in statement else {}
            found[name] = list(await tx.execute(text(f"{statement} order by 1"), values))
    return Seen(**found)
