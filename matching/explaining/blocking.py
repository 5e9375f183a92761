"""What a bit mask of broken rules for every coordinator says about one item: the funnel, the near misses, and every
smallest set of rules that would have to give way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matching.rules import PERSON_RULES, PLAN_RULES, SENTENCES
from matching.solution import Correction, FunnelStep

Masks = NDArray[np.uint32]

RULES = (*(rule.name for rule in PERSON_RULES), *(rule.name for rule in PLAN_RULES), "worth")
"""The rules of a funnel, in order; the number of each is its bit in a mask."""

ALREADY_THERE = np.uint32(1) << np.uint32(RULES.index("already_there"))
"""The rule that nothing can ease: nobody takes the same window twice."""


def funnel_of(masks: Masks) -> tuple[FunnelStep, ...]:
    """How many coordinators remain after each rule: everybody is stopped by the first rule they break, or by none."""
    lowest = masks & (~masks + np.uint32(1))
    # The exponent of a power of two is the number of its bit, from 1; that of nothing is 0.
    first = np.frexp(lowest.astype(np.float64))[1]
    remaining = len(masks) - np.cumsum(np.bincount(first, minlength=len(RULES) + 1)[1:])
    everybody = FunnelStep("everybody", SENTENCES["everybody"], len(masks))
    return everybody, *(FunnelStep(rule, SENTENCES[rule], left) for rule, left in zip(RULES, remaining.tolist(), strict=True))


def near_misses(masks: Masks, rank: NDArray[np.int64], most: int) -> list[tuple[int, int]]:
    """People whom exactly one rule stops, each with its bit: the last rules first, then by rank."""
    single = np.nonzero((masks != 0) & (masks & (masks - np.uint32(1)) == 0))[0]
    order = np.lexsort((rank[single], -masks[single].astype(np.int64)))[:most]
    return [(c, int(masks[c]).bit_length() - 1) for c in single[order].tolist()]


def corrections(masks: Masks) -> tuple[Correction, ...]:
    """Every smallest set of rules that keeps anybody out; an empty one where somebody is kept out by none.

    One person is enough for one place, so these are exactly the masks that hold no other mask."""
    left = masks[masks & ALREADY_THERE == 0]
    left = left[np.argsort(np.bitwise_count(left), kind="stable")]
    found: list[tuple[int, int, int]] = []
    while len(left):
        smallest = left[0]
        found.append((int(smallest).bit_count(), int(smallest), int(np.count_nonzero(left == smallest))))
        left = left[(left & smallest) != smallest]
    return tuple(Correction(rules_in(mask), people) for _size, mask, people in sorted(found))


def rules_in(mask: int) -> tuple[str, ...]:
    """The names of the rules in a mask, in order."""
    return tuple(rule for bit, rule in enumerate(RULES) if mask >> bit & 1)
