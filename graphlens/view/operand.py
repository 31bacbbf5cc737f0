"""What a node reads, as its box shows it: values that come by arrows, weights, constants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from graphlens.ir import CONST, OURS, OUTPUT, PARAM, Graph, Value
from graphlens.ops.facts import is_random
from graphlens.passes.fold_kernels import KERNELS, evaluate
from graphlens.tensor import TensorType


class Operand(NamedTuple):
    """One operand as the box of its reader shows it.

    Attributes:
        name: The node that makes it; the weight's, where it comes from one weight.
        role: ``'value'``, ``'param'`` or ``'const'``.
        held: Its type.
        array: Its value, where it is a constant or a weight whose value is known.
        weights: The Params that it is computed from, with their numbers of elements.
        work_out: Its value, where it is computed from constants alone and that is quick; else None.
    """

    name: str
    role: str
    held: TensorType
    array: np.ndarray | None = None
    weights: Weights = ()
    work_out: Callable[[], np.ndarray | None] = lambda: None


Operands = Sequence[Operand | None]
Weights = tuple[tuple[str, int], ...]
"""Params, each with its number of elements, 0 where that is not known."""


class Stored(dict[str, Weights]):
    """Nodes that are known before the graph runs, each with the Params that it is computed from.

    Attributes:
        arrays: What has been worked out of them.
    """

    def __init__(self) -> None:
        """None yet."""
        super().__init__()
        self.arrays: dict[Value, np.ndarray | None] = {}


def stored(graph: Graph, derived: bool = True) -> Stored:
    """The Params and Consts of a graph and, if ``derived``, what is computed from them alone.

    They are drawn inside the boxes that read them: a transposed weight is a weight.
    """
    found = Stored()
    last = {value.node for value in graph.outputs} if graph.structural(OUTPUT) else set[str]()
    nodes = graph.nodes
    for name in graph.in_order() if derived else graph:
        held = nodes[name]
        if held["domain"] == OURS and held["op"] in (PARAM, CONST, OUTPUT):
            if held["op"] != OUTPUT:
                size = held["results"][0].elements or 0
                found[name] = ((name, size),) if held["op"] == PARAM else ()
        elif derived and name not in last and not held["regions"]:
            reads = list(graph.predecessors(name))
            if all(map(found.__contains__, reads)) and reads and not is_random(graph, name):
                found[name] = tuple(dict.fromkeys(root for read in reads for root in found[read]))
    return found


def operands(graph: Graph, reads: Sequence[Value | None], known: Stored) -> list[Operand | None]:
    """The values that a node reads, with the role of each."""
    found: list[Operand | None] = []
    for value in reads:
        if value is None or value.node in known:
            found.append(value and operand(graph, value, known))
        else:
            found.append(Operand(value.node, "value", graph.type_of(value)))
    return found


def operand(graph: Graph, value: Value, known: Stored) -> Operand:
    """A value as the box of its reader shows it."""
    held = graph.type_of(value)
    roots = known.get(value.node)
    if roots is None:
        return Operand(value.node, "value", held)
    name = roots[0][0] if len(roots) == 1 else value.node
    array = graph.weights.get(value.node)
    if roots:
        return Operand(name, "param", held, array, roots)
    return Operand(name, "const", held, array, roots, partial(_worked_out, graph, value, known))


def parameters(reads: Operands) -> int:
    """How many numbers the weights among some operands hold, each weight once."""
    held = [read.weights for read in reads if read and read.weights]
    if not held:
        return 0
    return sum(size for _, size in {weight for weights in held for weight in weights})


_STEPS, _ELEMENTS = 128, 1 << 22
"""Nodes that a constant is computed by, and elements of each, up to which it is worked out."""


def _worked_out(graph: Graph, value: Value, known: Stored) -> np.ndarray | None:
    """What is computed from constants alone; None where it is not, or would take long."""
    found, waiting, steps = known.arrays, [value], 0
    while waiting and steps < _STEPS:
        name = waiting[-1].node
        reads = graph.operands(name)
        lacking = [read for read in reads if read is not None and read not in found]
        if lacking:
            waiting += lacking[:1]
            continue
        steps += 1
        waiting.pop()
        arrays = [None if read is None else found[read] for read in reads]
        absent = any(a is None for a, read in zip(arrays, reads, strict=True) if read)
        made = None if absent else _made(graph, name, arrays)
        for index in range(len(graph.nodes[name]["results"])):
            found[Value(name, index)] = None if made is None else made[index]
    return found.get(value)


def _made(graph: Graph, name: str, reads: Sequence[np.ndarray | None]) -> list[np.ndarray] | None:
    """The results of one node, if they are not large."""
    held = graph.nodes[name]
    sizes = [kind.elements for kind in held["results"]]
    if any(size is None or size > _ELEMENTS for size in sizes):
        return None
    if held["domain"] == OURS:
        array = graph.weights.get(name) if held["op"] == CONST else None
        return None if array is None else [array]
    if held["domain"] or held["op"] not in KERNELS:
        return None
    return evaluate(held["op"], held["attributes"], reads, held["results"])
