"""Whether two graphs are the same computation, and if not, where they first part, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from graphlens.analysis.merkle import Numbers, Terms, array_digest, downward, upward
from graphlens.analysis.mismatch import first_difference, type_difference
from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, INPUT, OURS, PARAM, Value
from graphlens.tensor import TensorType

TOLERANCE = 1e-6
"""Relative difference up to which two weights count as one: a few last places of float32."""


def isomorphic(a: Graph, b: Graph, *, tolerance: float = TOLERANCE) -> str | None:
    """What differs between two graphs, or None if they are one graph under two sets of names.

    Node names, scopes, origins and what no output depends on do not count. Inputs are matched by
    position, weights by their values (by type where either graph lacks a value of that type),
    attributes at float32 with ONNX's defaults filled in, operands in order, save where the op
    commutes. Linear in nodes, edges and bytes of weights.

    Args:
        a: One graph.
        b: The other.
        tolerance: Largest difference between the elements of two weights that still count as one,
            relative to the largest magnitude in them; 0 wants equal bytes.

    Returns:
        The first difference in words, with the nodes' names in both graphs, or None.
    """
    unlike = _signatures(a, b)
    if unlike is not None:
        return unlike
    typed = _types_without_values(a) | _types_without_values(b)
    terms = Terms()
    seen: dict[Hashable, bytes] = {}  # of both: graphs of one model often share its weights
    left, right = _Weights(a, typed, terms, seen), _Weights(b, typed, terms, seen)
    up = upward(a, left.content, terms), upward(b, right.content, terms)
    if up[0][a.output] != up[1][b.output] and tolerance:
        right.adopt(left, tolerance)
        up = up[0], upward(b, right.content, terms)
    if up[0][a.output] != up[1][b.output]:
        return first_difference((a, b), up)
    return _places(a, b, up, terms, typed)


def _signatures(a: Graph, b: Graph) -> str | None:
    """What differs in the inputs and the number of outputs."""
    if len(a.inputs) != len(b.inputs):
        return f"{len(a.inputs)} inputs {list(a.inputs)} against {len(b.inputs)} {list(b.inputs)}"
    for one, other in zip(a.inputs, b.inputs, strict=True):
        unlike = type_difference(a.type_of(Value(one)), b.type_of(Value(other)))
        if unlike:
            return f"input {one!r} against {other!r}: {unlike}"
    if len(a.outputs) != len(b.outputs):
        return f"{len(a.outputs)} outputs against {len(b.outputs)}"
    return None


def _types_without_values(graph: Graph) -> set[TensorType]:
    return {
        graph.type_of(Value(name))
        for name in (*graph.params, *graph.consts)
        if name not in graph.weights
    }


class _Weights:
    """What each Param and Const of one graph counts as."""

    def __init__(
        self, graph: Graph, typed: set[TensorType], terms: Terms, seen: dict[Hashable, bytes]
    ) -> None:
        self._graph = graph
        self._typed = typed
        self._terms = terms
        self._known: dict[str, Hashable] = {}
        self._seen = seen

    def content(self, name: str) -> Hashable:
        """The digest of the value, or of the type where values cannot be compared."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._value(name) or self.type(name)
        return known

    def type(self, name: str) -> Hashable:
        """The type alone."""
        return self._graph.type_of(Value(name))

    def adopt(self, other: _Weights, tolerance: float) -> None:
        """Count each weight as the one of ``other`` in the same place that it is close to."""
        places = other.by_place()
        for place, names in self.by_place().items():
            free = places.get(place, ())
            for name in names:
                if any(self.content(name) == other.content(twin) for twin in free):
                    continue
                mine = self._graph.weights.get(name)
                for twin in free:
                    if mine is not None and _close(mine, other.array(twin), tolerance):
                        self._known[name] = other.content(twin)
                        break

    def by_place(self) -> Mapping[int, Sequence[str]]:
        """The weights by their place in the graph, all weights of one type counted alike."""
        up = upward(self._graph, self.type, self._terms)
        down = downward(self._graph, up, self._terms)
        found: dict[int, list[str]] = defaultdict(list)
        for name in (*self._graph.params, *self._graph.consts):
            if name in down:
                found[down[name]].append(name)
        return found

    def array(self, name: str) -> np.ndarray | None:
        """The value of a weight."""
        return self._graph.weights.get(name)

    def _value(self, name: str) -> bytes | None:
        array = self._graph.weights.get(name)
        if array is None or self._graph.type_of(Value(name)) in self._typed:
            return None
        place = array.ctypes.data, array.shape, array.strides, array.dtype
        known = self._seen.get(place)
        if known is None:
            known = self._seen[place] = array_digest(array)
        return known


def _close(one: np.ndarray, other: np.ndarray | None, tolerance: float) -> bool:
    if other is None or one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.kind in "OUSb" or np.issubdtype(one.dtype, np.integer):
        return bool(np.array_equal(one, other))
    wide = np.result_type(one.dtype, np.float32) if one.dtype.kind != "V" else np.dtype("float32")
    left, right = one.astype(wide), other.astype(wide)
    if not np.array_equal(np.isnan(left), np.isnan(right)):
        return False
    scale = float(np.max(np.abs(left), initial=0.0, where=np.isfinite(left)))
    return bool(np.allclose(left, right, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def _places(
    a: Graph, b: Graph, up: tuple[Numbers, Numbers], terms: Terms, typed: set[TensorType]
) -> str | None:
    """What differs where every value is the same: how often it is computed, or its type."""
    left, right = (
        _by_place(graph, downward(graph, numbers, terms), typed)
        for graph, numbers in zip((a, b), up, strict=True)
    )
    for place in [*left, *(place for place in right if place not in left)]:
        ours, theirs = left.get(place, []), right.get(place, [])
        if len(ours) != len(theirs):
            return _shared((a, b), up, (ours or theirs)[0], from_a=bool(ours))
        for one, other in zip(ours, theirs, strict=True):
            for index, held in enumerate(a.nodes[one]["results"]):
                unlike = type_difference(held, b.nodes[other]["results"][index])
                if unlike:
                    return f"{a.op(one)} {one!r} against {other!r}: result {index}: {unlike}"
    return None


def _by_place(graph: Graph, places: Numbers, typed: set[TensorType]) -> dict[int, list[str]]:
    """Live nodes by place; weights known by value are literals and may be repeated at will."""
    found: dict[int, list[str]] = {}
    for name, place in places.items():
        held = graph.nodes[name]
        if held["domain"] == OURS and held["op"] in (INPUT, CONST):
            continue
        if held["domain"] == OURS and held["op"] == PARAM and held["results"][0] not in typed:
            continue
        found.setdefault(place, []).append(name)
    return found


def _shared(
    graphs: tuple[Graph, Graph], up: tuple[Numbers, Numbers], name: str, *, from_a: bool
) -> str:
    side = 0 if from_a else 1
    mark = up[side][name]
    times = [[n for n in g if held[n] == mark] for g, held in zip(graphs, up, strict=True)]
    op = graphs[side].op(name)
    return (
        f"{op} {name!r} is there {len(times[0])} times in one graph {times[0][:4]} and "
        f"{len(times[1])} times in the other {times[1][:4]}, or is read elsewhere"
    )
