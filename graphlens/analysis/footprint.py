"""Which tensors each node makes, reads and may overwrite, whatever the order of execution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphlens.analysis.dataflow import Dataflow, dataflow
from graphlens.analysis.inplace import overwritable
from graphlens.analysis.sizes import value_sizes
from graphlens.ir.graph import Graph
from graphlens.ir.node import OURS, STRUCTURAL, Value


@dataclass(frozen=True, slots=True)
class Footprint:
    """The run-time memory of a graph's nodes. A tensor is a value with memory of its own.

    Attributes:
        order: All nodes, in the graph's own order of execution.
        makes: The tensors that each running node makes; structural nodes run not.
        reads: The tensors whose bytes each running node needs, each once; a view needs none.
        over: The tensors that the first result of a node may be written over, if the node is
            their last reader; nodes without any are absent.
        storage: For each view of a tensor, the tensor.
        sizes: Bytes of every tensor.
        inputs: The graph's inputs, which are there from the start and are never overwritten.
        outputs: The tensors that the graph returns, which stay to the end.
    """

    order: tuple[str, ...]
    makes: Mapping[str, tuple[Value, ...]]
    reads: Mapping[str, tuple[Value, ...]]
    over: Mapping[str, tuple[Value, ...]]
    storage: Mapping[Value, Value]
    sizes: Mapping[Value, int]
    inputs: tuple[Value, ...]
    outputs: frozenset[Value]


def footprint(graph: Graph, symbols: Mapping[str, int] | None = None) -> Footprint:
    """The memory of every node of ``graph``.

    Args:
        graph: The graph.
        symbols: Sizes of symbolic dimensions.

    Raises:
        GraphError: If the size of a value is not known, or the graph has a cycle.
    """
    flow, sizes = dataflow(graph), value_sizes(graph, symbols)
    inputs = tuple(map(Value, graph.inputs))
    running = [name for name in flow.order if _runs(graph, name)]
    makes = {name: _made(graph, flow, name) for name in running}
    tensors = {*inputs, *(value for made in makes.values() for value in made)}
    storage = {view: root for view, root in flow.root.items() if root in tensors}
    outputs = frozenset(flow.storage(value) for value in graph.outputs) & tensors
    fixed = outputs | set(inputs)
    reads: dict[str, tuple[Value, ...]] = {}
    over: dict[str, tuple[Value, ...]] = {}
    for name in running:
        roots = [storage.get(v, v) if v is not None else None for v in flow.operands[name]]
        read = [root if root in tensors else None for root in roots]
        is_view = Value(name) in flow.root
        reads[name] = () if is_view else tuple(dict.fromkeys(r for r in read if r is not None))
        if makes[name] and reads[name]:
            free = _overwritable(graph, name, read, sizes)
            if found := tuple(value for value in free if value not in fixed):
                over[name] = found
    kept = {value: sizes[value] for value in tensors}
    return Footprint(flow.order, makes, reads, over, storage, kept, inputs, outputs)


def _runs(graph: Graph, name: str) -> bool:
    held = graph.nodes[name]
    return not (held["domain"] == OURS and held["op"] in STRUCTURAL)


def _made(graph: Graph, flow: Dataflow, name: str) -> tuple[Value, ...]:
    """The tensors of a node: none if it is a view, or made of weights only."""
    if name in flow.constant or Value(name) in flow.root:
        return ()
    return tuple(Value(name, index) for index in range(len(graph.nodes[name]["results"])))


def _overwritable(
    graph: Graph, name: str, read: list[Value | None], sizes: Mapping[Value, int]
) -> tuple[Value, ...]:
    """Tensors of the first result's size that every reading by this node lets be overwritten."""
    allowed = overwritable(graph, name)
    refused = {value for index, value in enumerate(read) if index not in allowed}
    fitting = (read[index] for index in allowed)
    return tuple(
        value
        for value in dict.fromkeys(fitting)
        if value is not None and value not in refused and sizes[value] == sizes[Value(name)]
    )
