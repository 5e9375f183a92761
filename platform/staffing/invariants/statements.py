"""The invariants, each a sentence and the query that finds what breaks it. Nothing found: it holds.

A query answers with two texts: `subject`, what it is about (ids and numbers, no names), and `found`, what is there. It may use
`:now`. None of them reads what the use cases computed on the way: each compares rows that were written independently.
"""

from dataclasses import dataclass

_FINAL = "('finalized', 'sent', 'paid', 'uncollectible')"
"""States of an invoice that has a number and is not withdrawn."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """`says` is a sentence that is true while `breaks` finds nothing."""

    name: str
    says: str
    breaks: str


LEDGER = (
    Invariant(
        "ledger_balance",
        "Every booking, and with it each facility's account in each currency, adds up to nothing.",
        """
        select 'booking ' || transaction_id as subject, 'it is out by ' || sum(amount_minor) || ' ' || currency as found
          from ledger_postings group by transaction_id, currency having sum(amount_minor) <> 0
        union all
        select 'facility ' || facility_id, 'it is out by ' || sum(amount_minor) || ' ' || currency
          from ledger_postings group by facility_id, currency having sum(amount_minor) <> 0
        union all
        select 'booking ' || t.id, 'a posting of it is another facility''s'
          from ledger_postings p join ledger_transactions t on t.id = p.transaction_id where p.facility_id <> t.facility_id
        """,
    ),
    Invariant(
        "invoice_booked",
        "The ledger has every final invoice once, with its total and its tax; of a withdrawn one nothing is left.",
        f"""
        with booked as (
          select t.invoice_id,
                 coalesce(sum(p.amount_minor) filter (where p.account = 'receivable'), 0) as owed,
                 coalesce(-sum(p.amount_minor) filter (where p.account = 'tax_payable'), 0) as tax
            from ledger_transactions t join ledger_postings p on p.transaction_id = t.id
           where t.kind in ('invoice_finalised', 'reversal') group by t.invoice_id)
        select 'invoice ' || coalesce(i.number, i.id::text),
               i.state || ': ' || i.total_minor || ' with tax ' || i.tax_minor || ', the ledger has '
                 || coalesce(b.owed, 0) || ' with tax ' || coalesce(b.tax, 0)
          from invoices i left join booked b on b.invoice_id = i.id
         where coalesce(b.owed, 0) <> case when i.state in {_FINAL} then i.total_minor else 0 end
            or coalesce(b.tax, 0) <> case when i.state in {_FINAL} then i.tax_minor else 0 end
        """,  # noqa: S608 - our own words
    ),
    Invariant(
        "credit_note_booked",
        "The ledger has every credit note with its total, and what of it is kept for later invoices.",
        """
        with booked as (
          select t.source, -sum(p.amount_minor) filter (where t.kind = 'credit_issued') as issued,
                 coalesce(sum(p.amount_minor) filter (where t.kind = 'credit_kept'), 0) as kept
            from ledger_transactions t join ledger_postings p on p.transaction_id = t.id and p.account = 'receivable'
           where t.kind in ('credit_issued', 'credit_kept') group by t.source)
        select 'credit note ' || n.number, n.total_minor || ' of which ' || n.balance_minor || ' kept, the ledger has '
               || coalesce(b.issued, 0) || ' and ' || coalesce(b.kept, 0)
          from credit_notes n left join booked b on b.source = n.id::text
         where (coalesce(b.issued, 0), coalesce(b.kept, 0)) <> (n.total_minor, n.balance_minor)
        """,
    ),
    Invariant(
        "payment_booked",
        "The ledger has every payment that succeeded, once and in full, and none that did not.",
        """
        with booked as (
          select t.source, -sum(p.amount_minor) as amount
            from ledger_transactions t join ledger_postings p on p.transaction_id = t.id and p.account = 'receivable'
           where t.kind = 'payment_received' group by t.source)
        select 'payment ' || coalesce(y.stripe_payment_intent_id, b.source),
               coalesce(y.state || ', ' || y.amount_minor, 'no payment') || ', the ledger has ' || coalesce(b.amount, 0)
          from payments y full join booked b on b.source = y.stripe_payment_intent_id
         where coalesce(b.amount, 0) <> case when y.state = 'succeeded' then y.amount_minor else 0 end
        """,
    ),
    Invariant(
        "refund_booked",
        "The ledger has every refund that is on its way or arrived; one that failed has come back.",
        """
        with booked as (
          select t.source, sum(p.amount_minor) as amount
            from ledger_transactions t join ledger_postings p on p.transaction_id = t.id and p.account = 'receivable'
           where t.kind in ('payment_refunded', 'refund_returned') group by t.source)
        select 'refund ' || coalesce(r.id::text, b.source),
               coalesce(r.state || ', ' || r.amount_minor, 'no refund') || ', the ledger has ' || coalesce(b.amount, 0)
          from refunds r full join booked b on b.source = r.id::text
         where case r.state
                 when 'succeeded' then coalesce(b.amount, 0) <> r.amount_minor
                 when 'pending' then coalesce(b.amount, 0) not in (0, r.amount_minor)
                 else coalesce(b.amount, 0) <> 0 end
        """,
    ),
    Invariant(
        "bank_dispute_booked",
        "What banks hold back is in the ledger while they do, and not afterwards.",
        """
        with booked as (
          select t.source, sum(p.amount_minor) as held
            from ledger_transactions t join ledger_postings p on p.transaction_id = t.id and p.account = 'disputed'
           group by t.source)
        select 'dispute ' || coalesce(d.stripe_dispute_id, b.source),
               coalesce(d.state || ', ' || d.amount_minor, 'no dispute') || ', the ledger holds ' || coalesce(b.held, 0)
          from payment_disputes d full join booked b on b.source = d.stripe_dispute_id
         where coalesce(b.held, 0) <> case
                 when d.state in ('needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review')
                 then d.amount_minor else 0 end
        """,
    ),
    Invariant(
        "kept_credit",
        "No facility has used more credit than was kept for it.",
        """
        select 'facility ' || facility_id, sum(amount_minor) || ' ' || currency || ' more was used'
          from ledger_postings where account = 'customer_credit' group by facility_id, currency having sum(amount_minor) > 0
        """,
    ),
)

INVOICES = (
    Invariant(
        "invoice_total",
        "An invoice is the sum of its lines and of the taxes on top.",
        """
        select 'invoice ' || coalesce(i.number, i.id::text),
               'total ' || i.total_minor || ', lines ' || l.amount || ', taxes on top ' || x.on_top || ', all taxes ' || x.tax
          from invoices i
          cross join lateral (
            select coalesce(sum(amount_minor), 0) as amount from invoice_lines where invoice_id = i.id) l
          cross join lateral (
            select coalesce(sum((r ->> 'tax_minor')::bigint), 0) as tax,
                   coalesce(sum((r ->> 'tax_minor')::bigint) filter (where not (r ->> 'inclusive')::boolean), 0) as on_top
              from jsonb_array_elements(i.tax_rates) r) x
         where i.total_minor <> l.amount + x.on_top or i.tax_minor <> x.tax
        """,
    ),
    Invariant(
        "credit_note_total",
        "A credit note is the sum of its lines, and all of an invoice's together take back no more than it came to.",
        """
        select 'credit note ' || n.number, 'subtotal ' || n.subtotal_minor || ', lines ' || coalesce(sum(l.amount_minor), 0)
          from credit_notes n left join credit_note_lines l on l.credit_note_id = n.id
         group by n.id having n.subtotal_minor <> coalesce(sum(l.amount_minor), 0)
        union all
        select 'invoice ' || i.number, 'total ' || i.total_minor || ', credited ' || sum(n.total_minor)
          from invoices i join credit_notes n on n.invoice_id = i.id
         group by i.id having sum(n.total_minor) > i.total_minor
        """,
    ),
    Invariant(
        "work_invoiced_once",
        "Invoiced work is on exactly one final invoice; work that is disputed, or not approved, is on none.",
        f"""
        select 'entry ' || w.id, w.state || ', on ' || count(distinct i.id) || ' final invoices'
          from work_entries w
          left join invoice_line_entries e on e.entry_id = w.id
          left join invoice_lines l on l.id = e.line_id
          left join invoices i on i.id = l.invoice_id and i.state in {_FINAL}
         group by w.id having count(distinct i.id) <> case when w.state = 'invoiced' then 1 else 0 end
        """,  # noqa: S608 - our own words
    ),
    Invariant(
        "work_invoiced_whole",
        "Invoiced work is on its invoice with all of its time.",
        """
        select 'entry ' || w.id, 'worked ' || (upper(w.during) - lower(w.during))
               || ', on lines ' || sum(upper(e.during) - lower(e.during))
          from work_entries w join invoice_line_entries e on e.entry_id = w.id
         where w.state = 'invoiced'
         group by w.id having sum(upper(e.during) - lower(e.during)) <> upper(w.during) - lower(w.during)
        """,
    ),
    Invariant(
        "charge_invoiced_once",
        "A charge is on no withdrawn invoice, and a waived one on none.",
        """
        select 'charge ' || c.id, case when c.waived_at is null then 'on a withdrawn invoice' else 'waived and on an invoice' end
          from charges c join invoice_lines l on l.id = c.line_id join invoices i on i.id = l.invoice_id
         where i.state = 'void' or c.waived_at is not null
        """,
    ),
    Invariant(
        "numbers_gapless",
        "Invoices and credit notes are numbered from 1 without a gap, in the series of their year.",
        """
        with numbers as (
          select 'invoice-' || split_part(number, '-', 2) as series, substring(number from '-([0-9]+)$')::bigint as n
            from invoices where number is not null
          union all
          select 'credit-note-' || split_part(number, '-', 2), substring(number from '-([0-9]+)$')::bigint from credit_notes)
        select 'series ' || coalesce(s.name, n.series), coalesce(n.many, 0) || ' numbers up to ' || coalesce(n.last, 0)
               || ', given out up to ' || coalesce(s.last, 0)
          from (select series, count(*) as many, max(n) as last from numbers group by series) n
          full join number_series s on s.name = n.series
         where (coalesce(n.many, 0), coalesce(n.last, 0)) <> (coalesce(s.last, 0), coalesce(s.last, 0))
        """,
    ),
)

PAYMENTS = (
    Invariant(
        "paid_once",
        "Nothing is paid twice: no invoice has brought in more than it came to.",
        """
        select 'invoice ' || i.number, 'total ' || i.total_minor || ', received ' || -sum(p.amount_minor)
          from invoices i join ledger_transactions t on t.invoice_id = i.id
          join ledger_postings p on p.transaction_id = t.id and p.account = 'receivable'
         where t.kind in ('payment_received', 'paid_elsewhere', 'credit_used')
         group by i.id having -sum(p.amount_minor) > i.total_minor
        """,
    ),
    Invariant(
        "paid_means_settled",
        "Of a paid invoice nothing was left to pay, and of one that was written off nothing is owed.",
        """
        select 'invoice ' || i.number, i.state || ', open ' || sum(p.amount_minor)
          from invoices i join ledger_transactions t on t.invoice_id = i.id
          join ledger_postings p on p.transaction_id = t.id and p.account = 'receivable'
         where i.state in ('paid', 'uncollectible')
           and t.kind not in ('payment_refunded', 'refund_returned', 'dispute_lost')
         group by i.id having sum(p.amount_minor) > 0
        """,
    ),
    Invariant(
        "paid_as_stripe_says",
        "What came in for an invoice is what Stripe last said, to the cent.",
        """
        select 'invoice ' || i.number, 'Stripe ' || i.stripe_paid_minor || ', the ledger '
               || coalesce(-sum(p.amount_minor), 0)
          from invoices i
          join billing_accounts a on a.facility_id = i.facility_id and a.parked_because = ''
          left join ledger_transactions t on t.invoice_id = i.id and t.kind in ('payment_received', 'paid_elsewhere')
          left join ledger_postings p on p.transaction_id = t.id and p.account = 'receivable'
         where i.stripe_paid_minor is not null and i.stripe_problem = ''
         group by i.id having coalesce(-sum(p.amount_minor), 0) <> i.stripe_paid_minor
        """,
    ),
    Invariant(
        "refunded_at_most_once",
        "No more of a payment is sent back than came in.",
        """
        select 'payment ' || y.stripe_payment_intent_id, y.state || ', ' || y.amount_minor || ', back ' || sum(r.amount_minor)
          from payments y join refunds r on r.payment_id = y.id and r.state in ('pending', 'succeeded')
         group by y.id having y.state <> 'succeeded' or sum(r.amount_minor) > y.amount_minor
        """,
    ),
)

PEOPLE = (
    Invariant(
        "no_minute_twice",
        "Nobody's recorded times overlap, and nobody is assigned to two windows at once.",
        """
        select 'entry ' || id, 'it begins before entry ' || before || ' ends'
          from (select id, lower(during) as start, lag(id) over w as before, max(upper(during)) over (w rows between unbounded
                  preceding and 1 preceding) as taken
                  from work_entries where state <> 'void'
                window w as (partition by coordinator_id order by lower(during))) e
         where start < taken
        union all
        select 'assignment ' || id, 'it begins before assignment ' || before || ' ends'
          from (select id, lower(during) as start, lag(id) over w as before, max(upper(during)) over (w rows between unbounded
                  preceding and 1 preceding) as taken
                  from assignments where state = 'confirmed'
                window w as (partition by coordinator_id order by lower(during))) a
         where start < taken
        """,
    ),
    Invariant(
        "assignment_fits",
        "Every assignment is for its facility's own window, within it, and no window has more people than it asks for.",
        """
        select 'assignment ' || a.id, 'it is not within its window, or of another facility'
          from assignments a join coverage_windows w on w.id = a.window_id join staffing_requests r on r.id = a.request_id
         where not a.during <@ w.during or a.facility_id <> w.facility_id or w.request_id <> r.id
            or r.facility_id <> w.facility_id
        union all
        select 'window ' || w.id, count(*) || ' people for ' || w.headcount || ' places'
          from coverage_windows w join assignments a on a.window_id = w.id and a.state = 'confirmed'
         group by w.id having count(*) > w.headcount
        """,
    ),
    Invariant(
        "assignment_allowed",
        "Whoever is assigned has every standing credential to the end, works where the facility allows, and is not excluded.",
        """
        with ahead as (
          select a.id, a.coordinator_id, a.facility_id, (lower(a.during) at time zone c.time_zone)::date as first_on,
                 ((upper(a.during) - interval '1 microsecond') at time zone c.time_zone)::date as last_on,
                 lower(a.during) <= cast(:now as timestamptz) as begun,
                 c.work_country, c.joined_on, c.left_on, r.skills, r.service
            from assignments a join coordinators c on c.id = a.coordinator_id join staffing_requests r on r.id = a.request_id
           where a.state = 'confirmed' and upper(a.during) > cast(:now as timestamptz)),
        wanted as (
          select a.*, k.kind from ahead a
           cross join lateral unnest(array['hipaa_training', 'background_check', 'exclusion_screening'] || a.skills) k(kind))
        select 'assignment ' || w.id, 'no valid ' || w.kind
          from wanted w left join credentials c on c.coordinator_id = w.coordinator_id and c.kind = w.kind
         where c.id is null or (w.kind <> 'exclusion_screening' and c.expires_on < w.last_on)
            or (w.kind = 'exclusion_screening' and w.begun and least(c.expires_on, c.verified_on + 31) < w.first_on)
        union all
        select 'assignment ' || a.id, 'works from ' || a.work_country
          from ahead a join facilities f on f.id = a.facility_id where f.offshore_policy = 'us_only' and a.work_country <> 'US'
        union all
        select 'assignment ' || a.id, 'excluded from the facility'
          from ahead a join facility_exclusions x on (x.coordinator_id, x.facility_id) = (a.coordinator_id, a.facility_id)
        union all
        select 'assignment ' || a.id, 'not with the agency then'
          from ahead a where a.first_on < a.joined_on or a.last_on > a.left_on
        union all
        select 'assignment ' || a.id, 'does not offer ' || a.service
          from ahead a left join coordinator_services s on (s.coordinator_id, s.service) = (a.coordinator_id, a.service)
         where s.service is null
        """,
    ),
    Invariant(
        "work_was_assigned",
        "Work is for a patient of its own facility, by somebody who was assigned there at that time, for that service.",
        """
        select 'entry ' || w.id, 'the patient is another facility''s'
          from work_entries w join patients p on p.id = w.patient_id where p.facility_id <> w.facility_id
        union all
        select 'entry ' || w.id, 'nobody assigned this coordinator there then'
          from work_entries w
         where w.state <> 'void' and not exists (
           select from assignments a join staffing_requests r on r.id = a.request_id
            where a.coordinator_id = w.coordinator_id and a.facility_id = w.facility_id and r.service = w.service
              and lower(w.during) < upper(a.during) + interval '72 hours'
              and lower(w.during) > lower(a.during) - interval '36 hours')
        """,
    ),
    Invariant(
        "access_log_linked",
        "The access log has every row of its chains, each linked to the one before.",
        """
        select 'chain ' || chain || ', row ' || seq, 'it does not follow row ' || (seq - 1)
          from (select chain, seq, prev_hash, lag(seq) over w as seq_before, lag(hash) over w as hash_before
                  from access_events window w as (partition by chain order by seq)) e
         where seq <> coalesce(seq_before, 0) + 1 or prev_hash <> coalesce(hash_before, ''::bytea)
        """,
    ),
)

PUNCTUAL = (
    Invariant(
        "nothing_waits",
        "Nothing waits longer than a quarter of an hour: no job, no message of Stripe's, no call to it, no final invoice.",
        """
        select 'job ' || id || ' ' || entrypoint, 'waits since ' || execute_after
          from queue.pgqueuer where status = 'queued' and execute_after < now() - interval '15 minutes'
        union all
        select 'message ' || id || ' ' || type, 'received at ' || received_at
          from stripe_events where processed_at is null and received_at < cast(:now as timestamptz) - interval '15 minutes'
        union all
        select 'call ' || idempotency_key || ' ' || purpose, state || ', begun at ' || intended_at
          from stripe_calls
         where state in ('intended', 'unknown') and intended_at < cast(:now as timestamptz) - interval '15 minutes'
        union all
        select 'invoice ' || number, 'final since ' || finalized_at || ', not at Stripe'
          from invoices
         where state = 'finalized' and stripe_problem = '' and finalized_at < cast(:now as timestamptz) - interval '15 minutes'
        union all
        select 'assignment ' || a.id, 'its window is cancelled'
          from assignments a join coverage_windows w on w.id = a.window_id and w.cancelled
          join staffing_requests r on r.id = a.request_id
         where a.state = 'confirmed' and r.closed_at < cast(:now as timestamptz) - interval '15 minutes'
        """,
    ),
)

ALWAYS = (*LEDGER, *INVOICES, *PAYMENTS, *PEOPLE)
"""True after every transaction, whatever happened."""
ALL = (*ALWAYS, *PUNCTUAL)
"""And true while a worker runs and Stripe answers."""
