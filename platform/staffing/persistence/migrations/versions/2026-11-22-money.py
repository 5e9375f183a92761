"""Everything between an approved minute and the money for it: contract terms, billing runs, credit notes, payments, refunds, disputes.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from staffing.persistence import schema
from staffing.persistence.policies import AGENCY, any_of, of_facility, protect

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

PIECES_OF_ENTRIES = """
set local app.scope = 'system';
alter table invoice_line_entries add column during tstzrange;
update invoice_line_entries on_line set during = entry.during from work_entries entry where entry.id = on_line.entry_id;
alter table invoice_line_entries alter column during set not null;
alter table invoice_line_entries drop constraint pk_invoice_line_entries;
alter table invoice_line_entries add constraint pk_invoice_line_entries primary key (line_id, entry_id, during);
alter table invoice_line_entries add constraint excl_invoice_line_entries_once
  exclude using gist (entry_id with =, during with &&);
drop index ix_invoice_line_entries_line_id;
"""

CHANGED_RULES = """
alter table service_rates drop constraint pk_service_rates;
alter table service_rates add constraint pk_service_rates primary key (rate_card_id, service, level);
alter table service_rates add constraint ck_service_rates_level check (level between 0 and 5);
alter table invoices drop constraint ck_invoices_finalized_has_number;
alter table invoices add constraint ck_invoices_finalized_has_number
  check ((state in ('finalized', 'sent', 'paid', 'uncollectible')) <= (number is not null));
alter table invoices drop constraint ck_invoices_total;
alter table invoices add constraint ck_invoices_total
  check (total_minor >= 0 and tax_minor >= 0 and tax_minor <= total_minor);
