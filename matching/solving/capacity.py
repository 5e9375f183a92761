"""The coarse bound at once, from capacity alone. Compiles nothing: a first plan and its bound come before that."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from matching.options import Options


@dataclass(frozen=True, slots=True)
class Capacity:
    """The coarse bound, and what a minute of anybody's time is worth in it."""

    bound: int
    minute: float


def capacity(options: Options) -> Capacity:
    """Everybody's best price for every item, the most valuable minutes first, as long as the team has minutes. Of the penalties
    only that of people who can take nothing counts."""
    best = options.best_value
    minutes = np.repeat(options.item_minutes, options.item_heads)
    worth = np.repeat(best, options.item_heads)
    order = np.argsort(-worth / minutes, kind="stable")
    used = np.cumsum(minutes[order])
    able = np.diff(options.first) > 0
    room = int(options.cap_minutes[able].sum())
    whole = used <= room
    points, minute = int(worth[order][whole].sum()), 0.0
    if not whole.all():
        k = int(whole.sum())
        left = room - (int(used[k - 1]) if k else 0)
        minute = float(worth[order][k]) / float(minutes[order][k])
        points += math.ceil(minute * left)
    idle = int(options.low_slots[~able].sum())
    return Capacity(points + options.constant - options.under_price * idle, minute)
