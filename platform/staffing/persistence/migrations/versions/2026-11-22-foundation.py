"""Every table of the foundation, its row-level security, the double-booking constraints, the audit chain and the job queue.

Revision: 0001, after nothing
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from staffing.persistence import guards, jobs, schema
from staffing.persistence.policies import (
    AGENCY,
    FUNCTIONS,
    SIGNED_IN,
    any_of,
    caring_facility,
    known_facility,
    of_facility,
    own_work,
    protect,
)

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create extension if not exists btree_gist")
    op.create_table('access_events',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('chain', sa.Text(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=True),
    sa.Column('patient_id', sa.Uuid(), nullable=True),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('object_type', sa.Text(), nullable=False),
    sa.Column('object_id', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('prev_hash', sa.LargeBinary(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_access_events')),
    sa.UniqueConstraint('chain', 'seq', name=op.f('uq_access_events_chain_seq')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_access_events_facility_id'), 'access_events', ['facility_id'], unique=False)
    op.create_index('ix_access_events_patient', 'access_events', ['patient_id', 'happened_at'], unique=False)
    op.create_table('agency',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('demo', sa.Boolean(), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_agency_single')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agency')),
    info={'tenancy': 'shared'}
    )
    op.create_table('audit_heads',
    sa.Column('chain', sa.Text(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('chain', name=op.f('pk_audit_heads')),
    info={'tenancy': 'system'}
    )
    op.create_table('coordinators',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('work_country', sa.Text(), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('credential_class', sa.Text(), nullable=False),
    sa.Column('education', sa.Text(), nullable=False),
    sa.Column('languages', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('ehr_systems', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('licence_states', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('weekly_cap_minutes', sa.Integer(), nullable=False),
    sa.Column('weekly_target_minutes', sa.Integer(), nullable=False),
    sa.Column('max_facilities', sa.Integer(), nullable=False),
    sa.Column('joined_on', sa.Date(), nullable=False),
    sa.Column('left_on', sa.Date(), nullable=True),
    sa.CheckConstraint('weekly_target_minutes <= weekly_cap_minutes', name=op.f('ck_coordinators_target_within_cap')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_coordinators')),
    sa.UniqueConstraint('reference', name=op.f('uq_coordinators_reference')),
    info={'tenancy': 'shared'}
    )
    op.create_table('facilities',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('initials', sa.Text(), nullable=False),
    sa.Column('city', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('line', sa.Text(), nullable=False),
    sa.Column('ehr_system', sa.Text(), nullable=False),
    sa.Column('offshore_policy', sa.Text(), nullable=False),
    sa.Column('colour', sa.Integer(), nullable=False),
    sa.Column('baa_signed_on', sa.Date(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('colour between 1 and 8', name=op.f('ck_facilities_colour')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_facilities')),
    sa.UniqueConstraint('reference', name=op.f('uq_facilities_reference')),
    info={'tenancy': 'tenant'}
    )
    op.create_table('job_starts',
    sa.Column('job_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('starts', sa.Integer(), nullable=False),
    sa.Column('first_started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('gave_up_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('job_id', name=op.f('pk_job_starts')),
    info={'tenancy': 'system'}
    )
    op.create_table('number_series',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_number_series')),
    info={'tenancy': 'agency'}
    )
    op.create_table('sign_in_attempts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('attempted_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_attempts')),
    info={'tenancy': 'system'}
    )
    op.create_index('ix_sign_in_attempts_address_at', 'sign_in_attempts', ['address', 'attempted_at'], unique=False)
    op.create_index('ix_sign_in_attempts_email_at', 'sign_in_attempts', ['email', 'attempted_at'], unique=False)
    op.create_table('stripe_events',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('object_id', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('processed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stripe_events')),
    info={'tenancy': 'agency'}
    )
    op.create_table('accounts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(role = 'coordinator') = (coordinator_id is not null)", name=op.f('ck_accounts_coordinator_role')),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_accounts_coordinator_id_coordinators')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_accounts')),
    sa.UniqueConstraint('coordinator_id', name=op.f('uq_accounts_coordinator_id')),
    info={'tenancy': 'system'}
    )
    op.create_index('uq_accounts_email_lower', 'accounts', [sa.literal_column('lower(email)')], unique=True)
    op.create_table('availability_rules',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('weekday', sa.Integer(), nullable=False),
    sa.Column('starts_at_time', sa.Time(), nullable=False),
    sa.Column('ends_at_time', sa.Time(), nullable=False),
    sa.CheckConstraint("ends_at_time = '00:00' or starts_at_time < ends_at_time", name=op.f('ck_availability_rules_order')),
    sa.CheckConstraint('weekday between 0 and 6', name=op.f('ck_availability_rules_weekday')),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_availability_rules_coordinator_id_coordinators'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_availability_rules')),
    info={'tenancy': 'shared'}
    )
    op.create_index(op.f('ix_availability_rules_coordinator_id'), 'availability_rules', ['coordinator_id'], unique=False)
    op.create_table('billing_accounts',
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('terms_days', sa.Integer(), nullable=False),
    sa.Column('stripe_customer_id', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_billing_accounts_facility_id_facilities')),
    sa.PrimaryKeyConstraint('facility_id', name=op.f('pk_billing_accounts')),
    info={'tenancy': 'tenant'}
    )
    op.create_table('coordinator_services',
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.CheckConstraint('level between 1 and 5', name=op.f('ck_coordinator_services_level')),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_coordinator_services_coordinator_id_coordinators'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('coordinator_id', 'service', name=op.f('pk_coordinator_services')),
    info={'tenancy': 'shared'}
    )
    op.create_table('credentials',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=False),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('verified_on', sa.Date(), nullable=False),
    sa.Column('verified_by', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_credentials_coordinator_id_coordinators'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credentials')),
    sa.UniqueConstraint('coordinator_id', 'kind', name=op.f('uq_credentials_coordinator_id_kind')),
    info={'tenancy': 'shared'}
    )
    op.create_table('facility_exclusions',
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_facility_exclusions_coordinator_id_coordinators'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_facility_exclusions_facility_id_facilities')),
    sa.PrimaryKeyConstraint('coordinator_id', 'facility_id', name=op.f('pk_facility_exclusions')),
    info={'tenancy': 'agency'}
    )
    op.create_table('orientations',
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('oriented_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_orientations_coordinator_id_coordinators'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_orientations_facility_id_facilities')),
    sa.PrimaryKeyConstraint('coordinator_id', 'facility_id', name=op.f('pk_orientations')),
    info={'tenancy': 'tenant'}
    )
    op.create_table('patients',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('record_number', sa.Text(), nullable=False),
    sa.Column('given_name', sa.Text(), nullable=False),
    sa.Column('family_name', sa.Text(), nullable=False),
    sa.Column('preferred_name', sa.Text(), nullable=False),
    sa.Column('birth_date', sa.Date(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('payer', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_patients_facility_id_facilities')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patients')),
    sa.UniqueConstraint('facility_id', 'record_number', name=op.f('uq_patients_facility_id_record_number')),
    info={'tenancy': 'tenant'}
    )
    op.create_index('ix_patients_facility_name', 'patients', ['facility_id', 'family_name', 'given_name'], unique=False)
    op.create_table('pay_rates',
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('pay_per_hour', sa.Numeric(precision=12, scale=4), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_pay_rates_coordinator_id_coordinators'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('coordinator_id', 'valid_from', name=op.f('pk_pay_rates')),
    info={'tenancy': 'agency'}
    )
    op.create_table('rate_cards',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('rounding_unit_minutes', sa.Integer(), nullable=False),
    sa.Column('rounding_mode', sa.Text(), nullable=False),
    sa.Column('rounding_scope', sa.Text(), nullable=False),
    sa.CheckConstraint("rounding_mode in ('nearest', 'up')", name=op.f('ck_rate_cards_rounding_mode')),
    sa.CheckConstraint("rounding_scope in ('entry', 'line')", name=op.f('ck_rate_cards_rounding_scope')),
    sa.CheckConstraint('rounding_unit_minutes in (0, 1, 6, 15)', name=op.f('ck_rate_cards_rounding_unit')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_rate_cards_facility_id_facilities')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rate_cards')),
    sa.UniqueConstraint('facility_id', 'valid_from', name=op.f('uq_rate_cards_facility_id_valid_from')),
    info={'tenancy': 'tenant'}
    )
    op.create_table('time_off',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('during', postgresql.TSTZRANGE(), nullable=False),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_time_off_coordinator_id_coordinators'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_time_off')),
    info={'tenancy': 'shared'}
    )
    op.create_index(op.f('ix_time_off_coordinator_id'), 'time_off', ['coordinator_id'], unique=False)
    op.create_table('account_facilities',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_account_facilities_account_id_accounts'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_account_facilities_facility_id_facilities')),
    sa.PrimaryKeyConstraint('account_id', 'facility_id', name=op.f('pk_account_facilities')),
    info={'tenancy': 'system'}
    )
    op.create_table('history_items',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('since_on', sa.Date(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('reconciled_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_history_items_facility_id_facilities')),
    sa.ForeignKeyConstraint(['patient_id'], ['patients.id'], name=op.f('fk_history_items_patient_id_patients'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_history_items')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_history_items_facility_id'), 'history_items', ['facility_id'], unique=False)
    op.create_index('ix_history_items_patient_kind', 'history_items', ['patient_id', 'kind'], unique=False)
    op.create_table('invitations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('time_zone', sa.Text(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=True),
    sa.Column('coordinator_id', sa.Uuid(), nullable=True),
    sa.Column('invited_by', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_invitations_coordinator_id_coordinators')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_invitations_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invited_by'], ['accounts.id'], name=op.f('fk_invitations_invited_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitations')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_invitations_token_hash')),
    info={'tenancy': 'system'}
    )
    op.create_table('invoices',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Text(), nullable=True),
    sa.Column('period_start_on', sa.Date(), nullable=False),
    sa.Column('period_end_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('total_minor', sa.BigInteger(), nullable=False),
    sa.Column('held_count', sa.Integer(), nullable=False),
    sa.Column('held_seconds', sa.Integer(), nullable=False),
    sa.Column('drafted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('drafted_by', sa.Uuid(), nullable=True),
    sa.Column('reviewed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reviewed_by', sa.Uuid(), nullable=True),
    sa.Column('finalized_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finalized_by', sa.Uuid(), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('voided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stripe_invoice_id', sa.Text(), nullable=True),
    sa.Column('stripe_status', sa.Text(), nullable=True),
    sa.Column('stripe_total_minor', sa.BigInteger(), nullable=True),
    sa.Column('stripe_paid_minor', sa.BigInteger(), nullable=True),
    sa.Column('stripe_seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stripe_problem', sa.Text(), nullable=False),
    sa.Column('hosted_url', sa.Text(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state in ('finalized', 'sent', 'paid')) <= (number is not null)", name=op.f('ck_invoices_finalized_has_number')),
    sa.CheckConstraint('period_end_on >= period_start_on', name=op.f('ck_invoices_order')),
    sa.CheckConstraint('total_minor >= 0', name=op.f('ck_invoices_total')),
    sa.ForeignKeyConstraint(['drafted_by'], ['accounts.id'], name=op.f('fk_invoices_drafted_by_accounts')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_invoices_facility_id_facilities')),
    sa.ForeignKeyConstraint(['finalized_by'], ['accounts.id'], name=op.f('fk_invoices_finalized_by_accounts')),
    sa.ForeignKeyConstraint(['reviewed_by'], ['accounts.id'], name=op.f('fk_invoices_reviewed_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoices')),
    sa.UniqueConstraint('number', name=op.f('uq_invoices_number')),
    sa.UniqueConstraint('stripe_invoice_id', name=op.f('uq_invoices_stripe_invoice_id')),
    info={'tenancy': 'tenant'}
    )
    op.create_index('uq_invoices_facility_period', 'invoices', ['facility_id', 'period_start_on', 'period_end_on'], unique=True, postgresql_where=sa.text("state <> 'void'"))
    op.create_table('login_sessions',
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('browser', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_login_sessions_account_id_accounts'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_login_sessions')),
    info={'tenancy': 'system'}
    )
    op.create_index(op.f('ix_login_sessions_account_id'), 'login_sessions', ['account_id'], unique=False)
    op.create_table('plans',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('horizon', postgresql.TSTZRANGE(), nullable=False),
    sa.Column('time_limit_seconds', sa.Integer(), nullable=False),
    sa.Column('facility_ids', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('requested_by', sa.Uuid(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('heartbeat_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stop_requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('snapshot', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('snapshot_hash', sa.Text(), nullable=True),
    sa.Column('progress', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('solution', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('failure', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['decided_by'], ['accounts.id'], name=op.f('fk_plans_decided_by_accounts')),
    sa.ForeignKeyConstraint(['requested_by'], ['accounts.id'], name=op.f('fk_plans_requested_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plans')),
    sa.UniqueConstraint('number', name=op.f('uq_plans_number')),
    info={'tenancy': 'agency'}
    )
    op.create_table('service_rates',
    sa.Column('rate_card_id', sa.Uuid(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('bill_per_hour', sa.Numeric(precision=12, scale=4), nullable=False),
    sa.CheckConstraint('bill_per_hour > 0', name=op.f('ck_service_rates_positive')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_service_rates_facility_id_facilities')),
    sa.ForeignKeyConstraint(['rate_card_id'], ['rate_cards.id'], name=op.f('fk_service_rates_rate_card_id_rate_cards'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('rate_card_id', 'service', name=op.f('pk_service_rates')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_service_rates_facility_id'), 'service_rates', ['facility_id'], unique=False)
    op.execute("create sequence staffing_request_numbers start 1001")
    script(REQUEST_REFERENCE)
    op.create_table('staffing_requests',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('reference', sa.Text(), server_default=sa.text("next_request_reference()"), nullable=False),
    sa.Column('form_id', sa.Uuid(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('pattern', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('headcount', sa.Integer(), nullable=False),
    sa.Column('max_coordinators', sa.Integer(), nullable=False),
    sa.Column('skills', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('ehr_system', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('submitted_by', sa.Uuid(), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_reason', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_staffing_requests_order')),
    sa.CheckConstraint('headcount between 1 and 20', name=op.f('ck_staffing_requests_headcount')),
    sa.CheckConstraint('priority between 1 and 5', name=op.f('ck_staffing_requests_priority')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_staffing_requests_facility_id_facilities')),
    sa.ForeignKeyConstraint(['submitted_by'], ['accounts.id'], name=op.f('fk_staffing_requests_submitted_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staffing_requests')),
    sa.UniqueConstraint('form_id', name=op.f('uq_staffing_requests_form_id')),
    sa.UniqueConstraint('reference', name=op.f('uq_staffing_requests_reference')),
    info={'tenancy': 'tenant'}
    )
    op.create_index('ix_staffing_requests_facility_state', 'staffing_requests', ['facility_id', 'state'], unique=False)
    op.create_table('pinned_patients',
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('pinned_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_pinned_patients_coordinator_id_coordinators'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_pinned_patients_facility_id_facilities')),
    sa.ForeignKeyConstraint(['patient_id'], ['patients.id'], name=op.f('fk_pinned_patients_patient_id_patients'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('coordinator_id', 'patient_id', name=op.f('pk_pinned_patients')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_pinned_patients_facility_id'), 'pinned_patients', ['facility_id'], unique=False)
    op.create_table('work_entries',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=True),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('activity', sa.Text(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('during', postgresql.TSTZRANGE(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('manual_reason', sa.Text(), nullable=False),
    sa.Column('performed_from_country', sa.Text(), nullable=False),
    sa.Column('dispute_reason', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    postgresql.ExcludeConstraint((sa.column('coordinator_id'), '='), (sa.column('during'), '&&'), where=sa.text("state <> 'void'"), using='gist', name='excl_work_entries_no_minute_twice'),
    sa.CheckConstraint("(state = 'running') = upper_inf(during)", name=op.f('ck_work_entries_running_is_open')),
    sa.CheckConstraint("state <> 'disputed' or dispute_reason <> ''", name=op.f('ck_work_entries_dispute_has_reason')),
    sa.CheckConstraint("upper_inf(during) or upper(during) - lower(during) <= interval '12 hours'", name=op.f('ck_work_entries_at_most_12_hours')),
    sa.CheckConstraint('not lower_inf(during) and not isempty(during)', name=op.f('ck_work_entries_has_start')),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_work_entries_coordinator_id_coordinators')),
    sa.ForeignKeyConstraint(['decided_by'], ['accounts.id'], name=op.f('fk_work_entries_decided_by_accounts')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_work_entries_facility_id_facilities')),
    sa.ForeignKeyConstraint(['patient_id'], ['patients.id'], name=op.f('fk_work_entries_patient_id_patients')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_entries')),
    info={'tenancy': 'tenant'}
    )
    op.create_index('ix_work_entries_coordinator_state', 'work_entries', ['coordinator_id', 'state'], unique=False)
    op.create_index('ix_work_entries_facility_state', 'work_entries', ['facility_id', 'state'], unique=False)
    op.create_table('coverage_windows',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('during', postgresql.TSTZRANGE(), nullable=False),
    sa.Column('headcount', sa.Integer(), nullable=False),
    sa.Column('cancelled', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.CheckConstraint('not isempty(during) and not lower_inf(during) and not upper_inf(during)', name=op.f('ck_coverage_windows_bounded')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_coverage_windows_facility_id_facilities')),
    sa.ForeignKeyConstraint(['request_id'], ['staffing_requests.id'], name=op.f('fk_coverage_windows_request_id_staffing_requests'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_coverage_windows')),
    info={'tenancy': 'tenant'}
    )
    op.create_index('ix_coverage_windows_during', 'coverage_windows', ['during'], unique=False, postgresql_using='gist')
    op.create_index('ix_coverage_windows_facility_id', 'coverage_windows', ['facility_id'], unique=False)
    op.create_index('ix_coverage_windows_request_id', 'coverage_windows', ['request_id'], unique=False)
    op.create_table('entry_events',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('step', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_entry_events_coordinator_id_coordinators')),
    sa.ForeignKeyConstraint(['entry_id'], ['work_entries.id'], name=op.f('fk_entry_events_entry_id_work_entries'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_entry_events_facility_id_facilities')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entry_events')),
    info={'tenancy': 'tenant'}
    )
    op.create_index('ix_entry_events_entry_at', 'entry_events', ['entry_id', 'happened_at'], unique=False)
    op.create_index(op.f('ix_entry_events_facility_id'), 'entry_events', ['facility_id'], unique=False)
    op.create_table('invoice_lines',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('invoice_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('seconds', sa.Integer(), nullable=False),
    sa.Column('billed_minutes', sa.Numeric(precision=12, scale=4), nullable=False),
    sa.Column('unit_rate', sa.Numeric(precision=12, scale=4), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_invoice_lines_coordinator_id_coordinators')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_invoice_lines_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_invoice_lines_invoice_id_invoices'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoice_lines')),
    sa.UniqueConstraint('invoice_id', 'position', name=op.f('uq_invoice_lines_invoice_id_position')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_invoice_lines_facility_id'), 'invoice_lines', ['facility_id'], unique=False)
    op.create_table('ledger_transactions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('invoice_id', sa.Uuid(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('booked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_ledger_transactions_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_ledger_transactions_invoice_id_invoices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_transactions')),
    sa.UniqueConstraint('kind', 'source', name=op.f('uq_ledger_transactions_kind_source')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_ledger_transactions_facility_id'), 'ledger_transactions', ['facility_id'], unique=False)
    op.create_index(op.f('ix_ledger_transactions_invoice_id'), 'ledger_transactions', ['invoice_id'], unique=False)
    op.create_table('stripe_calls',
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('invoice_id', sa.Uuid(), nullable=True),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('object_id', sa.Text(), nullable=True),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('intended_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_stripe_calls_facility_id_facilities')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_stripe_calls_invoice_id_invoices')),
    sa.PrimaryKeyConstraint('idempotency_key', name=op.f('pk_stripe_calls')),
    info={'tenancy': 'agency'}
    )
    op.create_index(op.f('ix_stripe_calls_invoice_id'), 'stripe_calls', ['invoice_id'], unique=False)
    op.create_table('assignments',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('request_id', sa.Uuid(), nullable=False),
    sa.Column('window_id', sa.Uuid(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('during', postgresql.TSTZRANGE(), nullable=False),
    sa.Column('seat', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('plan_id', sa.Uuid(), nullable=True),
    sa.Column('why', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_reason', sa.Text(), nullable=False),
    postgresql.ExcludeConstraint((sa.column('coordinator_id'), '='), (sa.column('during'), '&&'), where=sa.text("state = 'confirmed'"), using='gist', name='excl_assignments_no_double_booking'),
    sa.CheckConstraint('seat >= 1', name=op.f('ck_assignments_seat')),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_assignments_coordinator_id_coordinators')),
    sa.ForeignKeyConstraint(['created_by'], ['accounts.id'], name=op.f('fk_assignments_created_by_accounts')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_assignments_facility_id_facilities')),
    sa.ForeignKeyConstraint(['plan_id'], ['plans.id'], name=op.f('fk_assignments_plan_id_plans')),
    sa.ForeignKeyConstraint(['request_id'], ['staffing_requests.id'], name=op.f('fk_assignments_request_id_staffing_requests')),
    sa.ForeignKeyConstraint(['window_id'], ['coverage_windows.id'], name=op.f('fk_assignments_window_id_coverage_windows')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assignments')),
    info={'tenancy': 'tenant'}
    )
    op.create_index('ix_assignments_facility_id', 'assignments', ['facility_id'], unique=False)
    op.create_index(op.f('ix_assignments_request_id'), 'assignments', ['request_id'], unique=False)
    op.create_index('uq_assignments_window_seat', 'assignments', ['window_id', 'seat'], unique=True, postgresql_where=sa.text("state = 'confirmed'"))
    op.create_table('invoice_line_entries',
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('line_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['work_entries.id'], name=op.f('fk_invoice_line_entries_entry_id_work_entries')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_invoice_line_entries_facility_id_facilities')),
    sa.ForeignKeyConstraint(['line_id'], ['invoice_lines.id'], name=op.f('fk_invoice_line_entries_line_id_invoice_lines'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('entry_id', name=op.f('pk_invoice_line_entries')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_invoice_line_entries_facility_id'), 'invoice_line_entries', ['facility_id'], unique=False)
    op.create_index(op.f('ix_invoice_line_entries_line_id'), 'invoice_line_entries', ['line_id'], unique=False)
    op.create_table('ledger_postings',
    sa.Column('transaction_id', sa.Uuid(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_ledger_postings_facility_id_facilities')),
    sa.ForeignKeyConstraint(['transaction_id'], ['ledger_transactions.id'], name=op.f('fk_ledger_postings_transaction_id_ledger_transactions')),
    sa.PrimaryKeyConstraint('transaction_id', 'account', name=op.f('pk_ledger_postings')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_ledger_postings_facility_id'), 'ledger_postings', ['facility_id'], unique=False)
    op.create_table('plan_choices',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('window_id', sa.Uuid(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('why', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_plan_choices_coordinator_id_coordinators')),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_plan_choices_facility_id_facilities')),
    sa.ForeignKeyConstraint(['plan_id'], ['plans.id'], name=op.f('fk_plan_choices_plan_id_plans'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['window_id'], ['coverage_windows.id'], name=op.f('fk_plan_choices_window_id_coverage_windows')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_choices')),
    sa.UniqueConstraint('plan_id', 'window_id', 'coordinator_id', name=op.f('uq_plan_choices_plan_id_window_id_coordinator_id')),
    info={'tenancy': 'agency'}
    )
    op.create_table('plan_gaps',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('window_id', sa.Uuid(), nullable=False),
    sa.Column('missing', sa.Integer(), nullable=False),
    sa.Column('why', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_plan_gaps_facility_id_facilities')),
    sa.ForeignKeyConstraint(['plan_id'], ['plans.id'], name=op.f('fk_plan_gaps_plan_id_plans'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['window_id'], ['coverage_windows.id'], name=op.f('fk_plan_gaps_window_id_coverage_windows')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_gaps')),
    sa.UniqueConstraint('plan_id', 'window_id', name=op.f('uq_plan_gaps_plan_id_window_id')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_plan_gaps_facility_id'), 'plan_gaps', ['facility_id'], unique=False)

    script(FUNCTIONS)
    for statement in policies():
        script(statement)
    script(guards.AUDIT_CHAIN)
    script(guards.APPEND_ONLY)
    for table in ("access_events", "ledger_transactions", "ledger_postings"):
        script(guards.append_only(table))
    script(guards.LEDGER_BALANCE)
    script(jobs.install_sql())


# The next number that no request has, imported ones included. It must look past row-level security: references are one series
# for the whole agency.
REQUEST_REFERENCE = """
create function next_request_reference() returns text language plpgsql security definer set search_path = public, pg_temp as $$
declare
  scope text := current_setting('app.scope', true);
  candidate text;
