"""All tables in one place: what Alembic compares, what the application may do with each, and which class each has."""

import importlib

from sqlalchemy import Connection, MetaData

from staffing.persistence.base import Base, Tenancy

FEATURES = (
    "persistence", "identity", "facilities", "roster", "requests", "scheduling", "care", "worklog", "invoicing", "crediting",
    "payments", "dunning", "billing_runs", "invariants",
)  # fmt: skip

APPEND_ONLY = frozenset(
    {
        "access_events", "ledger_transactions", "ledger_postings", "entry_events", "stripe_events",
        "credit_notes", "credit_note_lines",
    }
)  # fmt: skip
"""Tables whose rows the application may add but never delete; see `UPDATABLE` for the few columns that may still change."""
UPDATABLE = {
    "stripe_events": ("processed_at", "outcome"),
    "credit_notes": ("stripe_credit_note_id", "stripe_problem"),
}
UNREACHABLE = frozenset({"audit_heads", "alembic_version"})


def metadata() -> MetaData:
    """The tables of every feature."""
    for feature in FEATURES:
        # Imported by name: the base layer must not depend on the features above it, yet has to see their tables.
        importlib.import_module(f"staffing.{feature}.models")
    return Base.metadata


def tenancy_of(table: str) -> Tenancy:
    return Tenancy(metadata().tables[table].info["tenancy"])


def grants_sql(app_role: str, queue_schema: str) -> str:
    """What the application's role may do: nothing but this."""
    role = f'"{app_role}"'
    statements = [
        f"grant usage on schema public, {queue_schema} to {role}",
        f"revoke all on all tables in schema public from {role}",
    ]
    for name in sorted(metadata().tables):
        if name in UNREACHABLE:
            continue
        if name in APPEND_ONLY:
            statements.append(f"grant select, insert on {name} to {role}")
            if columns := UPDATABLE.get(name):
                statements.append(f"grant update ({', '.join(columns)}) on {name} to {role}")
        else:
            statements.append(f"grant select, insert, update, delete on {name} to {role}")
    statements += [
        f"grant usage on all sequences in schema public to {role}",
        f"grant select, insert, update, delete on all tables in schema {queue_schema} to {role}",
        f"grant usage on all sequences in schema {queue_schema} to {role}",
    ]
    return ";\n".join(statements)


def execute_script(connection: Connection, script: str) -> None:
    """Run several statements in the open transaction of a migration. asyncpg takes one statement at a time unless asked
    plainly.
    """
    dbapi = connection.connection.dbapi_connection
    assert dbapi is not None
    dbapi.run_async(lambda raw: raw.execute(script))
