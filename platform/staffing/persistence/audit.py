"""The access log: every read and change of patients' data, in one hash chain per facility.

`note` collects; the rows are written in one batch just before the transaction finishes. A trigger in the database links each row
to its predecessor, so the application cannot forge a link; `verify` recomputes the whole chain with code of its own.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import insert, select

from staffing import clock
from staffing.persistence.models import AccessEvent
from staffing.persistence.transactions import Transaction, finish

AGENCY_CHAIN = "agency"
_LOOKS = frozenset({"download", "export", "list", "read"})
"""How the actions end that change nothing."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is behind a transaction, as the log names them."""

    account_id: UUID | None = None
    name: str = "system"
    role: str = "system"
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """One thing read or changed. `detail` names fields or counts, never values."""

    action: str
    object_type: str
    object_id: str
    facility_id: UUID | None = None
    patient_id: UUID | None = None
    detail: str = ""
    happened_at: datetime = field(default_factory=clock.now)


def note(
    tx: Transaction,
    action: str,
    object_type: str,
    object_id: object,
    *,
    facility_id: UUID | None = None,
    patient_id: UUID | None = None,
    detail: str = "",
) -> None:
    """Remember an access; it is written with the transaction or not at all."""
    noted: list[Access] = tx.info.setdefault("audit", [])
    noted.append(Access(action, object_type, str(object_id), facility_id, patient_id, detail))
    hooks = tx.info.setdefault("before_finish", [])
    if write_noted not in hooks:
        hooks.append(write_noted)


async def write_noted(tx: Transaction) -> None:
    """Write what was noted, in the order of the chains so that two transactions never wait for each other in a ring."""
    noted: list[Access] = tx.info.pop("audit", [])
    actor: Actor = tx.info.get("actor", Actor())
    rows = [
        {
            "chain": str(access.facility_id or AGENCY_CHAIN),
            "facility_id": access.facility_id,
            "patient_id": access.patient_id,
            "actor_id": actor.account_id,
            "actor": actor.name,
            "role": actor.role,
            "action": access.action,
            "object_type": access.object_type,
            "object_id": access.object_id,
            "detail": access.detail,
            "request_id": actor.request_id,
            "happened_at": access.happened_at,
        }
        for access in noted
    ]
    rows.sort(key=lambda row: str(row["chain"]))
    if rows:
        # The trigger fills seq, prev_hash and hash: no RETURNING, the application need not see the chain.
        await tx.execute(insert(AccessEvent).inline(), rows)


async def keep_looks(tx: Transaction) -> None:
    """Undo what was changed; what was looked at has been seen all the same, so those rows are written."""
    noted: list[Access] = tx.info.pop("audit", [])
    looks = [access for access in noted if access.action.rpartition(".")[2] in _LOOKS]
    await tx.rollback()
    if looks:
        tx.info["audit"], tx.info["before_finish"] = looks, [write_noted]
        await finish(tx)


@dataclass(frozen=True, slots=True)
class ChainReport:
    """The outcome of `verify`: how many rows hold, and the first that does not."""

    chain: str
    rows: int
    broken_at: int | None = None
    why: str = ""


async def verify(tx: Transaction) -> list[ChainReport]:
    """Recompute every chain that the caller may read."""
    reports: dict[str, ChainReport] = {}
    previous: dict[str, bytes] = {}
    async for row in _rows(tx):
        report = reports.get(row.chain, ChainReport(row.chain, 0))
        if report.broken_at is not None:
            continue
        expected_seq = report.rows + 1
        before = previous.get(row.chain, b"")
        if row.seq != expected_seq:
            report = ChainReport(row.chain, report.rows, expected_seq, f"row {expected_seq} is missing")
        elif row.prev_hash != before or row.hash != digest(row, before):
            report = ChainReport(row.chain, report.rows, row.seq, f"row {row.seq} was changed")
        else:
            report = ChainReport(row.chain, row.seq)
        reports[row.chain] = report
        previous[row.chain] = row.hash
    return sorted(reports.values(), key=lambda report: report.chain)


def digest(row: AccessEvent, before: bytes) -> bytes:
    """The link of `row`: SHA-256 over the previous link and every field, each with its length so that none can run into
    the next.
    """
    instant = row.happened_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    fields = (
        row.chain, str(row.seq), str(row.facility_id or ""), str(row.patient_id or ""), str(row.actor_id or ""), row.actor,
        row.role, row.action, row.object_type, row.object_id, row.detail, row.request_id, instant,
    )  # fmt: skip
    text = "".join(f"{len(value.encode())}:{value};" for value in fields)
    return hashlib.sha256(before + text.encode()).digest()


async def _rows(tx: Transaction) -> AsyncIterator[AccessEvent]:
    result = await tx.stream_scalars(
        select(AccessEvent).order_by(AccessEvent.chain, AccessEvent.seq).execution_options(yield_per=1000)
    )
    async for row in result:
        yield row
