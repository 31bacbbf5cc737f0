"""The bodies of If, Loop and Scan where they stand, so that they are drawn as frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from graphlens.ir import OURS, OUTPUT, Graph, Node, Value

_FRAMES = {"then_branch": "then", "else_branch": "else"}
"""What a region's frame is called, where that is not its own name."""

_KINDS = {"If": "branch", "Loop": "each round", "Scan": "each slice"}
"""What is said beside a frame's name."""

FRAMES = frozenset(_KINDS.values())
"""Kinds of frames that stay, however little is in them."""

_Places = dict[Value, Value | None]
"""Where each value of a body stands in the drawing; None for what nobody there gives."""


class _Frame(NamedTuple):
    """Where a body is drawn: what its nodes' names and origins begin with, and its scope."""

    names: str = ""
    origins: str = ""
    scope: str = ""


def inside(name: str, region: str) -> str:
    """What the names of the nodes in a region of a node begin with where it is opened."""
    return f"{name}.{_FRAMES.get(region, region)}."


def opened(graph: Graph) -> Graph:
    """The graph with the bodies of its control flow inline, each in a scope of its own.

    It is for drawing only: the If, Loop or Scan stands behind its bodies and reads what they
    return. What a loop hands to its next round is an edge that is left out, so that it is a DAG.
    Origins name the nodes of the captured graph opened likewise, so that two states of a graph
    are compared inside their bodies too. The same object if there is no control flow.
    """
    if not any(_is_control(held["op"], held["domain"]) for held in graph.nodes.values()):
        return graph
    drawn = Graph()
    drawn.graph.update(graph.graph)
    drawn.graph["scopes"] = dict(graph.scopes)
    _inline(graph, drawn, {}, _Frame())
    return drawn


def _is_control(op: str, domain: str) -> bool:
    return not domain and op in _KINDS


def _inline(source: Graph, drawn: Graph, places: _Places, frame: _Frame) -> None:
    """Add the nodes of a graph or body; those of ``places`` are there already."""
    for name in source.in_order():
        if Value(name) in places:
            continue
        node = source.node(name)
        if frame.names and node.domain == OURS and node.op == OUTPUT:
            continue
        reads = [None if value is None else places[value] for value in source.operands(name)]
        origins = tuple(frame.origins + origin for origin in node.origins)
        node = replace(node, scope=_joined(frame.scope, node.scope), origins=origins)
        if _is_control(node.op, node.domain):
            node, reads = _bodies(frame.names + name, node, reads, drawn)
        made = drawn.add(node, reads, frame.names + name)
        if name in source.weights:
            drawn.weights[made] = source.weights[name]
        for index in range(len(node.results)):
            places[Value(name, index)] = Value(made, index)


def _bodies(
    name: str, node: Node, reads: Sequence[Value | None], drawn: Graph
) -> tuple[Node, list[Value | None]]:
    """Add the bodies of a node; the node as it stands behind them, and what it reads there."""
    around = _joined(node.scope, name.replace("/", ".").rpartition(".")[2])
    drawn.scopes[around] = node.op
    kept = {"If": 1, "Loop": 2}.get(node.op, 0)
    results = list(reads[:kept])
    origin = node.origins[0] if node.origins else name
    for key, body in node.regions.items():
        word = _FRAMES.get(key, key)
        frame = _Frame(inside(name, key), inside(origin, key), _joined(around, word))
        drawn.scopes[frame.scope] = _KINDS[node.op]
        places = _given(node.op, body, reads)
        _inline(body, drawn, places, frame)
        results += [None if value is None else places[value] for value in _returned(body)]
    said = {key: held for key, held in node.attributes.items() if key != "captures"}
    return replace(node, scope=around, attributes=said, regions={}), results


def _given(op: str, body: Graph, reads: Sequence[Value | None]) -> _Places:
    """What a body's inputs are outside of it."""
    given = list(reads[1:]) if op == "If" else list(reads)
    if op == "Loop" and given:
        given[0] = None  # the body counts its rounds; the node is told their number
    given += [None] * (len(body.inputs) - len(given))
    return {Value(name): value for name, value in zip(body.inputs, given, strict=False)}


def _returned(body: Graph) -> tuple[Value | None, ...]:
    return body.operands(body.output)


def _joined(*parts: str) -> str:
    return ".".join(part for part in parts if part)
