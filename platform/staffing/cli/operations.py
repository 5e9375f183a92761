"""What people do on pages, from the command line: planning, invoices, the access log."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click
from sqlalchemy import func, select

from staffing import clock
from staffing.cli.common import configured, console, opened, progress, run
from staffing.errors import ReliefError
from staffing.facilities.models import Facility
from staffing.identity import sessions
from staffing.identity.models import Account, Role
from staffing.identity.principals import Principal
from staffing.invoicing import drafting
from staffing.invoicing.errors import AlreadyInvoiced, NothingToInvoice
from staffing.persistence import audit as access_log
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction
from staffing.scheduling import service as plans
from staffing.scheduling.lifecycle import RUNNING
from staffing.scheduling.models import Plan, PlanGap, PlanState
from staffing.settings import Settings
from staffing.web import formatting


class NobodyToActFor(ReliefError):
    """There is no such account. Name one with --as EMAIL."""


class ChainBroken(ReliefError):
    """The access log was tampered with."""


@click.command()
@click.option("--as", "email", default="", help="E-mail of the dispatcher to act as; default: the first one.")
@click.option("--time-limit", type=click.IntRange(1, 3600), help="Seconds for the solver; default: RELIEF_SOLVER_SECONDS.")
def plan(email: str, time_limit: int | None) -> None:
    """Plan everything that is open, as pressing Plan does, and wait for the proposal. A worker must be running."""
    settings = configured()
    run(_plan(settings, email, time_limit or settings.solver_seconds))


async def _plan(settings: Settings, email: str, seconds: int) -> None:
    async with opened(settings) as database:
        principal = await act_as(database, email, Role.DISPATCHER)
        async with database.transaction(principal.scope()) as tx:
            tx.info["actor"] = principal.actor("cli")
            plan_id = await plans.request_plan(tx, principal, time_limit_seconds=seconds)
        with progress() as bar:
            task = bar.add_task("Planning", total=seconds)
            found = await _follow(
                database, plan_id, seconds, lambda done, text: bar.update(task, completed=done, description=text)
            )
        if found.state != PlanState.PROPOSED:
            raise ReliefError(f"Plan {found.number} is {found.state}. {found.failure}")
        async with database.transaction(SYSTEM) as tx:
            gaps = (await tx.scalars(select(PlanGap.missing).where(PlanGap.plan_id == plan_id))).all()
        done = found.progress or {}
        console.print(
            f"Plan {found.number}: objective {done.get('objective')}, bound {done.get('bound')}, {done.get('seconds', 0):.1f} s;"
            f" {len(gaps)} windows stay uncovered. See {settings.public_url}/desk/plans/{plan_id}"
        )


async def _follow(database: Database, plan_id: uuid.UUID, seconds: int, show: Callable[[float, str], Any]) -> Plan:
    for _ in range((seconds + 60) * 4):
        async with database.transaction(SYSTEM) as tx:
            found = await tx.get_one(Plan, plan_id)
        if found.state not in RUNNING:
            return found
        done = found.progress or {}
        show(float(done.get("seconds", 0)), str(done.get("phase", "Waiting for the worker")))
        await asyncio.sleep(0.25)
    raise ReliefError("No worker took the plan up. Start one with `relief worker`.")


@click.command()
@click.option("--as", "email", default="", help="E-mail of the billing account to act as; default: the first one.")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day, in each facility's own zone.")
@click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day, included.")
@click.option("--facility", default="", help="Reference of one facility; default: all.")
def invoice(email: str, start: datetime, end: datetime, facility: str) -> None:
    """Draft invoices from approved minutes. Safe to repeat: it brings open drafts up to date and touches nothing final."""
    settings = configured()
    run(_invoice(settings, email, start.date(), end.date(), facility))


async def _invoice(settings: Settings, email: str, start: date, end: date, reference: str) -> None:
    async with opened(settings) as database:
        principal = await act_as(database, email, Role.BILLING)
        async with database.transaction(SYSTEM) as tx:
            facilities = (await tx.execute(_facilities(reference))).all()
        if not facilities:
            raise ReliefError(f"There is no facility with the reference {reference!r}.")
        with progress() as bar:
            for facility_id, name in bar.track(facilities, description="Drafting"):
                try:
                    async with database.transaction(principal.scope()) as tx:
                        tx.info["actor"] = principal.actor("cli")
                        drafted = await drafting.draft_invoice(tx, principal, facility_id, start, end)
                except (NothingToInvoice, AlreadyInvoiced) as nothing:
                    console.print(f"  {name:<34} {nothing.message}", soft_wrap=True)
                    continue
                amount = formatting.money(drafted.total_minor, drafted.currency)
                console.print(f"  {name:<34} {drafted.change.value:<10} {amount:>12}  {drafted.held_count} held")


def _facilities(reference: str) -> Any:
    statement = select(Facility.id, Facility.name).order_by(Facility.name)
    return statement.where(Facility.reference == reference) if reference else statement


@click.command()
@click.argument("email")
@click.option("--disable/--enable", default=True, help="Whether the account may sign in no longer (the default) or again.")
def account(email: str, disable: bool) -> None:
    """Disable an account and end all its sessions at once, or let it sign in again."""
    run(_account_switch(configured(), email, disable))
    console.print(f"{email} {'may no longer sign in; every session of theirs has ended' if disable else 'may sign in again'}.")


async def _account_switch(settings: Settings, email: str, disable: bool) -> None:
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        found = await tx.scalar(select(Account).where(func.lower(Account.email) == email.strip().lower()))
        if found is None:
            raise NobodyToActFor(f"There is no account {email}.")
        found.disabled_at = clock.now() if disable else None
        if disable:
            await sessions.end_all(tx, found.id)
        access_log.note(tx, "account.disabled" if disable else "account.enabled", "account", found.id)


@click.command()
def audit() -> None:
    """Recompute every chain of the access log and name the first row that does not hold."""
    reports = run(_verify(configured()))
    for report in reports:
        console.print(f"  {report.chain:<38} {report.rows:>8} rows  {report.why or 'holds'}")
    if any(report.broken_at is not None for report in reports):
        raise ChainBroken
    console.print("Every chain holds.")


async def _verify(settings: Settings) -> list[access_log.ChainReport]:
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        return await access_log.verify(tx)


async def act_as(database: Database, email: str, role: Role) -> Principal:
    """The account that a command acts for: the named one, else the first of `role`."""
    async with database.transaction(SYSTEM) as tx:
        account = await _account(tx, email, role)
    if account is None:
        raise NobodyToActFor(f"There is no {role.value} account{f' {email}' if email else ''}. Name one with --as EMAIL.")
    return Principal(
        account_id=account.id,
        name=account.name,
        email=account.email,
        role=Role(account.role),
        time_zone=account.time_zone,
    )


async def _account(tx: Transaction, email: str, role: Role) -> Account | None:
    statement = select(Account).where(Account.disabled_at.is_(None)).order_by(Account.created_at, Account.email).limit(1)
    if email:
        account: Account | None = await tx.scalar(statement.where(Account.email == email.lower()))
        return account
    first: Account | None = await tx.scalar(statement.where(Account.role == role.value))
    return first
