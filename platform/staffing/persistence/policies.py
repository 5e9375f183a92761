"""Row-level security in one vocabulary. Migrations call these builders; a test compares every table with its declared class.

The settings come from `persistence.tenancy.Scope`; each is read once per statement through a sub-select. `nullif` is needed:
a reset setting is the empty string, not NULL.
"""

FUNCTIONS = """
create function app_scope() returns text language sql stable parallel safe as
  $$ select coalesce(current_setting('app.scope', true), '') $$;
create function app_ids(setting text) returns uuid[] language sql stable parallel safe as
  $$ select coalesce(string_to_array(nullif(current_setting(setting, true), ''), ',')::uuid[], '{}'::uuid[]) $$;
create function app_coordinator() returns uuid language sql stable parallel safe as
  $$ select nullif(current_setting('app.coordinator', true), '')::uuid $$;
"""

AGENCY = "(select app_scope()) in ('agency', 'system')"
SIGNED_IN = "(select app_scope()) <> ''"


def of_facility(column: str = "facility_id") -> str:
    """The rows of the facilities that a facility account acts for."""
    return f"(select app_scope()) = 'facility' and {column} = any ((select app_ids('app.facilities'))::uuid[])"


def known_facility(column: str = "facility_id") -> str:
    """For a coordinator: facilities they are or were assigned to (schedule, names; no patients)."""
    return f"(select app_scope()) = 'coordinator' and {column} = any ((select app_ids('app.facilities'))::uuid[])"


def caring_facility(column: str = "facility_id") -> str:
    """For a coordinator: facilities whose patients they may see now."""
    return f"(select app_scope()) = 'coordinator' and {column} = any ((select app_ids('app.care_facilities'))::uuid[])"


def own_work(column: str = "coordinator_id") -> str:
    """For a coordinator: their own rows."""
    return f"(select app_scope()) = 'coordinator' and {column} = (select app_coordinator())"


def any_of(*conditions: str) -> str:
    return " or ".join(f"({condition})" for condition in conditions)


def protect(table: str, read: str, write: str | None = None, *, append_only: bool = False) -> str:
    """SQL that turns row-level security on for `table`, for its owner too.

    `read` decides which rows exist for the caller, `write` (default: the same) which may be written.
    """
    write = write or read
    statements = [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy {table}_read on {table} for select using ({read})",
        f"create policy {table}_insert on {table} for insert with check ({write})",
    ]
    if not append_only:
        statements += [
            f"create policy {table}_update on {table} for update using ({write}) with check ({write})",
            f"create policy {table}_delete on {table} for delete using ({write})",
        ]
    return ";\n".join(statements) + ";"
