"""Running a graph inside one buffer as a memory plan says, with dead memory poisoned.

What a plan got wrong shows at once: a tensor that lies where another is still needed reads the
other's bytes or poison, and the outputs are no longer those of a run without a plan, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.errors import RunError
from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, INPUT, OURS, OUTPUT, PARAM, Node, Value
from graphlens.memory.plan import MemoryPlan
from graphlens.runtime.given import check_inputs
from graphlens.runtime.run import Runner
from graphlens.tensor import TensorType

POISON = 0xAB
"""The byte that dead memory is filled with: a float of four of them is -1.2e-12, never 0."""


def execute(graph: Graph, plan: MemoryPlan | None, *inputs: Any) -> list[np.ndarray]:
    """What the graph computes from the inputs, node by node, every tensor in its planned place.

    Args:
        graph: The graph.
        plan: A plan of it; None gives every tensor memory of its own, in the graph's own order.
        inputs: One array for each Input, in their order.

    Returns:
        The outputs. Those with a plan are equal to those without bit for bit, if the plan is sound.

    Raises:
        RunError: If a node cannot be run, a tensor is not of the size planned for it, or what
            the plan takes for a view is none.
    """
    memory = _Separate() if plan is None else _Arena(plan)
    arrays = check_inputs(graph, inputs)
    for name, array in zip(graph.inputs, arrays, strict=True):
        memory.write(Value(name), array)
    for name in (*graph.params, *graph.consts):
        if name in graph.weights:
            memory.weights[Value(name)] = graph.weights[name]
    running = (
        plan.order if plan else [n for n in graph.in_order() if not graph.node(n).is_structural]
    )
    for step, name in enumerate(running):
        read = [None if v is None else memory.read(v) for v in graph.operands(name)]
        for index, result in enumerate(_results(graph, name, read)):
            memory.write(Value(name, index), result)
        memory.release(step)
    return [memory.read(value) for value in graph.outputs]


class _Separate:
    """Memory of its own for every tensor."""

    def __init__(self) -> None:
        self.weights: dict[Value, np.ndarray] = {}

    def read(self, value: Value) -> np.ndarray:
        return self.weights[value]

    def write(self, value: Value, array: np.ndarray) -> None:
        self.weights[value] = array

    def release(self, step: int) -> None:
        """Nothing is reused."""


class _Arena:
    """One buffer, in which every tensor lies where the plan says."""

    def __init__(self, plan: MemoryPlan) -> None:
        self.weights: dict[Value, np.ndarray] = {}
        self._plan = plan
        self._bytes = np.full(plan.arena_bytes, POISON, np.uint8)
        self._types: dict[Value, tuple[np.dtype[Any], tuple[int, ...]]] = {}
        overwritten = set(plan.inplace.values())
        self._dying: dict[int, list[Value]] = {}
        for value, held in plan.lifetimes.items():
            if held.last < len(plan.order) - 1 and value not in overwritten:
                self._dying.setdefault(held.last, []).append(value)

    def read(self, value: Value) -> np.ndarray:
        """A copy of the bytes that lie in the value's place now."""
        if value not in self._types:
            return self.weights[value]
        dtype, shape = self._types[value]
        count = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        start = self._plan.offsets[value]
        return self._bytes[start : start + count].copy().view(dtype).reshape(shape)

    def write(self, value: Value, array: np.ndarray) -> None:
        """Put a result in its place; a view must find itself there already."""
        start = self._plan.offsets.get(value)
        if start is None:  # made of weights only
            self.weights[value] = array
            return
        content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        held = self._plan.lifetimes.get(value)
        self._types[value] = (array.dtype, array.shape)
        there = self._bytes[start : start + content.size]
        if held is None and not np.array_equal(there, content):
            raise RunError(f"{value} was planned as a view of its operand and is none")
        if held is not None and content.size != held.nbytes:
            raise RunError(f"{value} has {content.size} bytes, {held.nbytes} were planned")
        there[:] = content

    def release(self, step: int) -> None:
        """Poison what was needed for the last time."""
        for value in self._dying.get(step, ()):
            start = self._plan.offsets[value]
            self._bytes[start : start + self._plan.lifetimes[value].nbytes] = POISON


def _results(graph: Graph, name: str, operands: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """The results of one node, run as a graph of its own."""
    node = graph.node(name)
    alone = Graph(name=name)
    feeds: list[np.ndarray] = []
    read: list[Value | None] = []
    for index, (value, array) in enumerate(zip(graph.operands(name), operands, strict=True)):
        if value is None or array is None:
            read.append(None)
            continue
        held = TensorType("string" if array.dtype.kind in "OUS" else str(array.dtype), array.shape)
        constant = graph.op(value.node) in _WEIGHTS
        made = alone.add(
            Node(CONST if constant else INPUT, OURS, results=(held,)), name=f"o{index}"
        )
        if constant:
            alone.weights[made] = array
        else:
            feeds.append(array)
        read.append(Value(made))
    made = alone.add(node, read, name)
    results = [Value(made, index) for index in range(len(node.results))]
    alone.add(Node(OUTPUT, OURS), results, "output")
    return Runner(alone)(*feeds)


_WEIGHTS = frozenset({f"{OURS}.{PARAM}", f"{OURS}.{CONST}"})
