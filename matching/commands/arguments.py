"""Options that several commands take, and what they accept."""

from __future__ import annotations

import argparse

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


def seconds(text: str) -> float:
    """A length of time."""
    value = float(text)
    if not 0 <= value <= 1e7:
        raise argparse.ArgumentTypeError("must be from 0 to 10000000 seconds")
    return value


def count(text: str) -> int:
    """A small number of things, at least one."""
    value = int(text)
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError("must be from 1 to 256")
    return value


def seed(text: str) -> int:
    """A seed."""
    value = int(text)
    if not 0 <= value < 2**31:
        raise argparse.ArgumentTypeError("must be from 0 to 2147483647")
    return value
