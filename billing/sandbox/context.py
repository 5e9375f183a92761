"""What an operation works with: the transaction, the clock, the addresses, and the way to tell what happened."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from billing.sandbox.store import Transaction
from billing.sandbox.wire import API_VERSION, Object, Problem, new_id


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the sandbox is seen (`public_url`, with its path prefix), where it tells what happened, and the way back."""

    public_url: str
    webhook_url: str
    webhook_secret: str
    return_url: str | None

    @property
    def prefix(self) -> str:
        """The path under which the sandbox is mounted, without a slash at its end; empty when it stands alone."""
        return urlsplit(self.public_url).path.rstrip("/")

    def page(self, token: str) -> str:
        """The full address of a hosted invoice page."""
        return f"{self.public_url.rstrip('/')}/i/{token}"

    def setup_page(self, token: str) -> str:
        """The full address of a hosted page for saving a way to pay."""
        return f"{self.public_url.rstrip('/')}/c/{token}"


@dataclass(slots=True)
class SandboxClock:
    """The sandbox's time: that of `base`, moved on by what `/_control/clock` has added (kept in the file)."""

    base: Callable[[], datetime]
    offset: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return self.base() + self.offset

    def load(self, store: Transaction) -> None:
        """Take over the offset that is kept, which another process may have changed."""
        self.offset = timedelta(seconds=int(store.setting("clock_offset")))

    def advance(self, store: Transaction, seconds: int) -> None:
        """Move the clock on, for good."""
        self.load(store)
        self.offset += timedelta(seconds=seconds)
        store.set_setting("clock_offset", str(int(self.offset.total_seconds())))


@dataclass(frozen=True, slots=True)
class Context:
    """One request's work."""

    store: Transaction
    addresses: Addresses
    clock: Callable[[], datetime]
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def now(self) -> int:
        """Seconds since 1970, on the sandbox's clock."""
        return int(self.clock().timestamp())

    def require(self, kind: str, object_id: str, param: str = "id", status: int = 404) -> Object:
        """The object, or Stripe's `resource_missing`."""
        found = self.store.get(kind, object_id)
        if found is None:
            raise Problem(status, f"No such {kind.replace('_', ' ')}: '{object_id}'", code="resource_missing", param=param)
        return found

    def later(self, seconds: int, kind: str, subject: str) -> None:
        """Have `billing.sandbox.due` do something about an object when the sandbox's clock has gone on by `seconds`."""
        self.store.execute("insert into due (due_at, kind, subject) values (?, ?, ?)", (self.now + seconds, kind, subject))

    def change(self, kept: Object, changes: Object, event_type: str) -> Object:
        """Keep `changes` to an object and tell about it, with the values before."""
        previous = {name: kept[name] for name, value in changes.items() if kept.get(name) != value}
        changed = self.store.put({**kept, **changes})
        if previous:
            self.emit(event_type, changed, previous)
        return changed

    def emit(self, event_type: str, about: Object, previous: Object | None = None) -> None:
        """Keep an event about an object as it is now, and have it delivered."""
        data: Object = {"object": json.loads(json.dumps(about))}
        if previous is not None:
            data["previous_attributes"] = previous
        event: Object = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": 1 if self.addresses.webhook_url else 0,
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": event_type,
        }
        self.store.add(event)
        if self.addresses.webhook_url:
            self.store.execute(
                "insert into deliveries (event, due_at, attempts, state, note) values (?, ?, 0, 'waiting', '')",
                (event["id"], time.time()),
            )
