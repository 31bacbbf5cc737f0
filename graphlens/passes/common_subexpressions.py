"""Computing what is computed twice once, by hash-consing (Ershov 1958; LLVM's EarlyCSE)."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from graphlens.ir import CONST, INPUT, OURS, OUTPUT, PARAM, Editor, Graph, Value
from graphlens.ops.facts import facts, is_random
from graphlens.rewrite.regions import inside

_SHORT = 256
"""Bytes up to which a Const is its own key; longer ones are hashed."""

_BEGINNING = 16
"""Elements by which most weights differ already."""

_FAMILY = 64
"""Equal Consts whose origins the one that stays takes over, at most: a literal such as 0 or 1 may
stand for thousands, and every fused group that holds it would list them all."""

Key = tuple[Any, ...]


def common_subexpressions(graph: Graph, *, weights: bool = False) -> Graph:
    """The graph with equal operations on equal operands merged into the first of them.

    Equal Consts are merged, and Params that are one piece of memory (tied weights). What is
    random is never merged, nor what holds regions.

    Args:
        graph: The graph.
        weights: Whether to merge Params of equal elements too: equal by chance of their
            initialisation, such as the ones and zeros of fresh norms.
    """
    graph = inside(graph, lambda body: common_subexpressions(body, weights=weights))
    editor = Editor(graph)
    alike = _alike(graph)
    numbers: dict[Key, int] = {}
    number: dict[str, int] = {}
    first: dict[int, str] = {}
    merged: dict[str, list[str]] = {}
    for name in graph.in_order():
        key = _key(graph, name, number, alike, weights)
        number[name] = own = numbers.setdefault(key, len(numbers))
        kept = first.setdefault(own, name)
        if kept != name:
            merged.setdefault(kept, []).append(name)
            for result in range(len(graph.nodes[name]["results"])):
                editor.replace(Value(name, result), Value(kept, result))
    for kept, others in merged.items():
        held = (kept, *others)
        if graph.op(kept) == f"{OURS}.{CONST}":
            held = held[:_FAMILY]
        origins = (o for name in held for o in graph.nodes[name]["origins"])
        editor.update(kept, origins=tuple(dict.fromkeys(origins)))
        for name in others:
            editor.erase(name)
    return editor.finish()


def _alike(graph: Graph) -> frozenset[str]:
    """Weights that begin like another of the same type: others need not be read whole."""
    found: dict[Key, list[str]] = {}
    for name in (*graph.params, *graph.consts):
        array = graph.weights.get(name)
        if array is not None and not array.dtype.hasobject:
            beginning = np.asarray(array.flat[:_BEGINNING]).tobytes()
            found.setdefault((str(array.dtype), array.shape, beginning), []).append(name)
    return frozenset(name for names in found.values() if len(names) > 1 for name in names)


def _key(
    graph: Graph, name: str, number: Mapping[str, int], alike: frozenset[str], weights: bool
) -> Key:
    """What makes two nodes equal; a node that must stay its own has its name in it."""
    held = graph.nodes[name]
    op, domain = held["op"], held["domain"]
    if domain == OURS and op in (CONST, PARAM):
        return _content(graph, name, weights) if name in alike else ("own", name)
    alone = domain == OURS and op in (INPUT, OUTPUT)
    if alone or held["regions"] or is_random(graph, name):
        return ("own", name)
    operands: list[Any] = [
        None if value is None else (number[value.node], value.result)
        for value in graph.operands(name)
    ]
    if facts(op, domain).commutative:
        operands.sort(key=repr)
    attributes = tuple(sorted((key, repr(value)) for key, value in held["attributes"].items()))
    return (domain, op, attributes, held["results"], tuple(operands))


def _content(graph: Graph, name: str, weights: bool) -> Key:
    """What makes two Consts equal, or two Params."""
    held = graph.nodes[name]
    array: np.ndarray | None = graph.weights.get(name)
    if array is None or array.dtype.hasobject:
        return ("own", name)
    head = (held["op"], held["results"], str(array.dtype), array.shape)
    if held["op"] == PARAM and not weights:
        return (*head, array.strides, array.__array_interface__["data"][0])
    if array.nbytes <= _SHORT:
        return (*head, array.tobytes())
    dense = np.ascontiguousarray(array)
    return (*head, blake2b(dense.reshape(-1).view(np.uint8).data, digest_size=16).digest())
