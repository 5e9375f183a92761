"""Proven bounds by prices: what no plan can be worth more than.

Everybody's best week at prices gives a bound (see `matching.solving.pricing`), `matching.solving.prices` finds better prices,
and where a bound is loose because a week was not searched to the end, it is searched further."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from matching.options import Options, Points
from matching.rules import Flags, Indices
from matching.solving.neighbourhood import PROMISING
from matching.solving.prices import PriceFinder
from matching.solving.pricing import EFFORT, SCALE, Priced, Pricer, Prices

_QUICK, _USUAL = 3_000, 30_000
"""Effort for one person while prices are rough, and later."""

_EACH_OPTION = 100
"""Effort for each option of one person, if that is more, where a bound is claimed."""

_ROUGH_PASSES = 10

_FURTHER = 4
"""How many times the effort a week gets that is searched further, up to `_MOST_EFFORT`."""

_MOST_EFFORT = 10**8

_SEARCH_SHARE = 0.8
"""Effort for searching further, in shares of that for finding prices just before."""

_SMALLEST_STEP = 0.2
"""Points for a slot: prices that move by less are as good as they get."""

_CHUNK = 8

_REMEMBERED = 0.98
"""How much it counts still after another pass that an option was in a week."""

_MOST_SEEN = 200_000
"""Weeks kept to tell new ones from."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A proven bound in hundredths of a point: the prices that prove it, what anybody's week nets at most at them, what the
    best week known nets, and all room at these prices."""

    prices: Prices
    bounds: Points
    nets: Points
    room: int

    @property
    def total(self) -> int:
        """The bound."""
        return int(self.bounds.sum()) + self.room


@dataclass(frozen=True, slots=True)
class BoundStep:
    """What a step came to: the best bound proven so far in whole points, the prices that prove it, by option whether it is
    promising at them (None: as said before), whether they are rough still, weeks met (person and options), whether there is
    nothing more to do, and the effort spent."""

    bound: int
    prices: Prices | None
    promising: Flags | None
    rough: bool
    weeks: list[tuple[int, Indices]]
    converged: bool
    effort: float


class _Limit:
    """The end of a step: by wall time, or by effort."""

    def __init__(self, seconds: float, effort: float) -> None:
        self.until = time.monotonic() + seconds if math.isfinite(seconds) else math.inf
        self.effort = effort / EFFORT
        self.spent = 0

    @property
    def over(self) -> bool:
        return self.spent >= self.effort or (math.isfinite(self.until) and time.monotonic() >= self.until)


class Bounding:
    """Work on the bound that can stop and go on. `bound` is proven already; `minute` as in `Capacity`."""

    def __init__(self, options: Options, bound: int, minute: float) -> None:
        self.options, self.best = options, bound
        self.pricer = Pricer(options)
        self.finder = PriceFinder(options, self.pricer, minute)
        self.claim: Claim | None = None
        self.converged = False
        self._work = self._working()
        self._limit = _Limit(0.0, 0.0)
        self._objective = -math.inf
        self._fresh: list[tuple[int, Indices]] = []
        self._seen: set[int] = set()
        self._total = 0
        self._first_total = 0
        self._told: Claim | None = None
        self._tried = np.zeros(options.people, dtype=np.int64)
        self._thorough = max(_USUAL, _EACH_OPTION * len(options.item) // max(1, options.people))
        self._met = np.zeros(len(options.item))

    def step(self, chosen: Indices, objective: int, seconds: float, effort: float) -> BoundStep:
        """Goes on for so many wall seconds, or so much effort where seconds are infinite. `chosen` is the best plan known and
        `objective` its worth."""
        self.pricer.know(chosen)
        self._objective = objective
        self._limit = _Limit(seconds, effort)
        while not self.converged and not self._limit.over:
            next(self._work)
            self.converged = self.converged or self.best <= objective
        weeks, self._fresh = self._fresh, []
        prices = None if self.claim is None else self.claim.prices
        promising = None if self.claim is self._told else self.promising()
        self._told = self.claim
        rough = self.finder.passes < _ROUGH_PASSES
        return BoundStep(self.best, prices, promising, rough, weeks, self.converged, self._limit.spent * EFFORT)

    def _working(self) -> Iterator[None]:
        """All the work there is, in small pieces: prices, claims, and longer searches where a claim is loose."""
        parts = yield from self._claim(self.finder.now)
        while not len(self.options.item):
            self.converged = True
            yield
        bound = self._first_total / SCALE + self.options.constant
        self.finder.begin(np.concatenate([part.weeks for part in parts]), bound, self._objective)
        passes = 1
        while True:
            before = self._total
            while self.finder.passes < passes:
                yield from self._pass()
            walked = self._total - before
            yield from self._claim(self.finder.mean)
            before = self._total
            while passes >= _ROUGH_PASSES and self._total - before < _SEARCH_SHARE * walked and self._loose():
                self._search_further()
                yield
            passes = passes + 1 + passes // 2
            if self.finder.step_length < _SMALLEST_STEP and not self._loose():
                self.converged = True
                yield

    def _spend(self, priced: Priced) -> None:
        self._total += priced.effort
        self._limit.spent += priced.effort
        for c, week in zip(priced.people.tolist(), priced.weeks, strict=True):
            chosen = np.sort(week[week >= 0])
            key = hash((c, chosen.tobytes()))
            if key not in self._seen and len(chosen):
                self._seen.add(key)
                self._fresh.append((c, chosen))
        if len(self._seen) > _MOST_SEEN:
            self._seen.clear()

    def _pass(self) -> Iterator[None]:
        """Moves the prices until everybody has been asked once."""
        passes = self.finder.passes
        self._met *= _REMEMBERED if passes > _ROUGH_PASSES else 0.0
        while self.finder.passes == passes:
            priced = self.finder.advance(_QUICK if passes < _ROUGH_PASSES else _USUAL)
            self._met[priced.weeks[priced.weeks >= 0]] += 1
            self._spend(priced)
            yield

    def _claim(self, prices: Prices) -> Generator[None, None, list[Priced]]:
        """Asks everybody at the same prices: a bound."""
        parts: list[Priced] = []
        for people in np.array_split(np.arange(self.options.people), max(1, self.options.people // _CHUNK)):
            parts.append(self.pricer.price(people, prices, self._thorough))
            self._spend(parts[-1])
            yield
        bounds, nets = (np.concatenate(each) for each in ([p.bounds for p in parts], [p.nets for p in parts]))
        claim = Claim(prices, bounds, nets, prices.room(self.options))
        self._take(claim)
        if self.claim is None or claim.total < self._first_total:
            self.claim, self._first_total = claim, claim.total
            self._tried = np.full(self.options.people, self._thorough, dtype=np.int64)
        elif self.finder.passes >= _ROUGH_PASSES:
            self.finder.shorten()
        return parts

    def _take(self, claim: Claim) -> None:
        self.best = min(self.best, claim.total // SCALE + self.options.constant)

    def _loose(self) -> bool:
        """Whether somebody's bound can be made tighter by searching further."""
        return self.claim is not None and bool((self._looseness() > SCALE).any())

    def _looseness(self) -> Points:
        assert self.claim is not None
        return np.where(self._tried < _MOST_EFFORT, self.claim.bounds - self.claim.nets, 0)

    def _search_further(self) -> None:
        """Searches the week on whose bound most can be gained for the effort."""
        claim = self.claim
        assert claim is not None
        c = int(np.argmax(self._looseness() / self._tried))
        self._tried[c] *= _FURTHER
        priced = self.pricer.price(np.array([c], dtype=np.int64), claim.prices, int(self._tried[c]))
        claim.bounds[c] = min(int(claim.bounds[c]), int(priced.bounds[0]))
        claim.nets[c] = max(int(claim.nets[c]), int(priced.nets[0]))
        self._spend(priced)
        self._take(claim)

    def regrets(self) -> Points | None:
        """By option, in hundredths of a point: by how much at least the bound claimed falls for plans that hold it. None before
        the first claim. Little regret is a good sign for an option."""
        claim = self.claim
        if claim is None:
            return None
        most = self.pricer.bound_options(np.arange(self.options.people), claim.prices)
        return np.asarray(np.maximum(0, claim.bounds[self.options.person] - most))

    def promising(self) -> Flags | None:
        """The options met most in weeks since prices are good, and after them those of least regret: some for each person on
        average. None before the first claim."""
        regrets = self.regrets()
        most = PROMISING * self.options.people
        if regrets is None or len(regrets) <= most:
            return None if regrets is None else np.ones(len(regrets), dtype=bool)
        found = np.zeros(len(regrets), dtype=bool)
        found[np.lexsort((regrets, -self._met))[:most]] = True
        return found
