"""What only tests may do: set faults, move the clock, let disputes and refunds go one way or the other, send events again.

None of it is there unless the factory was called with `faults_allowed=True`.

- `POST /_control/faults`, `DELETE /_control/faults`: see `billing.sandbox.delivery.faults`.
- `POST /_control/clock` with `{"advance_seconds": 432000}`: the sandbox's clock goes on, and what is due by then happens.
- `POST /_control/disputes` with `{"charge": …, "reason": "fraudulent", "amount": …}`: a payer's bank takes a payment back.
- `POST /_control/disputes/<id>` with `{"won": true}`: how it ends.
- `POST /_control/refunds/<id>/fail`: the bank sends a refund back.
- `POST /_control/events/<id>/resend`: the webhook goes out once more.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, delete, post

from billing.sandbox import due
from billing.sandbox.calls import disputes, refunds
from billing.sandbox.context import Addresses, Context, SandboxClock
from billing.sandbox.delivery import faults
from billing.sandbox.store import Store, Transaction
from billing.sandbox.wire import Object, Problem, as_answer, respond

Work = Callable[[Context, Object], Object]


@dataclass(frozen=True, slots=True)
class Control:
    """The handlers of `/_control`."""

    store: Store
    addresses: Addresses
    clock: SandboxClock
    after_work: Callable[[], None]

    async def do(self, request: Request[Any, Any, Any], work: Work) -> Response[str]:
        """`work` with the JSON that was sent, all or nothing, and its answer."""
        try:
            wanted = json.loads(await request.body() or b"{}")
            if not isinstance(wanted, dict):
                raise Problem(400, "What is wanted is a JSON object.")
            with self.store.transaction() as transaction:
                self.clock.load(transaction)
                answer = as_answer(work(Context(transaction, self.addresses, self.clock), wanted), 201)
        except ValueError:
            answer = as_answer(Problem(400, "What is wanted is a JSON object.").body(), 400)
        except Problem as problem:
            answer = as_answer(problem.body(), problem.status)
        self.after_work()
        return respond(answer)

    def advance(self, context: Context, wanted: Object) -> Object:
        """Move the clock on."""
        seconds = wanted.get("advance_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
            raise Problem(400, "advance_seconds is a whole number: the clock only goes on.")
        self.clock.advance(context.store, seconds)
        due.run(context.store, self.addresses, self.clock)
        return {"now": int(self.clock().timestamp())}

    def handlers(self) -> list[Any]:
        """The routes."""

        @post("/_control/faults")
        async def set_fault(request: Request[Any, Any, Any]) -> Response[str]:
            return await self.do(request, _set_fault)

        @delete("/_control/faults", status_code=200)
        async def clear_faults(request: Request[Any, Any, Any]) -> Response[str]:
            with self.store.transaction() as transaction:
                faults.clear(transaction)
            return respond(as_answer({"set": None}))

        @post("/_control/clock")
        async def advance_clock(request: Request[Any, Any, Any]) -> Response[str]:
            return await self.do(request, self.advance)

        @post("/_control/disputes")
        async def dispute(request: Request[Any, Any, Any]) -> Response[str]:
            return await self.do(request, _dispute)

        @post("/_control/disputes/{dispute_id:str}")
        async def decide(request: Request[Any, Any, Any]) -> Response[str]:
            return await self.do(request, _decide(str(request.path_params["dispute_id"])))

        @post("/_control/refunds/{refund_id:str}/fail")
        async def fail_refund(request: Request[Any, Any, Any]) -> Response[str]:
            return await self.do(request, _fail_refund(str(request.path_params["refund_id"])))

        @post("/_control/events/{event_id:str}/resend")
        async def resend(request: Request[Any, Any, Any]) -> Response[str]:
            return await self.do(request, _resend(str(request.path_params["event_id"])))

        return [set_fault, clear_faults, advance_clock, dispute, decide, fail_refund, resend]


def _set_fault(context: Context, wanted: Object) -> Object:
    faults.add(context.store, wanted)
    return {"set": wanted}


def _dispute(context: Context, wanted: Object) -> Object:
    charge = context.require("charge", str(wanted.get("charge")))
    return disputes.begin(context, charge, str(wanted.get("reason", "fraudulent")), wanted.get("amount"))


def _decide(dispute: str) -> Work:
    def work(context: Context, wanted: Object) -> Object:
        return disputes.decide(context, context.require("dispute", dispute), won=bool(wanted.get("won")))

    return work


def _fail_refund(refund: str) -> Work:
    def work(context: Context, wanted: Object) -> Object:
        refunds.fail(context, refund, str(wanted.get("reason", "expired_or_canceled_card")))
        return context.require("refund", refund)

    return work


def _resend(event: str) -> Work:
    def work(context: Context, wanted: Object) -> Object:
        _queue(context.store, context.require("event", event)["id"])
        return {"resent": event}

    return work


def _queue(store: Transaction, event: str) -> None:
    store.execute(
        "insert into deliveries (event, due_at, attempts, state, note) values (?, ?, 0, 'waiting', '')", (event, time.time())
    )
