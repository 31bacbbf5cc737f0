"""TensorFlow's elementwise arithmetic, comparisons and logic as rows of the op table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphlens.frontends.tf.call import Call, Row
from graphlens.ir.node import Attribute, Value

PI = 3.141592653589793

_DIRECT = {
    "Abs": "Abs", "Neg": "Neg", "Exp": "Exp", "Log": "Log", "Sqrt": "Sqrt", "Sign": "Sign",
    "Sin": "Sin", "Cos": "Cos", "Tan": "Tan", "Asin": "Asin", "Acos": "Acos", "Atan": "Atan",
    "Sinh": "Sinh", "Cosh": "Cosh", "Tanh": "Tanh", "Asinh": "Asinh", "Acosh": "Acosh",
    "Atanh": "Atanh", "Erf": "Erf", "Reciprocal": "Reciprocal", "Inv": "Reciprocal",
    "IsNan": "IsNaN", "IsInf": "IsInf", "LogicalNot": "Not", "Invert": "BitwiseNot",
    "Sigmoid": "Sigmoid", "Relu": "Relu", "Elu": "Elu", "Selu": "Selu", "Softplus": "Softplus",
    "Softsign": "Softsign", "Floor": "Floor", "Ceil": "Ceil",
    "Identity": "Identity", "StopGradient": "Identity", "PreventGradient": "Identity",
    "Snapshot": "Identity", "CheckNumerics": "Identity", "PlaceholderWithDefault": "Identity",
    "EnsureShape": "Identity", "DebugGradientIdentity": "Identity",
    "Add": "Add", "AddV2": "Add", "Sub": "Sub", "Mul": "Mul", "RealDiv": "Div", "Div": "Div",
    "Maximum": "Max", "Minimum": "Min", "Pow": "Pow",
    "Less": "Less", "LessEqual": "LessOrEqual", "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual", "Equal": "Equal", "LogicalAnd": "And", "LogicalOr": "Or",
    "BitwiseAnd": "BitwiseAnd", "BitwiseOr": "BitwiseOr", "BitwiseXor": "BitwiseXor",
    "AddN": "Sum", "AccumulateNV2": "Sum",
}  # fmt: skip
"""TF ops that are an ONNX op with the same operands and meaning; ONNX's integer Div truncates."""


def _same(op: str, **attributes: Attribute) -> Row:
    return lambda call: call.emit(op, *call.values(), **attributes)


def _is_real(call: Call, index: int = 0) -> bool:
    return call.type(index).is_floating


def _number(call: Call, number: float, index: int = 0) -> Value:
    """A scalar of the same dtype as an operand."""
    return call.const(number, call.type(index).dtype)


def _is_zero(call: Call, value: Value) -> Value:
    return call.step("Equal", value, call.const(0, call.builder.type_of(value).dtype))


# -- one operand ----------------------------------------------------------------------------


def _round(call: Call) -> Value:
    """Both round halves to even; ONNX has Round for floats only, where it is all there is to do."""
    return call.emit("Round" if _is_real(call) else "Identity", call.value(0))


def _rsqrt(call: Call) -> Value:
    return call.emit("Reciprocal", call.step("Sqrt", call.value(0)))


def _square(call: Call) -> Value:
    return call.emit("Mul", call.value(0), call.value(0))


def _log1p(call: Call) -> Value:
    return call.emit("Log", call.step("Add", call.value(0), _number(call, 1)))


def _expm1(call: Call) -> Value:
    return call.emit("Sub", call.step("Exp", call.value(0)), _number(call, 1))


def _erfc(call: Call) -> Value:
    return call.emit("Sub", _number(call, 1), call.step("Erf", call.value(0)))


def _relu6(call: Call) -> Value:
    return call.emit("Clip", call.value(0), _number(call, 0), _number(call, 6))


def _leaky_relu(call: Call) -> Value:
    return call.emit("LeakyRelu", call.value(0), alpha=float(call.attr("alpha")))


def _is_finite(call: Call) -> Value:
    x = call.value(0)
    return call.emit("Not", call.step("Or", call.step("IsInf", x), call.step("IsNaN", x)))


def _cast(call: Call) -> Value:
    return call.emit("Cast", call.value(0), to=call.attr("DstT"))


def _bitcast(call: Call) -> Value | tuple[()]:
    source, target = call.type(0).dtype, call.attr("type")
    if np.dtype(source).itemsize != np.dtype(target).itemsize:
        return ()
    return call.emit("BitCast", call.value(0), to=target)


# -- two operands ---------------------------------------------------------------------------


def _not_equal(call: Call) -> Value:
    return call.emit("Not", call.step("Equal", *call.values()))


def _squared_difference(call: Call) -> Value:
    difference = call.step("Sub", *call.values())
    return call.emit("Mul", difference, difference)


def _floor_div(call: Call) -> Value:
    """Towards minus infinity; for integers through Python's remainder, which ONNX's Mod is."""
    x, y = call.values()
    if _is_real(call):
        return call.emit("Floor", call.step("Div", x, y))
    return call.emit("Div", call.step("Sub", x, call.step("Mod", x, y)), y)


