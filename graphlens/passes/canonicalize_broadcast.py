"""Rules that bring the operands of broadcasting ops to one form: their shapes and their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlens.ir import CONST, OURS, PARAM, Value
from graphlens.ops.build import Builder
from graphlens.passes.canonicalize_views import rebuilt, reshaped
from graphlens.rewrite import Match, Rule, op, rest
from graphlens.tensor import Dim

_Row = tuple[str, Callable[[Match, Builder], Value], Callable[[Match], bool], str]
_LOGIC = ("And", "Or", "Xor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
_BROADCAST = ("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Where", "PRelu", *_LOGIC)
_COMMUTATIVE = ("Add", "Mul", "And", "Or", "Xor", "Equal", "Max", "Min", "Sum", "Mean")
_CONST = f"{OURS}.{CONST}"
_RANK = {f"{OURS}.{PARAM}": 1, _CONST: 2}


def broadcast(shapes: list[tuple[Dim, ...]]) -> tuple[Dim, ...] | None:
    """The shape that shapes broadcast to, None where that is not certain."""
    rank = max(map(len, shapes), default=0)
    made: list[Dim] = []
    for axis in range(rank):
        dims = {s[axis - rank + len(s)] for s in shapes if axis - rank + len(s) >= 0} - {1}
        if len(dims) > 1 or "?" in dims:
            return None
        made.append(dims.pop() if dims else 1)
    return tuple(made)


def _still_fits(m: Match, shapes: list[tuple[Dim, ...] | None]) -> bool:
    """Whether operands of these shapes still broadcast to the root's shape."""
    known = [shape for shape in shapes if shape is not None]
    return len(known) == len(shapes) and broadcast(known) == m.type().shape


def _shapes(m: Match) -> list[tuple[Dim, ...] | None]:
    return [m.graph.type_of(v).shape if v else () for v in m.all("operands")]


def _weight(m: Match, value: Value | None) -> bool:
    return value is not None and m.graph.op(value.node) in _RANK


def _strippable(m: Match) -> dict[int, tuple[Dim, ...]]:
    """Weights whose leading axes of 1 say nothing: operand to the shape that says as much."""
    found: dict[int, tuple[Dim, ...]] = {}
    if not any(_weight(m, value) for value in m.all("operands")):
        return found
    shapes = _shapes(m)
    for index, value in enumerate(m.all("operands")):
        shape = shapes[index]
        if not _weight(m, value) or not shape or shape[0] != 1 or m.node().op == "PRelu":
            continue
        short = shape[next((i for i, dim in enumerate(shape) if dim != 1), len(shape)) :]
        if _still_fits(m, [*shapes[:index], short, *shapes[index + 1 :]]):
            found[index] = short
            shapes[index] = short
    return found


def _strip(m: Match, b: Builder) -> Value:
    operands = list(m.all("operands"))
    for index, shape in _strippable(m).items():
        value = operands[index]
        if value is not None:
            operands[index] = reshaped(b, value, b.type_of(value).with_shape(shape))
    return rebuilt(m, b, *operands)


def _uniform(m: Match) -> int | None:
    """The operand that is a Const of many equal elements for which one would do."""
    for index, value in enumerate(m.all("operands")):
        if value is None or m.graph.op(value.node) != _CONST:
            continue
        array = m.graph.value_of(value)
        if array is None or array.size < 2 or array.dtype.hasobject:
            continue
        shapes = _shapes(m)
        if _still_fits(m, [*shapes[:index], (), *shapes[index + 1 :]]) and _all_equal(array):
            return index
    return None


def _all_equal(array: np.ndarray) -> bool:
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat[:1].tobytes() == flat[-1:].tobytes() and bool(np.all(flat == flat[0]))


def _one_for_all(m: Match, b: Builder) -> Value:
    operands = list(m.all("operands"))
    index = _uniform(m) or 0
    array: Any = m.graph.value_of(operands[index])
    operands[index] = b.const(array.reshape(-1)[0], name="scalar")
    return rebuilt(m, b, *operands)


def _expanded(m: Match) -> dict[int, Value]:
    """Operands that are expanded to a shape to which they would be broadcast anyway."""
    found: dict[int, Value] = {}
    if not any(value and m.graph.op(value.node) == "Expand" for value in m.all("operands")):
        return found
    shapes = _shapes(m)
    for index, value in enumerate(m.all("operands")):
        if value is None or m.graph.op(value.node) != "Expand":
            continue
        source = m.graph.operands(value.node)[0]
        shape = m.graph.type_of(source).shape if source else None
        if source and _still_fits(m, [*shapes[:index], shape, *shapes[index + 1 :]]):
            found[index] = source
            shapes[index] = shape
    return found


def _unexpand(m: Match, b: Builder) -> Value:
    found = _expanded(m)
    return rebuilt(m, b, *(found.get(i, value) for i, value in enumerate(m.all("operands"))))


def _sources(m: Match) -> list[Value | None]:
    """The operands, and in place of an Expand what it expands."""
    expands = [v is not None and m.graph.op(v.node) == "Expand" for v in m.all("operands")]
    return [
        m.graph.operands(value.node)[0] if value and is_expand else value
        for value, is_expand in zip(m.all("operands"), expands, strict=True)
    ]


def _small(m: Match) -> tuple[Dim, ...] | None:
    """The shape that the root would have if nothing were expanded, where that is less."""
    sources, shape = _sources(m), m.type().shape
    if sources == list(m.all("operands")) or shape is None or not m.type().is_static:
        return None
    shapes = [m.graph.type_of(value).shape if value else () for value in sources]
    small = broadcast([held for held in shapes if held is not None])
    return small if None not in shapes and small not in (None, shape) else None


def _expand_after(m: Match, b: Builder) -> Value:
    held = m.type()
    small = [held.with_shape(_small(m))]
    made = b.op(m.node().op, *_sources(m), results=small, **m.attributes())
    return b.op("Expand", made, b.const(held.shape, "int64"), results=[held], name=m.root)


def _order(m: Match) -> list[Value | None]:
    """The operands of a commutative op: computed ones, then Params, then Consts."""
    return sorted(
        m.all("operands"), key=lambda v: 0 if v is None else _RANK.get(m.graph.op(v.node), 0)
    )


_ROWS: tuple[_Row, ...] = (
    (
        "unexpand",
        _unexpand,
        lambda m: bool(_expanded(m)),
        "Add(Expand(x), y) -> Add(x, y), where y broadcasts it",
    ),
    (
        "expand-after",
        _expand_after,
        lambda m: _small(m) is not None,
        "Where(Expand(x), 1, 0) -> Expand(Where(x, 1, 0))",
    ),
    ("uniform", _one_for_all, lambda m: _uniform(m) is not None, "Add(x, [c, c, c]) -> Add(x, c)"),
    ("leading-ones", _strip, lambda m: bool(_strippable(m)), "Add(x, b[1, 1, 8]) -> Add(x, b[8])"),
)

BROADCAST = (
    *(
        Rule(name, op(_BROADCAST, rest("operands")), replace, when, comment)
        for name, replace, when, comment in _ROWS
    ),
    Rule(
        "order",
        op(_COMMUTATIVE, rest("operands")),
        lambda m, b: rebuilt(m, b, *_order(m)),
        lambda m: _order(m) != list(m.all("operands")),
        "Add(b, x) -> Add(x, b): what is computed, then Params, then Consts",
    ),
)
"""Operands of broadcasting and of commutative ops."""
