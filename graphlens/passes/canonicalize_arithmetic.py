"""Rules that bring arithmetic to one form: one op for what can be said by several."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.rewrite import Match, Rule, op, optional, scalar, var
from graphlens.tensor import UNDEFINED


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
)
"""Arithmetic."""
