"""What is constant, what is a view and what computes: the ground of cost and memory."""

from __future__ import annotations

from dataclasses import dataclass

from graphlens.ir.graph import Graph
from graphlens.ir.node import INPUT, OURS, OUTPUT, Value
from graphlens.ops.facts import facts, is_random
from graphlens.tensor import UNDEFINED

_CONSTANT = frozenset({"Param", "Const"})


@dataclass(frozen=True, slots=True)
class Dataflow:
    """The roles of a graph's nodes and values, found in one sweep.

    Attributes:
        order: Every node in order of execution.
        operands: What each node reads, in operand order; absent optional operands are None.
        constant: Names of the nodes that depend on weights and literals only, these included.
        kernels: Names of the nodes that compute at run time, in order: all but constants, views
            and structural nodes. A fused group is one.
        root: For each result of a view, the value whose bytes it shows; every other value is
            absent, being its own root.
    """

    order: tuple[str, ...]
    operands: dict[str, tuple[Value | None, ...]]
    constant: frozenset[str]
    kernels: tuple[str, ...]
    root: dict[Value, Value]

    def storage(self, value: Value) -> Value:
        """The value whose bytes ``value`` shows: itself, unless it is a view."""
        return self.root.get(value, value)


def dataflow(graph: Graph) -> Dataflow:
    """The roles of every node and value of ``graph``.

    Raises:
        GraphError: If the graph has a cycle.
    """
    order = tuple(graph.in_order())
    operands = {name: graph.operands(name) for name in order}
    constant: set[str] = set()
    kernels: list[str] = []
    root: dict[Value, Value] = {}
    for name in order:
        held = graph.nodes[name]
        read = operands[name]
        if held["domain"] == OURS and held["op"] in _CONSTANT:
            constant.add(name)
        elif held["domain"] == OURS and held["op"] in (INPUT, OUTPUT):
            continue
        elif (shown := viewed(graph, name, read)) is not None:
            root[Value(name)] = root.get(shown, shown)
            if shown.node in constant:
                constant.add(name)
        elif _depends_on_constants_only(graph, name, read, constant):
            constant.add(name)
        else:
            kernels.append(name)
    return Dataflow(order, operands, frozenset(constant), tuple(kernels), root)


def viewed(graph: Graph, name: str, operands: tuple[Value | None, ...]) -> Value | None:
    """The operand whose bytes a node's one result shows, or None if the node computes.

    A view is an op that the facts call one, or a Cast to the dtype that is there already.
    """
    held = graph.nodes[name]
    shown = operands[0] if operands else None
    if shown is None or len(held["results"]) != 1:
        return None
    if facts(held["op"], held["domain"]).view:
        return shown
    if held["op"] != "Cast" or held["domain"]:
        return None
    dtype = graph.type_of(shown).dtype
    return shown if dtype != UNDEFINED and dtype == held["results"][0].dtype else None


def _depends_on_constants_only(
    graph: Graph, name: str, operands: tuple[Value | None, ...], constant: set[str]
) -> bool:
    """Whether nothing that a run brings reaches the node; a random draw is never constant."""
    if is_random(graph, name):
        return False
    return all(value is None or value.node in constant for value in operands)
