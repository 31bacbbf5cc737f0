"""Which tensors each node makes, reads and may overwrite, whatever the order of execution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from graphlens.analysis.dataflow import Dataflow, dataflow
from graphlens.analysis.frame import NO_FRAME, Frame, carried
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
        over: The tensors that a result may be written over, if its node is their last reader;
            results without any are absent.
        storage: For each view of a tensor, the tensor.
        sizes: Bytes of every tensor.
        inputs: The graph's inputs, which are there from the start and are never overwritten.
        outputs: The tensors that the graph returns, which stay to the end.
        carried: Of a loop's body, the inputs that it finds as its last run left them, and the
            tensors that become their next values. Their memory is kept to the end.
        homes: Of a body, the tensors that lie in the place of a result of its node, and which.
        copies: Of a loop's body, next values that lie in the place of another carried input,
            which takes its own next value at the same time: bytes of the copy by output.
        inner: Bytes that a node needs while it runs and at no other time: its bodies' tensors.
    """

    order: tuple[str, ...]
    makes: Mapping[str, tuple[Value, ...]]
    reads: Mapping[str, tuple[Value, ...]]
    over: Mapping[Value, tuple[Value, ...]]
    storage: Mapping[Value, Value]
    sizes: Mapping[Value, int]
    inputs: tuple[Value, ...]
    outputs: frozenset[Value]
    carried: Mapping[Value, Value] = field(default_factory=dict)
    homes: Mapping[Value, int] = field(default_factory=dict)
    copies: Mapping[Value, int] = field(default_factory=dict)
    inner: Mapping[str, int] = field(default_factory=dict)


def footprint(
    graph: Graph, symbols: Mapping[str, int] | None = None, around: Frame = NO_FRAME
) -> Footprint:
    """The memory of every node of ``graph``, without that of their bodies.

    Args:
        graph: The graph.
        symbols: Sizes of symbolic dimensions.
        around: What it shares with the node whose body it is.

    Raises:
        GraphError: If the size of a value is not known, or the graph has a cycle.
    """
    flow, sizes = dataflow(graph), value_sizes(graph, symbols)
    inputs = tuple(value for value in map(Value, graph.inputs) if value not in around.outside)
    running = [name for name in flow.order if _runs(graph, name)]
    makes = {name: _made(graph, flow, name) for name in running}
    tensors = {*inputs, *(value for made in makes.values() for value in made)}
    storage = {view: root for view, root in flow.root.items() if root in tensors}
    returned = [None if v is None else flow.storage(v) for v in flow.operands[graph.output]]
    outputs = frozenset(value for value in returned if value in tensors and value is not None)
    fixed = outputs | set(inputs) - around.carried.keys()
    reads: dict[str, tuple[Value, ...]] = {}
    over: dict[Value, tuple[Value, ...]] = {}
    for name in running:
        roots = [storage.get(v, v) if v is not None else None for v in flow.operands[name]]
        read = [root if root in tensors else None for root in roots]
        is_view = Value(name) in flow.root
        reads[name] = () if is_view else tuple(dict.fromkeys(r for r in read if r is not None))
        for result, free in _overwritable(graph, name, read, sizes) if makes[name] else ():
            if found := tuple(value for value in free if value not in fixed):
                over[result] = found
    kept = {value: sizes[value] for value in tensors}
    held = Footprint(flow.order, makes, reads, over, storage, kept, inputs, outputs)
    return held if around is NO_FRAME else _framed(held, around, returned, graph.output)


def _framed(
    held: Footprint, around: Frame, returned: Sequence[Value | None], output: str
) -> Footprint:
    """The footprint of a body, with what it shares with its node."""
    following = {slot: returned[index] for slot, index in around.carried.items()}
    carried = {slot: value for slot, value in following.items() if value is not None}
    homes: dict[Value, int] = {}
    for key, result in around.homes.items():
        value = returned[key] if isinstance(key, int) else key
        if value is not None and value in held.sizes and value not in homes:
            homes[value] = result
    copies = {
        Value(output, around.carried[slot]): held.sizes[value]
        for slot, value in carried.items()
        if value != slot and carried.get(value, value) != value
    }
    return replace(held, carried=carried, homes=homes, copies=copies)


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
) -> Iterator[tuple[Value, tuple[Value, ...]]]:
    """Each result with the tensors of its size that every reading by its node lets it overwrite."""
    held = graph.nodes[name]
    if held["op"] in ("Loop", "Scan") and not held["domain"]:
        pairs = [(i, (operand,)) for i, operand in enumerate(carried(graph, name))]
    else:
        pairs = [(0, overwritable(graph, name))]
    for index, allowed in pairs:
        refused = {value for operand, value in enumerate(read) if operand not in allowed}
        result = Value(name, index)
        fitting = dict.fromkeys(read[operand] for operand in allowed)
        yield (
            result,
            tuple(
                value
                for value in fitting
                if value is not None and value not in refused and sizes[value] == sizes[result]
            ),
        )