def _truncate_div(call: Call) -> Value:
    """Towards zero, as ONNX divides integers."""
    quotient = call.step("Div", *call.values()) if _is_real(call) else None
    if quotient is None:
        return call.emit("Div", *call.values())
    negative = call.step("Less", quotient, _number(call, 0))
    return call.emit("Where", negative, call.step("Ceil", quotient), call.step("Floor", quotient))


def _floor_mod(call: Call) -> Value:
    """The sign of the divisor; of floats as TF does it: C's remainder, moved by one divisor."""
    x, y = call.values()
    if not _is_real(call):
        return call.emit("Mod", x, y)
    zero = _number(call, 0)
    rest = call.step("Mod", x, y, fmod=1)
    signs_differ = call.step("Xor", call.step("Less", rest, zero), call.step("Less", y, zero))
    moved = call.step("And", signs_differ, call.step("Not", call.step("Equal", rest, zero)))
    return call.emit("Where", moved, call.step("Add", rest, y), rest)


def _guarded(op: str, guard: int, after: str = "") -> Row:
    """Operation ``op``, but 0 wherever operand ``guard`` is 0 (Xlogy, DivNoNan and their like)."""

    def row(call: Call) -> Value:
        x, y = call.values()
        if after == "Log1p":
            y = call.step("Add", y, _number(call, 1))
        if after:
            y = call.step("Log", y)
        zero = _is_zero(call, call.value(guard))
        return call.emit("Where", zero, _number(call, 0), call.step(op, x, y))

    return row


def _shift(direction: str) -> Row:
    """ONNX shifts unsigned integers only: a signed one stays TF's."""

    def row(call: Call) -> Value | tuple[()]:
        if not call.type(0).dtype.startswith("uint"):
            return ()
        return call.emit("BitShift", *call.values(), direction=direction)

    return row


def _clip(call: Call) -> Value:
    """ONNX clips to scalars; TF's bounds may broadcast."""
    x, low, high = call.values()
    if call.rank(1) == 0 and call.rank(2) == 0:
        return call.emit("Clip", x, low, high)
    return call.emit("Min", call.step("Max", x, low), high)


def _atan2(call: Call) -> Value:
    """The angle of the point (x, y), by its quadrant; 0 at the origin."""
    y, x = call.values()
    zero = _number(call, 0)
    half = call.step("Where", call.step("Less", y, zero), _number(call, -PI), _number(call, PI))
    turn = call.step("Where", call.step("Less", x, zero), half, zero)
    angle = call.step("Add", call.step("Atan", call.step("Div", y, x)), turn)
    origin = call.step("And", _is_zero(call, x), _is_zero(call, y))
    return call.emit("Where", origin, zero, angle)


# -- choice ---------------------------------------------------------------------------------


def _select(call: Call) -> Value:
    """TF1's choice: a vector condition picks whole rows, so it broadcasts from the left."""
    condition, x, y = call.values()
    rank, wanted = call.rank(0), call.rank(1)
    if rank == 1 and wanted is not None and wanted > 1:
        axes = call.const(list(range(1, wanted)))
        condition = call.step("Unsqueeze", condition, axes)
    return call.emit("Where", condition, x, y)


def _identity_n(call: Call) -> list[Value]:
    named = [call.name if index == 0 else f"{call.name}_{index}" for index in range(len(call))]
    return [
        call.builder.op("Identity", value, results=(held,), name=name)
        for value, held, name in zip(call.values(), call.results, named, strict=True)
    ]


def _l2_loss(call: Call) -> Value:
    total = call.step("ReduceSumSquare", call.value(0), keepdims=0)
    return call.emit("Mul", total, _number(call, 0.5))


_WRITTEN: dict[str, Callable[[Call], Value | list[Value] | tuple[()]]] = {
    "Round": _round,
    "Rint": _round,
    "Rsqrt": _rsqrt,
    "Square": _square,
    "Log1p": _log1p,
    "Expm1": _expm1,
    "Erfc": _erfc,
    "Relu6": _relu6,
    "LeakyRelu": _leaky_relu,
    "IsFinite": _is_finite,
    "Cast": _cast,
    "Bitcast": _bitcast,
    "NotEqual": _not_equal,
    "SquaredDifference": _squared_difference,
    "FloorDiv": _floor_div,
    "FloorMod": _floor_mod,
    "TruncateDiv": _truncate_div,
    "Mod": _same("Mod", fmod=1),
    "TruncateMod": _same("Mod", fmod=1),
    "DivNoNan": _guarded("Div", 1),
    "MulNoNan": _guarded("Mul", 1),
    "Xdivy": _guarded("Div", 0),
    "Xlogy": _guarded("Mul", 0, after="Log"),
    "Xlog1py": _guarded("Mul", 0, after="Log1p"),
    "LeftShift": _shift("LEFT"),
    "RightShift": _shift("RIGHT"),
    "ClipByValue": _clip,
    "Atan2": _atan2,
    "Select": _select,
    "SelectV2": _same("Where"),
    "IdentityN": _identity_n,
    "L2Loss": _l2_loss,
}

ROWS: dict[str, Row] = {**{tf: _same(onnx) for tf, onnx in _DIRECT.items()}, **_WRITTEN}
"""Rows of this family by TF op type."""
