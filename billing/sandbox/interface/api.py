"""The interface `/v1/…`: authentication, version, idempotency, checked parameters, one transaction per call."""

import asyncio
import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response

from billing.sandbox import due
from billing.sandbox.calls.payments import Declined
from billing.sandbox.context import Addresses, Context, SandboxClock
from billing.sandbox.delivery import faults
from billing.sandbox.interface import expansion, idempotency, routes
from billing.sandbox.store import Store
from billing.sandbox.wire import API_VERSION, Answer, Object, Problem, as_answer, new_id, read_form, respond

BROKEN = Problem(500, "Something went wrong in the payment sandbox.", type="api_error")


@dataclass(slots=True)
class Interface:
    """Answers the calls of the official client."""

    store: Store
    addresses: Addresses
    clock: SandboxClock
    faults_allowed: bool
    after_work: Callable[[], None]
    api_key: str | None = None
    """The one key that opens it; None: any test key."""

    async def handle(self, request: Request[Any, Any, Any]) -> Response[str]:
        """One call."""
        request_id = new_id("req")
        headers = {"request-id": request_id}
        try:
            api_key = _authenticate(request.headers.get("authorization"), self.api_key)
            _check_version(request.headers.get("stripe-version"))
            body = (await request.body()).decode("utf-8", "replace")
            query = request.scope["query_string"].decode("latin-1")
            call = self._call(request, read_form(body if request.method == "POST" else query), request_id, api_key)
            with self.store.transaction() as transaction:
                due.run(transaction, self.addresses, self.clock)
            answer, replayed = await self._answer(call)
        except Problem as problem:
            answer, replayed = as_answer(problem.body(), problem.status), False
        self.after_work()
        if replayed:
            headers["idempotent-replayed"] = "true"
        return respond(answer, headers)

    def _call(self, request: Request[Any, Any, Any], given: Object, request_id: str, api_key: str) -> "_Call":
        path = "/v1/" + str(request.path_params["path"]).strip("/")
        route, ids = routes.find(request.method, path)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        kept_key = None if key is None else idempotency.scoped(key, api_key)
        return _Call(route, ids, path, given, key, kept_key, request_id)

    async def _answer(self, call: "_Call") -> tuple[Answer, bool]:
        fault = self._fault(call.path)
        if fault is not None and fault.kind == "rate_limit":
            raise Problem(429, "Too many requests hit the API too quickly.", code="rate_limit", began=False)
        if fault is not None and fault.kind == "lock":
            raise Problem(409, "This object cannot be accessed right now.", code="lock_timeout", began=False)
        if fault is not None and fault.kind == "timeout_before":
            await asyncio.sleep(fault.seconds)
            raise BROKEN
        answer, replayed = self._work_once(call, fault.kind if fault else "")
        if fault is not None and fault.kind == "timeout_after":
            await asyncio.sleep(fault.seconds)
        return answer, replayed

    def _fault(self, path: str) -> faults.Fault | None:
        if not self.faults_allowed:
            return None
        with self.store.transaction() as transaction:
            return faults.take(transaction, tuple(faults.CALL_FAULTS), path)

    def _work_once(self, call: "_Call", fault: str) -> tuple[Answer, bool]:
        """Do the work, or give the answer of the first time; the second value tells which."""
        key = call.kept_key
        if key is None:
            with self.store.transaction() as transaction:
                return self._work(transaction, call, fault), False
        content = idempotency.fingerprint(call.route.method, call.path, call.given)
        with self.store.transaction() as transaction:
            saved = idempotency.take(transaction, key, content, self.clock().timestamp())
        if saved is not None:
            return saved, True
        try:
            with self.store.transaction() as transaction:
                answer = self._work(transaction, call, fault)
                idempotency.save(transaction, key, answer)
        except BaseException:
            with self.store.transaction() as transaction:
                idempotency.release(transaction, key)
            raise
        return answer, False

    def _work(self, transaction: Any, call: "_Call", fault: str) -> Answer:
        """Check the parameters and do the work. Errors after work began are answers; those before it are raised."""
        parameters = call.route.read(call.given)
        if fault == "error_before":
            return as_answer(BROKEN.body(), 500)
        context = Context(transaction, self.addresses, self.clock, call.request_id, call.key)
        try:
            with transaction.undone_by(Problem):
                result = call.route.operation(context, parameters, *call.ids)
                answer = as_answer(expansion.expanded(context, result, parameters.get("expand", [])))
        except Declined as declined:
            problem = declined.as_problem()
            return as_answer(problem.body(), problem.status)
        except Problem as problem:
            if not problem.began:
                raise
            return as_answer(problem.body(), problem.status)
        return as_answer(BROKEN.body(), 500) if fault == "error_after" else answer


@dataclass(frozen=True, slots=True)
class _Call:
    route: routes.Route
    ids: tuple[str, ...]
    path: str
    given: Object
    key: str | None
    """The idempotency key as it was given, and as it is kept."""
    kept_key: str | None
    request_id: str


def _authenticate(header: str | None, api_key: str | None) -> str:
    """The key that was given. Only `api_key` opens the sandbox, or any test key where none is set; never a live one."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() == "basic":
        value = base64.b64decode(value + "===", validate=False).decode("utf-8", "replace").partition(":")[0]
    if not value:
        raise Problem(401, "You did not provide an API key.", began=False)
    if value.startswith(("sk_live_", "rk_live_")):
        raise Problem(401, "A live API key was sent to the payment sandbox, which takes test keys only.", began=False)
    fits = value.startswith(("sk_test_", "rk_test_"))
    if api_key is not None:
        fits = hmac.compare_digest(value.encode(), api_key.encode())
    if not fits:
        raise Problem(401, f"Invalid API Key provided: {value[:7]}***", began=False)
    return value


def _check_version(version: str | None) -> None:
    if version not in (None, API_VERSION):
        raise Problem(400, f"The sandbox speaks Stripe's interface of {API_VERSION} only.", began=False)
