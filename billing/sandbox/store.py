"""The sandbox's memory: one SQLite file, small synchronous transactions, nothing of the product's database.

Objects are kept as the JSON that is answered, newest last; events, webhook deliveries and idempotency keys beside them.
Several processes may share the file.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from billing.sandbox.wire import Answer, Object

_SCHEMA = """
create table if not exists objects (
    position integer primary key autoincrement, id text not null unique, kind text not null, parent text not null,
    created integer not null, body text not null);
create index if not exists objects_by_kind on objects (kind, parent, position);
create table if not exists pages (token text primary key, invoice text not null unique);
create table if not exists deliveries (
    position integer primary key autoincrement, event text not null, due_at real not null, attempts integer not null,
    state text not null, note text not null);
create index if not exists deliveries_by_state on deliveries (state, due_at);
create table if not exists keys (
    key text primary key, fingerprint text not null, taken_at real not null, status integer, body text);
create table if not exists fault_plans (position integer primary key autoincrement, kind text not null, path text not null,
    uses integer not null, seconds real not null, every integer not null, seen integer not null);
create table if not exists due (
    position integer primary key autoincrement, due_at integer not null, kind text not null, subject text not null);
create index if not exists due_by_time on due (due_at, position);
drop table if exists faults;
create table if not exists settings (name text primary key, value text not null);
"""


class Store:
    """Opens the file (and its folder) when first used. Safe for threads; every use is one short transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All or nothing, alone on the file. Do not await inside."""
        with self._lock:
            connection = self._open()
            connection.execute("begin immediate")
            try:
                yield Transaction(connection)
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            connection.executescript(_SCHEMA)
            connection.execute("insert or ignore into settings values ('form_secret', ?)", (secrets.token_hex(32),))
            connection.execute("insert or ignore into settings values ('clock_offset', '0')")
            self._connection = connection
        return self._connection


class Transaction:
    """Reads and writes within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @contextmanager
    def undone_by(self, *problems: type[Exception]) -> Iterator[None]:
        """What is done inside is taken back when one of `problems` comes out of it; the rest of the work stands."""
        self._connection.execute("savepoint work")
        try:
            yield
        except problems:
            self._connection.execute("rollback to work")
            raise
        finally:
            self._connection.execute("release work")

    def add(self, body: Object, parent: str = "") -> Object:
        """Keep a new object. `parent` is the id of the object it belongs to."""
        self._connection.execute(
            "insert into objects (id, kind, parent, created, body) values (?, ?, ?, ?, ?)",
            (body["id"], body["object"], parent, body.get("created", 0), json.dumps(body)),
        )
        return body

    def put(self, body: Object) -> Object:
        """Keep the new state of an object."""
        self._connection.execute("update objects set body = ? where id = ?", (json.dumps(body), body["id"]))
        return body

    def get(self, kind: str, object_id: str) -> Object | None:
        """The object, or None."""
        row = self._connection.execute("select body from objects where id = ? and kind = ?", (object_id, kind)).fetchone()
        return None if row is None else json.loads(row[0])

    def children(self, kind: str, parent: str) -> list[Object]:
        """All objects that belong to `parent`, oldest first."""
        rows = self._connection.execute(
            "select body from objects where kind = ? and parent = ? order by position", (kind, parent)
        )
        return [json.loads(row[0]) for row in rows]

    def position(self, object_id: str) -> int | None:
        """Where the object stands in the order of making."""
        row = self._connection.execute("select position from objects where id = ?", (object_id,)).fetchone()
        return None if row is None else int(row[0])

    def search(self, kind: str, conditions: Sequence[tuple[str, Any]], newest_first: bool, limit: int) -> list[Object]:
        """Objects of a kind that meet all `conditions` (SQL with one `?` each)."""
        where = "".join(f" and {condition}" for condition, _ in conditions)
        order = "desc" if newest_first else "asc"
        rows = self._connection.execute(
            f"select body from objects where kind = ?{where} order by position {order} limit ?",  # noqa: S608
            (kind, *(value for _, value in conditions), limit),
        )
        return [json.loads(row[0]) for row in rows]

    def remove(self, object_id: str) -> None:
        """Forget an object for good."""
        self._connection.execute("delete from objects where id = ?", (object_id,))

    def add_page(self, token: str, object_id: str) -> None:
        """Let the hosted page `token` show an object."""
        self._connection.execute("insert into pages values (?, ?)", (token, object_id))

    def of_page(self, kind: str, token: str) -> Object | None:
        """The object of `kind` that the hosted page `token` shows."""
        row = self._connection.execute("select invoice from pages where token = ?", (token,)).fetchone()
        return None if row is None else self.get(kind, row[0])

    def setting(self, name: str) -> str:
        """A value that was made with the file."""
        return str(self._connection.execute("select value from settings where name = ?", (name,)).fetchone()[0])

    def set_setting(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        self._connection.execute("insert or replace into settings values (?, ?)", (name, value))

    def execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Any other statement, for the modules that own a table: keys, deliveries, faults, what is due."""
        return self._connection.execute(statement, values)


def saved_answer(row: Sequence[Any]) -> Answer:
    """The answer kept in `(status, body)`."""
    return Answer(int(row[0]), str(row[1]))
