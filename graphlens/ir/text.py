"""The text form of a Graph: valid Python syntax, so that a pass test is text in, text out.

    def tiny(x: float32[1, 3, 8, 8]):
        conv.weight: float32[4, 3, 3, 3] = Param()
        conv: float32[1, 4, 6, 6] = Conv(x, conv.weight, strides=[1, 1])
        return conv

A name that is no Python identifier is spelt as one can be: ``layer1[0].conv``, or
``_["any/name:0"]``. Result 1 of ``split`` is ``split @ 1``; an operand not given is None; ops of
another domain are dotted (``aten.foo(x)``); a region is a def just above its node. A small Const
shows its value. With ``detail``, scope, source and origins follow as ``_scope=`` and so on.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from graphlens.ir.graph import Graph
from graphlens.ir.node import INPUT, OURS, OUTPUT, STRUCTURAL, Attribute, Node, Value
from graphlens.ir.textread import parse
from graphlens.tensor import Dim, TensorType

__all__ = ["parse", "to_text"]

_SHOWN = 16
"""Elements of a Const up to which its value is written out."""


def to_text(graph: Graph, *, detail: bool = False) -> str:
    """The graph as text, one line a node, in order of execution.

    Args:
        graph: What to write.
        detail: Also write scope, source and origins of every node, and the value of every Const.
    """
    return "\n".join(_definition(graph, _word(graph.name) or "graph", detail, "")) + "\n"


def _definition(graph: Graph, title: str, detail: bool, indent: str) -> Iterator[str]:
    inner = indent + "    "
    yield f"{indent}def {title}({', '.join(_formals(graph))}):"
    for name in graph.in_order():
        if graph.op(name) == f"{OURS}.{INPUT}":
            continue
        node = graph.node(name)
        for key, body in node.regions.items():
            yield from _definition(body, key, detail, inner)
        yield inner + _statement(graph, name, node, detail)


def _formals(graph: Graph) -> Iterator[str]:
    """The inputs; from the first on whose name is no identifier, each states its name besides."""
    spelt = False
    taken = set(graph.inputs)
    for index, name in enumerate(graph.inputs):
        target, held = _target(name), _type(graph.type_of(Value(name)))
        plain = target.isidentifier()
        spelt = spelt or not plain
        word = name if plain else _word(name) or "x"
        if not plain and word in taken:
            word = f"{word}_{index}"
        taken.add(word)
        yield f"{word}: {held} = {target!r}" if spelt else f"{word}: {held}"


def _statement(graph: Graph, name: str, node: Node, detail: bool) -> str:
    operands = [_operand(graph, value) for value in graph.operands(name)]
    keywords = [_keyword(key, _attribute(value)) for key, value in node.attributes.items()]
    if node.op == OUTPUT and node.domain == OURS:
        if not keywords and len(operands) != 0:
            return f"return {', '.join(operands)}"
        return f"return Output({', '.join(operands + keywords)})"
    if node.op == "Const" and node.domain == OURS:
        operands = [_literal(graph.weights.get(name), detail)]
    keywords += [f"{key}={key}" for key in node.regions]
    if detail:
        keywords += _provenance(name, node)
    types = ", ".join(map(_type, node.results))
    held = types if len(node.results) == 1 else f"({types})"
    ours = node.domain == OURS and node.op in STRUCTURAL | {"Region"}
    op = node.op if ours else node.qualified
    return f"{_target(name)}: {held} = {op}({', '.join(operands + keywords)})"


def _keyword(key: str, value: str) -> str:
    """``key=value``, for a name that Python takes as one and that says nothing else here."""
    plain = _is_word(key) and not key.startswith("_")
    return f"{key}={value}" if plain else f"**{{{key!r}: {value}}}"


def _provenance(name: str, node: Node) -> Iterator[str]:
    if node.scope:
        yield f"_scope={node.scope!r}"
    if any(node.source):
        yield f"_source={tuple(node.source)!r}"
    if node.origins != (name,):
        yield f"_origins={list(node.origins)!r}"


def _operand(graph: Graph, value: Value | None) -> str:
    if value is None:
        return "None"
    many = len(graph.nodes[value.node]["results"]) > 1
    return f"{_target(value.node)} @ {value.result}" if many else _target(value.node)


def _target(name: str) -> str:
    """A name as a Python expression: ``layer1[0].conv``."""
    first, *rest = name.split(".")
    if not _is_word(first) or not all(_is_word(part) or _is_number(part) for part in rest):
        return f"_[{name!r}]"
    return first + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in rest)


def _is_word(part: str) -> bool:
    return part.isascii() and part.isidentifier() and not keyword.iskeyword(part) and part != "_"


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and str(int(part)) == part


def _word(name: str) -> str:
    word = "".join(char if char.isascii() and char.isalnum() else "_" for char in name)
    return word if not word or _is_word(word) else f"g{word}"


@cache
def _type(held: TensorType) -> str:
    """A type as text; a dimension that Python would spell otherwise, or not at all, is quoted."""
    if held.shape is None or held.is_static:
        return str(held)
    return str(held.with_shape(tuple(map(_dim, held.shape))))


def _dim(dim: Dim) -> Dim:
    if isinstance(dim, int):
        return dim
    try:
        same = ast.unparse(ast.parse(dim, mode="eval")) == dim
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        same = False
    return dim if same else repr(dim)


def _attribute(value: Attribute) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_attribute, value))}]"
    return _type(value) if isinstance(value, TensorType) else _scalar(value)


def _scalar(value: object) -> str:
    """A literal; ``nan`` and ``inf`` have no literal in Python, so they stand as names."""
    return str(value) if isinstance(value, float) and not np.isfinite(value) else repr(value)


def _literal(array: np.ndarray | None, detail: bool) -> str:
    if array is None or (array.size > _SHOWN and not detail):
        return "..."
    return _nested(array.tolist())


def _nested(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return f"[{', '.join(map(_nested, value))}]"
    if isinstance(value, complex):
        return f"complex({_scalar(value.real)}, {_scalar(value.imag)})"
    return _scalar(value)
