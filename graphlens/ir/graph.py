"""The Graph: a networkx MultiDiGraph whose nodes are operations and whose edges are tensors."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

import networkx as nx
import numpy as np

from graphlens.display import Shown
from graphlens.errors import GraphError
from graphlens.ir.node import CONST, FIELDS, INPUT, OURS, OUTPUT, PARAM, Node, User, Value
from graphlens.tensor import TensorType

_fields = attrgetter(*FIELDS)


class Graph(Shown, nx.MultiDiGraph):
    """A computation: nodes are operations, edges are tensors, and it is acyclic.

    An edge ``producer -> reader`` has the operand's index as its key and the attribute
    ``result``, which result of the producer it carries. An optional operand that is not given
    has no edge. A node's attribute dict holds exactly the fields of `Node`. The one ``Output``
    node reads what the graph returns, in order. Every networkx algorithm works on it as it is;
    to edit, use `add`, or an `Editor` where the original must stay as it was.

    Attributes:
        weights: Values of Param and Const nodes by node name, shared with the framework's memory
            where that can be. A Param without an entry has no known value (a meta device).
    """

    def __init__(self, incoming_graph_data: Any = None, **attributes: Any) -> None:
        """An empty graph; the arguments are networkx's, which its algorithms rely on."""
        self.weights: dict[str, np.ndarray] = {}
        self._taken: dict[str, int] = {}
        super().__init__(incoming_graph_data, **attributes)

    # -- building ---------------------------------------------------------------------------

    def fresh(self, hint: str) -> str:
        """``hint`` if no node has that name yet, else ``hint_1``, ``hint_2`` ..."""
        if hint not in self._node:
            return hint
        number = self._taken.get(hint, 0) + 1
        while f"{hint}_{number}" in self._node:
            number += 1
        self._taken[hint] = number
        return f"{hint}_{number}"

    def add(
        self,
        node: Node,
        operands: Sequence[Value | None] = (),
        name: str = "",
        at: str = "",
    ) -> str:
        """Append an operation.

        Args:
            node: What it is; empty origins become the node's own name.
            operands: What it reads, in ONNX's order; None for an optional one not given.
            name: The wanted name, made unique; by default the op's.
            at: Not used here (an `Editor` puts the node in that one's place).

        Returns:
            The name that it got.

        Raises:
            GraphError: If an operand is a value that does not exist.
        """
        del at
        name = self.fresh(name or node.op.lower())
        fields: dict[str, Any] = dict(zip(FIELDS, _fields(node), strict=True))
        fields["origins"] = node.origins or (name,)
        # what add_node does of a name that is new, in a third of its time
        self._adj[name], self._pred[name], self._node[name] = {}, {}, fields
        self.__networkx_cache__.clear()
        for index, value in enumerate(operands):
            if value is not None:
                self.connect(value, name, index)
        return name

    def connect(self, value: Value, reader: str, operand: int) -> None:
        """Make ``value`` the given operand of ``reader``, which must not have one there.

        Raises:
            GraphError: If the value does not exist.
        """
        producer, result = value
        held = self._node.get(producer)
        if held is None or not 0 <= result < len(held["results"]):
            raise GraphError(
                f"operand {operand} of {reader!r} is result {result} of {producer!r}, "
                + ("which is not in the graph" if held is None else "which has fewer results")
            )
        above = self._pred[reader]
        edges = above.get(producer)
        if edges is None:  # one dict in both directions, as add_edge has it
            edges = above[producer] = self._adj[producer][reader] = {}
        edges[operand] = {"result": result}
        self.__networkx_cache__.clear()

    # -- reading ----------------------------------------------------------------------------

    def node(self, name: str) -> Node:
        """The operation of that name, as a value of its own.

        Raises:
            GraphError: If there is none.
        """
        try:
            return Node(**self._node[name])
        except KeyError:
            raise GraphError(f"no node {name!r} in {self!r}") from None

    def op(self, name: str) -> str:
        """The op with its domain, without building a Node: ``'Conv'``, ``'graphlens.Param'``."""
        held = self._node[name]
        return f"{held['domain']}.{held['op']}" if held["domain"] else held["op"]

    def type_of(self, value: Value) -> TensorType:
        """The type of a value."""
        return self._node[value[0]]["results"][value[1]]

    def operands(self, name: str) -> tuple[Value | None, ...]:
        """What a node reads, in operand order; None where an optional one is not given."""
        above = self._pred[name]
        if len(above) == 1:
            (producer, edges), *_ = above.items()
            if len(edges) == 1 and 0 in edges:
                return (Value(producer, edges[0]["result"]),)
        found = [
            (operand, producer, edge["result"])
            for producer, edges in above.items()
            for operand, edge in edges.items()
        ]
        if not found:
            return ()
        found.sort()
        read: list[Value | None] = [None] * (found[-1][0] + 1)
        for operand, producer, result in found:
            read[operand] = Value(producer, result)
        return tuple(read)

    def users(self, value: Value) -> tuple[User, ...]:
        """Who reads a value, and as which operand."""
        producer, result = value
        return tuple(
            User(reader, operand)
            for reader, edges in self._adj[producer].items()
            for operand, edge in edges.items()
            if edge["result"] == result
        )

    def structural(self, op: str) -> tuple[str, ...]:
        """Names of the nodes with that structural op, in insertion order."""
        return tuple(
            name for name, held in self._node.items() if held["op"] == op and held["domain"] == OURS
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the Input nodes, in the order in which the graph takes them."""
        return self.structural(INPUT)

    @property
    def params(self) -> tuple[str, ...]:
        """Names of the Param nodes."""
        return self.structural(PARAM)

    @property
    def consts(self) -> tuple[str, ...]:
        """Names of the Const nodes."""
        return self.structural(CONST)

    @property
    def output(self) -> str:
        """Name of the Output node.

        Raises:
            GraphError: If there is none.
        """
        found = self.structural(OUTPUT)
        if not found:
            raise GraphError(f"{self!r} has no Output node: nothing says what it returns")
        return found[-1]

    @property
    def outputs(self) -> tuple[Value, ...]:
        """The values that the graph returns, in order."""
        return tuple(value for value in self.operands(self.output) if value is not None)

    @property
    def scopes(self) -> dict[str, str]:
        """Class name of the module at each scope path (``{'layer1.0': 'Bottleneck'}``)."""
        return self.graph.setdefault("scopes", {})

    def in_order(self) -> list[str]:
        """All nodes, operands before readers, ties by insertion: the order of execution.

        Raises:
            GraphError: If the graph has a cycle; the message names one.
        """
        position = {name: index for index, name in enumerate(self._node)}
        if all(
            position[producer] < position[reader]
            for reader, producers in self._pred.items()
            for producer in producers
        ):
            return list(self._node)
        return self._sorted_by(position.__getitem__)

    def _sorted_by(self, key: Callable[[str], Any]) -> list[str]:
        """Kahn's topological sort with a heap (as networkx's lexicographical one), ties by key."""
        waiting = {name: len(producers) for name, producers in self._pred.items()}
        ready = [(key(name), name) for name, count in waiting.items() if not count]
        heapq.heapify(ready)
        done: list[str] = []
        while ready:
            _, name = heapq.heappop(ready)
            done.append(name)
            for reader in self._adj[name]:
                waiting[reader] -= 1
                if not waiting[reader]:
                    heapq.heappush(ready, (key(reader), reader))
        if len(done) < len(self._node):
            raise GraphError(f"the graph has a cycle: {' -> '.join(self._cycle())}")
        return done

    def _cycle(self) -> list[str]:
        edges = nx.find_cycle(self)
        names = [edge[0] for edge in edges] + [edges[0][0]]
        return names if len(names) < 12 else [*names[:6], "...", *names[-5:]]

    # -- copying ----------------------------------------------------------------------------

    def copy(self, as_view: bool = False) -> Graph:
        """A graph of its own with the same nodes, edges and (shared) weight arrays.

        networkx's generic copy takes some 24 ms per 1,000 nodes, for it goes through its public
        methods edge by edge; a pass copies its graph, so this one fills the dicts directly.
        """
        if as_view:
            return super().copy(as_view=True)
        twin = self.__class__()
        for key, held in self.graph.items():
            twin.graph[key] = dict(held) if isinstance(held, dict) else held
        twin.weights = dict(self.weights)
        succ: dict[str, dict[str, Any]] = {name: {} for name in self._node}
        pred: dict[str, dict[str, Any]] = {name: {} for name in self._node}
        for producer, readers in self._adj.items():
            for reader, edges in readers.items():
                shared = {operand: dict(edge) for operand, edge in edges.items()}
                succ[producer][reader] = pred[reader][producer] = shared
        twin._node = {name: dict(held) for name, held in self._node.items()}
        twin._adj, twin._pred = succ, pred
        return twin

    def reordered(self, names: Iterable[str]) -> Graph:
        """A copy whose nodes stand in the given order, which must name each node once."""
        twin = self.copy()
        twin.reorder(names)
        return twin

    def reorder(self, names: Iterable[str]) -> None:
        """Put the nodes in the given order, in place, which must name each node once.

        Raises:
            GraphError: If it does not.
        """
        names = list(names)
        if len(names) != len(self._node) or set(names) != set(self._node):
            raise GraphError("a new order must name every node of the graph exactly once")
        node, succ, pred = self._node, self._adj, self._pred
        self._node = {name: node[name] for name in names}
        self._adj = {name: succ[name] for name in names}
        self._pred = {name: pred[name] for name in names}

    def update_node(self, name: str, **fields: Any) -> None:
        """Replace some fields of a node, in place."""
        node = replace(self.node(name), **fields)
        self._node[name].update({key: getattr(node, key) for key in fields})

    def rename(self, name: str, new: str) -> None:
        """Give a node another name, in place; it then stands last in insertion order.

        Raises:
            GraphError: If the new name is taken.
        """
        if new in self._node:
            raise GraphError(f"{name!r} cannot be renamed {new!r}: that name is taken")
        self._node[new] = self._node.pop(name)
        for ways, back in ((self._adj, self._pred), (self._pred, self._adj)):
            ways[new] = ways.pop(name)
            for neighbour in ways[new]:
                back[neighbour][new] = back[neighbour].pop(name)
        if name in self.weights:
            self.weights[new] = self.weights.pop(name)

    def value_of(self, value: Value | None) -> np.ndarray | None:
        """The array behind a Param or Const result, or None where it has none or is computed."""
        return None if value is None else self.weights.get(value.node)

    def __repr__(self) -> str:
        """``<Graph 'resnet50': 122 nodes, 161 edges>``."""
        return f"<Graph {self.name!r}: {len(self._node)} nodes, {self.number_of_edges()} edges>"


def walk(graph: Graph) -> Iterable[tuple[str, Graph]]:
    """Every graph inside ``graph``, itself first, with the path of the region that holds it."""
    waiting: list[tuple[str, Graph]] = [("", graph)]
    while waiting:
        path, held = waiting.pop()
        yield path, held
        for name, fields in held.nodes.items():
            regions: Mapping[str, Graph] = fields["regions"]
            waiting += [(f"{path}{name}.{key}/", body) for key, body in regions.items()]
