"""A memory plan as a map: time across, bytes upward, one rectangle for each tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphlens.ir import Graph, Value
from graphlens.ir.node import OURS, OUTPUT, REGION
from graphlens.ops import facts
from graphlens.view import words
from graphlens.view.control import inside
from graphlens.view.diagram import Band, Fact, MemoryMap, Span

if TYPE_CHECKING:
    from graphlens.analysis.lifetimes import Lifetime
    from graphlens.memory.plan import MemoryPlan


def memory(plan: MemoryPlan) -> MemoryMap:
    """The map of a memory plan; tensors have the colours of the ops that make them.

    The step of an If, Loop or Scan is as wide as its bodies have steps, one after the other: of a
    loop one iteration is seen, of an If each branch, though only one of them runs.
    """
    graph = plan.graph
    laid = _Laid()
    laid.add(plan, "", 0)
    peak = max(laid.live, default=0)
    many = words.many(laid.tensors, "tensor"), words.many(len(laid.names), "step")
    return MemoryMap(
        title=(graph.name if graph is not None else "") or "memory plan",
        subtitle=f"{many[0]} in {many[1]}; shaded: bytes alive at each step"
        + ("; of each loop one iteration" if laid.bands else ""),
        spans=tuple(laid.spans),
        steps=max(1, len(laid.names)),
        step_names=tuple(laid.names),
        live=tuple(laid.live),
        peak_step=laid.live.index(peak) if laid.live else 0,
        arena=plan.arena_bytes,
        bound=plan.peak_live_bytes,
        facts=_facts(plan),
        bands=tuple(sorted(laid.bands, key=lambda band: (band.start, -band.stop))),
    )


class _Laid:
    """The columns of a map as they are laid out, with what lies in them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.live: list[int] = []
        self.spans: list[Span] = []
        self.bands: list[Band] = []
        self.tensors = 0

    def add(self, plan: MemoryPlan, path: str, around: int) -> None:
        """One column for each step of a plan, beside ``around`` bytes; a body's tensors on top."""
        starts, later = [len(self.names)], _Laid()
        later.names = self.names
        later.live = self.live
        for step, name in enumerate(plan.order):
            bodies = plan.bodies.get(name, {})
            inner = max((body.peak_live_bytes for body in bodies.values()), default=0)
            for key, body in bodies.items():
                start = len(self.names)
                later.add(body, inside(f"{path}{name}", key), around + plan.live[step] - inner)
                op = plan.graph.node(name).op if plan.graph is not None else name
                what = f"{op} {path}{name}: {key.replace('_', ' ')}"
                later.bands.append(Band(what, start, max(start, len(self.names) - 1)))
            if len(self.names) == starts[-1]:
                self.names.append(f"{path}{name}")
                self.live.append(around + plan.live[step])
            starts.append(len(self.names))
        overwritten = frozenset(plan.inplace.values())
        for value, held in sorted(plan.lifetimes.items(), key=lambda item: item[1].first):
            # The step that writes over a tensor reads it too; the map gives it to the new one.
            last = max(held.first, held.last - (value in overwritten))
            stop = max(starts[held.first], starts[min(last + 1, len(starts) - 1)] - 1)
            self.spans.append(_span(plan, value, held, path, (starts[held.first], stop)))
        self.spans += later.spans
        self.bands += later.bands
        self.tensors += len(plan.lifetimes) + later.tensors


def _facts(plan: MemoryPlan) -> tuple[Fact, ...]:
    over = plan.arena_bytes - plan.peak_live_bytes
    return (
        Fact("every tensor apart", words.size(plan.total_bytes)),
        Fact("freed after last use", words.size(plan.eager_bytes)),
        Fact("lower bound", words.size(plan.peak_live_bytes)),
        Fact(
            "this plan",
            words.size(plan.arena_bytes),
            f"+{words.size(over)}" if over > 0 else "the least there can be",
            over <= 0,
        ),
    )


def _span(
    plan: MemoryPlan, value: Value, held: Lifetime, path: str, columns: tuple[int, int]
) -> Span:
    graph = plan.graph
    name = f"{path}{value.node}:{value.result}" if value.result else f"{path}{value.node}"
    style, kind = "other", ""
    if graph is not None and value.node in graph:
        node = graph.node(value.node)
        if node.op == OUTPUT and node.domain == OURS:
            kind = "copied for the next iteration"
        else:
            style = "input" if node.is_structural else _style(graph, value.node)
            kind = words.held(graph.type_of(value))
    over = plan.inplace.get(value)
    offset = plan.offsets[value]
    title = [
        f"{name} {kind}".strip(),
        f"  {words.size(held.nbytes)} at {offset:,}",
        f"  steps {held.first} to {held.last}",
    ]
    if over is not None:
        title.append(f"  written over {over.node}")
    return Span(name, *columns, offset, held.nbytes, style, "\n".join(title))


def _style(graph: Graph, name: str) -> str:
    """The category of the op that makes a tensor; of a group, that of its first op."""
    node = graph.node(name)
    body = node.regions.get("body")
    if body is not None and node.op == REGION:
        inner = [body.node(member) for member in body.in_order()]
        found = [facts(held.op, held.domain).category for held in inner if not held.is_structural]
        return found[0] if found else "other"
    return facts(node.op, node.domain).category
