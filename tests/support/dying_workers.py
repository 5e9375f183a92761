"""Real worker processes that die: at a chosen point of the code, or whenever the test kills them.

Each is forked from a server that has loaded the program already, so a death and a new start cost a fraction of a second.
"""

import asyncio
import multiprocessing
import os
import re
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEARTBEAT = timedelta(seconds=1)
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["staffing.worker", "staffing.billing_runs.jobs", "staffing.settings"])


def points(*starting: str) -> list[str]:
    """Every failpoint in the source whose name starts with one of these words, in the order of the names."""
    found: set[str] = set()
    for path in (ROOT / "platform" / "staffing").rglob("*.py"):
        found |= set(re.findall(r'^\s+failpoint\("([^"]+)"\)', path.read_text(), re.MULTILINE))
    return sorted(name for name in found if name.startswith(tuple(f"{word}." for word in starting)))


def started(dsn: str, home: Path, now: str, *, kinds: Sequence[str] = (), failpoint: str = "") -> ForkServerProcess:
    """A worker on this database whose clock stands at `now`. `kinds`: the jobs it takes, by the start of their name; all.

    `failpoint`: where it dies with 137, see `staffing.persistence.failpoints`. Jobs that speak to Stripe have no gateway.
    """
    clock_file = home / f"clock-{os.getpid()}"
    clock_file.write_text(now)
    process = _forks.Process(target=_work, args=(dsn, str(home), str(clock_file), tuple(kinds), failpoint), daemon=True)
    process.start()
    return process


def _work(dsn: str, home: str, clock_file: str, kinds: Sequence[str], failpoint: str) -> None:
    from staffing import settings, worker

    loaded = settings.load(
        {"RELIEF_HOME": home, "RELIEF_DEMO": "1", "RELIEF_CLOCK_FILE": clock_file, "RELIEF_FAILPOINT": failpoint}
    )
    taken = [kind for kind in worker.KINDS if not kinds or kind.name.startswith(tuple(kinds))]
    asyncio.run(worker.run_worker(loaded, dsn, kinds=taken, resources={}, heartbeat_timeout=HEARTBEAT))


async def ended(process: ForkServerProcess, seconds: float = 10) -> int | None:
    """The exit code of a worker told to end, or that died; killed when it takes longer."""
    await asyncio.to_thread(process.join, seconds)
    if process.is_alive():
        process.kill()
        await asyncio.to_thread(process.join, 5)
    return process.exitcode
