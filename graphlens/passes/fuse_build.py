"""Writing a grouped graph: the members of each group go into the body of one Region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphlens.ir import CONST, INPUT, OURS, OUTPUT, REGION, Graph, Node, Value

_INSIDE = 16
"""Elements of a Const up to which a body holds it itself: a literal of the kernel's code."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A group to be made.

    Attributes:
        exits: The members that others read, in the order of the Region's results.
        members: All of them, in order of execution.
        name: The member after which the Region is called.
        kind: Its kind.
    """

    exits: tuple[str, ...]
    members: tuple[str, ...]
    name: str
    kind: str


def build(graph: Graph, plans: Sequence[Plan], order: Sequence[str]) -> Graph:
    """The graph with each plan's members as one Region.

    A Region stands where its first exit stood: all that it reads at run time is there by then,
    and the constants that are not yet are put before it.

    Args:
        graph: What to group.
        plans: The groups; no node is in two.
        order: The graph's order of execution.
    """
    return _Build(graph, plans, order).run()


class _Build:
    """Writes the grouped graph in one sweep."""

    def __init__(self, graph: Graph, plans: Sequence[Plan], order: Sequence[str]) -> None:
        self._old = graph
        self._new = Graph()
        self._new.graph.update(graph.graph)
        self._order = order
        self._plans = {name: plan for plan in plans for name in plan.exits}
        self._inner = {name for plan in plans for name in plan.members}
        self._at: dict[str, Value] = {}

    def run(self) -> Graph:
        for name in self._order:
            if name in self._plans:
                if name not in self._at:
                    self._region(self._plans[name])
            elif name not in self._inner and not self._is_literal(name):
                self._put(name)
        return self._new

    def _put(self, wanted: str) -> None:
        """Copy a node that is in no group, and what it reads that is not there yet."""
        waiting = [wanted]
        while waiting:
            name = waiting[-1]
            operands = self._old.operands(name)
            missing = [v.node for v in operands if v is not None and v.node not in self._at]
            if name in self._at or not missing:
                waiting.pop()
            waiting += missing
            if name in self._at or missing:
                continue
            read = [self._moved(value) for value in operands]
            self._at[name] = Value(self._new.add(self._old.node(name), read, name))
            if name in self._old.weights:
                self._new.weights[name] = self._old.weights[name]

    def _moved(self, value: Value | None) -> Value | None:
        if value is None:
            return None
        node, first = self._at[value.node]
        return Value(node, first + value.result)

    def _is_literal(self, name: str) -> bool:
        """Whether a small Const is read by groups only, which each hold their own."""
        readers = self._old.succ[name]
        return self._is_small(name) and bool(readers) and all(r in self._inner for r in readers)

    def _is_small(self, name: str) -> bool:
        if self._old.op(name) != f"{OURS}.{CONST}":
            return False
        array = self._old.weights.get(name)
        return array is not None and array.size <= _INSIDE

    def _region(self, plan: Plan) -> None:
        body, operands = self._body(plan)
        for value in operands:
            if value.node not in self._at:
                self._put(value.node)
        everyone = [name for name in body if body.op(name) not in (_INPUT, _OUTPUT)]
        origins = [o for name in everyone for o in self._old.nodes[name]["origins"]]
        results = [self._old.nodes[name]["results"] for name in plan.exits]
        node = Node(
            REGION,
            OURS,
            {"kind": plan.kind},
            tuple(held for made in results for held in made),
            _common([self._old.nodes[name]["scope"] for name in plan.members]),
            self._old.nodes[plan.name]["source"],
            tuple(dict.fromkeys(origins)),
            {"body": body},
        )
        given = [self._moved(value) for value in operands]
        name = self._new.add(node, given, plan.name)
        first = 0
        for exit_name, made in zip(plan.exits, results, strict=True):
            self._at[exit_name] = Value(name, first)
            first += len(made)

    def _body(self, plan: Plan) -> tuple[Graph, list[Value]]:
        """The closed body of a group, and the outer values that are its Inputs, in order."""
        old, body = self._old, Graph(name="body")
        inside = set(plan.members)
        at: dict[Value, Value] = {}
        outer = [
            value
            for name in plan.members
            for value in old.operands(name)
            if value is not None and value.node not in inside
        ]
        operands = [value for value in dict.fromkeys(outer) if not self._is_small(value.node)]
        for value in operands:
            node = Node(INPUT, OURS, results=(old.type_of(value),))
            at[value] = Value(body.add(node, name=_formal(value, inside)))
        for value in dict.fromkeys(outer):
            if value not in at:
                name = _formal(value, inside)
                at[value] = Value(body.add(old.node(value.node), name=name))
                body.weights[at[value].node] = old.weights[value.node]
        for name in plan.members:
            read = [None if value is None else at.get(value, value) for value in old.operands(name)]
            body.add(old.node(name), read, name)
        made = [
            Value(name, index)
            for name in plan.exits
            for index in range(len(old.nodes[name]["results"]))
        ]
        body.add(Node(OUTPUT, OURS), made, "output")
        return body, operands


_INPUT, _OUTPUT = f"{OURS}.{INPUT}", f"{OURS}.{OUTPUT}"


def _formal(value: Value, inside: set[str]) -> str:
    """A name for an outer value in a body whose members keep their own."""
    name = f"{value.node}.{value.result}" if value.result else value.node
    while name in inside:
        name += ".in"
    return name


def _common(scopes: list[str]) -> str:
    """The longest module path that holds all of ``scopes``."""
    shared = scopes[0].split(".") if scopes[0] else []
    for scope in scopes[1:]:
        parts = scope.split(".") if scope else []
        length = 0
        while length < min(len(shared), len(parts)) and shared[length] == parts[length]:
            length += 1
        shared = shared[:length]
    return ".".join(shared)
