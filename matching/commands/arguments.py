"""Options that several commands take, and what they accept."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from matching.commands.kinds import KINDS


def add_format(parser: argparse.ArgumentParser) -> None:
    """`--format` and, for files that hold several problems, `--instance`."""
    parser.add_argument("--format", choices=tuple(KINDS), help="what the problem file holds (told by its content)")
    parser.add_argument("--instance", type=count, metavar="K", help="the K-th problem of a file that holds several (gap)")


def add_search(parser: argparse.ArgumentParser, seconds_each: float) -> None:
    """How long and how a search goes."""
    limit = f"seconds to search at most ({seconds_each:g})"
    parser.add_argument("--time-limit", type=seconds, default=seconds_each, metavar="S", help=limit)
    parser.add_argument("--workers", type=count, default=1, metavar="N", help="processes that search at the same time (1)")
    parser.add_argument("--seed", type=seed, default=0, metavar="K", help="seed of everything random (0)")
    parser.add_argument("--deterministic", action="store_true", help="same input, seed and version: the same plan, byte for byte")


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number within limits."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}, is {text!r}")
        return value

    return read


count = whole(1, 256)
"""A small number of things, at least one."""

seed = whole(0, 2**31 - 1)
"""A seed."""


def seconds(text: str) -> float:
    """A length of time."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1e7:
        raise argparse.ArgumentTypeError(f"must be from 0 to 10000000 seconds, is {text!r}")
    return value
