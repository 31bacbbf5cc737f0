"""Before and after: two graphs in panes in step, what changed marked, the evidence at the head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from graphlens.analysis.diff import Diff, diff
from graphlens.ir import Graph
from graphlens.view import words
from graphlens.view.build import totals
from graphlens.view.cells import union
from graphlens.view.diagram import Diagram, Fact, Pane
from graphlens.view.picture import fitting
from graphlens.view.quotient import topological
from graphlens.view.roll import roll
from graphlens.view.scope import scopes
from graphlens.view.stack import stack

if TYPE_CHECKING:
    from graphlens.passes.history import Evidence, History, Step


def before_after(history: History | Step) -> Diagram:
    """What a pipeline, or one pass, did to a graph, as a Diagram of two panes."""
    before, after = history.before, history.after
    # Both descend from one capture, however little a pass left as it was.
    return compared(before, after, diff(before, after, by="origins"), _panes(history))


def difference(found: Diff) -> Diagram:
    """Two graphs of any origin side by side, and what differs between them."""
    before, after = found.before, found.after
    panes = (
        Pane(before.name or "before", totals(before)),
        Pane(after.name or "after", totals(after)),
    )
    drawn = compared(before, after, found, panes, details=True)
    counts = ((len(found.removed), "removed"), (len(found.added), "added"))
    counts += ((len(found.changed), "changed"), (len(found.fused), "fused"))
    said = ", ".join(f"{count} {word}" for count, word in counts if count) or "no difference"
    title = before.name if before.name == after.name else f"{panes[0].title} → {panes[1].title}"
    return _titled(drawn, title or drawn.title, f"nodes: {said}")


def _titled(diagram: Diagram, title: str, subtitle: str) -> Diagram:
    """The diagram, and the coarser ones behind it, under another title."""
    coarser = diagram.coarser and _titled(diagram.coarser, title, subtitle)
    return replace(diagram, title=title, subtitle=subtitle, coarser=coarser)


def compared(
    before: Graph,
    after: Graph,
    change: Diff,
    panes: tuple[Pane, Pane],
    details: bool = False,
) -> Diagram:
    """Two graphs laid out as one, in two panes."""
    boxes, arrows = union(before, after, change, details)
    held = {box.id: box for box in boxes}
    boxes = [held[name] for name in topological(held, arrows)]
    boxes, around = scopes({**after.scopes, **before.scopes}, boxes, arrows)
    whole = Diagram(
        title=before.name or "graph",
        boxes=tuple(boxes),
        arrows=tuple(arrows),
        clusters=tuple(around),
        panes=panes,
        subtitle=totals(before),
    )
    return fitting(roll(stack(whole)))


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


def _figure(name: str, value: int | None, before: int | None, said: Callable[[int], str]) -> Fact:
    shown = "?" if value is None else said(value)
    if value is None or not before or value == before:
        return Fact(name, shown)
    change = round(100 * (value - before) / before)
    return Fact(name, shown, f"{change:+d} %".replace("-", "−"), value < before)
