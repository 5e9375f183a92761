"""Credit notes never take back more than was invoiced; an entry can be disputed while it stays on its invoice.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

from staffing.persistence import schema
from staffing.persistence.guards import append_only

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

CREDIT_LIMITS = """
create function credit_within_invoice() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  note credit_notes%rowtype;
  bill invoices%rowtype;
  credited bigint;
  too_much uuid;
  amount bigint;
  tax bigint;
begin
  perform set_config('app.scope', 'system', true) where current_setting('app.scope', true) is distinct from 'system';
  if tg_table_name = 'credit_notes' then
    note := new;
  else
    select * into strict note from credit_notes where id = new.credit_note_id;
  end if;
  select * into strict bill from invoices where id = note.invoice_id for update;
  select sum(n.total_minor) into credited from credit_notes n where n.invoice_id = bill.id;
  if credited > bill.total_minor then
    raise exception 'credit notes of invoice % come to more than it', bill.id using errcode = 'check_violation';
  end if;
  select l.id into too_much from credit_note_lines c
    join credit_notes n on n.id = c.credit_note_id
    join invoice_lines l on l.id = c.invoice_line_id
    where n.invoice_id = bill.id
    group by l.id having sum(c.amount_minor) > l.amount_minor or l.invoice_id <> bill.id limit 1;
  if found then
    raise exception 'more is credited on line % than it has', too_much using errcode = 'check_violation';
  end if;
  select sum(c.amount_minor), sum(c.tax_minor) into amount, tax from credit_note_lines c where c.credit_note_id = note.id;
  if tax is distinct from note.tax_minor or amount is null or amount not in (note.subtotal_minor, note.total_minor) then
    raise exception 'the lines of credit note % do not add up to it', note.id using errcode = 'check_violation';
  end if;
  return null;
end $$;

create constraint trigger credit_notes_limits after insert on credit_notes
  deferrable initially deferred for each row execute function credit_within_invoice();
create constraint trigger credit_note_lines_limits after insert on credit_note_lines
  deferrable initially deferred for each row execute function credit_within_invoice();

create function keep_credit_note() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or
     (to_jsonb(new) - 'stripe_credit_note_id' - 'stripe_problem') <> (to_jsonb(old) - 'stripe_credit_note_id' - 'stripe_problem')
  then
    raise exception 'credit notes are never changed or removed' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;

create trigger credit_notes_keep before update or delete on credit_notes for each row execute function keep_credit_note();
create trigger credit_notes_keep_all before truncate on credit_notes for each statement execute function refuse_change();
"""

DISPUTED_ON_INVOICE = """
alter table work_entries add constraint ck_work_entries_disputed_on_invoice
  check (disputed_at is null or (state = 'invoiced' and dispute_reason <> ''));
"""


def upgrade() -> None:
    op.add_column('work_entries', sa.Column('disputed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('invoices', sa.Column('voided_because', sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column('invoices', sa.Column('uncollectible_because', sa.Text(), server_default=sa.text("''"), nullable=False))
    for sql in (DISPUTED_ON_INVOICE, CREDIT_LIMITS, append_only('credit_note_lines')):
        schema.execute_script(op.get_bind(), sql)


def downgrade() -> None:
    raise NotImplementedError("Credit notes that were issued are not unissued by a migration: restore a backup instead.")
