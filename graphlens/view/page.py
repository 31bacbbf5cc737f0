"""From a Graph, History, Diff or MemoryPlan to the interactive page as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from graphlens.analysis.diff import diff as compared
from graphlens.analysis.matching import matches_by_origin
from graphlens.errors import GraphError
from graphlens.ir import Graph
from graphlens.memory.plan import MemoryPlan, plan_memory
from graphlens.view.before_after import facts_of
from graphlens.view.build import totals
from graphlens.view.control import opened
from graphlens.view.diagram import Fact, MemoryMap
from graphlens.view.memory_map import memory as memory_map
from graphlens.view.own import By, Own, checked
from graphlens.view.page_build import Builder
from graphlens.view.page_data import Page, State
from graphlens.view.page_measure import Measurer
from graphlens.view.page_schema import schemas
from graphlens.view.weight import Weights

if TYPE_CHECKING:
    from graphlens.analysis.diff import Diff
    from graphlens.passes.history import History, Step

Matches = tuple[tuple[str, tuple[str, ...]], ...]
_SCHEDULED = 4000
"""Nodes up to which a better order is looked for when memory is planned for the page."""


def of_graph(
    graph: Graph,
    *,
    color_by: By = "",
    profile: Mapping[str, float] | None = None,
    weight_values: str = "some",
) -> Page:
    """The page of one graph, with its memory plan.

    Args:
        graph: What is shown.
        color_by: What nodes are coloured by when the page opens, as in `view.graph`.
        profile: Seconds of each node (`graphlens.profile`), for ``'time'``.
        weight_values: Whose values are summed up for who clicks a weight: ``'some'``, those of
            weights that are not too large, ``'all'`` or ``'none'``.
    """
    colours = Colours(checked(color_by, opened(graph)), [profile] if profile else ())
    made = _Maker(graph, colours, weight_values)
    made.add("captured", graph)
    return made.page()


def of_plan(plan: MemoryPlan, *, color_by: By = "", weight_values: str = "some") -> Page:
    """The page of a memory plan, with its graph.

    Args:
        plan: What is shown.
        color_by: What nodes are coloured by when the page opens.
        weight_values: Whose values are summed up for who clicks a weight: ``'some'``, those of
            weights that are not too large, ``'all'`` or ``'none'``.

    Raises:
        GraphError: If the plan does not know its graph.
    """
    if plan.graph is None:
        raise GraphError(
            "this memory plan does not know its graph: plan_memory(graph) makes one that does"
        )
    made = _Maker(plan.graph, Colours(checked(color_by, opened(plan.graph))), weight_values)
    made.add("captured", plan.graph, plan=plan)
    return made.page()


def of_history(
    history: History,
    *,
    color_by: By = "",
    profiles: Sequence[Mapping[str, float]] = (),
    weight_values: str = "some",
) -> Page:
    """The page of a pipeline: the captured graph, and the one after every pass that changed it.

    Args:
        history: What is shown.
        color_by: What nodes are coloured by when the page opens.
        profiles: Seconds of each node of the captured graph, and of those after the passes that
            changed it, for ``'time'``.
        weight_values: Whose values are summed up for who clicks a weight: ``'some'``, those of
            weights that are not too large, ``'all'`` or ``'none'``.
    """
    states = [history.before, *(step.after for step in history.steps)]
    colours = Colours(checked(color_by, *map(opened, states)), profiles)
    made = _Maker(history.before, colours, weight_values)
    made.add("captured", history.before, facts_of(history.evidence))
    before = history.before
    for step in history.steps:
        if step.changed:
            facts = facts_of(step.evidence, history.evidence)
            made.add(step.name, step.after, facts, _told(before, step.after))
            before = step.after
    return made.page()


def of_step(
    step: Step,
    *,
    color_by: By = "",
    profiles: Sequence[Mapping[str, float]] = (),
    weight_values: str = "some",
) -> Page:
    """The page of one pass: before and after it.

    Args:
        step: What is shown.
        color_by: What nodes are coloured by when the page opens.
        profiles: Seconds of each node before and after it, for ``'time'``.
        weight_values: Whose values are summed up for who clicks a weight: ``'some'``, those of
            weights that are not too large, ``'all'`` or ``'none'``.
    """
    colours = Colours(checked(color_by, opened(step.before), opened(step.after)), profiles)
    made = _Maker(step.before, colours, weight_values)
    made.add("before", step.before)
    made.add(step.name, step.after, facts_of(step.evidence), _told(step.before, step.after))
    return made.page()


def of_diff(
    diff: Diff,
    *,
    color_by: By = "",
    profiles: Sequence[Mapping[str, float]] = (),
    weight_values: str = "some",
) -> Page:
    """The page of two graphs of any origin: before and after.

    Args:
        diff: What is shown.
        color_by: What nodes are coloured by when the page opens.
        profiles: Seconds of each node of the one and of the other, for ``'time'``.
        weight_values: Whose values are summed up for who clicks a weight: ``'some'``, those of
            weights that are not too large, ``'all'`` or ``'none'``.
    """
    before, after = opened(diff.before), opened(diff.after)
    same = before is diff.before and after is diff.after
    pairs = (diff if same else compared(before, after)).matches()
    made = _Maker(diff.before, Colours(checked(color_by, before, after), profiles), weight_values)
    made.add(diff.before.name or "before", diff.before)
    made.add(diff.after.name or "after", diff.after, (), _news(after, pairs))
    return made.page()


def _told(before: Graph, after: Graph) -> Matches:
    """The matches from one state to the next that do not go without saying."""
    after = opened(after)
    return _news(after, matches_by_origin(opened(before), after).pairs)


def _news(after: Graph, pairs: Mapping[str, tuple[str, ...]]) -> Matches:
    found = ((name, pairs.get(name, ())) for name in after)
    return tuple((name, held) for name, held in found if held != (name,))


class Colours(NamedTuple):
    """What the nodes of a page are coloured by when it opens, and the times of each state's."""

    color_by: str | Own
    profiles: Sequence[Mapping[str, float]] = ()


class _Maker:
    """A page under construction: one state after the other."""

    def __init__(self, first: Graph, colours: Colours, weight_values: str) -> None:
        self._first = first
        self._profiles = iter(colours.profiles)
        measurer = Measurer(colours.color_by, bool(colours.profiles))
        self._build = Builder(measurer, Weights(weight_values))
        self._states: list[State] = []
        self._maps: dict[MemoryMap, int] = {}
        self._ops: dict[tuple[str, str], None] = {}

    def add(
        self,
        name: str,
        graph: Graph,
        facts: tuple[Fact, ...] = (),
        matches: Matches = (),
        plan: MemoryPlan | None = None,
    ) -> None:
        """Add the state of the graph that has that name."""
        drawn = opened(graph)
        for node in drawn:
            self._ops.setdefault((drawn.nodes[node]["op"], drawn.nodes[node]["domain"]))
        note, memory = "", -1
        try:
            plan = plan or plan_memory(graph, schedule=len(graph) <= _SCHEDULED)
            memory = self._maps.setdefault(memory_map(plan), len(self._maps))
        except GraphError as error:
            note = str(error)
        root = self._build.state(drawn, next(self._profiles, {}))
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
            weights=self._build.weights.found,
            memory=tuple(self._maps),
            overlays=self._build.measurer.overlays(len(self._build.entries)),
            color_by=self._build.measurer.opening,
        )
