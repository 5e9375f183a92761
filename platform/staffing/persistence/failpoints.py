"""Places where a process can be made to die, so that tests can show what survives.

`failpoint("billing_run.after_draft")` does nothing unless this process was told to die there: then it ends at once with 137, as
after `kill -9`. No handler runs, no transaction is finished, no answer is sent. A process is told by the setting
`RELIEF_FAILPOINT`, which is refused outside demo mode.

A name is `<what>.<step>`, written out at the place itself: tests read all names from the source, so a new point is tested the
moment it exists.
"""

import os
from typing import Final

DIED: Final = 137
"""The exit code of a process that ended at a failpoint: that of SIGKILL in a shell."""

_armed: dict[str, int] = {}
"""How often each selected point may still be passed."""


def arm(selected: str) -> None:
    """Select one point: `name` dies there at once, `name:3` when it is reached for the third time; `''` selects none."""
    _armed.clear()
    if selected:
        name, _, which = selected.partition(":")
        _armed[name] = int(which or 1) - 1


def failpoint(name: str) -> None:
    """End the process here, at once and without a word, when it was told to."""
    if name not in _armed:
        return
    if _armed[name] <= 0:
        os._exit(DIED)
    _armed[name] -= 1
