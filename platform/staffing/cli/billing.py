"""`relief bill`: what closing a month on the desk does, from the command line."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select

from staffing.billing_runs import issuing, periods, proposing, queries, service
from staffing.billing_runs.errors import RunInProgress
from staffing.billing_runs.lifecycle import PENDING, TO_ISSUE
from staffing.billing_runs.models import BillingRunItem, ItemState, RunState
from staffing.billing_runs.periods import Period
from staffing.billing_runs.queries import ItemRow, RunRow
from staffing.billing_runs.rules import money_text
from staffing.cli.common import configured, console, errors, opened, progress, run
from staffing.cli.operations import act_as
from staffing.errors import Invalid
from staffing.identity.models import Role
from staffing.identity.principals import Principal
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.settings import Settings

WAITS = 3
"""Exit code: done as far as it went, but something waits for a decision or failed."""
_WORDS = {
    ItemState.READY: "ready",
    ItemState.FLAGGED: "look at it",
    ItemState.ACCEPTED: "accepted",
    ItemState.LEFT_OUT: "left out",
    ItemState.ISSUED: "issued",
    ItemState.FAILED: "failed",
    ItemState.NOTHING: "nothing",
    ItemState.WAITING: "waiting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for on the command line."""

    period: Period | None
    issue: bool
    accept: Sequence[str]
    accept_all: bool
    leave_out: Sequence[str]
    as_json: bool


