"""Signing in and out. A session's id is made anew at every sign-in; the database keeps only its SHA-256."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, text, update

from staffing import clock
from staffing.errors import Invalid, TooManyAttempts
from staffing.identity import passwords
from staffing.identity.models import Account, AccountFacility, LoginSession, Role, SignInAttempt
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.tenancy import NOBODY
from staffing.persistence.transactions import Database, Transaction, give_up

FAILURES_PER_EMAIL = 10
FAILURES_PER_ADDRESS = 50
FAILURE_WINDOW = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lives: without a click, and in any case."""

    idle: timedelta
    absolute: timedelta


def hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def sign_in(
    database: Database, tx: Transaction, email: str, password: str, *, address: str, browser: str, replacing: str = ""
) -> tuple[str, Account]:
    """A new session's token and its account. Raises `Invalid` or `TooManyAttempts`, the same for a wrong name and a wrong
    password. `replacing`: the token of the session that this browser had before; it ends.
    """
    email = email.strip().lower()
    # While the password is worked on no connection is held: a burst of wrong ones must not leave the pages without any.
    await give_up(tx)
    async with database.transaction(NOBODY) as trace:
        await _count_attempt(trace, email, address)
        known = (
            await trace.execute(select(Account.id, Account.password_hash).where(func.lower(Account.email) == email))
        ).one_or_none()
    fits = await passwords.matches(known.password_hash if known else None, password)
    account = await tx.get(Account, known.id) if known and fits else None
    if account is None or account.disabled_at is not None:
        raise Invalid("This e-mail and password do not fit together.")
    if passwords.needs_rehash(account.password_hash):
        account.password_hash = await passwords.hash_password(password)
    await tx.execute(delete(SignInAttempt).where(SignInAttempt.email == email))
    return await start(tx, account, address=address, browser=browser, replacing=replacing), account


async def start(tx: Transaction, account: Account, *, address: str, browser: str, replacing: str = "") -> str:
    """Open a session for an account and return its token; the one with the token `replacing` ends."""
    if replacing:
        await end(tx, replacing)
    token = secrets.token_urlsafe(32)
    instant = clock.now()
    tx.add(
        LoginSession(
            token_hash=hashed(token),
            account_id=account.id,
            created_at=instant,
            last_seen_at=instant,
            address=address,
            browser=browser[:200],
        )
    )
    tx.info["actor"] = audit.Actor(account.id, account.name, account.role)
    await tx.enter(Principal(
        account_id=account.id, name=account.name, email=account.email, role=Role(account.role), time_zone=account.time_zone,
        coordinator_id=account.coordinator_id,
    ).scope())  # fmt: skip
    audit.note(tx, "sign_in", "account", account.id)
    return token


async def end(tx: Transaction, token: str) -> None:
    """Sign out: the session is of no use from the next request on."""
    await tx.execute(
        update(LoginSession)
        .where(LoginSession.token_hash == hashed(token), LoginSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


async def end_all(tx: Transaction, account_id: UUID) -> None:
    """End every session of an account, for a changed password or a disabled account."""
    await tx.execute(
        update(LoginSession)
        .where(LoginSession.account_id == account_id, LoginSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


async def principal_of(tx: Transaction, token: str, limits: Limits) -> Principal | None:
    """Who holds this token, or None when it is unknown, ended, idle too long or too old."""
    instant = clock.now()
    row = (
        await tx.execute(
            select(
                Account.id, Account.name, Account.email, Account.role, Account.time_zone, Account.coordinator_id,
                LoginSession.last_seen_at,
            )
            .join(LoginSession, LoginSession.account_id == Account.id)
            .where(
                LoginSession.token_hash == hashed(token),
                LoginSession.ended_at.is_(None),
                LoginSession.last_seen_at > instant - limits.idle,
                LoginSession.created_at > instant - limits.absolute,
                Account.disabled_at.is_(None),
            )
        )
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    if instant - row.last_seen_at > SEEN_EVERY:
        await tx.execute(update(LoginSession).where(LoginSession.token_hash == hashed(token)).values(last_seen_at=instant))
    facility_ids: tuple[UUID, ...] = ()
    if row.role == Role.FACILITY:
        facilities = await tx.scalars(
            select(AccountFacility.facility_id).where(AccountFacility.account_id == row.id).order_by(AccountFacility.facility_id)
        )
        facility_ids = tuple(facilities)
    return Principal(
        account_id=row.id,
        name=row.name,
        email=row.email,
        role=Role(row.role),
        time_zone=row.time_zone,
        facility_ids=facility_ids,
        coordinator_id=row.coordinator_id,
    )


async def _count_attempt(tx: Transaction, email: str, address: str) -> None:
    """Count this try before it is looked at; a sign-in that succeeds takes it back. Raises `TooManyAttempts`.

    Tries for one name or from one address go one after the other here, so that many at once are not one too many each.
    """
    for kind, name in ((1, address), (2, email)):
        await tx.execute(text("select pg_advisory_xact_lock(:kind, hashtext(:name))"), {"kind": kind, "name": name})
    since = clock.now() - FAILURE_WINDOW
    recent = select(func.count()).select_from(SignInAttempt).where(SignInAttempt.attempted_at > since)
    by_email = await tx.scalar(recent.where(SignInAttempt.email == email))
    by_address = await tx.scalar(recent.where(SignInAttempt.address == address))
    if (by_email or 0) >= FAILURES_PER_EMAIL or (by_address or 0) >= FAILURES_PER_ADDRESS:
        raise TooManyAttempts("Too many failed sign-ins. Wait an hour, or ask your agency to send a new invitation.")
    tx.add(SignInAttempt(email=email, address=address, attempted_at=clock.now()))
