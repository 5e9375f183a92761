"""The format `relief-plan/1`: a plan with its figures and reasons as JSON, read and written."""

from __future__ import annotations

from collections.abc import Iterable

from matching.formats.reading import Node
from matching.problem import Assignment
from matching.rules import sentence_of
from matching.solution import Change, Correction, Fix, FunnelStep, Level, NearMiss, Solution, Status, Uncovered

FORMAT = "relief-plan/1"

_OPTIONS = ("objective", "bound", "seconds", "status", "uncovered", "conflicts", "gap", "levels")


def plan_to_json(plan: Solution) -> dict[str, object]:
    """The plan as a `relief-plan/1` document. `plan_from_json` gives the same plan back."""
    document: dict[str, object] = {
        "format": FORMAT,
        "status": plan.status.value,
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": None if plan.gap is None else round(plan.gap, 6),
        "seconds": plan.seconds,
        "assignments": _assignments_out(plan.assignments),
        "uncovered": [_uncovered_out(uncovered) for uncovered in plan.uncovered],
    }
    if plan.levels:
        document["levels"] = [{"name": level.name, "value": level.value, "bound": level.bound} for level in plan.levels]
    if plan.conflicts:
        document["conflicts"] = list(plan.conflicts)
    return document


def _assignments_out(assignments: Iterable[Assignment]) -> list[dict[str, str]]:
    return [{"coordinator": assignment.coordinator, "window": assignment.window} for assignment in assignments]


def _uncovered_out(uncovered: Uncovered) -> dict[str, object]:
    entry: dict[str, object] = {
        "window": uncovered.window,
        "request": uncovered.request,
        "missing": uncovered.missing,
        "funnel": [[step.rule, step.remaining] for step in uncovered.funnel],
        "near_misses": [
            {"coordinator": miss.coordinator, "rule": miss.rule, "sentence": miss.sentence} for miss in uncovered.near_misses
        ],
    }
    entry["corrections"] = [{"rules": list(one.rules), "people": one.people} for one in uncovered.corrections]
    fix = uncovered.nearest_fix
    entry["nearest_fix"] = (
        None
        if fix is None
        else {
            "coordinator": fix.coordinator,
            "sentence": fix.sentence,
            "changes": [
                {"rule": change.rule, "sentence": change.sentence, "values": dict(change.values)} for change in fix.changes
            ],
            "adds": _assignments_out(fix.adds),
            "removes": _assignments_out(fix.removes),
            "effect": fix.effect,
        }
    )
    return entry


def plan_from_json(document: object) -> Solution:
    """The plan in a parsed `relief-plan/1` document. Raises InputErrors with every fault in it.

    A plan from elsewhere may hold the assignments alone; the objective then reads 0 and no bound is claimed.
    """
    node = Node(document)
    if not node.keys(("format", "assignments"), _OPTIONS) and not isinstance(document, dict):
        node.raise_faults()
    if node.has("format") and node.at("format").value != FORMAT:
        node.at("format").fault(f"must be {FORMAT!r}, is {str(node.at('format').value)[:40]!r}")
    plan = Solution(
        assignments=node.read("assignments", _assignments, ()),
        objective=node.read("objective", _points, 0),
        bound=node.read("bound", _points, None),
        status=node.read("status", lambda at: at.choice(Status), Status.FEASIBLE),
        seconds=node.read("seconds", Node.number, 0.0),
        uncovered=node.read("uncovered", lambda at: tuple(_uncovered(item) for item in at.items()), ()),
        levels=node.read("levels", lambda at: tuple(_level(item) for item in at.items()), ()),
        conflicts=node.read("conflicts", lambda at: tuple(item.text() for item in at.items()), ()),
    )
    node.raise_faults()
    return plan


def _points(node: Node) -> int:
    return node.whole(-(2**62), 2**62)


def _level(node: Node) -> Level:
    node.keys(("name", "value"), ("bound",))
    return Level(node.read("name", Node.text, ""), node.read("value", _points, 0), node.read("bound", _points, None))


def _assignments(node: Node) -> tuple[Assignment, ...]:
    found = []
    for item in node.items():
        item.keys(("coordinator", "window"))
        found.append(Assignment(item.read("coordinator", Node.text, ""), item.read("window", Node.text, "")))
    return tuple(found)


def _uncovered(node: Node) -> Uncovered:
    node.keys(("window",), ("request", "missing", "funnel", "near_misses", "corrections", "nearest_fix"))
    return Uncovered(
        window=node.read("window", Node.text, ""),
        request=node.read("request", Node.text, ""),
        missing=node.read("missing", Node.whole, 1),
        funnel=node.read("funnel", lambda at: tuple(_step(item) for item in at.items()), ()),
        near_misses=node.read("near_misses", lambda at: tuple(_miss(item) for item in at.items()), ()),
        corrections=node.read("corrections", lambda at: tuple(_correction(item) for item in at.items()), ()),
        nearest_fix=node.read("nearest_fix", _fix, None),
    )


def _step(node: Node) -> FunnelStep:
    pair = list(node.items())
    if len(pair) != 2:
        node.fault("must be a pair: a rule and how many remain")
        return FunnelStep("", "", 0)
    rule = pair[0].text()
    return FunnelStep(rule, sentence_of(rule), pair[1].whole())


def _correction(node: Node) -> Correction:
    node.keys(("rules", "people"))
    rules = tuple(item.text() for item in node.at("rules").items()) if node.has("rules") else ()
    return Correction(rules=rules, people=node.read("people", Node.whole, 0))


def _miss(node: Node) -> NearMiss:
    node.keys(("coordinator", "rule"), ("sentence",))
    return NearMiss(
        coordinator=node.read("coordinator", Node.text, ""),
        rule=node.read("rule", Node.text, ""),
        sentence=node.read("sentence", Node.text, ""),
    )


def _fix(node: Node) -> Fix:
    node.keys(("coordinator", "sentence", "changes", "adds"), ("removes", "effect"))
    return Fix(
        coordinator=node.read("coordinator", Node.text, ""),
        sentence=node.read("sentence", Node.text, ""),
        changes=node.read("changes", lambda at: tuple(_change(item) for item in at.items()), ()),
        adds=node.read("adds", _assignments, ()),
        removes=node.read("removes", _assignments, ()),
        effect=node.read("effect", _points, 0),
    )


def _change(node: Node) -> Change:
    node.keys(("rule", "sentence"), ("values",))
    values = node.at("values").value if node.has("values") else {}
    if not isinstance(values, dict):
        node.at("values").fault("expected an object")
        values = {}
    return Change(rule=node.read("rule", Node.text, ""), sentence=node.read("sentence", Node.text, ""), values=values)
