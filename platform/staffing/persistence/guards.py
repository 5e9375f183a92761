"""Rules that live in the database because no code path may get round them: the audit chain, append-only tables, a balanced
ledger.

Written as SQL for the migrations; a change of a function is a new migration that replaces it.
"""

AUDIT_CHAIN = """
create function audit_field(value text) returns text language sql immutable as
  $$ select octet_length(convert_to(coalesce(value, ''), 'UTF8')) || ':' || coalesce(value, '') || ';' $$;

create function audit_link() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  head audit_heads%rowtype;
begin
  insert into audit_heads (chain, seq, hash) values (new.chain, 0, ''::bytea) on conflict do nothing;
  select * into strict head from audit_heads where chain = new.chain for update;
  new.seq := head.seq + 1;
  new.prev_hash := head.hash;
  new.hash := sha256(head.hash || convert_to(
    audit_field(new.chain) || audit_field(new.seq::text) || audit_field(new.facility_id::text) ||
    audit_field(new.patient_id::text) || audit_field(new.actor_id::text) || audit_field(new.actor) ||
    audit_field(new.role) || audit_field(new.action) || audit_field(new.object_type) || audit_field(new.object_id) ||
    audit_field(new.detail) || audit_field(new.request_id) ||
    audit_field(to_char(new.happened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')), 'UTF8'));
  update audit_heads set seq = new.seq, hash = new.hash where chain = new.chain;
  return new;
end $$;

create trigger access_events_link before insert on access_events for each row execute function audit_link();
"""

APPEND_ONLY = """
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are never changed or removed', tg_table_name using errcode = 'insufficient_privilege';
end $$;
"""


def append_only(table: str) -> str:
    """Nobody, the owner included, changes or removes rows of `table`."""
    return (
        f"create trigger {table}_keep before update or delete on {table} for each row execute function refuse_change();"
        f"create trigger {table}_keep_all before truncate on {table} for each statement execute function refuse_change();"
    )


LEDGER_BALANCE = """
create function ledger_balances() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
  difference bigint;
begin
  perform set_config('app.scope', 'system', true) where current_setting('app.scope', true) is distinct from 'system';
  select sum(amount_minor) into difference from ledger_postings
    where transaction_id = new.transaction_id and currency = new.currency;
  if difference <> 0 then
    raise exception 'ledger transaction % is out of balance by %', new.transaction_id, difference
      using errcode = 'check_violation';
  end if;
  return null;
end $$;

create constraint trigger ledger_postings_balance after insert on ledger_postings
  deferrable initially deferred for each row execute function ledger_balances();
"""
