"""Rules that bring arithmetic to one form: which op, in which order, with which constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.ir import CONST, OURS, PARAM, Value
from graphlens.ops.build import Builder
from graphlens.passes.canonicalize_views import rebuilt, reshaped
from graphlens.rewrite import Match, Rule, op, optional, rest, scalar, var
from graphlens.tensor import UNDEFINED, Dim

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


def _order(m: Match) -> list[Value | None]:
    """The operands of a commutative op: computed ones, then Params, then Consts."""
    return sorted(
        m.all("operands"), key=lambda v: 0 if v is None else _RANK.get(m.graph.op(v.node), 0)
    )


def _is_floating(m: Match) -> bool:
    return m.type().is_floating


def _keeps_type(m: Match) -> bool:
    return m.type("x") == m.type() and m.type().is_floating


def _unary(ops: str, operand: str = "x"):
    """A replacement by a chain of ops of one operand, the innermost first."""

    def build(m: Match, b: Builder) -> Value:
        *first, last = ops.split()
        value = m[operand]
        for name in first:
            value = b.op(name, value, results=[m.type()])
        return b.op(last, value, results=[m.type()], name=m.root)

    return build


def _binary(name: str):
    def build(m: Match, b: Builder) -> Value:
        return b.op(name, m["x"], m["y"], results=[m.type()], name=m.root)

    return build


def _gemm(m: Match, b: Builder) -> Value:
    left = b.op("Transpose", m["x"], perm=(1, 0)) if m.attribute("transA") else m["x"]
    right = b.op("Transpose", m["y"], perm=(1, 0)) if m.attribute("transB") else m["y"]
    name = f"{m.root}_matmul" if m.get("c") else m.root
    value = b.op("MatMul", left, right, results=[m.type()], name=name)
    value = _scaled(b, value, m.attribute("alpha"))
    bias = m.get("c")
    if bias is None:
        return value
    return b.op(
        "Add", value, _scaled(b, bias, m.attribute("beta")), results=[m.type()], name=m.root
    )


def _scaled(b: Builder, value: Value, factor: Any) -> Value:
    if factor in (None, 1.0):
        return value
    held = b.type_of(value)
    return b.op("Mul", value, b.const(factor, held.dtype, name="scale"), results=[held])


def _clip(m: Match, b: Builder) -> Value:
    """Clip from bounds captured as low and high; a Relu below is a bound of 0."""
    held = m.type()
    low = m.array("low")
    bounds = [b.const(np.zeros((), held.dtype) if low is None else low.reshape(()), name="min")]
    high = m.array("high")
    if high is not None:
        bounds.append(b.const(high.reshape(()), name="max"))
    return b.op("Clip", m["x"], *bounds, results=[held], name=m.root)


def _bounded(m: Match) -> bool:
    low = m.number("low") if "low" in m else 0.0
    return m.type("x") == m.type() and low <= m.number("high")


def _without_infinite_bounds(m: Match) -> list[Value | None]:
    kept: list[Value | None] = []
    for name, infinite in (("low", -np.inf), ("high", np.inf)):
        array = m.array(name)
        kept.append(None if array is not None and np.all(array == infinite) else m.get(name))
    return kept


def _infinite(m: Match) -> bool:
    return _is_floating(m) and _without_infinite_bounds(m) != [m.get("low"), m.get("high")]


ARITHMETIC = (
    Rule(
        "cast-like",
        op("CastLike", var("x"), var("like")),
        lambda m, b: b.op("Cast", m["x"], to=m.type().dtype, results=[m.type()], name=m.root),
        lambda m: m.type().dtype == m.type("like").dtype != UNDEFINED,
        "CastLike(x, y) -> Cast(x, to=dtype of y)",
    ),
    Rule(
        "sum-of-2",
        op("Sum", var("x"), var("y")),
        _binary("Add"),
        comment="Sum(x, y) -> Add(x, y)",
    ),
    Rule(
        "gemm",
        op("Gemm", var("x"), var("y"), optional(var("c"))),
        _gemm,
        comment="Gemm(x, w, c) -> Add(MatMul(x, w), c)",
    ),
    Rule(
        "add-neg",
        op("Add", var("x"), op("Neg", var("y"), kept=True)),
        _binary("Sub"),
        comment="Add(x, Neg(y)) -> Sub(x, y)",
    ),
    Rule(
        "sub-neg",
        op("Sub", var("x"), op("Neg", var("y"), kept=True)),
        _binary("Add"),
        comment="Sub(x, Neg(y)) -> Add(x, y)",
    ),
    Rule(
        "mul-by-minus-1",
        op("Mul", var("x"), scalar(-1.0, within=0)),
        _unary("Neg"),
        _keeps_type,
        "Mul(x, -1) -> Neg(x)",
    ),
    Rule(
        "div-1-by",
        op("Div", scalar(1.0, within=0), var("x")),
        _unary("Reciprocal"),
        _keeps_type,
        "Div(1, x) -> Reciprocal(x)",
    ),
    Rule(
        "square",
        op("Pow", var("x"), scalar(2.0, within=0)),
        lambda m, b: b.op("Mul", m["x"], m["x"], results=[m.type()], name=m.root),
        _keeps_type,
        "Pow(x, 2) -> Mul(x, x)",
    ),
    Rule(
        "root",
        op("Pow", var("x"), scalar(0.5, within=0)),
        _unary("Sqrt"),
        _keeps_type,
        "Pow(x, 0.5) -> Sqrt(x)",
    ),
    Rule(
        "inverse",
        op("Pow", var("x"), scalar(-1.0, within=0)),
        _unary("Reciprocal"),
        _keeps_type,
        "Pow(x, -1) -> Reciprocal(x)",
    ),
    Rule(
        "inverse-root",
        op("Pow", var("x"), scalar(-0.5, within=0)),
        _unary("Sqrt Reciprocal"),
        _keeps_type,
        "Pow(x, -0.5) -> Reciprocal(Sqrt(x))",
    ),
    Rule(
        "relu",
        op("Max", var("x"), scalar(0.0, within=0)),
        _unary("Relu"),
        _keeps_type,
        "Max(x, 0) -> Relu(x)",
    ),
    Rule(
        "clip-infinite",
        op("Clip", var("x"), optional(var("low")), optional(var("high"))),
        lambda m, b: b.op(
            "Clip", m["x"], *_without_infinite_bounds(m), results=[m.type()], name=m.root
        ),
        _infinite,
        "Clip(x, 0, inf) -> Clip(x, 0)",
    ),
    Rule(
        "clip-at-0",
        op("Clip", var("x"), scalar(0.0, within=0)),
        _unary("Relu"),
        _is_floating,
        "Clip(x, 0) -> Relu(x)",
    ),
    Rule(
        "clip-of-relu",
        op("Min", op("Relu", var("x")), scalar(None, "high")),
        _clip,
        _bounded,
        "Min(Relu(x), 6) -> Clip(x, 0, 6)",
    ),
    Rule(
        "clip",
        op("Min", op("Max", var("x"), scalar(None, "low")), scalar(None, "high")),
        _clip,
        _bounded,
        "Min(Max(x, a), b) -> Clip(x, a, b)",
    ),
    Rule(
        "unexpand",
        op(_BROADCAST, rest("operands")),
        _unexpand,
        lambda m: bool(_expanded(m)),
        "Add(Expand(x), y) -> Add(x, y), where y broadcasts it",
    ),
    Rule(
        "uniform",
        op(_BROADCAST, rest("operands")),
        _one_for_all,
        lambda m: _uniform(m) is not None,
        "Add(x, [c, c, c]) -> Add(x, c)",
    ),
    Rule(
        "leading-ones",
        op(_BROADCAST, rest("operands")),
        _strip,
        lambda m: bool(_strippable(m)),
        "Add(x, b[1, 1, 8]) -> Add(x, b[8])",
    ),
    Rule(
        "order",
        op(_COMMUTATIVE, rest("operands")),
        lambda m, b: rebuilt(m, b, *_order(m)),
        lambda m: _order(m) != list(m.all("operands")),
        "Add(b, x) -> Add(x, b): what is computed, then Params, then Consts",
    ),
)
"""Arithmetic."""
