"""What each look at the invariants found.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from staffing.persistence import schema
from staffing.persistence.policies import AGENCY, protect

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('invariant_checks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('looked_at', sa.Integer(), nullable=False),
    sa.Column('broken', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invariant_checks')),
    info={'tenancy': 'agency'}
    )
    op.create_index(op.f('ix_invariant_checks_checked_at'), 'invariant_checks', ['checked_at'], unique=False)
    schema.execute_script(op.get_bind(), protect("invariant_checks", AGENCY))


def downgrade() -> None:
    op.drop_table('invariant_checks')
