"""Call-offs and the search for relief after one; plans that stay near the running one; pieces of a search for other workers.

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from staffing.persistence import schema
from staffing.persistence.policies import AGENCY, any_of, own_work, protect

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('call_offs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('coordinator_id', sa.Uuid(), nullable=False),
    sa.Column('during', postgresql.TSTZRANGE(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('recorded_by', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint('not isempty(during) and not lower_inf(during) and not upper_inf(during)', name=op.f('ck_call_offs_bounded')),
    sa.CheckConstraint('(withdrawn_at is null) = (withdrawn_by is null)', name=op.f('ck_call_offs_withdrawn')),
    sa.ForeignKeyConstraint(['coordinator_id'], ['coordinators.id'], name=op.f('fk_call_offs_coordinator_id_coordinators')),
    sa.ForeignKeyConstraint(['recorded_by'], ['accounts.id'], name=op.f('fk_call_offs_recorded_by_accounts')),
    sa.ForeignKeyConstraint(['withdrawn_by'], ['accounts.id'], name=op.f('fk_call_offs_withdrawn_by_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_offs')),
    info={'tenancy': 'agency'}
    )
    op.create_index(op.f('ix_call_offs_coordinator_id'), 'call_offs', ['coordinator_id'], unique=False)
    op.create_index('ix_call_offs_during', 'call_offs', ['during'], unique=False, postgresql_using='gist')
    op.create_table('relief_searches',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('call_off_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('snapshot', postgresql.JSONB(astext_type=Text()), nullable=True),
    sa.Column('snapshot_hash', sa.Text(), nullable=True),
    sa.Column('found', postgresql.JSONB(astext_type=Text()), nullable=True),
    sa.Column('failure', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['call_off_id'], ['call_offs.id'], name=op.f('fk_relief_searches_call_off_id_call_offs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_relief_searches')),
    info={'tenancy': 'agency'}
    )
    op.create_index(op.f('ix_relief_searches_call_off_id'), 'relief_searches', ['call_off_id'], unique=False)
    op.create_table('plan_releases',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('assignment_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignments.id'], name=op.f('fk_plan_releases_assignment_id_assignments')),
    sa.ForeignKeyConstraint(['plan_id'], ['plans.id'], name=op.f('fk_plan_releases_plan_id_plans'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_releases')),
    sa.UniqueConstraint('plan_id', 'assignment_id', name=op.f('uq_plan_releases_plan_id_assignment_id')),
    info={'tenancy': 'agency'}
    )
    op.add_column('plans', sa.Column('keeps_running', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    for column in ('call_off_id', 'relief_for_id'):
        op.add_column('assignments', sa.Column(column, sa.Uuid(), nullable=True))
        op.create_index(op.f(f'ix_assignments_{column}'), 'assignments', [column], unique=False)
        op.create_foreign_key(op.f(f'fk_assignments_{column}_call_offs'), 'assignments', 'call_offs', [column], ['id'])
    op.create_check_constraint(
        op.f('ck_assignments_call_off'), 'assignments', "(state = 'called_off') = (call_off_id is not null)"
    )
    op.create_table('solver_shares',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['plan_id'], ['plans.id'], name=op.f('fk_solver_shares_plan_id_plans'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_solver_shares')),
    info={'tenancy': 'agency'}
    )
    op.create_index(op.f('ix_solver_shares_plan_id'), 'solver_shares', ['plan_id'], unique=False)
    op.create_table('solver_pieces',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('share_id', sa.Uuid(), nullable=False),
    sa.Column('task', sa.LargeBinary(), nullable=False),
    sa.Column('answer', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['share_id'], ['solver_shares.id'], name=op.f('fk_solver_pieces_share_id_solver_shares'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_solver_pieces')),
    info={'tenancy': 'agency'}
    )
    op.create_index(op.f('ix_solver_pieces_share_id'), 'solver_pieces', ['share_id'], unique=False)
    for statement in policies():
        schema.execute_script(op.get_bind(), statement)


def policies() -> list[str]:
    """A coordinator records their own call-off; of their assignments they may change nothing but that they cannot come."""
    confirmed, called_off = f"{own_work()} and state = 'confirmed'", f"{own_work()} and state = 'called_off'"
    return [
        protect("call_offs", any_of(AGENCY, own_work())),
        *(protect(name, AGENCY) for name in ("relief_searches", "plan_releases", "solver_shares", "solver_pieces")),
        "drop policy assignments_update on assignments;\n"
        f"create policy assignments_update on assignments for update using ({any_of(AGENCY, confirmed)})"
        f" with check ({any_of(AGENCY, called_off)});",
    ]


def downgrade() -> None:
    raise NotImplementedError("Released migrations are not taken back: restore the backup taken before the upgrade.")
