"""Why a window is uncovered and what would fill it, and why a person covers a window: from the same rules that made the
plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matching.explaining.blocking import RULES, Masks, corrections, funnel_of, near_misses
from matching.explaining.nearest import Decided, nearest_fix
from matching.facts import Facts
from matching.options import Options
from matching.problem import Assignment, Objective, Problem
from matching.rules import PERSON_RULES, PLAN_RULES, SENTENCES, Flags, Indices
from matching.solution import NearMiss, Reason, Solution, Uncovered
from matching.solving.greedy import Candidates
from matching.state import State

_MOST_NEAR_MISSES = 8
_WORTH = np.uint32(1) << np.uint32(RULES.index("worth"))
_AVAILABILITY = np.uint32(1) << np.uint32(RULES.index("availability"))


class Explainer:
    """Explains one plan. Raises ValueError for a plan that breaks a rule about persons or splits a whole request: check
    plans first."""

    def __init__(self, problem: Problem, plan: Solution) -> None:
        self.problem, self.plan = problem, plan
        self.facts = Facts(problem)
        self.options = Options(self.facts)
        self.decided = Decided(problem)
        self.able = Candidates(self.options)
        self.state = State(self.options)
        self._everybody = np.arange(self.facts.people)
        names = [person.id for person in problem.coordinators]
        self._rank = np.empty(len(names), dtype=np.int64)
        self._rank[sorted(range(len(names)), key=names.__getitem__)] = self._everybody
        items: dict[tuple[int, int], int] = {}
        for assignment in plan.assignments:
            try:
                c = self.facts.coordinator_index[assignment.coordinator]
                i = int(self.options.window_item[self.facts.window_index[assignment.window]])
            except KeyError as unknown:
                raise ValueError(f"the plan names {unknown}, which the problem does not have") from None
            items[c, i] = items.get((c, i), 0) + 1
        for (c, i), windows in sorted(items.items()):
            option = self.options.find(c, i)
            if option is None or windows != self.options.item_last[i] - self.options.item_first[i]:
                raise ValueError("the plan breaks a rule; verify_plan says which")
            self.state.add(option)

    def uncovered(self) -> tuple[Uncovered, ...]:
        """Every window that lacks people, in the order of the problem."""
        lacking = np.nonzero(self.state.heads < self.options.item_heads)[0]
        return tuple(entry for i in lacking.tolist() for entry in self._item(i))

    def window(self, name: str) -> Uncovered | None:
        """One window; None when it lacks nobody. Raises KeyError for a window that the problem does not have."""
        i = int(self.options.window_item[self.facts.window_index[name]])
        if self.state.heads[i] >= self.options.item_heads[i]:
            return None
        return next(entry for entry in self._item(i) if entry.window == name)

    def _item(self, i: int) -> list[Uncovered]:
        masks = self.masks(i)
        funnel, misses, ways = funnel_of(masks), self._near_misses(masks), corrections(masks)
        fix = nearest_fix(self, i, masks)
        missing = int(self.options.item_heads[i] - self.state.heads[i])
        request = self.facts.requests[self.options.item_request[i]].id
        return [
            Uncovered(
                window=self.facts.windows[w].id,
                request=request,
                missing=missing,
                funnel=funnel,
                near_misses=misses,
                corrections=ways,
                nearest_fix=fix,
            )
            for w in self.options.windows_of(i)
        ]

    def masks(self, i: int) -> Masks:
        """For every coordinator, a bit mask of the rules that keep them from the item, in the order of RULES; 0:
        nothing does."""
        facts, r = self.facts, int(self.options.item_request[i])
        masks: Masks = facts.violations[r].copy()
        if not facts.requests[r].is_whole:
            masks &= ~_AVAILABILITY
            masks[~facts.available[self.options.item_first[i]]] |= _AVAILABILITY
        for place, rule in enumerate(PLAN_RULES, start=len(PERSON_RULES)):
            passes = rule.passes(self.state, self._everybody, i)
            if not passes.all():
                masks |= np.multiply(~passes, np.uint32(1 << place), dtype=np.uint32)
        able = self.able.of(i)
        able = able[masks[self.options.person[able]] == 0]
        if len(able):
            loses = self._loses(able, int(self.options.item_request[i]))
            masks[self.options.person[able[loses]]] |= _WORTH
        return masks

    def _loses(self, free: Indices, r: int) -> Flags:
        """Which of the free options of an item would make the plan worse. Of a plan made level by level none would, since
        cover comes first, except where some of it may be given for what comes after."""
        problem = self.problem
        covers = problem.weights.priority[self.facts.requests[r].priority] > 0
        if problem.objective is Objective.LEXICOGRAPHIC and covers:
            return np.full(len(free), problem.keep_per_mille < 1000)
        return np.asarray(self.state.gain(free) <= 0)

    def _near_misses(self, masks: Masks) -> tuple[NearMiss, ...]:
        return tuple(
            NearMiss(self.facts.coordinators[c].id, RULES[bit], SENTENCES[RULES[bit]])
            for c, bit in near_misses(masks, self._rank, _MOST_NEAR_MISSES)
        )

    def reason(self, assignment: Assignment) -> Reason:
        """Why this person covers this window. Raises KeyError when the plan does not hold the assignment."""
        facts, options, state = self.facts, self.options, self.state
        c, w = facts.coordinator_index[assignment.coordinator], facts.window_index[assignment.window]
        i = int(options.window_item[w])
        option = options.find(c, i)
        if option is None or option not in state.taken[c]:
            raise KeyError(f"the plan does not hold {assignment.coordinator} in {assignment.window}")
        able = self.able.of(i)
        state.remove(option)
        own = int(state.gain(np.array([option]))[0])
        free = able[state.free(able)]
        others = free[options.person[free] != c]
        gains = state.gain(others) if len(others) else np.zeros(0, dtype=np.int64)
        state.add(option)
        best = int(np.argmax(gains)) if len(others) else -1
        return self._reason(assignment, c, i, others, best, None if best < 0 else own - int(gains[best]))

    def _reason(self, assignment: Assignment, c: int, i: int, others: Indices, best: int, advantage: int | None) -> Reason:
        facts, options = self.facts, self.options
        r = int(options.item_request[i])
        request, person = facts.requests[r], facts.coordinators[c]
        knows = bool(options.knows[c, options.item_facility[i]])
        margin = request.bill_per_hour - person.pay_per_hour
        next_best = facts.coordinators[options.person[others[best]]].id if best >= 0 else None
        fit = f"offers {request.service} at level {person.services[request.service]} ({request.level} is asked for)"
        sentences = [f"{person.id} {fit}, speaks {request.language} and knows {request.system}"]
        sentences.append(f"{'Knows' if knows else 'Is new to'} {request.facility}")
        sentences.append(f"Leaves {margin} an hour between bill and pay")
        if next_best is None:
            sentences.append("Nobody else could take it without moving other work")
        else:
            count = f"{len(others)} other{'s' if len(others) > 1 else ''} could take it"
            versus = "better" if advantage is not None and advantage >= 0 else "worse"
            sentences.append(f"{count}; the plan is {abs(advantage or 0)} points {versus} than with {next_best}, the next best")
        return Reason(
            coordinator=assignment.coordinator,
            window=assignment.window,
            knows_facility=knows,
            margin_per_hour=margin,
            others=len(others),
            next_best=next_best,
            advantage=advantage,
            sentences=tuple(sentences),
        )


def explain_plan(problem: Problem, plan: Solution) -> Solution:
    """The plan with its `uncovered` windows explained: funnel, near misses, nearest fix."""
    return replace(plan, uncovered=Explainer(problem, plan).uncovered())


def explain_window(problem: Problem, plan: Solution, window: str) -> Uncovered | None:
    """Why one window is uncovered; None when it is covered. Raises KeyError for an unknown window."""
    return Explainer(problem, plan).window(window)


def explain_assignment(problem: Problem, plan: Solution, assignment: Assignment) -> Reason:
    """Why this person covers this window. Raises KeyError when the plan does not hold the assignment."""
    return Explainer(problem, plan).reason(assignment)


def explain_assignments(problem: Problem, plan: Solution) -> tuple[Reason, ...]:
    """The reason of every assignment, in the plan's order."""
    explainer = Explainer(problem, plan)
    return tuple(explainer.reason(assignment) for assignment in plan.assignments)
