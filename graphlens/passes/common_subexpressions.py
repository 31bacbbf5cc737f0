"""Computing what is computed twice once, by hash-consing (Ershov 1958; LLVM's EarlyCSE)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphlens.ir import CONST, INPUT, OURS, OUTPUT, PARAM, Editor, Graph, Value
from graphlens.ops.facts import facts
from graphlens.rewrite.regions import inside

_SMALL = 4096
"""Bytes of a Param up to which it is compared by content; larger ones by identity only."""

Key = tuple[Any, ...]


def common_subexpressions(graph: Graph) -> Graph:
    """The graph with equal operations on equal operands merged into the first of them.

    Equal Consts are merged, and Params that share memory, or are small and equal. What is random
    is never merged, nor what holds regions.
    """
    graph = inside(graph, common_subexpressions)
    editor = Editor(graph)
    numbers: dict[Key, int] = {}
    number: dict[str, int] = {}
    first: dict[int, str] = {}
    for name in graph.order():
        key = _key(graph, name, number)
        number[name] = own = numbers.setdefault(key, len(numbers))
        kept = first.setdefault(own, name)
        if kept != name:
            _merge(editor, kept, name)
    return editor.finish()


def _merge(editor: Editor, kept: str, name: str) -> None:
    held, other = editor.graph.nodes[kept], editor.graph.nodes[name]
    origins = tuple(dict.fromkeys((*held["origins"], *other["origins"])))
    for result in range(len(other["results"])):
        editor.replace(Value(name, result), Value(kept, result))
    editor.update(kept, origins=origins)
    editor.erase(name)


def _key(graph: Graph, name: str, number: Mapping[str, int]) -> Key:
    """What makes two nodes equal; a node that must stay its own has its name in it."""
    held = graph.nodes[name]
    op, domain = held["op"], held["domain"]
    if domain == OURS and op in (CONST, PARAM):
        return _content(graph, name)
    alone = domain == OURS and op in (INPUT, OUTPUT)
    if alone or held["regions"] or facts(op, domain).random:
        return ("own", name)
    operands: list[Any] = [
        None if value is None else (number[value.node], value.result)
        for value in graph.operands(name)
    ]
    if facts(op, domain).commutative:
        operands.sort(key=repr)
    attributes = tuple(sorted((key, repr(value)) for key, value in held["attributes"].items()))
    return (domain, op, attributes, held["results"], tuple(operands))


def _content(graph: Graph, name: str) -> Key:
    held = graph.nodes[name]
    array: np.ndarray | None = graph.weights.get(name)
    if array is None or array.dtype.hasobject:
        return ("own", name)
    head = (held["op"], held["results"])
    if held["op"] == CONST or array.nbytes <= _SMALL:
        return (*head, str(array.dtype), array.shape, array.tobytes())
    place = array.__array_interface__
    return (*head, str(array.dtype), array.shape, array.strides, place["data"][0])
