"""The invariants of a Graph: what every front end and every pass must leave true."""

from __future__ import annotations

from collections.abc import Iterator

from graphlens.errors import GraphError
from graphlens.ir.graph import Graph, walk
from graphlens.ir.node import CONST, FIELDS, INPUT, OURS, OUTPUT, PARAM
from graphlens.tensor import TensorType

_FIELDS = set(FIELDS)
_GIVEN = frozenset({INPUT, PARAM, CONST})


def check(graph: Graph) -> Graph:
    """The graph itself, if it and the regions inside it keep every invariant.

    1. Every node holds exactly the fields of `Node`; an Input, Param or Const has one result.
    2. Every operand index of a node is taken once, and its edge carries a result that exists.
    3. There is one Output node, and nobody reads it.
    4. There is no cycle.
    5. A weight belongs to a Param or Const of its type's shape.

    Raises:
        GraphError: Naming the first breach, the node and the region it is in.
    """
    for path, held in walk(graph):
        for problem in _problems(held):
            raise GraphError(f"{path}{problem} (in {graph!r})")
        held.in_order()
    return graph


def _problems(graph: Graph) -> Iterator[str]:
    yield from _bad_nodes(graph)
    yield from _bad_edges(graph)
    outputs = graph.structural(OUTPUT)
    if len(outputs) != 1:
        yield f"one Output node is needed, found {list(outputs)}"
    elif graph.out_degree(outputs[0]):
        yield f"{outputs[0]}: an Output has no readers, found {list(graph.successors(outputs[0]))}"
    yield from _bad_weights(graph)


def _bad_nodes(graph: Graph) -> Iterator[str]:
    for name, held in graph.nodes.items():
        if not isinstance(name, str):
            yield f"node {name!r}: a name is a str"
        elif held.keys() != _FIELDS:
            missing, extra = sorted(_FIELDS - held.keys()), sorted(held.keys() - _FIELDS)
            yield f"{name}: fields missing {missing}, unknown {extra}"
        elif not all(isinstance(result, TensorType) for result in held["results"]):
            yield f"{name}: results must be TensorTypes, found {held['results']!r}"
        elif held["domain"] == OURS and held["op"] in _GIVEN and len(held["results"]) != 1:
            yield f"{name}: {held['op']} has one result, found {len(held['results'])}"


def _bad_edges(graph: Graph) -> Iterator[str]:
    for name in graph:
        taken: set[int] = set()
        for producer, _, operand, edge in graph.in_edges(name, keys=True, data=True):
            if not isinstance(operand, int) or operand < 0 or operand in taken:
                yield f"{name}: operand {operand!r} is given twice or is not an index"
            taken.add(operand)
            results = graph.nodes[producer].get("results", ())
            if edge.keys() != {"result"} or not 0 <= edge["result"] < len(results):
                yield f"{name}: operand {operand} carries {edge} of {producer!r}, no such result"


def _bad_weights(graph: Graph) -> Iterator[str]:
    for name, array in graph.weights.items():
        if name not in graph or graph.op(name) not in ("graphlens.Param", "graphlens.Const"):
            yield f"weight {name!r} belongs to no Param or Const"
            continue
        held = graph.nodes[name]["results"][0]
        if held.is_static and tuple(array.shape) != held.shape:
            yield f"{name}: its type is {held}, its value has shape {tuple(array.shape)}"
