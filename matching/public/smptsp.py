"""Shift minimisation personnel task scheduling: every task is a fixed stretch of time and goes to one person who is
qualified; nobody does two tasks at once; as few people as possible are used.

The file: comment lines with `#`; `Type = 1`; `Jobs = n` and n lines `start end`; `Qualifications = m` and m lines
`count: task task …`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from matching.formats.reading import LARGEST, InputError, InputErrors
from matching.problem import Assignment
from matching.solution import Solution
from matching.verify import Violation


@dataclass(frozen=True, slots=True)
class Tasks:
    """`spans[t]` is the half-open stretch of task t; `able[p]` are the tasks that person p can do. Ids in plans are
    these numbers."""

    spans: tuple[tuple[int, int], ...]
    able: tuple[frozenset[int], ...]

    def most_at_once(self) -> int:
        """How many tasks run at the busiest moment: no plan uses fewer people."""
        changes = sorted([(start, 1) for start, _ in self.spans] + [(end, -1) for _, end in self.spans])
        running = most = 0
        for _moment, change in changes:
            running += change
            most = max(most, running)
        return most


class _Lines:
    """The lines that are not comments, with their numbers, and the faults found in them."""

    def __init__(self, text: str) -> None:
        numbered = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
        self.left = [(number, line) for number, line in numbered if line and not line.startswith("#")]
        self.left.reverse()
        self.faults: list[InputError] = []

    def fault(self, number: int, message: str) -> None:
        self.faults.append(InputError(f"line {number}", message))

    def next(self, what: str) -> tuple[int, str]:
        """The next line. Raises InputErrors at the end of the file."""
        if not self.left:
            raise InputErrors([*self.faults, InputError("", f"the file ends where {what} should follow")])
        return self.left.pop()

    def count(self, name: str) -> int:
        """A line `name = n`. Raises InputErrors when it is not that, for nothing after it can be understood."""
        number, line = self.next(f"'{name} = …'")
        found = re.fullmatch(rf"{name}\s*=\s*(\d{{1,6}})", line, flags=re.IGNORECASE)
        if not found:
            raise InputErrors([*self.faults, InputError(f"line {number}", f"expected '{name} = …', found {line[:40]!r}")])
        return int(found[1])


def read_smptsp(text: str) -> Tasks:
    """The problem in a text. Raises InputErrors with every fault that can be told apart."""
    lines = _Lines(text)
    lines.count("Type")
    spans = tuple(_span(lines) for _ in range(lines.count("Jobs")))
    able = tuple(_able(lines, len(spans)) for _ in range(lines.count("Qualifications")))
    for number, line in reversed(lines.left):
        lines.fault(number, f"nothing should follow, found {line[:40]!r}")
    nobody = sorted(set(range(len(spans))) - set().union(*able))
    if nobody and not lines.faults:
        lines.faults.append(InputError("", f"nobody is qualified for task {', '.join(map(str, nobody[:10]))}"))
    if lines.faults:
        raise InputErrors(lines.faults)
    return Tasks(spans, able)


def _span(lines: _Lines) -> tuple[int, int]:
    number, line = lines.next("a task")
    found = re.fullmatch(r"(\d+)\s+(\d+)", line)
    if not found or max(int(found[1]), int(found[2])) > LARGEST:
        lines.fault(number, f"expected the start and end of a task, found {line[:40]!r}")
        return 0, 1
    start, end = int(found[1]), int(found[2])
    if end <= start:
        lines.fault(number, f"the task ends at {end}, not after its start at {start}")
    return start, max(end, start + 1)


def _able(lines: _Lines, tasks: int) -> frozenset[int]:
    number, line = lines.next("a person's tasks")
    head, colon, rest = line.partition(":")
    words = rest.split()
    if not colon or not head.strip().isdecimal() or not all(word.isdecimal() for word in words):
        lines.fault(number, f"expected 'count: task task …', found {line[:40]!r}")
        return frozenset()
    able = frozenset(map(int, words))
    if int(head) != len(words) or len(able) != len(words):
        lines.fault(number, f"announces {int(head)} tasks and names {len(able)} different ones")
    if able and max(able) >= tasks:
        lines.fault(number, f"task {max(able)} does not exist; the last is {tasks - 1}")
    return frozenset(task for task in able if task < tasks)


def verify_tasks(tasks: Tasks, plan: Solution) -> tuple[Violation, ...]:
    """Every violation in a plan for a task problem, its claims included."""
    found = list(_broken(tasks, plan.assignments))
    used = len({assignment.coordinator for assignment in plan.assignments})
    if used != plan.objective:
        found.append(Violation("objective", f"the plan uses {used} people, not {plan.objective} as it says"))
    if plan.bound is not None and plan.bound > used:
        found.append(Violation("bound", f"the bound {plan.bound} is above the {used} people that the plan uses"))
    return tuple(found)


def _broken(tasks: Tasks, assignments: Iterable[Assignment]) -> Iterable[Violation]:
    assignments = list(assignments)
    people = {str(p): p for p in range(len(tasks.able))}
    numbers = {str(t): t for t in range(len(tasks.spans))}
    unknown = [entry for entry in assignments if entry.coordinator not in people or entry.window not in numbers]
    for entry in unknown:
        yield Violation("unknown", f"there is no person {entry.coordinator} or no task {entry.window}")
    if unknown:
        return
    times = Counter(entry.window for entry in assignments)
    for name, t in numbers.items():
        if times[name] != 1:
            yield Violation("headcount", f"task {t} is done by {times[name]} people, not by one", window=name)
    for entry in assignments:
        if numbers[entry.window] not in tasks.able[people[entry.coordinator]]:
            case = f"person {entry.coordinator} is not qualified for task {entry.window}"
            yield Violation("service", case, entry.coordinator, entry.window)
    last: dict[str, tuple[int, str]] = {}
    for entry in sorted(assignments, key=lambda entry: tasks.spans[numbers[entry.window]]):
        start, end = tasks.spans[numbers[entry.window]]
        before = last.get(entry.coordinator)
        if before is not None and start < before[0]:
            case = f"person {entry.coordinator} does tasks {before[1]} and {entry.window} at the same time"
            yield Violation("overlap", case, entry.coordinator, entry.window)
        if before is None or end > before[0]:
            last[entry.coordinator] = (end, entry.window)
