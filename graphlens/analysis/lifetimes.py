"""From when until when each tensor of a run is needed, and which share their memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from graphlens.analysis.footprint import Footprint, footprint
from graphlens.analysis.frame import CONTROL, NO_FRAME, Frame, frame
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
        homes: Of a body, the first tensors of the pieces of memory that lie in the place of a
            result of its node, and which result that is.
        inner: Bytes that a node needs besides while it runs: its bodies' tensors.
    """

    order: tuple[str, ...]
    tensors: Mapping[Value, Lifetime]
    inplace: Mapping[Value, Value]
    homes: Mapping[Value, int] = field(default_factory=dict)
    inner: Mapping[str, int] = field(default_factory=dict)

    def buffers(self) -> dict[Value, Lifetime]:
        """The lifetime of each piece of memory of its own, by the first tensor in it.

        Tensors written over one another in place are one piece.
        """
        made: dict[Value, Lifetime] = {}
        for value, head in _heads(self.tensors, self.inplace).items():
            held = self.tensors[value]
            first = made[head].first if head in made else held.first
            made[head] = Lifetime(first, held.last, held.nbytes)
        return {head: held for head, held in made.items() if head not in self.homes}

    def live(self) -> list[int]:
        """Bytes needed at each step, those of the bodies that run in it included."""
        found = live_bytes(self.buffers(), len(self.order))
        return [
            size + self.inner.get(name, 0) for size, name in zip(found, self.order, strict=True)
        ]

    @property
    def peak(self) -> int:
        """The most bytes needed in any one step."""
        return max(self.live(), default=sum(held.nbytes for held in self.buffers().values()))


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
    those of an If, Loop or Scan are needed while it runs (the most that a branch, or one
    iteration, needs at once).

    Args:
        graph: The graph.
        order: All its nodes in an order of execution; by default its own.
        inplace: Whether a result may take over the memory of an operand of its size that nobody
            reads any more, where the op allows it.
        symbols: Sizes of symbolic dimensions.

    Raises:
        GraphError: If the size of a value is not known, or the graph has a cycle.
    """
    return _lifetimes(graph, order, inplace, symbols, NO_FRAME)


def _lifetimes(
    graph: Graph,
    order: Sequence[str] | None,
    inplace: bool,
    symbols: Mapping[str, int] | None,
    around: Frame,
) -> Lifetimes:
    held = footprint(graph, symbols, around)
    inner = {
        name: max(_lifetimes(body, None, inplace, symbols, each).peak for _, body, each in found)
        for name, found in bodies(graph, held, symbols).items()
    }
    return lifetimes_of(replace(held, inner=inner), order or held.order, inplace=inplace)


def bodies(
    graph: Graph, held: Footprint, symbols: Mapping[str, int] | None = None
) -> dict[str, list[tuple[str, Graph, Frame]]]:
    """The regions of every If, Loop and Scan that runs, each with what frames it."""
    return {
        name: [
            (key, body, frame(graph, name, body, symbols))
            for key, body in graph.nodes[name]["regions"].items()
        ]
        for name, made in held.makes.items()
        if made and graph.nodes[name]["regions"] and graph.op(name) in CONTROL
    }


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
    end = max(len(running) - 1, 0)
    last.update(dict.fromkeys(held.outputs, end))
    over = _written_over(held, running, last) if inplace else {}
    heads = _heads(first, over)
    tails = {head: value for value, head in heads.items()}
    last.update((tails[slot], end) for slot in held.carried)
    tensors = {value: Lifetime(first[value], last[value], held.sizes[value]) for value in first}
    tensors |= {copy: Lifetime(end, end, nbytes) for copy, nbytes in held.copies.items()}
    homes = {heads[value]: result for value, result in held.homes.items()}
    return Lifetimes(running, tensors, over, homes, held.inner)


def _written_over(
    held: Footprint, running: Sequence[str], last: Mapping[Value, int]
) -> dict[Value, Value]:
    """Each result written over an operand that dies with it, and that operand.

    What a body returns may take the memory of a carried input only if it is its next value.
    """
    over: dict[Value, Value] = {}
    head: dict[Value, Value] = {}
    for step, name in enumerate(running):
        for result in held.makes[name]:
            for value in held.over.get(result, ()):
                slot = head.get(value, value)
                kept = slot in held.carried and result in held.outputs
                if last[value] == step and (not kept or held.carried[slot] == result):
                    over[result] = value
                    head[result] = slot
                    break
    return over


def _heads(values: Iterable[Value], over: Mapping[Value, Value]) -> dict[Value, Value]:
    """The first tensor in the memory of each."""
    found: dict[Value, Value] = {}
    for value in values:
        found[value] = found[over[value]] if value in over else value
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
