"""Where two graphs that compute different things first part, said in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from graphlens.analysis.merkle import Numbers, settled
from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, INPUT, OURS, PARAM, Value
from graphlens.ops.facts import facts
from graphlens.ops.schema import in_vocabulary
from graphlens.tensor import Dim, TensorType

Graphs = tuple[Graph, Graph]
Operands = list[Value | None]


def first_difference(graphs: Graphs, up: tuple[Numbers, Numbers]) -> str:
    """Walk from the outputs towards the inputs, as long as what is read differs, and say what does.

    Args:
        graphs: The two graphs, whose Outputs have different numbers.
        up: Each node's number for what it computes, in both.
    """
    pair = (graphs[0].output, graphs[1].output)
    came = ""
    while True:
        unlike = _labels(graphs, pair)
        if unlike:
            return f"{_both(graphs, pair)}: {unlike}{came}"
        reads = _operand_lists(graphs, pair, up)
        if len(reads[0]) != len(reads[1]):
            return f"{_both(graphs, pair)}: {len(reads[0])} operands against {len(reads[1])}{came}"
        step = _first_unlike(graphs, reads, up)
        if isinstance(step, str):
            return f"{_both(graphs, pair)}: {step}{came}"
        came = f" (read by {pair[0]!r} and {pair[1]!r})"
        pair = step


def type_difference(one: TensorType, other: TensorType) -> str:
    """What differs for certain between two types, or ''; what is unknown differs from nothing."""
    if "undefined" not in (one.dtype, other.dtype) and one.dtype != other.dtype:
        return f"{one} against {other}"
    if one.shape is None or other.shape is None:
        return ""
    if len(one.shape) != len(other.shape) or any(map(_unlike, one.shape, other.shape)):
        return f"{one} against {other}"
    return ""


def _unlike(one: Dim, other: Dim) -> bool:
    return isinstance(one, int) and isinstance(other, int) and one != other


def _both(graphs: Graphs, pair: tuple[str, str]) -> str:
    a, b = graphs
    return f"{a.op(pair[0])} {pair[0]!r} against {b.op(pair[1])} {pair[1]!r}"


def _labels(graphs: Graphs, pair: tuple[str, str]) -> str:
    """What differs between two nodes, their operands apart."""
    a, b = (graph.nodes[name] for graph, name in zip(graphs, pair, strict=True))
    if _is_weight(a) and _is_weight(b):
        return _weights(graphs, pair)
    if (a["op"], a["domain"]) != (b["op"], b["domain"]):
        return "another op"
    if a["op"] == INPUT and a["domain"] == OURS:
        return "another input"
    ours, theirs = dict(settled(a)), dict(settled(b))
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            return f"attribute {key}: {_said(ours, key)} against {_said(theirs, key)}"
    if a["regions"].keys() != b["regions"].keys():
        return f"regions {sorted(a['regions'])} against {sorted(b['regions'])}"
    if not in_vocabulary(a["op"], a["domain"]) and a["results"] != b["results"]:
        return f"results {_types(a)} against {_types(b)}"
    return ""


def _said(attributes: Mapping[str, object], key: str) -> str:
    return repr(attributes[key]) if key in attributes else "none"


def _types(held: Mapping[str, tuple[TensorType, ...]]) -> str:
    return f"({', '.join(map(str, held['results']))})"


def _is_weight(held: Mapping[str, object]) -> bool:
    return held["domain"] == OURS and held["op"] in (PARAM, CONST)


def _weights(graphs: Graphs, pair: tuple[str, str]) -> str:
    types = [g.type_of(Value(name)) for g, name in zip(graphs, pair, strict=True)]
    if types[0] != types[1]:
        return f"{types[0]} against {types[1]}"
    arrays = [g.weights.get(name) for g, name in zip(graphs, pair, strict=True)]
    if arrays[0] is None or arrays[1] is None or arrays[0].dtype.kind in "OUS":
        return "another value"
    wide = np.complex128 if arrays[0].dtype.kind == "c" else np.float64
    with np.errstate(invalid="ignore"):
        apart = np.abs(arrays[0].astype(wide) - arrays[1].astype(wide))
    return f"another value (largest difference {float(np.max(apart, initial=0.0)):.3g})"


def _operand_lists(
    graphs: Graphs, pair: tuple[str, str], up: tuple[Numbers, Numbers]
) -> tuple[Operands, Operands]:
    """The operands of both; where the op commutes, those that are equal are left out."""
    a, b = (list(graph.operands(name)) for graph, name in zip(graphs, pair, strict=True))
    held = graphs[0].nodes[pair[0]]
    if len(a) != len(b) or not facts(held["op"], held["domain"]).commutative:
        return a, b
    common = Counter(_mark(v, up[0]) for v in a) & Counter(_mark(v, up[1]) for v in b)
    return _without(a, common, up[0]), _without(b, common, up[1])


def _without(read: Operands, common: Mapping[object, int], up: Numbers) -> Operands:
    left = dict(common)
    kept: Operands = []
    for value in read:
        mark = _mark(value, up)
        if left.get(mark, 0):
            left[mark] -= 1
        else:
            kept.append(value)
    return kept


def _mark(value: Value | None, up: Numbers) -> object:
    return None if value is None else (up[value.node], value.result)


def _first_unlike(
    graphs: Graphs, reads: tuple[Operands, Operands], up: tuple[Numbers, Numbers]
) -> tuple[str, str] | str:
    """The producers of the first operands that differ, or what differs if it is not in them."""
    for index, (one, other) in enumerate(zip(*reads, strict=True)):
        if _mark(one, up[0]) == _mark(other, up[1]):
            continue
        if one is None or other is None:
            return f"operand {index}: {_named(one)} against {_named(other)}"
        if one.result != other.result and up[0][one.node] == up[1][other.node]:
            return f"operand {index}: result {one.result} of {one.node!r} against {other.result}"
        return one.node, other.node
    return "another body"


def _named(value: Value | None) -> str:
    return "none" if value is None else repr(value.node)
