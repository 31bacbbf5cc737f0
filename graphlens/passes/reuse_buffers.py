"""The pass that orders nodes for the smallest peak of memory and gives every tensor its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphlens.errors import GraphError
from graphlens.ir.graph import Graph
from graphlens.ir.node import ARENA, INPUT, OURS, OUTPUT, STRUCTURAL, Value
from graphlens.memory.plan import MemoryPlan, plan_memory


def reuse_buffers(graph: Graph, *, alignment: int = 1) -> Graph:
    """The same operations in the order of a memory plan, which is recorded in ``graph['arena']``.

    The record is plain data: the arena's ``bytes``, the ``offsets`` of all values (``'split@1'``
    is result 1 of ``split``), which value is written ``inplace`` over which, and the like for the
    ``bodies`` of control flow. A graph whose sizes are not all known has no plan and stays as it
    is.

    Args:
        graph: The graph.
        alignment: Every offset becomes a multiple of it, in bytes.

    Returns:
        The very graph given if its order is already the best found and its record is this plan's.
    """
    planned = graph
    try:
        plan = plan_memory(graph, alignment=alignment)
        while (ordered := _ordered(planned, plan)) is not planned:
            # a better order may lead to one that is better still; the peak falls each time
            planned = ordered
            plan = plan_memory(planned, alignment=alignment)
    except GraphError:
        return graph
    record = plan_record(plan)
    if planned is graph:
        if graph.graph.get(ARENA) == record:
            return graph
        planned = graph.copy()
    planned.graph[ARENA] = record
    return planned


def plan_record(plan: MemoryPlan) -> dict[str, Any]:
    """A plan as the plain data that a graph carries and a file can hold."""
    bodies = {
        name: {key: plan_record(body) for key, body in regions.items()}
        for name, regions in plan.bodies.items()
    }
    return {
        "bytes": plan.arena_bytes,
        "alignment": plan.alignment,
        "offsets": {_spelt(value): offset for value, offset in plan.offsets.items()},
        "inplace": {_spelt(value): _spelt(over) for value, over in plan.inplace.items()},
    } | ({"bodies": bodies} if bodies else {})


def _ordered(graph: Graph, plan: MemoryPlan) -> Graph:
    """The graph in the order of its plan, bodies too; itself if it stands so already."""
    changed: dict[str, dict[str, Graph]] = {}
    for name, plans in plan.bodies.items():
        regions = graph.nodes[name]["regions"]
        done = {key: _ordered(regions[key], body) for key, body in plans.items()}
        if any(done[key] is not regions[key] for key in done):
            changed[name] = done
    stands = plan.order == tuple(name for name in graph.in_order() if _runs(graph, name))
    if stands and not changed:
        return graph
    made = graph.copy() if stands else graph.reordered(_whole(graph, plan.order))
    for name, regions in changed.items():
        made.update_node(name, regions=regions)
    return made


def _spelt(value: Value) -> str:
    return value.node if not value.result else f"{value.node}@{value.result}"


def _runs(graph: Graph, name: str) -> bool:
    held = graph.nodes[name]
    return not (held["domain"] == OURS and held["op"] in STRUCTURAL)


def _whole(graph: Graph, running: Sequence[str]) -> list[str]:
    """All nodes in the order of those that run: weights just before their first reader."""
    done = dict.fromkeys(graph.structural(INPUT))
    for name in running:
        done.update(dict.fromkeys(p for p in graph.predecessors(name) if p not in done))
        done[name] = None
    rest = [name for name in graph if name not in done]
    last = [name for name in rest if graph.op(name) == f"{OURS}.{OUTPUT}"]
    return [*done, *(name for name in rest if name not in last), *last]
