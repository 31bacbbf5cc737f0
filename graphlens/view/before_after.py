"""Before and after: two graphs in panes in step, what changed marked, the evidence at the head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from graphlens.analysis.diff import diff
from graphlens.ir import Graph
from graphlens.view import words
from graphlens.view.build import totals
from graphlens.view.cells import union
from graphlens.view.control import opened
from graphlens.view.diagram import Arrow, Box, Diagram, Fact, Pane
from graphlens.view.measure import measures, overlaid
from graphlens.view.own import By, checked
from graphlens.view.picture import Folding, folded
from graphlens.view.quotient import topological
from graphlens.view.scope import scopes

if TYPE_CHECKING:
    from graphlens.passes.history import Evidence, History, Step


def before_after(
    history: History | Step,
    *,
    depth: int | None = None,
    expand: Sequence[str] = (),
    flat: bool = False,
    threads: bool = False,
    strip: bool = False,
    color_by: By = "",
) -> Diagram:
    """What a pipeline, or one pass, did to a graph, as a Diagram of two panes.

    Args:
        history: The graphs before and after, and what is known of them.
        depth: How many scopes may stand inside one another, instead of as many as fit.
        expand: Scopes to leave open whatever the depth.
        flat: Every operation a box of its own, nothing folded or rolled.
        threads: Whether each group is tied to its members in the pane before.
        strip: A film-strip instead: a pane for the captured graph and for each pass's.
        color_by: What boxes are coloured by instead of the kind of operation, as of a Graph; all
            panes have one scale.

    Raises:
        UsageError: If ``depth`` is below 0, or there is no such measure.
    """
    how = Folding(depth, tuple(expand), flat)
    if strip:
        return film_strip(history, how, color_by)
    before, after = opened(history.before), opened(history.after)
    color_by = checked(color_by, before, after)
    drawn = union((before, after), (_matches(before, after),), color_by=color_by)
    head = Diagram(before.name or "graph", (), subtitle=totals(history.before), threads=threads)
    whole = laid(*drawn, _panes(history), head)
    return _coloured(folded(whole, how), (before, after), color_by)


def film_strip(history: History | Step, how: Folding, color_by: By = "") -> Diagram:
    """The captured graph and what each pass that changed it made of it, in panes."""
    whole: tuple[Step, ...] | None = getattr(history, "steps", None)
    given = cast("tuple[Step, ...]", (history,)) if whole is None else whole
    steps = [step for step in given if step.changed]
    graphs = [opened(history.before), *(opened(step.after) for step in steps)]
    matches = [_matches(*pair) for pair in pairwise(graphs)]
    color_by = checked(color_by, *graphs)
    drawn = union(graphs, matches, color_by=color_by)
    first = history.evidence if whole is not None else None
    before = [first, *(step.evidence for step in steps)]
    panes = [Pane("captured" if first else "before", "", _few(first))]
    for step, was in zip(steps, before, strict=False):
        panes.append(Pane(step.name, "", _few(step.evidence, was)))
    head = Diagram(history.before.name or "graph", (), subtitle=totals(history.before))
    return _coloured(folded(laid(*drawn, panes, head), how), graphs, color_by)


def _coloured(diagram: Diagram, graphs: Sequence[Graph], color_by: By) -> Diagram:
    if not color_by:
        return diagram
    return overlaid(diagram, graphs, color_by, measures(graphs[0], color_by))


def _matches(before: Graph, after: Graph) -> dict[str, tuple[str, ...]]:
    """What each node after stands for: both descend from one capture, however little is left."""
    return diff(before, after, by="origins").matches()


def laid(
    boxes: Sequence[Box],
    arrows: Sequence[Arrow],
    kinds: Mapping[str, str],
    panes: Sequence[Pane],
    head: Diagram,
) -> Diagram:
    """Several graphs as one diagram, in order of execution, with their scopes as clusters.

    Args:
        boxes: Of all graphs.
        arrows: Between them.
        kinds: The class of the module at each scope.
        panes: One for each graph, or one for all.
        head: A diagram with the title.
    """
    held = {box.id: box for box in boxes}
    ordered = [held[name] for name in topological(held, arrows)]
    ordered, around = scopes(kinds, ordered, arrows)
    return replace(head, panes=tuple(panes)).having(ordered, arrows, around)


# -- the head -------------------------------------------------------------------------------------


def _panes(history: History | Step) -> tuple[Pane, Pane]:
    first: Evidence | None = getattr(history, "evidence", None)
    last: Evidence | None = getattr(history, "result", None)
    if last is None:  # a Step carries the evidence of its graph after only
        return Pane("before"), Pane(
            f"after {getattr(history, 'name', '')}".strip(), "", facts_of(first)
        )
    return (
        Pane("before", "as captured", facts_of(first)),
        Pane(
            "after",
            " · ".join(step.name for step in getattr(history, "steps", ()) if step.changed),
            facts_of(last, first),
        ),
    )


def facts_of(found: Evidence | None, before: Evidence | None = None) -> tuple[Fact, ...]:
    """The figures of a graph's head, against those of the graph before it."""
    if found is None:
        return ()
    facts = [
        _figure("operations", found.nodes, before and before.nodes, str),
        _figure("kernels", found.kernels, before and before.kernels, str),
        _figure("traffic", found.traffic_bytes, before and before.traffic_bytes, words.size),
        _figure("peak memory", found.peak_bytes, before and before.peak_bytes, words.size),
    ]
    if before is not None:
        if found.max_abs_error is not None:
            facts.append(Fact("largest error", f"{found.max_abs_error:.1e}"))
        good = found.status in ("proven", "unchanged")
        facts.append(Fact("same function", found.status, good=good))
    return tuple(facts)


def _few(found: Evidence | None, before: Evidence | None = None) -> tuple[Fact, ...]:
    """The figures of a narrow pane."""
    return tuple(
        fact for fact in facts_of(found, before) if fact.name in ("kernels", "peak memory")
    )


def _figure(name: str, value: int | None, before: int | None, said: Callable[[int], str]) -> Fact:
    shown = "?" if value is None else said(value)
    if value is None or not before or value == before:
        return Fact(name, shown)
    change = round(100 * (value - before) / before)
    return Fact(name, shown, f"{change:+d} %".replace("-", "−"), value < before)
