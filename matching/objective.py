"""What a plan is worth, in the search's own arrays. `matching.verify` counts the same points independently."""

from __future__ import annotations

import numpy as np

from matching.options import Options
from matching.rules import Indices


def plan_worth(options: Options, chosen: Indices) -> int:
    """The points of a whole plan given by its options."""
    person, item = options.person[chosen], options.item[chosen]
    points = int(options.value[chosen].sum()) + options.constant
    slots = np.bincount(person, weights=options.item_slots[item], minlength=options.people).astype(np.int64)
    points -= options.over_price * int(np.maximum(0, slots - options.target_slots).sum())
    points -= options.under_price * int(np.maximum(0, options.low_slots - slots).sum())
    served = np.unique(np.stack([person, options.item_facility[item]]), axis=1)
    points -= options.facility_price * int((~options.knows[served[0], served[1]]).sum())
    shared = options.shared_request[item] >= 0
    pairs = np.unique(np.stack([person[shared], options.item_request[item[shared]]]), axis=1)
    return points - options.pair_price * int(pairs.shape[1])


def week_worth(options: Options, c: int, chosen: Indices) -> int:
    """What one person's options are worth to the plan, with their penalties; everybody's sum and the constant make the
    plan's worth."""
    items = options.item[chosen]
    slots = int(options.item_slots[items].sum())
    points = int(options.value[chosen].sum())
    points -= options.over_price * max(0, slots - int(options.target_slots[c]))
    points -= options.under_price * max(0, int(options.low_slots[c]) - slots)
    facilities = np.unique(options.item_facility[items])
    points -= options.facility_price * int((~options.knows[c, facilities]).sum())
    return points - options.pair_price * len(shared_requests(options, items))


def shared_requests(options: Options, items: Indices) -> Indices:
    """The shared requests among the items' requests, each once."""
    requests = options.shared_request[items]
    return np.unique(requests[requests >= 0])