"""


def script(sql: str) -> None:
    schema.execute_script(op.get_bind(), sql)


def policies() -> list[str]:
    """The agency writes all of it; a facility reads what is about its own issued invoices."""
    facility_reads = any_of(AGENCY, of_facility())
    on_issued = of_facility() + " and exists (select 1 from invoice_lines l where l.id = line_id)"
    of_issued = of_facility() + " and exists (select 1 from invoices i where i.id = invoice_id)"
    return [
        *(protect(name, AGENCY) for name in ("billing_runs", "billing_run_items", "reconciliations")),
        *(
            protect(name, facility_reads, AGENCY)
            for name in (
                "credit_notes", "credit_note_lines", "payments", "refunds", "payment_disputes", "reminders",
            )
        ),
        protect("retainer_periods", any_of(AGENCY, of_issued), AGENCY),
        protect("charges", any_of(AGENCY, on_issued), AGENCY),
    ]


def upgrade() -> None:
    op.create_table('billing_runs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('period_start_on', sa.Date(), nullable=False),
    sa.Column('period_end_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_by', sa.Uuid(), nullable=True),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('issued_by', sa.Uuid(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.CheckConstraint('period_end_on >= period_start_on', name=op.f('ck_billing_runs_order')),
    sa.ForeignKeyConstraint(['issued_by'], ['accounts.id'], name=op.f('fk_billing_runs_issued_by_accounts')),
    sa.ForeignKeyConstraint(['started_by'], ['accounts.id'], name=op.f('fk_billing_runs_started_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_billing_runs')),
    sa.UniqueConstraint('number', name=op.f('uq_billing_runs_number')),
    info={'tenancy': 'agency'}
    )
    op.create_index('uq_billing_runs_live_period', 'billing_runs', ['period_start_on', 'period_end_on'], unique=True, postgresql_where=sa.text("state in ('proposing', 'proposed', 'issuing')"))
    op.create_table('reconciliations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_by', sa.Uuid(), nullable=True),
    sa.Column('compared', sa.Integer(), nullable=False),
    sa.Column('differences', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['started_by'], ['accounts.id'], name=op.f('fk_reconciliations_started_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reconciliations')),
    info={'tenancy': 'agency'}
    )
    op.create_table('billing_run_items',
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('invoice_id', sa.Uuid(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('total_minor', sa.BigInteger(), nullable=False),
    sa.Column('previous_minor', sa.BigInteger(), nullable=True),
    sa.Column('held_count', sa.Integer(), nullable=False),
    sa.Column('flags', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['decided_by'], ['accounts.id'], name=op.f('fk_billing_run_items_decided_by_accounts')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_billing_run_items_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_billing_run_items_invoice_id_invoices')),
    sa.ForeignKeyConstraint(['run_id'], ['billing_runs.id'], name=op.f('fk_billing_run_items_run_id_billing_runs')),
    sa.PrimaryKeyConstraint('run_id', 'facility_id', name=op.f('pk_billing_run_items')),
    info={'tenancy': 'agency'}
    )
    op.create_table('credit_notes',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('invoice_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('form_id', sa.Uuid(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('subtotal_minor', sa.BigInteger(), nullable=False),
    sa.Column('tax_minor', sa.BigInteger(), nullable=False),
    sa.Column('total_minor', sa.BigInteger(), nullable=False),
    sa.Column('applied_minor', sa.BigInteger(), nullable=False),
    sa.Column('refund_minor', sa.BigInteger(), nullable=False),
    sa.Column('balance_minor', sa.BigInteger(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('issued_by', sa.Uuid(), nullable=True),
    sa.Column('stripe_credit_note_id', sa.Text(), nullable=True),
    sa.Column('stripe_problem', sa.Text(), nullable=False),
    sa.CheckConstraint('total_minor = applied_minor + refund_minor + balance_minor', name=op.f('ck_credit_notes_settled')),
    sa.CheckConstraint('total_minor > 0 and total_minor = subtotal_minor + tax_minor', name=op.f('ck_credit_notes_total')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_credit_notes_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_credit_notes_invoice_id_invoices')),
    sa.ForeignKeyConstraint(['issued_by'], ['accounts.id'], name=op.f('fk_credit_notes_issued_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_notes')),
    sa.UniqueConstraint('form_id', name=op.f('uq_credit_notes_form_id')),
    sa.UniqueConstraint('number', name=op.f('uq_credit_notes_number')),
    sa.UniqueConstraint('stripe_credit_note_id', name=op.f('uq_credit_notes_stripe_credit_note_id')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_credit_notes_facility_id'), 'credit_notes', ['facility_id'], unique=False)
    op.create_index(op.f('ix_credit_notes_invoice_id'), 'credit_notes', ['invoice_id'], unique=False)
    op.create_table('payments',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('invoice_id', sa.Uuid(), nullable=False),
    sa.Column('stripe_payment_intent_id', sa.Text(), nullable=False),
    sa.Column('method', sa.Text(), nullable=False),
    sa.Column('method_label', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('failure', sa.Text(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_payments_positive')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_payments_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_payments_invoice_id_invoices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payments')),
    sa.UniqueConstraint('stripe_payment_intent_id', name=op.f('uq_payments_stripe_payment_intent_id')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_payments_facility_id'), 'payments', ['facility_id'], unique=False)
    op.create_index(op.f('ix_payments_invoice_id'), 'payments', ['invoice_id'], unique=False)
    op.create_table('reminders',
    sa.Column('invoice_id', sa.Uuid(), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_by', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_reminders_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_reminders_invoice_id_invoices')),
    sa.ForeignKeyConstraint(['sent_by'], ['accounts.id'], name=op.f('fk_reminders_sent_by_accounts')),
    sa.PrimaryKeyConstraint('invoice_id', 'stage', name=op.f('pk_reminders')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_reminders_facility_id'), 'reminders', ['facility_id'], unique=False)
    op.create_table('retainer_periods',
    sa.Column('invoice_id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('period_end_on', sa.Date(), nullable=False),
    sa.Column('included_minutes', sa.Numeric(precision=12, scale=4), nullable=False),
    sa.Column('carried_in_minutes', sa.Numeric(precision=12, scale=4), nullable=False),
    sa.Column('used_minutes', sa.Numeric(precision=12, scale=4), nullable=False),
    sa.Column('carried_out_minutes', sa.Numeric(precision=12, scale=4), nullable=False),
    sa.Column('carried_out', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_retainer_periods_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_retainer_periods_invoice_id_invoices'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('invoice_id', name=op.f('pk_retainer_periods')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_retainer_periods_facility_id'), 'retainer_periods', ['facility_id'], unique=False)
    op.create_table('charges',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=True),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('explanation', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('line_id', sa.Uuid(), nullable=True),
    sa.Column('waived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('waived_by', sa.Uuid(), nullable=True),
    sa.Column('waived_because', sa.Text(), server_default=sa.text("''"), nullable=False),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_charges_coordinator_id_coordinators')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_charges_facility_id_facilities')),
    sa.ForeignKeyConstraint(['line_id'], ['invoice_lines.id'], name=op.f('fk_charges_line_id_invoice_lines'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['waived_by'], ['accounts.id'], name=op.f('fk_charges_waived_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_charges')),
    sa.UniqueConstraint('kind', 'reference', name=op.f('uq_charges_kind_reference')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_charges_facility_id'), 'charges', ['facility_id'], unique=False)
    op.create_index(op.f('ix_charges_line_id'), 'charges', ['line_id'], unique=False)
    op.create_table('credit_note_lines',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('credit_note_id', sa.Uuid(), nullable=False),
    sa.Column('invoice_line_id', sa.Uuid(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=True),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('minutes', sa.Numeric(precision=12, scale=4), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('tax_minor', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_credit_note_lines_positive')),
    sa.ForeignKeyConstraint(['credit_note_id'], ['credit_notes.id'], name=op.f('fk_credit_note_lines_credit_note_id_credit_notes')),
    sa.ForeignKeyConstraint(['entry_id'], ['work_entries.id'], name=op.f('fk_credit_note_lines_entry_id_work_entries')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_credit_note_lines_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_line_id'], ['invoice_lines.id'], name=op.f('fk_credit_note_lines_invoice_line_id_invoice_lines')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_note_lines')),
    sa.UniqueConstraint('credit_note_id', 'position', name=op.f('uq_credit_note_lines_credit_note_id_position')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_credit_note_lines_facility_id'), 'credit_note_lines', ['facility_id'], unique=False)
    op.create_index(op.f('ix_credit_note_lines_invoice_line_id'), 'credit_note_lines', ['invoice_line_id'], unique=False)
    op.create_table('payment_disputes',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('invoice_id', sa.Uuid(), nullable=False),
    sa.Column('payment_id', sa.Uuid(), nullable=False),
    sa.Column('stripe_dispute_id', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('evidence_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_payment_disputes_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_payment_disputes_invoice_id_invoices')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_payment_disputes_payment_id_payments')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_disputes')),
    sa.UniqueConstraint('stripe_dispute_id', name=op.f('uq_payment_disputes_stripe_dispute_id')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_payment_disputes_facility_id'), 'payment_disputes', ['facility_id'], unique=False)
    op.create_index(op.f('ix_payment_disputes_invoice_id'), 'payment_disputes', ['invoice_id'], unique=False)
    op.create_index(op.f('ix_payment_disputes_payment_id'), 'payment_disputes', ['payment_id'], unique=False)
    op.create_table('refunds',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('invoice_id', sa.Uuid(), nullable=False),
    sa.Column('payment_id', sa.Uuid(), nullable=False),
    sa.Column('credit_note_id', sa.Uuid(), nullable=True),
    sa.Column('form_id', sa.Uuid(), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('failure', sa.Text(), nullable=False),
    sa.Column('stripe_refund_id', sa.Text(), nullable=True),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('requested_by', sa.Uuid(), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_refunds_positive')),
    sa.ForeignKeyConstraint(['credit_note_id'], ['credit_notes.id'], name=op.f('fk_refunds_credit_note_id_credit_notes')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_refunds_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_refunds_invoice_id_invoices')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_refunds_payment_id_payments')),
    sa.ForeignKeyConstraint(['requested_by'], ['accounts.id'], name=op.f('fk_refunds_requested_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refunds')),
    sa.UniqueConstraint('form_id', name=op.f('uq_refunds_form_id')),
    sa.UniqueConstraint('stripe_refund_id', name=op.f('uq_refunds_stripe_refund_id')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_refunds_credit_note_id'), 'refunds', ['credit_note_id'], unique=False)
    op.create_index(op.f('ix_refunds_facility_id'), 'refunds', ['facility_id'], unique=False)
    op.create_index(op.f('ix_refunds_invoice_id'), 'refunds', ['invoice_id'], unique=False)
    op.create_index(op.f('ix_refunds_payment_id'), 'refunds', ['payment_id'], unique=False)
    op.add_column('billing_accounts', sa.Column('collection', sa.Text(), server_default=sa.text("'send_invoice'"), nullable=False))
    op.add_column('billing_accounts', sa.Column('payment_method', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column('billing_accounts', sa.Column('reminder_days', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[-3, 3, 10, 20]'"), nullable=False))
    op.add_column('billing_accounts', sa.Column('pause_after_days', sa.Integer(), nullable=True))
    op.add_column('billing_accounts', sa.Column('paused_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('billing_accounts', sa.Column('parked_because', sa.Text(), server_default=sa.text("''"), nullable=False))
    script(PIECES_OF_ENTRIES)
    op.create_index(op.f('ix_invoice_line_entries_entry_id'), 'invoice_line_entries', ['entry_id'], unique=False)
    op.add_column('invoice_lines', sa.Column('explanation', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False))
    op.alter_column('invoice_lines', 'unit_rate', type_=sa.Numeric(), existing_type=sa.Numeric(12, 4), existing_nullable=False)
    op.add_column('invoices', sa.Column('tax_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('invoices', sa.Column('tax_rates', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False))
    op.add_column('invoices', sa.Column('collection', sa.Text(), server_default=sa.text("'send_invoice'"), nullable=False))
    op.add_column('invoices', sa.Column('run_id', sa.Uuid(), nullable=True))
    op.add_column('invoices', sa.Column('uncollectible_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('rate_cards', sa.Column('terms', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False))
    op.add_column('service_rates', sa.Column('level', sa.Integer(), server_default=sa.text('0'), autoincrement=False, nullable=False))
    op.add_column('stripe_calls', sa.Column('subject', sa.Text(), server_default=sa.text("''"), nullable=False))
    script(CHANGED_RULES)
    for statement in policies():
        script(statement)


def downgrade() -> None:
    raise NotImplementedError("Money that was booked is not unbooked by a migration: restore a backup instead.")
