"""What a graph costs to run: kernels, intermediate traffic, FLOPs, parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphlens.analysis.dataflow import Dataflow, dataflow
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.cost import flops as node_flops


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a graph costs. None is 'not known', never 0.

    Attributes:
        nodes: Operations, structural nodes apart.
        kernels: Ops and fused groups that compute at run time: constants, what depends on
            constants only, and pure views apart.
        traffic_bytes: Bytes of intermediate traffic: every tensor made by a kernel, once for the
            write and once for each kernel that reads it (through views); graph inputs and weights
            apart, a graph output's own write apart.
        flops: Floating-point operations, a multiply-add as two.
        parameters: Number of trained numbers.
        parameter_bytes: Their size.
    """

    nodes: int
    kernels: int
    traffic_bytes: int | None
    flops: int | None
    parameters: int | None
    parameter_bytes: int | None


def cost(graph: Graph) -> Cost:
    """Every measure of ``graph`` from one sweep over it."""
    flow = dataflow(graph)
    elements, nbytes = parameters(graph)
    return Cost(
        nodes=sum(not graph.node(name).is_structural for name in flow.order),
        kernels=len(flow.kernels),
        traffic_bytes=_traffic(graph, flow),
        flops=_flops(graph, flow),
        parameters=elements,
        parameter_bytes=nbytes,
    )


def kernels(graph: Graph) -> int:
    """How many kernels a run launches (`Cost.kernels`)."""
    return len(dataflow(graph).kernels)


def traffic(graph: Graph) -> int | None:
    """Bytes of intermediate traffic of a run (`Cost.traffic_bytes`), None if a size is unknown."""
    return _traffic(graph, dataflow(graph))


def flops(graph: Graph) -> int | None:
    """Floating-point operations of a run, None if those of any kernel are unknown."""
    return _flops(graph, dataflow(graph))


def parameters(graph: Graph) -> tuple[int | None, int | None]:
    """Number of trained numbers and their bytes; each None if any Param's size is unknown.

    Params that share their memory (tied weights, a view of a weight) count once.
    """
    own = {_memory(graph, name): name for name in reversed(graph.params)}
    held = [graph.type_of(Value(name)) for name in own.values()]
    return _total(each.elements for each in held), _total(each.nbytes for each in held)


def _memory(graph: Graph, name: str) -> object:
    """What tells a weight's memory from others': where its elements lie, else its name."""
    array = graph.weights.get(name)
    if array is None or not array.nbytes:
        return name
    return array.__array_interface__["data"][0], array.nbytes


def _traffic(graph: Graph, flow: Dataflow) -> int | None:
    computing = frozenset(flow.kernels)
    readings: dict[Value, int] = {}
    for name in flow.kernels:
        read = {flow.storage(value) for value in flow.operands[name] if value is not None}
        for value in read:
            if value.node in computing:
                readings[value] = readings.get(value, 0) + 1
    returned = {flow.storage(value) for value in graph.outputs}
    total = 0
    for name in flow.kernels:
        for index, held in enumerate(graph.nodes[name]["results"]):
            value = Value(name, index)
            times = readings.get(value, 0) + (value not in returned)
            if not times:
                continue
            if held.nbytes is None:
                return None
            total += times * held.nbytes
    return total


def _flops(graph: Graph, flow: Dataflow) -> int | None:
    return _total(kernel_flops(graph, name, flow.operands[name]) for name in flow.kernels)


def kernel_flops(graph: Graph, name: str, operands: tuple[Value | None, ...]) -> int | None:
    """FLOPs of one kernel; those of a fused group are the sum over what it fused."""
    read = [None if value is None else graph.type_of(value) for value in operands]
    return node_flops(graph.node(name), read)


def _total(parts: Iterable[int | None]) -> int | None:
    """The sum, or None if any part is unknown."""
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total
