"""From when until when each tensor of a run is needed, and which share their memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphlens.analysis.footprint import Footprint, footprint
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value


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
        inplace: Each tensor that is written over an operand, and that operand's tensor, whose
            last reader makes it.
    """

    order: tuple[str, ...]
    tensors: Mapping[Value, Lifetime]
    inplace: Mapping[Value, Value]

    def buffers(self) -> dict[Value, Lifetime]:
        """The lifetime of each piece of memory, by the first tensor in it.

        Tensors written over one another in place are one piece.
        """
        made: dict[Value, Lifetime] = {}
        head: dict[Value, Value] = {}
        for value, held in self.tensors.items():
            over = self.inplace.get(value)
            if over is None:
                head[value] = value
                made[value] = held
            else:
                first = head[value] = head[over]
                made[first] = Lifetime(made[first].first, held.last, held.nbytes)
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
    once, ahead, and counts as a weight. The inner values of a fused group never materialise;
    those of an If or a Loop have no place here.

    Args:
        graph: The graph.
        order: All its nodes in an order of execution; by default its own.
        inplace: Whether a result may take over the memory of an operand of its size that nobody
            reads any more, where the op allows it.
        symbols: Sizes of symbolic dimensions.

    Raises:
        GraphError: If the size of a value is not known, or the graph has a cycle.
    """
    held = footprint(graph, symbols)
    return lifetimes_of(held, order or held.order, inplace=inplace)


def lifetimes_of(held: Footprint, order: Sequence[str], *, inplace: bool = True) -> Lifetimes:
    """`lifetimes` of the tensors of a footprint, in an order of all nodes."""
    running = tuple(name for name in order if name in held.makes)
    first = dict.fromkeys(held.inputs, 0)
    last = dict(first)
    for step, name in enumerate(running):
        for value in held.reads[name]:
            last[value] = step
        for value in held.makes[name]:
            first[value] = last[value] = step
    last.update(dict.fromkeys(held.outputs, max(len(running) - 1, 0)))
    tensors = {value: Lifetime(first[value], last[value], held.sizes[value]) for value in first}
    over: dict[Value, Value] = {}
    for step, name in enumerate(running if inplace else ()):
        for value in held.over.get(name, ()):
            if last[value] == step:
                over[held.makes[name][0]] = value
                break
    return Lifetimes(running, tensors, over)


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
