"""Products of the same value run as one kernel: queries, keys and values are made by one.

A bundle has several exits, but all that it reads at run time is one value, so that a path which
enters it leads on to each of its exits: as with groups of one exit, no cycle can close. TVM
(CombineParallelDense), ONNX Runtime's packed attention and XLA's horizontal fusion do so.
"""

from __future__ import annotations

from graphlens.analysis.dataflow import Dataflow
from graphlens.ir import Graph
from graphlens.passes.fuse_groups import LIMIT, TILED, Group, groups

_NEAR = 8
"""Groups between the first of a bundle and the last: what is read much later is not made early
(every layer of a decoder makes its keys of the same encoded text)."""

Bundle = tuple[Group, ...]
"""Groups that run as one kernel: one group, or several products of the same value."""


def bundles(graph: Graph, flow: Dataflow) -> list[Bundle]:
    """Every group of the graph, those of a single node too, by bundles in order of execution."""
    made: list[list[Group]] = []
    opened: dict[object, tuple[int, list[Group]]] = {}
    for place, group in enumerate(groups(graph, flow)):
        key = _shared_reading(graph, flow, group)
        start, together = opened.get(key, (place, []))
        if key is None or not together or place - start > _NEAR or _is_full(together, group):
            together = []
            made.append(together)
            if key is not None:
                opened[key] = place, together
        together.append(group)
    return [tuple(together) for together in made]


def _is_full(together: list[Group], group: Group) -> bool:
    return sum(len(each.members) for each in together) + len(group.members) > LIMIT


def _shared_reading(graph: Graph, flow: Dataflow, group: Group) -> object:
    """What products that may be bundled agree in; None for other groups."""
    if group.part != "heavy" or group.family not in TILED or group.before or group.second:
        return None
    read = flow.operands[group.anchor]
    if len(read) < 2 or read[0] is None or read[1] is None or read[1].node not in flow.constant:
        return None
    inside = set(group.members)
    for name in group.members:
        for value in flow.operands[name]:
            if value is None or value == read[0] or value.node in inside:
                continue
            if value.node not in flow.constant:
                return None
    held, weight = graph.nodes[group.anchor], graph.type_of(read[1])
    kernel = weight.shape[2:] if weight.shape is not None else None
    if held["op"] not in ("MatMul", "Gemm", "Conv") or held["attributes"].get("group", 1) != 1:
        return None
    return read[0], held["op"], weight.rank, kernel, tuple(sorted(held["attributes"].items()))
