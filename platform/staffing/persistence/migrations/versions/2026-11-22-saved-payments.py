"""Saved ways to pay, and the pages at Stripe on which they are saved.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

from staffing.persistence import schema
from staffing.persistence.policies import AGENCY, any_of, of_facility, protect

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('saved_payment_methods',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_saved_payment_methods_facility_id_facilities')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_payment_methods')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_saved_payment_methods_facility_id'), 'saved_payment_methods', ['facility_id'], unique=False)
    op.create_table('payment_setups',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('facility_id', sa.Uuid(), nullable=False),
    sa.Column('requested_by', sa.Uuid(), nullable=True),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('stripe_setup_id', sa.Text(), nullable=True),
    sa.Column('url', sa.Text(), nullable=True),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['facility_id'], ['facilities.id'], name=op.f('fk_payment_setups_facility_id_facilities')),
    sa.ForeignKeyConstraint(['requested_by'], ['accounts.id'], name=op.f('fk_payment_setups_requested_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_setups')),
    sa.UniqueConstraint('stripe_setup_id', name=op.f('uq_payment_setups_stripe_setup_id')),
    info={'tenancy': 'tenant'}
    )
    op.create_index(op.f('ix_payment_setups_facility_id'), 'payment_setups', ['facility_id'], unique=False)
    reads = any_of(AGENCY, of_facility())
    for table in ('saved_payment_methods', 'payment_setups'):
        # A person of the facility asks; what Stripe makes of it is written by the jobs.
        schema.execute_script(op.get_bind(), protect(table, reads, AGENCY))


def downgrade() -> None:
    op.drop_table('payment_setups')
    op.drop_table('saved_payment_methods')
