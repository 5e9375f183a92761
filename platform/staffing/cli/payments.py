"""`relief reconcile` and `relief backfill`: our books beside Stripe's, and what it told us in vain."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from billing.money import Money
from billing.stripe.failures import StripeFailure
from staffing.cli.common import configured, console, errors, opened, run
from staffing.errors import Unavailable
from staffing.payments import back_filling, reconciling
from staffing.payments.gateway import gateway_for
from staffing.payments.models import Reconciliation
from staffing.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LONGEST_DAYS = 30


class StripeNotReached(Unavailable):
    """Stripe cannot be reached. With the built-in sandbox, start the server first: `relief up`."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The result as one JSON document.")
def reconcile(as_json: bool) -> None:
    """Compare customers, invoices, payments, refunds, credit notes and disputes with Stripe's.

    What differs is asked about once more before it counts. Ends with 0 when nothing differs, with 1 when something does.
    """
    done = run(_reconcile(configured()))
    if as_json:
        click.echo(json.dumps({"compared": done.compared, "differences": done.differences}))
    else:
        for one in done.differences:
            console.print(
                f"{one['kind'].replace('_', ' ')} {one['reference']}: {one['what']}{_amounts(one)}", markup=False, soft_wrap=True
            )
        number = len(done.differences)
        words = "1 difference" if number == 1 else f"{number} differences"
        console.print(f"{done.compared} objects compared, {words}.", markup=False, soft_wrap=True)
    if done.differences:
        raise click.exceptions.Exit(1)


@click.command()
@click.option("--days", type=click.IntRange(1, LONGEST_DAYS), default=LONGEST_DAYS, help="How far back; Stripe keeps 30 days.")
def backfill(days: int) -> None:
    """Take in Stripe's events whose webhooks never came. The worker works them off."""
    number = run(_back_fill(configured(), timedelta(days=days)))
    console.print("1 event was missing." if number == 1 else f"{number} events were missing.", markup=False, soft_wrap=True)


async def _reconcile(settings: Settings) -> Reconciliation:
    gateway = gateway_for(settings)
    try:
        async with opened(settings) as database:
            return await reconciling.reconcile(database, gateway)
    except StripeFailure as failure:
        raise _not_reached(failure) from failure
    finally:
        await gateway.aclose()


async def _back_fill(settings: Settings, reach: timedelta) -> int:
    gateway = gateway_for(settings)
    try:
        async with opened(settings) as database:
            return len(await back_filling.back_fill(database, gateway, reach))
    except StripeFailure as failure:
        raise _not_reached(failure) from failure
    finally:
        await gateway.aclose()


def _not_reached(failure: StripeFailure) -> StripeNotReached:
    errors.print(failure.message, markup=False, soft_wrap=True)
    return StripeNotReached()


def _amounts(one: "Mapping[str, Any]") -> str:
    """`, ours 420.00 USD, Stripe's nothing`."""

    def amount(minor: int | None) -> str:
        return "nothing" if minor is None else str(Money(minor, one["currency"] or "USD"))

    if one["ours_minor"] is None and one["theirs_minor"] is None:
        return ""
    return f" Ours {amount(one['ours_minor'])}, Stripe's {amount(one['theirs_minor'])}."
