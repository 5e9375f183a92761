"""Pieces of a search carried between a plan's solver and workers on other machines, through rows and the job queue.

The rows hold what the solver's processes say to each other, which only the deployment itself may write: it is signed with its
key on the way in and checked before anything reads it. The rows go when the plan is done. A piece that nobody answers costs
nothing: the solver does it itself.
"""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from staffing.persistence import jobs
from staffing.persistence.base import new_id
from staffing.persistence.jobs import JobContext, JobKind
from staffing.persistence.tenancy import SYSTEM
from staffing.scheduling.helper import Helper, HelperDied
from staffing.scheduling.models import SolverPiece, SolverShare
from staffing.settings import Settings

log = logging.getLogger(__name__)

SOLVE_PIECE = "scheduling.solve_piece"
LOOK_EVERY_SECONDS = 0.1
LARGEST_SHARE = 256 << 20
_SIGNATURE = 32


def signed(settings: Settings, data: bytes) -> bytes:
    """The data behind its signature."""
    return _signature(settings, data) + data


def checked(settings: Settings, data: bytes) -> bytes:
    """The data. Raises `ValueError` when another deployment, or nobody, signed it."""
    signature, content = data[:_SIGNATURE], data[_SIGNATURE:]
    if not hmac.compare_digest(signature, _signature(settings, content)):
        raise ValueError("a piece of a search is not signed with this deployment's key")
    return content


def _signature(settings: Settings, data: bytes) -> bytes:
    return hmac.new(settings.secret_key.encode(), b"piece:" + data, hashlib.sha256).digest()


class Carrier:
    """Carries pieces for one plan while its solver is at work: the solver's side are files in `folder`."""

    def __init__(self, context: JobContext, plan_id: UUID, folder: Path) -> None:
        self._context, self._plan_id, self._folder = context, plan_id, folder
        self._settings = context.resource(Settings)
        self._events: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self._share: UUID | None = None
        self._out: dict[UUID, int] = {}

    def hear(self, event: Mapping[str, Any]) -> None:
        """A line of the solver that is no progress."""
        self._events.put_nowait(event)

    async def carry(self) -> None:
        """Until cancelled. Nothing of it may harm the search: what fails is left to the solver's patience."""
        while True:
            with suppress(asyncio.TimeoutError):
                event = await asyncio.wait_for(self._events.get(), LOOK_EVERY_SECONDS if self._out else None)
                await self._offer(event)
            if self._out:
                await self._fetch()

    async def clear(self) -> None:
        """The plan is done: nobody needs its pieces any more."""
        async with self._context.database.transaction(SYSTEM) as tx:
            await tx.execute(delete(SolverShare).where(SolverShare.plan_id == self._plan_id))

    async def _offer(self, event: Mapping[str, Any]) -> None:
        async with self._context.database.transaction(SYSTEM) as tx:
            if event.get("event") == "share":
                data = await asyncio.to_thread((self._folder / "share").read_bytes)
                if len(data) > LARGEST_SHARE:
                    log.warning("plan %s is too large to share (%s MB)", self._plan_id, len(data) >> 20)
                    return
                share = SolverShare(id=new_id(), plan_id=self._plan_id, data=signed(self._settings, data))
                tx.add(share)
                self._share = share.id
            elif event.get("event") == "piece" and self._share is not None:
                number = int(event["number"])
                place = self._folder / f"piece-{number}"
                task = await asyncio.to_thread(place.read_bytes)
                place.unlink()
                piece = SolverPiece(id=new_id(), share_id=self._share, task=signed(self._settings, task))
                tx.add(piece)
                await jobs.enqueue(tx, SOLVE_PIECE, {"piece_id": str(piece.id)}, priority=2)
                self._out[piece.id] = number

    async def _fetch(self) -> None:
        async with self._context.database.transaction(SYSTEM) as tx:
            rows = await tx.execute(
                select(SolverPiece.id, SolverPiece.answer).where(
                    SolverPiece.id.in_(list(self._out)), SolverPiece.answer.is_not(None)
                )
            )
            answers = {row[0]: row[1] for row in rows if row[1] is not None}
            await tx.execute(delete(SolverPiece).where(SolverPiece.id.in_(list(answers))))
        for piece_id, answer in answers.items():
            place = self._folder / f"answer-{self._out.pop(piece_id)}"
            draft = place.with_suffix(".draft")
            await asyncio.to_thread(draft.write_bytes, checked(self._settings, answer))
            draft.rename(place)


async def solve_piece(context: JobContext, payload: Mapping[str, str]) -> None:
    """Do one piece of somebody's search, unless it is over or done. Lost is nothing when this fails."""
    settings, helper = context.resource(Settings), context.resource(Helper)
    piece_id = UUID(payload["piece_id"])
    async with context.database.transaction(SYSTEM) as tx:
        piece = await tx.get(SolverPiece, piece_id)
        if piece is None or piece.answer is not None:
            return
        task = checked(settings, piece.task)
        share = None
        if piece.share_id != helper.share_id:
            data = await tx.scalar(select(SolverShare.data).where(SolverShare.id == piece.share_id))
            share = checked(settings, data) if data is not None else None
        share_id = piece.share_id
    try:
        answer = await helper.do(share_id, share, task)
    except HelperDied as died:
        log.warning("piece %s was not solved: %s", piece_id, died)
        return
    async with context.database.transaction(SYSTEM) as tx:
        await tx.execute(update(SolverPiece).where(SolverPiece.id == piece_id).values(answer=signed(settings, answer)))


KINDS: list[JobKind] = [JobKind(SOLVE_PIECE, solve_piece, concurrency=1)]
