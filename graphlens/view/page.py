"""From a Graph, History, Diff or MemoryPlan to the interactive page as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from graphlens.analysis.matching import matches_by_origin
from graphlens.errors import GraphError
from graphlens.ir import Graph
from graphlens.memory.plan import MemoryPlan, plan_memory
from graphlens.view.before_after import facts_of
from graphlens.view.build import totals
from graphlens.view.diagram import Fact, MemoryMap
from graphlens.view.memory_map import memory as memory_map
from graphlens.view.page_build import Builder
from graphlens.view.page_data import Page, State
from graphlens.view.page_schema import schemas

if TYPE_CHECKING:
    from graphlens.analysis.diff import Diff
    from graphlens.passes.history import History, Step

Matches = tuple[tuple[str, tuple[str, ...]], ...]
_SCHEDULED = 4000
"""Nodes up to which a better order is looked for when memory is planned for the page."""


def of_graph(graph: Graph) -> Page:
    """The page of one graph, with its memory plan."""
    made = _Maker(graph)
    made.add("captured", graph)
    return made.page()


def of_plan(plan: MemoryPlan) -> Page:
    """The page of a memory plan, with its graph.

    Raises:
        GraphError: If the plan does not know its graph.
    """
    if plan.graph is None:
        raise GraphError(
            "this memory plan does not know its graph: plan_memory(graph) makes one that does"
        )
    made = _Maker(plan.graph)
    made.add("captured", plan.graph, plan=plan)
    return made.page()


def of_history(history: History) -> Page:
    """The page of a pipeline: the captured graph, and the one after every pass that changed it."""
    made = _Maker(history.before)
    made.add("captured", history.before, facts_of(history.evidence))
    before = history.before
    changed = [step for step in history.steps if step.changed]
    for step in changed:
        facts = facts_of(step.evidence, history.evidence)
        pairs = matches_by_origin(before, step.after).pairs
        last = step is changed[-1]
        made.add(step.name, step.after, facts, _told(step.after, pairs), planned=last)
        before = step.after
    return made.page()


def of_step(step: Step) -> Page:
    """The page of one pass: before and after it."""
    made = _Maker(step.before)
    made.add("before", step.before)
    pairs = matches_by_origin(step.before, step.after).pairs
    made.add(step.name, step.after, facts_of(step.evidence), _told(step.after, pairs))
    return made.page()


def of_diff(diff: Diff) -> Page:
    """The page of two graphs of any origin: before and after."""
    made = _Maker(diff.before)
    made.add(diff.before.name or "before", diff.before)
    matches = _told(diff.after, diff.matches())
    made.add(diff.after.name or "after", diff.after, (), matches)
    return made.page()


def _told(after: Graph, pairs: Mapping[str, tuple[str, ...]]) -> Matches:
    """The matches that do not go without saying."""
    found = ((name, pairs.get(name, ())) for name in after)
    return tuple((name, held) for name, held in found if held != (name,))


class _Maker:
    """A page under construction: one state after the other."""

    def __init__(self, first: Graph) -> None:
        self._first = first
        self._build = Builder()
        self._states: list[State] = []
        self._maps: list[MemoryMap] = []
        self._ops: dict[tuple[str, str], None] = {}

    def add(
        self,
        name: str,
        graph: Graph,
        facts: tuple[Fact, ...] = (),
        matches: Matches = (),
        *,
        plan: MemoryPlan | None = None,
        planned: bool = True,
    ) -> None:
        """Add the state of the graph that has that name."""
        for node in graph:
            self._ops.setdefault((graph.nodes[node]["op"], graph.nodes[node]["domain"]))
        note = "" if planned else "planned for the first and the last state only"
        memory = -1
        try:
            if planned:
                schedule = len(graph) <= _SCHEDULED
                held = memory_map(plan or plan_memory(graph, schedule=schedule))
                memory = len(self._maps)
                self._maps.append(held)
        except GraphError as error:
            note = str(error)
        root = self._build.state(graph)
        self._states.append(State(name, root, facts, matches, memory, note))

    def page(self) -> Page:
        """The whole page."""
        return Page(
            title=self._first.name or "graph",
            subtitle=totals(self._first),
            entries=tuple(self._build.entries),
            scopes=tuple(self._build.scopes),
            states=tuple(self._states),
            schemas=schemas(self._ops),
            memory=tuple(self._maps),
        )
