"""How the inputs and outputs of a body share the memory of its node's operands and results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphlens.analysis.sizes import bound
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value

CONTROL = frozenset({"If", "Loop", "Scan"})
"""Ops of ONNX whose bodies are planned; those of any other op are its own affair."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a body has from the node that runs it.

    Attributes:
        outside: Inputs that are read where they lie: captured values, and the slices of what a
            Scan goes over.
        carried: For each Input whose bytes the next iteration finds as this one leaves them, the
            index of the output that is its next value.
        homes: For each carried Input of a loop, or output of an If's branch (by its index), the
            result of the node in whose place it lies.
    """

    outside: frozenset[Value] = frozenset()
    carried: Mapping[Value, int] = field(default_factory=dict)
    homes: Mapping[Value | int, int] = field(default_factory=dict)


NO_FRAME = Frame()
"""That of a graph which is nobody's body."""


def frame(graph: Graph, name: str, body: Graph, symbols: Mapping[str, int] | None = None) -> Frame:
    """The frame of one body of the If, Loop or Scan called ``name``.

    The state of a loop lies in the place of its result from the first iteration to the last; the
    branch of an If makes its results in their place. Both as ONNX Runtime has it, whose Scan keeps
    a second buffer for the next state, as a plan does that cannot write it in place.

    Args:
        graph: The graph that the node is in.
        name: The node.
        body: One of its regions.
        symbols: Sizes of symbolic dimensions.
    """
    node = graph.node(name)
    inputs = tuple(map(Value, body.inputs))
    homes: dict[Value | int, int]
    if node.op == "If":
        outside, following = inputs, {}
        homes = {index: index for index in range(len(node.results))}
    else:
        states = carried(graph, name)
        ahead = states.start  # a Loop's trip count and condition, which its body is given too
        slots = inputs[ahead : states.stop]
        outside = inputs[states.stop :]
        following = {slot: index + ahead // 2 for index, slot in enumerate(slots)}
        homes = {slot: index for index, slot in enumerate(slots)}
    outputs = body.operands(body.output)

    def nbytes(held: Graph, value: Value | None) -> int | None:
        return None if value is None else bound(held.type_of(value), symbols or {}).nbytes

    sizes = {key: nbytes(body, outputs[key] if isinstance(key, int) else key) for key in homes}
    agreed = {
        key: result
        for key, result in homes.items()
        if sizes[key] is not None and sizes[key] == nbytes(graph, Value(name, result))
    }
    return Frame(frozenset(outside), following, agreed)


def carried(graph: Graph, name: str) -> range:
    """The operands of a Loop or Scan that it carries on; result i is the last of the i-th."""
    node = graph.node(name)
    count = len(graph.operands(name)) - _number(node.attributes.get("captures"))
    if node.op == "Loop":
        return range(2, count)
    return range(count - _number(node.attributes.get("num_scan_inputs")))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
