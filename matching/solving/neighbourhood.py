"""A part of the plan to be solved again: some people, and what they may take given what everybody else keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.options import Options, Points
from matching.rules import Flags, Indices
from matching.solving.greedy import Candidates
from matching.state import State


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Free `people`; they may take `items`, item k at most `heads[k]` times, and be `sharers[k]` people on shared
    request `requests[k]`.

    `current` are the options they hold now.
    """

    people: tuple[int, ...]
    items: Indices
    heads: Indices
    requests: Indices
    sharers: Indices
    current: Indices


PROMISING = 60
"""Options of one person, on average, that a search looks at."""


@dataclass(frozen=True, slots=True)
class Guide:
    """What guides the choice of moves and changes nothing else, for the whole problem: what each item is worth elsewhere, in
    points, and which options to look at (None: all); those taken at the start are looked at in any case."""

    prices: Points
    promising: Flags | None = None


def cut_out(state: State, people: tuple[int, ...], leased: set[int], most_open: int, rng: np.random.Generator) -> Neighbourhood:
    """The neighbourhood of these people in the plan. Requests not `leased` to it are as good as full: it may rearrange
    only what its people hold of them. At most `most_open` items that are open and not yet theirs are offered, the
    valuable ones first by chance."""
    options = state.options
    current = np.array(sorted(option for c in people for option in state.taken[c]), dtype=np.int64)
    own_heads = np.bincount(options.item[current], minlength=len(state.heads))
    own_sharers = np.zeros_like(state.sharers)
    for c in people:
        for r in {int(options.shared_request[options.item[option]]) for option in state.taken[c]} - {-1}:
            own_sharers[r] += 1
    reach = np.unique(np.concatenate([options.item[options.first[c] : options.first[c + 1]] for c in people]))
    ours = np.fromiter((int(r) in leased for r in options.item_request[reach]), dtype=bool, count=len(reach))
    heads = own_heads[reach] + np.where(ours, options.item_heads[reach] - state.heads[reach], 0)
    reach, heads = reach[heads > 0], heads[heads > 0]
    extra = np.nonzero(own_heads[reach] == 0)[0]
    if len(extra) > most_open:
        weight = np.sqrt(options.item_weight[reach[extra]])
        kept = rng.choice(extra, most_open, replace=False, p=weight / weight.sum())
        keep = own_heads[reach] > 0
        keep[kept] = True
        reach, heads = reach[keep], heads[keep]
    requests = np.unique(options.shared_request[reach])
    requests = requests[requests >= 0]
    ours = np.fromiter((int(r) in leased for r in requests), dtype=bool, count=len(requests))
    sharers = own_sharers[requests] + np.where(ours, options.request_sharers[requests] - state.sharers[requests], 0)
    return Neighbourhood(people, reach, heads, requests, sharers, current)


class Picker:
    """Chooses people whose weeks hang together: they can take the same items."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._candidates = Candidates(options)
        self._possible = np.bincount(options.item, minlength=len(options.item_request)) > 0

    def pick(self, state: State, size: int, busy: set[int], rng: np.random.Generator) -> tuple[int, ...]:
        """About `size` people, none of them busy: those who could take an open item (or any item, by chance), those who
        could take what these hold, and so on."""
        options = self.options
        lack = (options.item_heads - state.heads) * options.item_weight * options.item_slots * self._possible
        if rng.random() < 0.6 and lack.sum() > 0:
            queue = [int(rng.choice(len(lack), p=lack / lack.sum()))]
        else:
            queue = [int(rng.integers(len(lack)))]
        seen, people = set(queue), set[int]()
        for _ in range(60):
            if len(people) >= size:
                break
            i = queue.pop(0) if queue else int(rng.integers(len(lack)))
            fresh = [c for c in options.person[self._candidates.of(i)].tolist() if c not in busy and c not in people]
            rng.shuffle(fresh)
            found = fresh[: max(3, min(size // 2, size - len(people)))]
            people.update(found)
            near = list(dict.fromkeys(j for c in found[:8] for j in self._near(state, c, rng) if j not in seen))
            rng.shuffle(near)
            seen.update(near[:6])
            queue += near[:6]
        chosen = sorted(people)
        return tuple(chosen if len(chosen) <= size else sorted(rng.choice(chosen, size, replace=False).tolist()))

    def _near(self, state: State, c: int, rng: np.random.Generator) -> list[int]:
        """Items the person holds, and a few they could."""
        options = self.options
        held: list[int] = options.item[sorted(state.taken[c])].tolist()
        low, high = int(options.first[c]), int(options.first[c + 1])
        return held + (options.item[rng.integers(low, high, size=3)].tolist() if high > low else [])
