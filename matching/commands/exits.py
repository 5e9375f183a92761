"""What the process ends with."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. 2 is argparse's own."""

    OK = 0
    VIOLATIONS = 1
    USAGE = 2
    BAD_INPUT = 3
    NO_PLAN = 4
    PARENT_GONE = 5
    WRITE_FAILED = 6


EXPLAINED = (
    "exit codes: 0 done; 1 the plan breaks a rule; 2 wrong usage; 3 a file cannot be read or used; "
    "4 there is no plan; 5 the process that started this one is gone; 6 the result cannot be written"
)
"""The exit codes in words, for `--help`."""
