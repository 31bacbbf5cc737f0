"""A memory plan as a map: time across, bytes upward, one rectangle for each tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphlens.ir import Graph, Value
from graphlens.ops import facts
from graphlens.view import words
from graphlens.view.diagram import Fact, MemoryMap, Span

if TYPE_CHECKING:
    from graphlens.analysis.lifetimes import Lifetime
    from graphlens.memory.plan import MemoryPlan


def memory(plan: MemoryPlan) -> MemoryMap:
    """The map of a memory plan; tensors have the colours of the ops that make them."""
    graph = plan.graph
    last = len(plan.order) - 1
    overwritten = frozenset(plan.inplace.values())
    return MemoryMap(
        title=(graph.name if graph is not None else "") or "memory plan",
        subtitle=f"{words.many(len(plan.lifetimes), 'tensor')} in {words.many(last + 1, 'step')}; "
        "shaded: bytes alive at each step",
        spans=tuple(
            _span(plan, value, held, graph, value in overwritten)
            for value, held in sorted(plan.lifetimes.items(), key=lambda item: item[1].first)
        ),
        steps=max(1, last + 1),
        step_names=plan.order,
        live=plan.live,
        peak_step=plan.peak_step,
        arena=plan.arena_bytes,
        bound=plan.peak_live_bytes,
        facts=_facts(plan),
    )


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
    plan: MemoryPlan, value: Value, held: Lifetime, graph: Graph | None, overwritten: bool
) -> Span:
    name = f"{value.node}:{value.result}" if value.result else value.node
    style, kind = "other", ""
    if graph is not None and value.node in graph:
        node = graph.node(value.node)
        style = "input" if node.is_structural else _style(graph, value.node)
        kind = words.held(graph.type_of(value))
    over = plan.inplace.get(value)
    title = [
        f"{name} {kind}".strip(),
        f"  {words.size(held.nbytes)} at {plan.offsets[value]:,}",
        f"  steps {held.first} to {held.last}",
    ]
    if over is not None:
        title.append(f"  written over {over.node}")
    offset = plan.offsets[value]
    # The step that writes over a tensor reads it too; the map gives that step to the new one.
    stop = max(held.first, held.last - overwritten)
    return Span(name, held.first, stop, offset, held.nbytes, style, "\n".join(title))


def _style(graph: Graph, name: str) -> str:
    """The category of the op that makes a tensor; of a group, that of its first op."""
    node = graph.node(name)
    body = node.regions.get("body")
    if body is not None:
        inner = [body.node(member) for member in body.in_order()]
        found = [facts(held.op, held.domain).category for held in inner if not held.is_structural]
        return found[0] if found else "other"
    return facts(node.op, node.domain).category