@click.command()
@click.option("--period", default="", metavar="YYYY-MM", help="The month; default: the agency's last calendar month.")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="First day, in place of a month.")
@click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), help="Last day, included.")
@click.option("--dry-run", is_flag=True, help="Propose and compare only (the default): drafts, nothing is issued.")
@click.option("--issue", is_flag=True, help="Issue what is ready or accepted; what is flagged waits.")
@click.option("--accept", multiple=True, metavar="REFERENCE", help="Accept this facility's flags; may be repeated.")
@click.option("--accept-all", is_flag=True, help="Accept every flag that can be accepted.")
@click.option("--leave-out", multiple=True, metavar="REFERENCE", help="Leave this facility out; may be repeated.")
@click.option("--as", "email", default="", help="E-mail of the billing account to act as; default: the first one.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@click.pass_context
def bill(
    context: click.Context,
    /,
    period: str,
    start: datetime | None,
    end: datetime | None,
    dry_run: bool,
    email: str,
    **rest: Any,
) -> None:
    """Invoice every facility for a month: propose, compare with the month before, issue.

    The same run as on the desk. Safe to repeat: only the difference to what exists is drafted, and nothing is issued twice.

    Exit codes: 0 nothing waits, 1 refused or failed with a sentence, 2 used wrongly, 3 something waits for a decision or
    failed; the table says what.
    """
    if dry_run and rest["issue"]:
        raise click.UsageError("Choose --dry-run or --issue, not both.")
    if (start is None) != (end is None) or (start and period):
        raise click.UsageError("Name a month with --period, or both days with --from and --to.")
    try:
        chosen = Period(start.date(), end.date()) if start and end else periods.parse_month(period) if period else None
    except Invalid as wrong:
        raise click.UsageError(wrong.message) from wrong
    settings = configured()
    code = run(_bill(settings, email, Wishes(period=chosen, **rest)))
    context.exit(code)


async def _bill(settings: Settings, email: str, wishes: Wishes) -> int:
    async with opened(settings) as database:
        principal = await act_as(database, email, Role.BILLING)
        return await bill_with(database, principal, wishes, settings.public_url)


async def bill_with(database: Database, principal: Principal, wishes: Wishes, url: str = "") -> int:
    """Start the run of the period or take up the one that is in progress, do as wished, print it. The exit code."""
    run_id = await _begin(database, principal, wishes.period)
    await _work_off(database, principal, run_id, RunState.PROPOSING, proposing.propose, "Comparing")
    await _decide(database, principal, run_id, wishes)
    if wishes.issue and await _may_issue(database, principal, run_id):
        await _work_off(database, principal, run_id, RunState.ISSUING, issuing.issue, "Issuing")
    async with database.transaction(principal.scope()) as tx:
        found = await queries.run(tx, principal, run_id)
        rows = await queries.items(tx, principal, found)
        going = await queries.to_issue(tx, run_id)
    if wishes.as_json:
        click.echo(json.dumps(_as_json(found, rows), indent=2))
    else:
        _print(found, rows, going, url)
    waits = [row for row in rows if row.state in (ItemState.FLAGGED, ItemState.FAILED, ItemState.WAITING)]
    return WAITS if waits else 0


async def _begin(database: Database, principal: Principal, period: Period | None) -> UUID:
    try:
        async with database.transaction(principal.scope()) as tx:
            tx.info["actor"] = principal.actor("cli")
            period = period or await service.default_period(tx)
            return (await service.start(tx, principal, period)).id
    except RunInProgress as already:
        async with database.transaction(principal.scope()) as tx:
            tx.info["actor"] = principal.actor("cli")
            live = await queries.live_of(tx, principal, period) if period else None
            if live is None:
                raise
            errors.print(already.message, soft_wrap=True)
            if live.state is RunState.PROPOSED:
                await service.look_again(tx, principal, live.id)
        return live.id


async def _work_off(
    database: Database,
    principal: Principal,
    run_id: UUID,
    state: RunState,
    turn: Callable[[Database, UUID, UUID, UUID], Awaitable[None]],
    doing: str,
) -> None:
    """Do what the worker does, beside it or without it: a turn that it took is not taken again."""
    async with database.transaction(SYSTEM) as tx:
        wanted = [one.value for one in PENDING[state]]
        facilities = (
            await tx.scalars(
                select(BillingRunItem.facility_id).where(BillingRunItem.run_id == run_id, BillingRunItem.state.in_(wanted))
            )
        ).all()
    with progress() as bar:
        for facility_id in bar.track(facilities, description=doing):
            await turn(database, run_id, facility_id, principal.account_id)


async def _decide(database: Database, principal: Principal, run_id: UUID, wishes: Wishes) -> None:
    async with database.transaction(principal.scope()) as tx:
        tx.info["actor"] = principal.actor("cli")
        found = await queries.run(tx, principal, run_id)
        by_reference = {row.reference: row for row in await queries.items(tx, principal, found)}
        if unknown := {*wishes.accept, *wishes.leave_out} - by_reference.keys():
            raise Invalid(f"There is no facility with the reference {', '.join(sorted(unknown))}.")
        for reference in wishes.leave_out:
            await service.leave_out(tx, principal, run_id, by_reference[reference].facility_id)
        for reference in wishes.accept:
            row = by_reference[reference]
            if row.state not in (*TO_ISSUE, ItemState.NOTHING, ItemState.ISSUED):
                await service.accept(tx, principal, run_id, row.facility_id, seen_minor=row.total_minor)
        if wishes.accept_all and found.state is RunState.PROPOSED:
            await service.accept_all(tx, principal, run_id)


async def _may_issue(database: Database, principal: Principal, run_id: UUID) -> bool:
    """Begin issuing, unless there is nothing to issue."""
    async with database.transaction(principal.scope()) as tx:
        tx.info["actor"] = principal.actor("cli")
        found = await queries.run(tx, principal, run_id)
        if found.state is RunState.ISSUING:
            return True
        if not (await queries.to_issue(tx, run_id)).count:
            return False
        await service.issue(tx, principal, run_id)
    return True


def _print(found: RunRow, rows: Sequence[ItemRow], going: queries.Sum, url: str) -> None:
    now, before = found.period.words, found.period.before.words
    console.print(f"Run {found.number}, {now}: {found.state.value}", soft_wrap=True)
    width = max([len(row.name) for row in rows] + [8])
    console.print(f"  {'Facility':<{width}}  {before:>16}  {now:>16}  {'Change':>8}  State", soft_wrap=True)
    for row in rows:
        if row.state is ItemState.NOTHING and not (row.problem or row.flags):
            continue
        previous = "–" if row.previous_minor is None else money_text(row.previous_minor, row.currency)
        amount = money_text(row.total_minor, row.currency) if row.total_minor else "–"
        change = f"{row.percent:+d} %" if row.percent is not None and row.total_minor else "–"
        state = f"{_WORDS[row.state]} {row.number or ''}".rstrip()
        console.print(f"  {row.name:<{width}}  {previous:>16}  {amount:>16}  {change:>8}  {state}", soft_wrap=True)
        for line in (row.problem, *(f"{flag.name}: {flag.sentence}" for flag in row.flags), " · ".join(row.reasons)):
            if line:
                console.print(f"  {'':<{width}}    {line}", soft_wrap=True, style="dim")
    said = f"Issued: {found.issued.words}." if found.issued.count else "Nothing is issued."
    console.print(
        f"{said} Ready to issue: {going.words}.{f' See {url}/desk/billing-runs/{found.id}' if url else ''}", soft_wrap=True
    )


def _as_json(found: RunRow, rows: Sequence[ItemRow]) -> dict[str, Any]:
    return {
        "run": found.number,
        "id": str(found.id),
        "period": [found.period.start_on.isoformat(), found.period.end_on.isoformat()],
        "state": found.state.value,
        "facilities": [
            {
                "reference": row.reference,
                "name": row.name,
                "state": row.state.value,
                "invoice": row.number,
                "currency": row.currency,
                "previous_minor": row.previous_minor,
                "total_minor": row.total_minor,
                "flags": [{"kind": flag.kind.value, "sentence": flag.sentence} for flag in row.flags],
                "reasons": list(row.reasons),
                "problem": row.problem,
            }
            for row in rows
        ],
    }
