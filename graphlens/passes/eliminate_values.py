"""Rules for operations that return the very numbers that they are given."""

from __future__ import annotations

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.rewrite import Match, Rule, const, op, optional, rest, var
from graphlens.tensor import TensorType

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_INTS = ("int16", "int32", "int64")
_UNSIGNED = ("uint16", "uint32", "uint64")

_WIDER: dict[str, tuple[str, ...]] = {
    "bool": ("int8", "uint8", *_INTS, *_UNSIGNED, *_FLOATS),
    "int8": (*_INTS, *_FLOATS),
    "uint8": (*_INTS, *_UNSIGNED, *_FLOATS),
    "int16": ("int32", "int64", "float32", "float64"),
    "uint16": ("int32", "uint32", "int64", "uint64", "float32", "float64"),
    "int32": ("int64", "float64"),
    "uint32": ("int64", "uint64", "float64"),
    "float16": ("float32", "float64"),
    "bfloat16": ("float32", "float64"),
    "float32": ("float64",),
}
"""Dtypes that hold every value of a dtype."""


def _same_type(m: Match) -> bool:
    """Whether x has the root's very type, so that nothing is broadcast or converted."""
    held = m.type()
    return held == m.type("x") and held.shape is not None and "?" not in held.shape


def _x(m: Match, _: Builder) -> Value:
    return m["x"]


def _bits(*values: complex):
    """Whether an array holds nothing but these bits: -0 is not 0."""

    def fits(_: TensorType, array: np.ndarray | None) -> bool:
        if array is None or array.size == 0 or array.dtype.kind not in "biufV":
            return False
        wide = array.astype(np.float64)
        return any(
            bool(np.all(wide == value) and np.all(np.signbit(wide) == np.signbit(value)))
            for value in values
        )

    return fits


def _zero(held: TensorType, array: np.ndarray | None) -> bool:
    """What added changes nothing: -0, and 0 where the dtype has no -0."""
    return _bits(-0.0)(held, array) if held.is_floating else _bits(0.0)(held, array)


def _true(held: TensorType, array: np.ndarray | None) -> bool:
    return held.dtype == "bool" and array is not None and bool(np.all(array))


def _false(held: TensorType, array: np.ndarray | None) -> bool:
    return held.dtype == "bool" and array is not None and not np.any(array)


def _infers(m: Match) -> bool:
    """Whether a Dropout is told not to train, as it is unless it is told otherwise."""
    mode = m.get("training")
    array = m.array("training")
    return mode is None or (array is not None and not np.any(array))


def _cast_loses_nothing(m: Match) -> bool:
    return m.type("inner").dtype in _WIDER.get(m.type("x").dtype, ())


def _cast_once(m: Match, b: Builder) -> Value:
    return b.op("Cast", m["x"], to=m.type().dtype, results=[m.type()], name=m.root)


_ONE = const(when=_bits(1.0))

VALUES = (
    Rule("identity", op("Identity", var("x")), _x, comment="Identity(x) -> x"),
    Rule(
        "dropout",
        op("Dropout", var("x"), optional(var()), optional(var("training"))),
        _x,
        when=_infers,
        comment="Dropout(x) -> x, where it does not train and nobody reads its mask",
    ),
    Rule(
        "cast-to-same",
        op("Cast", var("x")),
        _x,
        when=lambda m: m.type("x").dtype == m.attribute("to"),
        comment="Cast(x, to=dtype of x) -> x",
    ),
    Rule(
        "cast-of-cast",
        op("Cast", op("Cast", var("x"), name="inner")),
        _cast_once,
        when=_cast_loses_nothing,
        comment="Cast(Cast(x, wider), y) -> Cast(x, y)",
    ),
    Rule("mul-by-1", op("Mul", var("x"), _ONE), _x, _same_type, "Mul(x, 1) -> x"),
    Rule("div-by-1", op("Div", var("x"), _ONE), _x, _same_type, "Div(x, 1) -> x"),
    Rule("pow-1", op("Pow", var("x"), _ONE), _x, _same_type, "Pow(x, 1) -> x"),
    Rule(
        "add-0",
        op("Add", var("x"), const(when=_zero)),
        _x,
        _same_type,
        "Add(x, 0) -> x for ints, Add(x, -0.0) -> x for floats",
    ),
    Rule("sub-0", op("Sub", var("x"), const(when=_bits(0.0))), _x, _same_type, "Sub(x, 0) -> x"),
    Rule("and-true", op("And", var("x"), const(when=_true)), _x, _same_type, "And(x, True) -> x"),
    Rule("or-false", op("Or", var("x"), const(when=_false)), _x, _same_type, "Or(x, False) -> x"),
    Rule("not-not", op("Not", op("Not", var("x"))), _x, comment="Not(Not(x)) -> x"),
    Rule("neg-neg", op("Neg", op("Neg", var("x"))), _x, comment="Neg(Neg(x)) -> x"),
    Rule(
        "relu-relu",
        op("Relu", op("Relu", var(), name="x", kept=True)),
        _x,
        comment="Relu(Relu(x)) -> Relu(x)",
    ),
    Rule(
        "where-true",
        op("Where", const(when=_true), var("x"), var()),
        _x,
        _same_type,
        "Where(True, x, y) -> x",
    ),
    Rule(
        "where-false",
        op("Where", const(when=_false), var(), var("x")),
        _x,
        _same_type,
        "Where(False, y, x) -> x",
    ),
    Rule(
        "where-same",
        op("Where", var(), var("x"), var("x")),
        _x,
        _same_type,
        "Where(c, x, x) -> x",
    ),
    Rule(
        "one-operand",
        op(("Concat", "Sum", "Max", "Min", "Mean"), var("x")),
        _x,
        comment="Concat(x) -> x, Sum(x) -> x ...",
    ),
    Rule(
        "clip-unbounded",
        op("Clip", var("x"), rest("bounds")),
        _x,
        when=lambda m: all(bound is None for bound in m.all("bounds")),
        comment="Clip(x) -> x",
    ),
)
"""Identity, Dropout, Cast and arithmetic that change no number."""
