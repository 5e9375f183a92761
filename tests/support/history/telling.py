"""What every part of a history shares: choosing among what there is, trying, counting."""

from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from support.history.seen import Seen
from support.history.stage import Stage

from staffing.errors import ReliefError

T = TypeVar("T")
WHICH = st.integers(0, 11)
"""Which of several: the first, the second, … round and round. The last ones are drawn as often as the first."""
ZONES = {"north": ZoneInfo("America/New_York"), "south": ZoneInfo("America/Chicago")}


class Telling(RuleBasedStateMachine):
    """A history that is being told. Each step looks at what there is, does one thing, and looks again."""

    stage: Stage
    seen: Seen
    tally: Counter[tuple[str, str]]
    """How often each kind of step went how, over all histories of a run."""

    def pick(self, some: Sequence[T], which: int) -> T:
        return some[which % len(some)]

    def count(self, step: str, how: str) -> None:
        self.tally[step, how] += 1

    def attempt(self, step: str, work: Coroutine[Any, Any, T]) -> T | None:
        """Do it, or be told in a sentence why not: a refusal is an answer like any other. Anything else is a mistake of ours."""
        try:
            answer = self.stage.do(work)
        except ReliefError as refused:
            self.count(step, type(refused).__name__)
            return None
        self.count(step, "done")
        return answer

    @property
    def now(self) -> datetime:
        return self.stage.now

    def zone_of(self, facility_id: object) -> ZoneInfo:
        return ZONES["north" if facility_id == self.stage.world.north else "south"]

    def place(self, name: str) -> Any:
        return getattr(self.stage.world, name)
