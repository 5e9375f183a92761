"""Calls that change something at Stripe, each done once.

The intention is stored with its idempotency key and committed before the call, the outcome after it; the call itself is outside
any transaction. A call whose outcome is not known is looked for at Stripe before it is sent again, with the same key; only a
refused call, or one whose key can do no more, gets a new key.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert

from billing.stripe.failures import StripeFailure, StripeOutcomeUnknown, StripeRefused
from billing.stripe.keys import idempotency_key
from staffing import clock
from staffing.payments.models import StripeCall
from staffing.persistence.failpoints import failpoint
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction

KEY_LIVES = timedelta(hours=24)
"""After this Stripe may have forgotten a key, and would do the work again under it."""


class HasId(Protocol):
    """What a call makes at Stripe."""

    @property
    def id(self) -> str: ...


DOUBTED_A_DAY = "For a day it was not known whether Stripe had done this; it has nothing of it."
KEY_SPENT = "Stripe answers this key with a saved failure and has nothing of it."
NOTHING_DONE = (DOUBTED_A_DAY, KEY_SPENT)
"""Problems of calls that ended without Stripe having said no."""

T = TypeVar("T", bound=HasId)


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
    """One thing to be done at Stripe for a facility, one of its invoices, or something else of its own.

    `about` names that something: its kind in `billing.stripe.keys.STEPS` and its id. `detail` tells repeated steps of a
    facility apart, such as the saved method to be forgotten. `part` numbers the calls of a step that needs several.
    """

    name: str
    facility_id: UUID
    invoice_id: UUID | None = None
    part: int | None = None
    about: tuple[str, UUID] | None = None
    detail: str = ""

    @property
    def purpose(self) -> str:
        return self.name if self.part is None else f"{self.name} {self.part}"

    @property
    def subject(self) -> str:
        """As `StripeCall.subject` has it."""
        return self.detail if self.about is None else f"{self.about[0]}:{self.about[1]}"

    @property
    def object(self) -> tuple[str, UUID]:
        """The kind and id of what it is done for, as keys name them."""
        if self.about is not None:
            return self.about
        return ("facility", self.facility_id) if self.invoice_id is None else ("invoice", self.invoice_id)

    def key(self, attempt: int) -> str:
        """The idempotency key of the `attempt`th call of this step."""
        return idempotency_key(*self.object, self.name, attempt, self.part)


class AttemptOver(Exception):
    """The outcome stayed unknown and Stripe has nothing of it: a person has to look and try again."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    key: str
    done: bool
    sent_before: bool
    intended_at: datetime
    object_id: str = ""


async def once(
    database: Database,
    step: StripeStep,
    *,
    look: Callable[[], Awaitable[T | None]],
    do: Callable[[str], Awaitable[T]],
    keep: Callable[[Transaction, T], Awaitable[None]],
) -> str:
    """Have `step` done at Stripe, unless it is. The id of what it made there.

    `do` makes the call with a key; `look` finds its result when an earlier call may have worked; `keep` stores what the result
    means, in the transaction of the outcome. Raises the `StripeFailure` of the call after storing it, `AttemptOver` when
    the same key must not be sent again.
    """
    attempt = await _intend(database, step)
    if attempt.done:
        return attempt.object_id
    failpoint("stripe_call.after_intention")
    if attempt.sent_before:
        if (found := await look()) is not None:
            return await _store_done(database, attempt.key, found, keep)
        if clock.now() - attempt.intended_at > KEY_LIVES:
            await _end(database, attempt.key, DOUBTED_A_DAY)
            raise AttemptOver
    try:
        result = await do(attempt.key)
    except StripeFailure as failure:
        return await _store_failure(database, attempt.key, failure, look, keep)
    failpoint("stripe_call.after_answer")
    return await _store_done(database, attempt.key, result, keep)


async def _intend(database: Database, step: StripeStep) -> _Attempt:
    """Store the intention, in a transaction of its own, finished before anything is sent."""
    async with database.transaction(SYSTEM) as tx:
        calls = list(await tx.scalars(select(StripeCall).where(*_same_series(step)).with_for_update()))
        numbered = sorted(calls, key=lambda call: int(call.idempotency_key.split(":")[3]))
        last = next((call for call in reversed(numbered) if call.subject == step.subject), None)
        if last is not None and last.state != CallState.REFUSED:
            last.tries += 1
            done = last.state == CallState.DONE
            return _Attempt(last.idempotency_key, done, last.tries > 1, last.intended_at, last.object_id or "")
        key, at = step.key(len(calls) + 1), clock.now()
        row = insert(StripeCall).values(
            idempotency_key=key,
            facility_id=step.facility_id,
            invoice_id=step.invoice_id,
            subject=step.subject,
            purpose=step.purpose,
            state=CallState.INTENDED.value,
            tries=1,
            intended_at=at,
        )
        made = await tx.execute(row.on_conflict_do_nothing().returning(StripeCall.idempotency_key))
        # Somebody else stored the same intention a moment ago: their call may be under way.
        return _Attempt(key, done=False, sent_before=made.scalar_one_or_none() is None, intended_at=at)


def _same_series(step: StripeStep) -> list[ColumnElement[bool]]:
    """The calls whose keys are numbered together with those of `step`."""
    kind, object_id = step.object
    same = [StripeCall.purpose == step.purpose, StripeCall.idempotency_key.like(f"{kind}:{object_id}:{step.name}:%")]
    return [*same, StripeCall.invoice_id == step.invoice_id] if step.invoice_id else same


async def _store_failure(
    database: Database,
    key: str,
    failure: StripeFailure,
    look: Callable[[], Awaitable[T | None]],
    keep: Callable[[Transaction, T], Awaitable[None]],
) -> str:
    """Note how the call failed and raise; return only when the work turns out to have been done."""
    if isinstance(failure, StripeOutcomeUnknown):
        await _note(database, key, CallState.UNKNOWN, failure.message)
        if not failure.retry_same_key:
            # A saved failure is played back for as long as the key lives: what counts is what Stripe has.
            if (found := await look()) is not None:
                return await _store_done(database, key, found, keep)
            await _end(database, key, KEY_SPENT)
        raise failure
    if failure.retry_same_key:
        await _note(database, key, CallState.INTENDED, failure.message)
    elif isinstance(failure, StripeRefused) and (found := await look()) is not None:
        # Refused because it was done before: an earlier call went through without our knowing.
        return await _store_done(database, key, found, keep)
    else:
        await _end(database, key, failure.message)
    raise failure


async def _store_done(database: Database, key: str, result: T, keep: Callable[[Transaction, T], Awaitable[None]]) -> str:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(
            update(StripeCall)
            .where(StripeCall.idempotency_key == key)
            .values(state=CallState.DONE.value, object_id=result.id, problem="", finished_at=clock.now())
        )
        await keep(tx, result)
        failpoint("stripe_call.before_outcome")
    return result.id


async def _end(database: Database, key: str, problem: str) -> None:
    await _note(database, key, CallState.REFUSED, problem, finished_at=clock.now())


async def _note(database: Database, key: str, state: CallState, problem: str, *, finished_at: datetime | None = None) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(
            update(StripeCall)
            .where(StripeCall.idempotency_key == key)
            .values(state=state.value, problem=problem, finished_at=finished_at)
        )
