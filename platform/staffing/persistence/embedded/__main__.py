"""`python -m staffing.persistence.embedded start|status|stop|remove HOME`: the embedded server by hand."""

import argparse
import sys
from pathlib import Path

from staffing.persistence.embedded import EmbeddedServerError, Server, ensure_running, remove, status, stop


def main() -> int:
    """Exit code 0: done, or running. 1: it failed, and why is on standard error. 3: not running."""
    parser = argparse.ArgumentParser(prog="python -m staffing.persistence.embedded", description=__doc__)
    parser.add_argument("action", choices=("start", "status", "stop", "remove"))
    parser.add_argument("home", type=Path, help="the directory that RELIEF_HOME names")
    parser.add_argument(
        "--without-fsync", action="store_true", help="with start, for a new home: faster, for tests; a crash loses data"
    )
    arguments = parser.parse_args()
    try:
        return _act(arguments.action, arguments.home, durable=not arguments.without_fsync)
    except EmbeddedServerError as error:
        print(error.message, file=sys.stderr)
        return 1


def _act(action: str, home: Path, *, durable: bool) -> int:
    if action == "start":
        return _report(ensure_running(home, durable=durable))
    if action == "status":
        return _report(status(home))
    if action == "stop":
        print("stopped" if stop(home) else "was not running")
    else:
        remove(home)
        print("removed")
    return 0


def _report(server: Server | None) -> int:
    if server is None:
        print("not running")
        return 3
    print(f"PostgreSQL {server.version}, process {server.pid}")
    print(f"socket in {server.socket_directory}, data in {server.data_directory}, log in {server.log_file}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
