"""What a running search is known to have reached: the points of the chart, the gap, the phase. Pure."""

from typing import Any, NamedTuple

from matching.solution import Progress
from staffing.scheduling.proposals import gap_over_nothing

MOST_POINTS = 240


class _Point(NamedTuple):
    seconds: float
    reached: tuple[int | None, int | None]
    """Objective and bound."""


class Story:
    """The progress of one plan as the page shows it. Points are measured from the worth of doing nothing."""

    def __init__(self, nothing: int) -> None:
        self._nothing = nothing
        self._points: list[_Point] = []
        self._phase = "starting"
        self._seconds = 0.0

    def add(self, progress: Progress) -> None:
        """Take what the solver reports."""
        self._phase = progress.phase
        self._seconds = max(self._seconds, round(progress.seconds, 1))
        bound = None if progress.bound is None else progress.bound - self._nothing
        objective = None if progress.objective is None else progress.objective - self._nothing
        reached = (objective, bound)
        if [point.reached for point in self._points[-2:]] == [reached, reached]:
            # Nothing new: the last point moves along, so that the line reaches the present.
            self._points.pop()
        self._points.append(_Point(self._seconds, reached))
        if len(self._points) > MOST_POINTS:
            # Every other point of the older half goes: the shape stays, the row stays small.
            half = len(self._points) // 2
            self._points = self._points[:half:2] + self._points[half:]

    def told(self) -> dict[str, Any]:
        """The story so far as it is stored with the plan."""
        objective, bound = self._points[-1].reached if self._points else (None, None)
        return {
            "phase": self._phase,
            "seconds": self._seconds,
            "objective": objective,
            "bound": bound,
            "gap": None if objective is None else gap_over_nothing(objective, bound, 0),
            "points": [[point.seconds, *point.reached] for point in self._points],
        }
