"""Calls that change something at Stripe, each done once.

The intention is stored with its idempotency key and committed before the call, the outcome after it; the call itself is outside
any transaction. A call whose outcome is not known is looked for at Stripe before it is sent again, with the same key; only a
refused call, or one whose key can do no more, gets a new key.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from billing.stripe_payload import idempotency_key
from billing.stripe_results import StripeCustomer, StripeFailure, StripeInvoice, StripeOutcomeUnknown, StripeRefused
from staffing import clock
from staffing.invoicing.models import StripeCall
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction

KEY_LIVES = timedelta(hours=24)
"""After this Stripe may have forgotten a key, and would do the work again under it."""

T = TypeVar("T", StripeCustomer, StripeInvoice)


class CallState(StrEnum):
    """How far a call is."""

    INTENDED = "intended"
    """Stored; it may have been sent, or not."""
    UNKNOWN = "unknown"
    """Sent; whether it was done is not known."""
    DONE = "done"
    REFUSED = "refused"
    """Stripe said no, or the key can do no more: never sent again under this key."""


@dataclass(frozen=True, slots=True)
class StripeStep:
    """One thing to be done at Stripe for a facility or an invoice. `part` numbers the calls of a step that needs several."""

    name: str
    facility_id: UUID
    invoice_id: UUID | None = None
    part: int | None = None

    @property
    def purpose(self) -> str:
        return self.name if self.part is None else f"{self.name} {self.part}"

    def key(self, attempt: int) -> str:
        kind, object_id = ("facility", self.facility_id) if self.invoice_id is None else ("invoice", self.invoice_id)
        return idempotency_key(kind, object_id, self.name, attempt, self.part)


class AttemptOver(Exception):
    """The outcome stayed unknown and Stripe has nothing of it: a person has to look and try again."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    key: str
    done: bool
    sent_before: bool
    intended_at: datetime


async def once(
    database: Database,
    step: StripeStep,
    *,
    look: Callable[[], Awaitable[T | None]],
    do: Callable[[str], Awaitable[T]],
    keep: Callable[[Transaction, T], Awaitable[None]],
) -> None:
    """Have `step` done at Stripe, unless it is.

    `do` makes the call with a key; `look` finds its result when an earlier call may have worked; `keep` stores what the result
    means, in the transaction of the outcome. Raises the `StripeFailure` of the call after storing it, `AttemptOver` when
    the same key must not be sent again.
    """
    attempt = await _intend(database, step)
    if attempt.done:
        return
    if attempt.sent_before:
        if (found := await look()) is not None:
            await _store_done(database, attempt.key, found, keep)
            return
        if clock.now() - attempt.intended_at > KEY_LIVES:
            await _end(database, attempt.key, "For a day it was not known whether Stripe had done this; it has nothing of it.")
            raise AttemptOver
    try:
        result = await do(attempt.key)
    except StripeFailure as failure:
        await _store_failure(database, attempt.key, failure, look, keep)
        return
    await _store_done(database, attempt.key, result, keep)


async def most_tries(database: Database, facility_id: UUID, invoice_id: UUID) -> int:
    """How often the most stubborn unfinished call of this invoice was tried: waiting times grow with it."""
    async with database.transaction(SYSTEM) as tx:
        tries = await tx.scalars(
            select(StripeCall.tries).where(
                StripeCall.facility_id == facility_id,
                (StripeCall.invoice_id == invoice_id) | StripeCall.invoice_id.is_(None),
                StripeCall.state.in_([CallState.INTENDED.value, CallState.UNKNOWN.value]),
            )
        )
        return max(tries, default=1)


async def _intend(database: Database, step: StripeStep) -> _Attempt:
    """Store the intention, in a transaction of its own, finished before anything is sent."""
    async with database.transaction(SYSTEM) as tx:
        of_step = (
            StripeCall.facility_id == step.facility_id,
            StripeCall.invoice_id == step.invoice_id if step.invoice_id else StripeCall.invoice_id.is_(None),
            StripeCall.purpose == step.purpose,
        )
        calls = list(await tx.scalars(select(StripeCall).where(*of_step).with_for_update()))
        last = max(calls, key=lambda call: int(call.idempotency_key.split(":")[3]), default=None)
        if last is not None and last.state != CallState.REFUSED:
            last.tries += 1
            return _Attempt(last.idempotency_key, last.state == CallState.DONE, last.tries > 1, last.intended_at)
        key, at = step.key(len(calls) + 1), clock.now()
        row = insert(StripeCall).values(
            idempotency_key=key,
            facility_id=step.facility_id,
            invoice_id=step.invoice_id,
            purpose=step.purpose,
            state=CallState.INTENDED.value,
            tries=1,
            intended_at=at,
        )
        made = await tx.execute(row.on_conflict_do_nothing().returning(StripeCall.idempotency_key))
        # Somebody else stored the same intention a moment ago: their call may be under way.
        return _Attempt(key, done=False, sent_before=made.scalar_one_or_none() is None, intended_at=at)


async def _store_failure(
    database: Database,
    key: str,
    failure: StripeFailure,
    look: Callable[[], Awaitable[T | None]],
    keep: Callable[[Transaction, T], Awaitable[None]],
) -> None:
    """Note how the call failed and raise; return only when the work turns out to have been done."""
    if isinstance(failure, StripeOutcomeUnknown):
        await _note(database, key, CallState.UNKNOWN, failure.message)
        if not failure.retry_same_key:
            # A saved failure is played back for as long as the key lives: what counts is what Stripe has.
            if (found := await look()) is not None:
                await _store_done(database, key, found, keep)
                return
            await _end(database, key, "Stripe answers this key with a saved failure and has nothing of it.")
        raise failure
    if failure.retry_same_key:
        await _note(database, key, CallState.INTENDED, failure.message)
    elif isinstance(failure, StripeRefused) and (found := await look()) is not None:
        # Refused because it was done before: an earlier call went through without our knowing.
        await _store_done(database, key, found, keep)
        return
    else:
        await _end(database, key, failure.message)
    raise failure


async def _store_done(database: Database, key: str, result: T, keep: Callable[[Transaction, T], Awaitable[None]]) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(
            update(StripeCall)
            .where(StripeCall.idempotency_key == key)
            .values(state=CallState.DONE.value, object_id=result.id, problem="", finished_at=clock.now())
        )
        await keep(tx, result)


async def _end(database: Database, key: str, problem: str) -> None:
    await _note(database, key, CallState.REFUSED, problem, finished_at=clock.now())


async def _note(database: Database, key: str, state: CallState, problem: str, *, finished_at: datetime | None = None) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(
            update(StripeCall)
            .where(StripeCall.idempotency_key == key)
            .values(state=state.value, problem=problem, finished_at=finished_at)
        )
