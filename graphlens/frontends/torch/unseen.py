"""Sizes that depend on data: what one run saw of them is forgotten, for another run has others."""

from __future__ import annotations

import numpy as np

from graphlens.ir.graph import Graph
from graphlens.ir.node import OURS, Value
from graphlens.ops.infer import infer
from graphlens.ops.values import propagate
from graphlens.tensor import Dim, TensorType


def forget_sizes(graph: Graph) -> Graph:
    """The graph of one run, changed in place: what reads sizes that are not known claims none.

    Where torch could not tell an op's results without data, they have the sizes that the run saw.
    Those that do not follow from what the op reads are ``'?'`` then. A size that the program asked
    for and computed with in Python stays a number: the graph is of runs where it is that.
    """
    if not all(it.is_static for held in graph.nodes.values() for it in held["results"]):
        known: dict[Value, np.ndarray] = {}
        for name in list(graph):  # a recording adds what reads after what is read
            if graph.nodes[name]["domain"] != OURS:
                _visit(graph, name, known)
    return graph


def _visit(graph: Graph, name: str, known: dict[Value, np.ndarray]) -> None:
    """Forget sizes of a node's results, and note its results that are known without running."""
    node, operands = graph.node(name), graph.operands(name)
    types = [None if it is None else graph.type_of(it) for it in operands]
    values = [None if it is None else _value(graph, it, known) for it in operands]
    if not all(it is None or it.is_static for it in types):
        found = infer(node, types, values, len(node.results))
        new = tuple(map(_forgotten, node.results, found))
        if new != node.results:
            graph.update_node(name, results=new)
    for index, value in enumerate(propagate(node, types, values)):
        if value is not None:
            known[Value(name, index)] = value


def _value(graph: Graph, value: Value, known: dict[Value, np.ndarray]) -> np.ndarray | None:
    found = graph.value_of(value)
    return known.get(value) if found is None else found


def _forgotten(seen: TensorType, found: TensorType) -> TensorType:
    """The type that a run saw, without the sizes that do not follow from the operands' types."""
    if seen.shape is None:
        return seen
    dims = found.shape
    if dims is None or len(dims) != len(seen.shape):
        dims = ("?",) * len(seen.shape)
    pairs = zip(seen.shape, dims, strict=True)
    return seen.with_shape(tuple(_dim(old, new) for old, new in pairs))


def _dim(old: Dim, new: Dim) -> Dim:
    return new if isinstance(old, int) and isinstance(new, str) else old
