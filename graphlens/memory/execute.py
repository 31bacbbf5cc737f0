"""Running a graph inside one buffer as a memory plan says, with dead memory poisoned.

What a plan got wrong shows at once: a tensor that lies where another is still needed reads the
other's bytes or poison, and the outputs are no longer those of a run without a plan, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from graphlens.analysis.frame import CONTROL
from graphlens.errors import RunError
from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, INPUT, OURS, OUTPUT, PARAM, Node, Value
from graphlens.memory.plan import MemoryPlan
from graphlens.ops.node_proto import node_proto
from graphlens.runtime.control import run_control
from graphlens.runtime.given import check_inputs
from graphlens.runtime.lowering import captures
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
    arrays = check_inputs(graph, inputs)
    memory = _Memory(plan, np.full(plan.arena_bytes if plan else 0, POISON, np.uint8))
    return _run(graph, memory, arrays)


def _run(graph: Graph, memory: _Memory, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs of a graph or a body, whose outer values the memory knows."""
    for name, array in zip(graph.inputs, arrays, strict=False):
        memory.write(Value(name), array)
    for name in (*graph.params, *graph.consts):
        if name in graph.weights:
            memory.apart[Value(name)] = graph.weights[name]
    running = memory.order or [n for n in graph.in_order() if not graph.node(n).is_structural]
    for step, name in enumerate(running):
        read = [None if v is None else memory.read(v) for v in graph.operands(name)]
        controls = graph.op(name) in CONTROL
        made = _controlled(graph, name, read, memory) if controls else _results(graph, name, read)
        for index, result in enumerate(made):
            memory.write(Value(name, index), result)
        memory.release(step)
    return [memory.read(value) for value in graph.outputs]


class _Memory:
    """Where values lie: in one buffer, as a plan says, or without one each by itself.

    Attributes:
        apart: Values that have no place in the buffer.
        order: What runs, in the plan's order; empty without one.
    """

    def __init__(self, plan: MemoryPlan | None, arena: np.ndarray) -> None:
        self.apart: dict[Value, np.ndarray] = {}
        self.order: tuple[str, ...] = plan.order if plan else ()
        self._outer: dict[Value, Callable[[], np.ndarray]] = {}
        self._arena = arena
        self._bodies = plan.bodies if plan else {}
        self._offsets = plan.offsets if plan else {}
        self._lifetimes = plan.lifetimes if plan else {}
        self._types: dict[Value, tuple[np.dtype[Any], tuple[int, ...]]] = {}
        overwritten = set(plan.inplace.values()) if plan else ()
        self._dying: dict[int, list[Value]] = {}
        for value, held in self._lifetimes.items():
            if held.last < len(self.order) - 1 and value not in overwritten:
                self._dying.setdefault(held.last, []).append(value)

    def body(self, name: str, key: str, outer: Mapping[Value, Value]) -> _Memory:
        """The memory of a region, some of whose inputs are read where they lie out here."""
        plan = self._bodies[name][key] if name in self._bodies else None
        made = _Memory(plan, self._arena)
        made._outer = {inside: partial(self.read, value) for inside, value in outer.items()}
        return made

    def read(self, value: Value) -> np.ndarray:
        """A copy of the bytes that lie in the value's place now."""
        if value in self._outer:
            return self._outer[value]()
        if value not in self._types:
            return self.apart[value]
        dtype, shape = self._types[value]
        count = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        start = self._offsets[value]
        return self._arena[start : start + count].copy().view(dtype).reshape(shape)

    def write(self, value: Value, array: np.ndarray) -> None:
        """Put a result in its place; a view must find itself there already."""
        start = self._offsets.get(value)
        if start is None:  # made of weights only, or there is no plan
            self.apart[value] = array
            return
        content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        held = self._lifetimes.get(value)
        self._types[value] = (array.dtype, array.shape)
        there = self._arena[start : start + content.size]
        if held is None and not np.array_equal(there, content):
            raise RunError(f"{value} was planned as a view of its operand and is none")
        if held is not None and content.size != held.nbytes:
            raise RunError(f"{value} has {content.size} bytes, {held.nbytes} were planned")
        there[:] = content

    def release(self, step: int) -> None:
        """Poison what was needed for the last time."""
        self._poison(self._dying.get(step, ()))

    def clear(self) -> None:
        """Poison everything: a body has ended."""
        self._poison(self._lifetimes)

    def _poison(self, values: Iterable[Value]) -> None:
        for value in values:
            start = self._offsets[value]
            self._arena[start : start + self._lifetimes[value].nbytes] = POISON


def _controlled(
    graph: Graph, name: str, operands: Sequence[np.ndarray | None], memory: _Memory
) -> list[np.ndarray]:
    """The results of an If, Loop or Scan, its bodies run in the memory of the plan too.

    What a body returns is read before any of it is put where the next iteration finds it.
    """
    node = graph.node(name)
    values = graph.operands(name)
    own = 1 if node.op == "If" else len(values) - captures(node, len(values))

    def iterate(key: str, body: Graph, given: Sequence[Any]) -> list[np.ndarray]:
        outer = zip(body.inputs[len(body.inputs) - len(values) + own :], values[own:], strict=True)
        inside = {Value(inner): value for inner, value in outer if value is not None}
        held = memory.body(name, key, inside)
        made = _run(body, held, [np.asarray(array) for array in given])
        held.clear()
        return made

    bodies = {key: partial(iterate, key, body) for key, body in node.regions.items()}
    return run_control(node_proto(node, name, (), ()), operands[:own], bodies, node.results)


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
