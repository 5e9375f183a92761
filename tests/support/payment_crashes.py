"""Payments while processes die and answers get lost: what happens between Stripe and our books, run by run.

A death is raised where a failpoint ends a real process: nothing of the product catches it, its transaction is undone, and the job
is lost with it. Afterwards only the janitor is left, five minutes later.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from uuid import UUID

from sqlalchemy import text
from support.dying_workers import points
from support.invoices import Died
from support.paying import Till, ask_for_refund, now_is

from staffing.payments import reconciling
from staffing.persistence import failpoints
from staffing.persistence.jobs import TryAgain
from staffing.persistence.tenancy import SYSTEM

POINTS = points("stripe_call", "payment")
TIMEOUTS = ("timeout_before", "timeout_after")
SAVED_FAILURES = ("error_before", "error_after")
PATHS = ("/v1/customers", "/v1/invoices", "/v1/invoices/in_", "/v1/refunds", "")


@contextmanager
def dying_at(point: str) -> Iterator[list[str]]:
    """Within the block the process dies at `point` (`name` or `name:3`); the list holds each death."""
    deaths: list[str] = []
    real = failpoints.os

    def die(code: int) -> None:
        assert code == failpoints.DIED
        deaths.append(point)
        failpoints.arm("")
        raise Died

    failpoints.os = SimpleNamespace(_exit=die)  # type: ignore[assignment]
    failpoints.arm(point)
    try:
        yield deaths
    finally:
        failpoints.arm("")
        failpoints.os = real


async def paid_and_refunded(till: Till, *, refund: int = 1000) -> UUID:
    """An invoice charged automatically and refunded in part, however often it has to be begun again."""
    invoice_id = await till.invoice()
    await _go_on(till)
    await _until(till, invoice_id, "paid")
    await ask_for_refund(till, invoice_id, refund)
    async with till.database.transaction(SYSTEM) as tx:
        asked = (await tx.scalars(text("select id from refunds where stripe_refund_id is null"))).one()
    await _attempt(till, "payments.refund", asked)
    await _go_on(till)
    return invoice_id


async def wrong_with(till: Till, invoices: list[UUID], refund: int = 1000) -> list[str]:
    """What should not be: doubled or missing charges, refunds or bookings."""
    wrong = []
    charges = [one["amount"] for one in await till.charges()]
    if charges != [4200] * len(invoices):
        wrong.append(f"{len(charges)} charges for {len(invoices)} invoices: {charges}")
    refunds = [one["amount"] for one in await till.sandbox.objects("refunds")]
    if refunds != [refund] * len(invoices):
        wrong.append(f"{len(refunds)} refunds for {len(invoices)} invoices: {refunds}")
    wanted = [("invoice_finalised", 4200), ("payment_received", 4200), ("payment_refunded", refund)]
    for invoice_id in invoices:
        if (booked := await till.booked(invoice_id)) != wanted:
            wrong.append(f"the ledger has {booked}")
        if (invoice := await till.read(invoice_id)).state != "paid" or invoice.stripe_problem:
            wrong.append(f"{invoice.number} is {invoice.state}: {invoice.stripe_problem}")
    run = await reconciling.reconcile(till.database, till.sandbox.gateway)
    wrong += [f"{one['kind']} {one['reference']}: {one['what']}" for one in run.differences]
    async with till.database.transaction(SYSTEM) as tx:
        open_calls = list(
            await tx.scalars(text("select idempotency_key from stripe_calls where state not in ('done', 'refused')"))
        )
    return wrong + [f"no outcome: {key}" for key in open_calls]


async def with_random_faults(till: Till, dice: random.Random, kinds: tuple[str, ...]) -> UUID:
    """As `paid_and_refunded`, with up to three faults of these kinds somewhere on the way."""
    for _ in range(dice.randint(1, 3)):
        await till.sandbox.fault(dice.choice(kinds), dice.choice(PATHS), uses=dice.randint(1, 2))
    try:
        return await paid_and_refunded(till)
    finally:
        async with till.sandbox.client() as http:
            await http.delete("/_control/faults")


def most_calls_of_one_attempt(till: Till) -> int:
    """R10: how often one key was sent at most."""
    keys = Counter(re.findall(r'"idempotency-key": "([^"]+)"', "\n".join(till.sandbox.sent)))
    return max(keys.values())


async def _attempt(till: Till, kind: str, object_id: object) -> None:
    try:
        await till.run(kind, object_id)
    except (Died, TryAgain):
        return


async def _go_on(till: Till) -> None:
    """What waits is worked off; after a death the queue's jobs are gone, and the janitor comes five minutes later."""
    for _ in range(8):
        try:
            await till.work_off()
        except Died:
            continue
        break
    for coming in range(1, 9):
        # Each time five minutes after the last, as it does: what failed just now is not for the janitor yet.
        with now_is(minutes=6 * coming):
            try:
                await till.run("payments.look_after", "")
                if not await till.work_off():
                    return
            except Died:
                continue


async def _until(till: Till, invoice_id: UUID, state: str) -> None:
    """Stripe's webhooks tell of what has happened, should our own process have died before it looked."""
    for _ in range(4):
        if (await till.read(invoice_id)).state == state:
            return
        try:
            await till.hear()
        except Died:
            continue
        await _go_on(till)