begin
  perform set_config('app.scope', 'system', true);
  loop
    candidate := 'R-' || nextval('staffing_request_numbers');
    exit when not exists (select 1 from staffing_requests where reference = candidate);
  end loop;
  perform set_config('app.scope', coalesce(scope, ''), true);
  return candidate;
end $$;
"""


def script(sql: str) -> None:
    schema.execute_script(op.get_bind(), sql)


def policies() -> list[str]:
    """Who may reach which rows. `read` and `write` differ where the agency alone changes what others may see."""
    facility_reads = any_of(AGENCY, of_facility())
    schedule_reads = any_of(AGENCY, of_facility(), known_facility())
    care_reads = any_of(AGENCY, of_facility(), caring_facility())
    facility_writes = any_of(AGENCY, of_facility())
    work = any_of(AGENCY, own_work(), of_facility() + " and state not in ('running', 'draft', 'void')")
    own_or_facility = any_of(AGENCY, of_facility(), own_work())
    issued = of_facility() + " and number is not null"
    issued_line = of_facility() + " and exists (select 1 from invoices i where i.id = invoice_id)"
    issued_entry = of_facility() + " and exists (select 1 from invoice_lines l where l.id = line_id)"
    logged = any_of(AGENCY, of_facility(), known_facility(), SIGNED_IN + " and facility_id is null")
    open_tables = ("accounts", "account_facilities", "login_sessions", "sign_in_attempts", "invitations", "audit_heads", "job_starts")
    roster = ("coordinators", "coordinator_services", "credentials", "availability_rules", "time_off")
    agency_only = (
        "facility_exclusions", "pay_rates", "plans", "plan_choices", "number_series", "stripe_calls", "stripe_events",
    )
    return [
        protect("agency", "true", AGENCY),
        *(protect(table, "true") for table in open_tables),
        *(protect(table, SIGNED_IN, AGENCY) for table in roster),
        *(protect(table, AGENCY) for table in agency_only),
        protect("facilities", any_of(AGENCY, of_facility("id"), known_facility("id")), AGENCY),
        *(protect(table, facility_reads, AGENCY) for table in ("rate_cards", "service_rates", "plan_gaps", "billing_accounts")),
        *(protect(table, own_or_facility, AGENCY) for table in ("orientations", "assignments")),
        *(protect(table, schedule_reads, facility_writes) for table in ("staffing_requests", "coverage_windows")),
        *(protect(table, care_reads, facility_writes) for table in ("patients", "history_items")),
        protect("work_entries", work),
        protect("pinned_patients", own_or_facility, any_of(AGENCY, own_work())),
        protect("entry_events", own_or_facility, append_only=True),
        protect("invoices", any_of(AGENCY, issued), AGENCY),
        protect("invoice_lines", any_of(AGENCY, issued_line), AGENCY),
        protect("invoice_line_entries", any_of(AGENCY, issued_entry), AGENCY),
        *(protect(table, facility_reads, AGENCY, append_only=True) for table in ("ledger_transactions", "ledger_postings")),
        protect("access_events", facility_reads, logged, append_only=True),
    ]


def downgrade() -> None:
    raise NotImplementedError("The first migration has nothing to go back to: drop the database instead.")
