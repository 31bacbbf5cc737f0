"""From when until when each tensor of a run is needed, and which share their memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphlens.analysis.dataflow import Dataflow, dataflow
from graphlens.analysis.inplace import overwritable
from graphlens.analysis.sizes import value_sizes
from graphlens.ir.graph import Graph
from graphlens.ir.node import INPUT, OURS, STRUCTURAL, Value


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The steps in which a tensor must keep its bytes.

    Attributes:
        first: The step that makes it; 0 for a graph input.
        last: The last step that reads it, itself or through a view, both ends counted; the last
            step of all for what the graph returns.
        nbytes: Its size.
    """

    first: int
    last: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Every tensor that a run holds; weights, and what is made of weights only, apart.

    Attributes:
        order: The nodes that run, in order; a step is an index in it.
        tensors: The lifetime of every tensor that has memory of its own, views apart.
        storage: For each view of such a tensor, the tensor.
        inplace: Each tensor that is written over an operand, and that operand's tensor, whose
            last reader makes it.
    """

    order: tuple[str, ...]
    tensors: Mapping[Value, Lifetime]
    storage: Mapping[Value, Value]
    inplace: Mapping[Value, Value]

    def buffers(self) -> dict[Value, Lifetime]:
        """The lifetime of each piece of memory, by the first tensor in it.

        Tensors written over one another in place are one piece.
        """
        made: dict[Value, Lifetime] = {}
        head: dict[Value, Value] = {}
        for value, held in self.tensors.items():
            over = self.inplace.get(value)
            first = head[value] = value if over is None else head[over]
            start = made[first].first if first in made else held.first
            made[first] = Lifetime(start, held.last, held.nbytes)
        return made


def lifetimes(
    graph: Graph,
    order: Sequence[str] | None = None,
    *,
    inplace: bool = True,
    symbols: Mapping[str, int] | None = None,
) -> Lifetimes:
    """The lifetimes of all tensors of ``graph``.

    Views are their operand's bytes. A graph input is there from the first step and is never
    overwritten; a graph output stays until the last. What is made of weights only is computed
    once, ahead, and counts as a weight. The inner values of a fused group never materialise.

    Args:
        graph: The graph.
        order: All its nodes in an order of execution; by default its own.
        inplace: Whether a result may take over the memory of an operand of its size that nobody
            reads any more, where the op allows it.
        symbols: Sizes of symbolic dimensions.

    Raises:
        GraphError: If the size of a value is not known, or the graph has a cycle.
    """
    return lifetimes_of(
        graph, dataflow(graph), value_sizes(graph, symbols), order or graph.order(), inplace=inplace
    )


def lifetimes_of(
    graph: Graph,
    flow: Dataflow,
    sizes: Mapping[Value, int],
    order: Sequence[str],
    *,
    inplace: bool = True,
) -> Lifetimes:
    """`lifetimes` from a dataflow and sizes that are there already."""
    running = tuple(name for name in order if _runs(graph, name))
    tensors = _spans(graph, flow, sizes, running)
    storage = {view: root for view, root in flow.root.items() if root in tensors}
    over = _overwrites(graph, flow, running, tensors) if inplace else {}
    return Lifetimes(running, tensors, storage, over)


def _runs(graph: Graph, name: str) -> bool:
    held = graph.nodes[name]
    return not (held["domain"] == OURS and held["op"] in STRUCTURAL)


def _spans(
    graph: Graph, flow: Dataflow, sizes: Mapping[Value, int], running: Sequence[str]
) -> dict[Value, Lifetime]:
    """Tensors with memory of their own, in the order in which they are made."""
    first = {Value(name): 0 for name in graph.structural(INPUT)}
    last = dict(first)
    for step, name in enumerate(running):
        if Value(name) in flow.root or name in flow.constant:
            continue
        for value in flow.operands[name]:
            read = None if value is None else flow.storage(value)
            if read in last:
                last[read] = step
        for index in range(len(graph.nodes[name]["results"])):
            first[Value(name, index)] = last[Value(name, index)] = step
    for value in graph.outputs:
        if flow.storage(value) in last:
            last[flow.storage(value)] = max(len(running) - 1, 0)
    return {value: Lifetime(first[value], last[value], sizes[value]) for value in first}


def _overwrites(
    graph: Graph, flow: Dataflow, running: Sequence[str], tensors: Mapping[Value, Lifetime]
) -> dict[Value, Value]:
    """Which tensor is written over which: the operand's last reader, of its size, makes it."""
    pinned = {flow.storage(value) for value in graph.outputs}
    pinned |= {Value(name) for name in graph.inputs}
    found: dict[Value, Value] = {}
    for step, name in enumerate(running):
        made = tensors.get(Value(name))
        if made is None:
            continue
        allowed = overwritable(graph, name)
        read = [None if v is None else flow.storage(v) for v in flow.operands[name]]
        for index in allowed:
            old = read[index]
            if old is None or old in pinned or old not in tensors:
                continue
            alone = all(i in allowed for i, other in enumerate(read) if other == old)
            if alone and tensors[old].last == step and tensors[old].nbytes == made.nbytes:
                found[Value(name)] = old
                break
    return found


def live_bytes(spans: Mapping[Value, Lifetime], steps: int) -> list[int]:
    """Bytes needed at each step."""
    change = [0] * (steps + 1)
    for held in spans.values():
        change[held.first] += held.nbytes
        change[min(held.last + 1, steps)] -= held.nbytes
    running = 0
    found: list[int] = []
    for step in range(steps):
        running += change[step]
        found.append(running)
    return found
