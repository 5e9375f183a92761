"""A solving process of a worker that helps with other workers' plans: it keeps what a search starts from, and does one task after
another.

It speaks the solver's own protocol (`matching.solving.worker`); what is said is passed on unread.
"""

import asyncio
import struct
import sys
from contextlib import suppress
from uuid import UUID

from staffing.scheduling.solver_process import environment

LONGEST_SECONDS = 30
_LENGTH = struct.Struct(">Q")


class HelperDied(Exception):
    """The process ended, or took far too long."""


class Helper:
    """At most one process, for the search that it last helped with. `share_id` says which."""

    def __init__(self) -> None:
        self.share_id: UUID | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._free = asyncio.Lock()

    async def do(self, share_id: UUID, share: bytes | None, task: bytes) -> bytes:
        """The answer to a task. `share` may be left out when the process has it already. Raises `HelperDied`."""
        async with self._free:
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    if share_id != self.share_id:
                        if share is None:
                            raise HelperDied("the search is over")
                        await self._begin(share_id, share)
                    return await self._ask(task)
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as fault:
                await self._end()
                raise HelperDied(f"{type(fault).__name__}") from fault

    async def close(self) -> None:
        """End the process, if there is one."""
        async with self._free:
            await self._end()

    async def _begin(self, share_id: UUID, share: bytes) -> None:
        await self._end()
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "matching.solving.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment(),
        )
        await self._send(share)
        self.share_id = share_id

    async def _ask(self, task: bytes) -> bytes:
        await self._send(task)
        assert self._child is not None
        assert self._child.stdout is not None
        (length,) = _LENGTH.unpack(await self._child.stdout.readexactly(_LENGTH.size))
        return await self._child.stdout.readexactly(length)

    async def _send(self, data: bytes) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.write(_LENGTH.pack(len(data)))
        self._child.stdin.write(data)
        await self._child.stdin.drain()

    async def _end(self) -> None:
        child, self._child, self.share_id = self._child, None, None
        if child is not None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
