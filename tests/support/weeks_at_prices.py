"""People's best weeks at prices, each asked for by itself."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from matching.options import Options
from matching.rules import Indices
from matching.solving.pricing import Pricer, Prices


@dataclass(frozen=True, slots=True)
class Week:
    """A good week of a person at some prices: its options, ascending, and the rest as `Priced` has it."""

    person: int
    chosen: Indices
    net: int
    bound: int
    effort: int


def price_weeks(options: Options, people: Iterable[int], prices: Prices, effort: int = 10**6, slack: int = 0) -> list[Week]:
    """The best week of each person within `slack`: the same whoever else is asked for with them."""
    pricer = Pricer(options)
    found = []
    for c in people:
        priced = pricer.price(np.array([c], dtype=np.int64), prices, effort, slack)
        chosen = np.sort(priced.weeks[0][priced.weeks[0] >= 0])
        found.append(Week(c, chosen, int(priced.nets[0]), int(priced.bounds[0]), priced.effort))
    return found
