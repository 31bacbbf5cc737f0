"""Rows of the aten table: functions that ONNX has but for a factor, a shift or a quadrant."""

from __future__ import annotations

import math
from typing import Any

from graphlens.frontends.torch.call import TABLE, Call, Row, row
from graphlens.ir.node import Value


def _after(op: str, *before: Any, scale: float = 1.0, shift: float = 0.0) -> Row:
    """A unary op of ONNX with a constant factor or shift before or after it."""
    first = "before" in before

    def write(call: Call, x: Value) -> Value:
        dtype, held = call.out.dtype, call.cast(x, call.out.dtype)
        if not first:
            held = call.step(op, held, type=call.out)
        if shift:
            last = call.emit if first is False else call.step
            held = last("Add", held, call.number(shift, dtype))
        if scale != 1.0:
            last = call.emit if first is False else call.step
            held = last("Mul", held, call.number(scale, dtype))
        return call.emit(op, held) if first else held

    return write


TABLE |= {
    "log2": _after("Log", scale=1 / math.log(2)),
    "log10": _after("Log", scale=1 / math.log(10)),
    "log1p": _after("Log", "before", shift=1.0),
    "special_log1p": _after("Log", "before", shift=1.0),
    "expm1": _after("Exp", shift=-1.0),
    "special_expm1": _after("Exp", shift=-1.0),
    "exp2": _after("Exp", "before", scale=math.log(2)),
    "special_exp2": _after("Exp", "before", scale=math.log(2)),
    "deg2rad": _after("Identity", scale=math.pi / 180),
    "rad2deg": _after("Identity", scale=180 / math.pi),
}


@row("erfc", "special_erfc")
def _erfc(call: Call, x: Value) -> Value:
    held = call.step("Erf", call.cast(x, call.out.dtype), type=call.out)
    return call.emit("Sub", call.number(1, call.out.dtype), held)


@row("trunc", "fix")
def _trunc(call: Call, x: Value) -> Value:
    if not call.type(x).is_floating:
        return call.same(x)
    size = call.step("Floor", call.step("Abs", x, type=call.out), type=call.out)
    return call.emit("Mul", size, call.step("Sign", x, type=call.out))


@row("frac")
def _frac(call: Call, x: Value) -> Value:
    return call.emit("Mod", x, call.number(1, call.out.dtype), fmod=1)


@row("round.decimals")
def _round_decimals(call: Call, x: Value, decimals: int = 0) -> Value:
    if decimals == 0 or not call.out.is_floating:
        return TABLE["round"](call, x)
    factor = call.number(10.0**decimals, call.out.dtype)
    moved = call.step("Round", call.step("Mul", x, factor, type=call.out), type=call.out)
    return call.emit("Div", moved, factor)


@row("atan2", "arctan2")
def _atan2(call: Call, y: Value, x: Value) -> Value:
    dtype, truth_type = call.out.dtype, call.out.with_dtype("bool")
    y, x = call.cast(y, dtype), call.cast(x, dtype)
    zero = call.number(0, dtype)
    angle = call.step("Atan", call.step("Div", y, x, type=call.out), type=call.out)
    still = call.step("Equal", y, zero), call.step("Equal", x, zero)
    both = call.step("And", *still, type=truth_type)
    angle = call.step("Where", both, zero, angle, type=call.out)
    turns = [call.number(turn, dtype) for turn in (-math.pi, math.pi)]
    half = call.step("Where", call.step("Less", y, zero), *turns)
    return call.emit("Add", angle, call.step("Where", call.step("Less", x, zero), half, zero))


@row("angle")
def _angle(call: Call, x: Value) -> Value:
    dtype = call.out.dtype
    x = call.cast(x, dtype)
    turned = call.step("Less", x, call.number(0, dtype))
    half = call.step("Where", turned, call.number(math.pi, dtype), call.number(0, dtype))
    return call.emit("Where", call.step("IsNaN", x), x, half)


@row("hypot")
def _hypot(call: Call, x: Value, other: Value) -> Value:
    dtype = call.out.dtype
    squares = [call.step("Mul", *[call.cast(one, dtype)] * 2) for one in (x, other)]
    return call.emit("Sqrt", call.step("Add", *squares))


@row("fmax", "fmin")
def _fmax(call: Call, x: Value, other: Value) -> Value:
    """The larger of two, that which is a number where the other is none."""
    dtype = call.out.dtype
    x, other = call.operand(x, dtype), call.operand(other, dtype)
    op = "Max" if call.op.startswith("fmax") else "Min"
    if not call.out.is_floating:
        return TABLE["maximum" if op == "Max" else "minimum"](call, x, other)
    held = call.step("Where", call.step("IsNaN", x), other, call.step(op, x, other))
    return call.emit("Where", call.step("IsNaN", other), x, held)


def _has_minus(call: Call, x: Value) -> Value:
    """Whether each has a sign, that of -0 among them."""
    if call.dtype(x) in ("bool", "uint8"):
        return call.step("Less", call.cast(x, "int32"), call.number(0, "int32"))
    zero = call.number(0, call.dtype(x))
    below = call.step("Less", x, zero)
    if not call.type(x).is_floating:
        return below
    inverse = call.step("Less", call.step("Reciprocal", x), zero)
    return call.step("Or", below, call.step("And", call.step("Equal", x, zero), inverse))


@row("signbit")
def _signbit(call: Call, x: Value) -> Value:
    return call.same(_has_minus(call, x))


@row("copysign")
def _copysign(call: Call, x: Any, sign: Any) -> Value:
    dtype = call.out.dtype
    size = call.step("Abs", call.operand(x, dtype))
    minus = _has_minus(call, call.operand(sign, dtype))
    return call.emit("Where", minus, call.step("Neg", size), size)


@row("bitwise_left_shift", "bitwise_right_shift", "__lshift__", "__rshift__")
def _shift(call: Call, x: Any, count: Any) -> Value:
    """Shifts of signed integers: times a power of two, or divided by it towards minus infinity."""
    dtype = call.out.dtype
    if not dtype.startswith(("int", "uint")):
        return NotImplemented
    x, count = call.operand(x, dtype), call.operand(count, dtype)
    left = "left" in call.op or "lshift" in call.op
    if dtype.startswith("u"):
        return call.emit("BitShift", x, count, direction="LEFT" if left else "RIGHT")
    power = call.step("Pow", call.number(2, dtype), count)
    return call.emit("Mul", x, power) if left else TABLE["floor_divide"](call, x, power)
