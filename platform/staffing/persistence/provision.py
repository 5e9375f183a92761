"""Bring a database to where the product can run: server, roles, database. Its tables are `migrating`'s.

Two roles: the owner migrates, the application serves. The application's role owns no table and cannot pass row-level
security by;
the start-up check refuses anything more powerful.
"""

import hashlib
import hmac
from dataclasses import dataclass

import asyncpg
from sqlalchemy import make_url

from staffing.errors import ReliefError
from staffing.persistence import embedded
from staffing.settings import Settings

DATABASE = "relief"
OWNER = "relief_owner"


class NotPrepared(ReliefError):
    """The database cannot be used."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Where the database is, for SQLAlchemy: as its owner and as the application."""

    owner_dsn: str
    app_dsn: str
    app_role: str


async def prepare(settings: Settings, *, database: str = DATABASE) -> Prepared:
    """Make sure that server, roles and database exist; migrations are a step of their own (`migrate`)."""
    prepared = locate(settings, database=database)
    if settings.database_url:
        await _prepare_given(settings, prepared)
    else:
        await _prepare_embedded(settings, prepared, database)
    return prepared


def locate(settings: Settings, *, database: str = DATABASE) -> Prepared:
    """Where the database is; the embedded server is started when it is not running. Roles and tables are not looked at."""
    if not settings.database_url:
        server = embedded.ensure_running(settings.home, durable=not settings.database_fast)
        app_role = f"{database}_app"
        return Prepared(
            server.dsn(database, OWNER, _password(settings, OWNER)),
            server.dsn(database, app_role, _password(settings, app_role)),
            app_role,
        )
    owner = make_url(settings.database_url).set(drivername="postgresql+asyncpg")
    if not owner.database:
        raise NotPrepared("DATABASE_URL names no database.")
    app_role = f"{owner.database}_app"
    app = owner.set(username=app_role, password=_password(settings, app_role))
    return Prepared(owner.render_as_string(hide_password=False), app.render_as_string(hide_password=False), app_role)


async def _prepare_embedded(settings: Settings, prepared: Prepared, database: str) -> None:
    server = embedded.ensure_running(settings.home, durable=not settings.database_fast)
    admin = await asyncpg.connect(**server.connect_kwargs("postgres"))
    try:
        await _ensure_role(admin, OWNER, _password(settings, OWNER), "nosuperuser nobypassrls createrole")
        await _ensure_role(admin, prepared.app_role, _password(settings, prepared.app_role), "nosuperuser nobypassrls")
        if not await admin.fetchval("select 1 from pg_database where datname = $1", database):
            await admin.execute(f'create database "{database}" owner {OWNER}')
    finally:
        await admin.close()


async def _prepare_given(settings: Settings, prepared: Prepared) -> None:
    connection = await connect_to(prepared.owner_dsn)
    try:
        await _ensure_role(connection, prepared.app_role, _password(settings, prepared.app_role), "nosuperuser nobypassrls")
    except asyncpg.InsufficientPrivilegeError as refused:
        raise NotPrepared(
            f"The role of DATABASE_URL may not create or change the role {prepared.app_role}. Give it CREATEROLE."
        ) from refused
    finally:
        await connection.close()


async def connect_to(dsn: str) -> asyncpg.Connection:
    """A plain connection. Raises `NotPrepared` when the database cannot be reached."""
    try:
        return await asyncpg.connect(dsn.replace("postgresql+asyncpg", "postgresql"), timeout=5)
    except (OSError, asyncpg.PostgresError) as error:
        raise NotPrepared(f"The database cannot be reached: {error}") from error


async def _ensure_role(connection: asyncpg.Connection, role: str, password: str, rights: str) -> None:
    exists = await connection.fetchval("select 1 from pg_roles where rolname = $1", role)
    literal = await connection.fetchval("select quote_literal($1::text)", password)
    # Only a superuser may name an existing role's powers, even to take them away; `refuse_power` looks at them instead.
    verb, powers = ("alter", "") if exists else ("create", rights)
    await connection.execute(f'{verb} role "{role}" login {powers} password {literal}')


def _password(settings: Settings, role: str) -> str:
    """Derived from the deployment's kept secret, so that no role's password is written down."""
    return hmac.new(settings.secret_key.encode(), f"role:{role}".encode(), hashlib.sha256).hexdigest()


async def refuse_power(app_dsn: str) -> None:
    """Raise `NotPrepared` when the application's role could pass row-level security by."""
    connection = await connect_to(app_dsn)
    try:
        row = await connection.fetchrow(
            "select rolsuper or rolbypassrls as powerful,"
            " exists(select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            "        where n.nspname = 'public' and c.relkind = 'r' and c.relowner = r.oid) as owner"
            " from pg_roles r where rolname = current_user"
        )
    finally:
        await connection.close()
    if row is None or row["powerful"] or row["owner"]:
        raise NotPrepared("The application's database role is a superuser, bypasses row-level security or owns tables.")
