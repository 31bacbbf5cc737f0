"""Numbers for what nodes compute: equal numbers mean equal computations, whatever the names.

Two rounds, each linear. Upwards, a node's number stands for its op, attributes and operands'
numbers, and so for everything that the node computes: a Merkle tree whose hashes are exact, by
hash-consing (Ershov 1958; Filliatre and Conchon, ML Workshop 2006). Downwards, its place stands
for its readers' places too, and so for where the node stands in the whole graph: one round of
Weisfeiler and Lehman's refinement in each direction.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import numpy as np

from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, INPUT, OURS, OUTPUT, PARAM, Attribute, Value
from graphlens.ops.facts import facts
from graphlens.ops.schema import defaults, in_vocabulary
from graphlens.tensor import TensorType

Content = Callable[[str], Hashable]
"""What a Param or Const counts as, by name: its value's digest, or its type alone."""

Numbers = Mapping[str, int]
"""The number of each node, by name."""

_WEIGHTS = frozenset({PARAM, CONST})
_IMPLIED = frozenset({"strides", "dilations"})
_WORD = re.compile(r"[A-Za-z_]\w*")


class Terms:
    """A number for every distinct term; graphs that are compared share one table."""

    def __init__(self) -> None:
        """An empty table."""
        self._known: dict[tuple[object, ...], int] = {}

    def number(self, *parts: Hashable) -> int:
        """The number of the term of these parts."""
        return self._known.setdefault(parts, len(self._known))


def upward(graph: Graph, content: Content, terms: Terms) -> dict[str, int]:
    """Each node's number for what it computes.

    Args:
        graph: The graph; it is acyclic, so that operands come before readers.
        content: What each Param and Const counts as.
        terms: The table of numbers.
    """
    symbols = _Symbols()
    position = {name: index for index, name in enumerate(graph.inputs)}
    found: dict[str, int] = {}
    for name in graph.in_order():
        held = graph.nodes[name]
        if held["domain"] == OURS and held["op"] in _WEIGHTS:
            found[name] = terms.number("weight", content(name))
        elif held["domain"] == OURS and held["op"] == INPUT:
            found[name] = terms.number("input", position[name], symbols.spelt(held["results"][0]))
        else:
            label = terms.number(label_of(held), *_bodies(held["regions"], terms))
            found[name] = terms.number(label, *_read(graph, name, found))
    return found


def downward(graph: Graph, up: Numbers, terms: Terms) -> dict[str, int]:
    """Each node's number for what it computes and for all that is made from it.

    Nodes that the Output does not depend on have none.
    """
    found: dict[str, int] = {}
    places: dict[str, list[int]] = {graph.output: []}
    for name in reversed(graph.in_order()):
        read_by = places.pop(name, None)
        if read_by is None:
            continue
        found[name] = own = terms.number("place", up[name], *sorted(read_by))
        swaps = _swaps(graph, name)
        for index, value in enumerate(graph.operands(name)):
            if value is not None:
                place = terms.number("read", own, -1 if swaps else index, value.result)
                places.setdefault(value.node, []).append(place)
    return found


def label_of(held: Mapping[str, Any]) -> tuple[Hashable, ...]:
    """What a node does, its operands apart, in a form that equal nodes share.

    Result types count for ops outside the vocabulary only: for the others they follow.
    """
    types = () if in_vocabulary(held["op"], held["domain"]) else tuple(map(str, held["results"]))
    return held["domain"], held["op"], settled(held), types


def settled(held: Mapping[str, Any]) -> tuple[tuple[str, Attribute], ...]:
    """A node's attributes, sorted, at float32, without those that say what is so anyway."""
    if held["domain"] == OURS and held["op"] == OUTPUT:
        return ()
    usual = defaults(held["op"], held["domain"])
    kept: list[tuple[str, Attribute]] = []
    for key, given in sorted(held["attributes"].items()):
        value = rounded(given)
        if value is None or (key in usual and value == rounded(usual[key])):
            continue
        if not _goes_without_saying(key, value):
            kept.append((key, value))
    return tuple(kept)


def rounded(value: Attribute) -> Attribute:
    """An attribute as ONNX would hold it: floats at float32, booleans as ints."""
    if isinstance(value, tuple):
        return tuple(map(rounded, value))
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        with np.errstate(over="ignore"):
            held = float(np.float32(value))
        return "nan" if math.isnan(held) else held + 0.0
    return str(value) if isinstance(value, TensorType) else value


def array_digest(array: np.ndarray) -> bytes:
    """The hash of an array's dtype, shape and elements, however they lie in memory."""
    head = repr((str(array.dtype), tuple(array.shape)))
    held = hashlib.sha256(head.encode())  # in hardware on most machines: twice as fast as BLAKE2
    if array.dtype.hasobject:
        held.update(repr(array.tolist()).encode("utf-8", "surrogateescape"))
    else:
        held.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return held.digest()[:16]


def _goes_without_saying(key: str, value: Attribute) -> bool:
    """Strides and dilations of 1, pads of 0, and NCHW: ONNX's schemas give them no default."""
    if key == "data_format":
        return value == "NCHW"
    if not isinstance(value, tuple):
        return False
    usual = 1 if key in _IMPLIED else 0 if key == "pads" else None
    return usual is not None and all(part == usual for part in value)


def _bodies(regions: Mapping[str, Graph], terms: Terms) -> Iterator[Hashable]:
    for key, body in sorted(regions.items()):
        up = upward(body, lambda name, body=body: _content(body, name), terms)
        yield key
        yield up[body.output]
        yield tuple(sorted(downward(body, up, terms).values()))


def _content(graph: Graph, name: str) -> Hashable:
    array = graph.weights.get(name)
    return array_digest(array) if array is not None else graph.type_of(Value(name))


def _read(graph: Graph, name: str, found: Numbers) -> list[tuple[int, int]]:
    """The number and result of each operand, -1 for one not given; sorted where the op commutes."""
    read = [
        (-1, 0) if value is None else (found[value.node], value.result)
        for value in graph.operands(name)
    ]
    return sorted(read) if _swaps(graph, name) else read


def _swaps(graph: Graph, name: str) -> bool:
    held = graph.nodes[name]
    return facts(held["op"], held["domain"]).commutative


class _Symbols:
    """Symbolic dimensions by order of first occurrence: what they are called does not count."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    def spelt(self, held: TensorType) -> tuple[Hashable, ...]:
        """A type with its symbols numbered."""
        if held.shape is None:
            return held.dtype, None
        return held.dtype, *(
            _WORD.sub(self._number, dim) if isinstance(dim, str) else dim for dim in held.shape
        )

    def _number(self, word: re.Match[str]) -> str:
        return self._numbers.setdefault(word.group(), f"${len(self._numbers)}")
