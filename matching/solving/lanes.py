"""Cutting a plan into parts that do not touch, one for each lane of the search, and joining what the lanes found.

Every person is in one lane. A head that nobody holds, and a free place among a request's sharers, belong to one lane for
the round. So each lane keeps the rules by itself, and the lanes' gains add up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matching.options import Options
from matching.rules import Flags, Indices
from matching.solving.neighbourhood import Neighbourhood


def whole_part(options: Options, chosen: Indices) -> Neighbourhood:
    """The whole plan as one part."""
    requests = np.unique(options.shared_request)
    requests = requests[requests >= 0]
    items = np.arange(len(options.item_request))
    people = tuple(range(options.people))
    return Neighbourhood(people, items, options.item_heads, requests, options.request_sharers[requests], chosen)


def cut_lanes(options: Options, chosen: Indices, count: int, rng: np.random.Generator) -> list[Neighbourhood]:
    """The plan cut into so many parts, people who can take the same work rather in the same one."""
    if count <= 1:
        return [whole_part(options, chosen)]
    lane_of = _lanes_of_people(options, count, rng)
    owner = rng.integers(count, size=len(options.request_sharers))
    holds = _Holdings(options, chosen)
    return [_part(options, chosen, holds, lane_of == lane, owner == lane) for lane in range(count)]


def join_lanes(options: Options, chosen: Indices, parts: Sequence[tuple[Neighbourhood, Indices]]) -> Indices:
    """The plan with what each part's people hold now; people of no part keep theirs."""
    free = np.zeros(options.people, dtype=bool)
    for part, _ in parts:
        free[list(part.people)] = True
    kept = chosen[~free[options.person[chosen]]]
    return np.sort(np.concatenate([kept, *(held for _, held in parts)]))


def _lanes_of_people(options: Options, count: int, rng: np.random.Generator) -> Indices:
    """A lane for each person: people are put in a row by a random mark of what they can take, and the row is cut."""
    marks = rng.standard_normal(len(options.item_request))
    sums = np.bincount(options.person, weights=marks[options.item], minlength=options.people)
    row = np.argsort(sums / np.sqrt(np.maximum(1, np.diff(options.first))), kind="stable")
    lanes = np.empty(options.people, dtype=np.int64)
    lanes[row] = np.arange(options.people) * count // max(1, options.people)
    return lanes


class _Holdings:
    """Free heads of each item, free places of each request, and who is on which shared request."""

    def __init__(self, options: Options, chosen: Indices) -> None:
        items = options.item[chosen]
        self.items, self.people = items, options.person[chosen]
        self.heads_left = options.item_heads - np.bincount(items, minlength=len(options.item_heads))
        requests = options.shared_request[items]
        pairs = np.unique(np.stack([self.people, requests])[:, requests >= 0], axis=1)
        self.pair_people, self.pair_requests = pairs
        on_request = np.bincount(self.pair_requests, minlength=len(options.request_sharers))
        self.places_left = options.request_sharers - on_request


def _part(options: Options, chosen: Indices, holds: _Holdings, mine: Flags, leased: Flags) -> Neighbourhood:
    own = np.bincount(holds.items[mine[holds.people]], minlength=len(options.item_heads))
    heads = own + np.where(leased[options.item_request], holds.heads_left, 0)
    reach = np.zeros(len(heads), dtype=bool)
    reach[options.item[mine[options.person]]] = True
    items = np.nonzero(reach & (heads > 0))[0]
    own_places = np.bincount(holds.pair_requests[mine[holds.pair_people]], minlength=len(options.request_sharers))
    places = own_places + np.where(leased, holds.places_left, 0)
    requests = np.unique(options.shared_request[items])
    requests = requests[requests >= 0]
    people = tuple(np.nonzero(mine)[0].tolist())
    return Neighbourhood(people, items, heads[items], requests, places[requests], chosen[mine[options.person[chosen]]])
