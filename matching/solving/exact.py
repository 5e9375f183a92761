"""A small problem as one exact model."""

from __future__ import annotations

import math

from matching.options import Options
from matching.solving.engines import solve_cpsat
from matching.solving.model import Floats, Model, joint_model, person_model
from matching.solving.run import Run

_MOST_OPTIONS = 600

_ALONE_SECONDS, _TOGETHER = 2.0, 8
"""At first CP-SAT searches in one way for so many seconds: mostly that is enough, and several ways at once only get in each
other's way on few processors. What is not proven by then is hard, and so many ways are tried."""


def fits_exactly(options: Options) -> bool:
    """Whether the problem is small enough for one model."""
    return len(options.item) <= _MOST_OPTIONS


class _Watch:
    """Tells the run what its exact search finds; `shift` is what the model leaves out of a plan's worth."""

    def __init__(self, run: Run, model: Model, shift: int) -> None:
        self._run, self._model, self._shift = run, model, shift

    def found(self, columns: Floats) -> None:
        """Keeps a better plan."""
        self._run.better_plan(self._model.taken(columns))

    def bounded(self, bound: float) -> None:
        """Keeps a better bound."""
        if abs(bound) < 2**53:
            self._run.better_bound(math.floor(bound + 0.5) + self._shift)

    def over(self) -> bool:
        """Whether the run was stopped."""
        return self._run.stop.is_set()


def solve_exactly(run: Run) -> None:
    """Solves the problem as one model with CP-SAT until it is proven or the time is over."""
    options = run.options
    people = [
        person_model(options, c, options.of_person(c)) for c in range(options.people) if options.first[c] < options.first[c + 1]
    ]
    model = joint_model(options, people, options.item_heads, options.request_sharers)
    busy = {person.person for person in people}
    idle = sum(int(options.low_slots[c]) for c in range(options.people) if c not in busy)
    shift = options.constant - options.under_price * idle
    run.say("solving one exact model")
    alone = run.deterministic or run.workers == 1
    for workers, seconds in ((1, run.left),) if alone else ((1, min(_ALONE_SECONDS, run.left)), (_TOGETHER, run.left)):
        if run.over:
            break
        watch = _Watch(run, model, shift)
        answer = solve_cpsat(
            model, seconds=min(seconds, run.left), effort=run.effort, seed=run.seed, workers=workers, watch=watch
        )
        run.spent += answer.effort
        if answer.columns is not None:
            run.better_plan(model.taken(answer.columns))
            run.better_bound(math.floor(answer.bound + 0.5) + shift)
