"""Rows of the aten table: logic, choosing and bounding elementwise, casts, copies, dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.frontends.torch.aten.math import add, truth
from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


@row("logical_not")
def _logical_not(call: Call, x: Value) -> Value:
    return call.emit("Not", truth(call, x))


@row("isnan")
def _isnan(call: Call, x: Value) -> Value:
    return call.emit("IsNaN", call.operand(x, _float_of(call, x)))


@row("isinf")
def _isinf(call: Call, x: Value) -> Value:
    return call.emit("IsInf", call.operand(x, "float32") if _needs_float(call, x) else x)


@row("isfinite")
def _isfinite(call: Call, x: Value) -> Value:
    x = call.operand(x, _float_of(call, x))
    wide = call.cast(x, "float32") if _needs_float(call, x) else x
    odd = call.step(
        "Or",
        call.step("IsNaN", x, type=call.out),
        call.step("IsInf", wide, type=call.out),
        type=call.out,
    )
    return call.emit("Not", odd)


def _float_of(call: Call, x: Value) -> str:
    return call.dtype(x) if call.type(x).is_floating else "float32"


def _needs_float(call: Call, x: Value) -> bool:
    """ONNX's IsInf takes float32 and float64 only (float16 in newer opsets, not everywhere)."""
    return call.dtype(x) not in ("float32", "float64")


@row("where.self", "where.ScalarSelf", "where.ScalarOther", "where.Scalar")
def _where(call: Call, condition: Value, x: Any, other: Any) -> Value:
    dtype = call.out.dtype
    return call.emit(
        "Where", truth(call, condition), call.operand(x, dtype), call.operand(other, dtype)
    )


@row("masked_fill")
def _masked_fill(call: Call, x: Value, mask: Value, value: Any) -> Value:
    return call.emit("Where", truth(call, mask), call.operand(value, call.out.dtype), x)


@row("clamp", "clip")
def _clamp(call: Call, x: Value, low: Any = None, high: Any = None) -> Value:
    dtype = call.out.dtype
    held = call.cast(x, dtype)
    bounds = [None if bound is None else call.operand(bound, dtype) for bound in (low, high)]
    if all(bound is None or call.rank(bound) == 0 for bound in bounds):
        return call.emit("Clip", held, *(bounds if bounds[1] else bounds[:1]))
    for op, bound in zip(("Max", "Min"), bounds, strict=True):
        if bound is not None:
            last = op == "Min" or bounds[1] is None
            held = call.emit(op, held, bound) if last else call.step(op, held, bound)
    return held


@row("clamp_min")
def _clamp_min(call: Call, x: Value, low: Any) -> Value:
    return _clamp(call, x, low, None)


@row("clamp_max")
def _clamp_max(call: Call, x: Value, high: Any) -> Value:
    return _clamp(call, x, None, high)


@row("lerp")
def _lerp(call: Call, start: Value, end: Value, weight: Any) -> Value:
    gap = call.step("Sub", end, start)
    return call.emit("Add", start, call.step("Mul", gap, call.operand(weight, call.out.dtype)))


@row("addcmul")
def _addcmul(call: Call, x: Value, a: Value, b: Value, value: Any = 1) -> Value:
    return add(call, x, _joined(call, "Mul", a, b), value)


@row("addcdiv")
def _addcdiv(call: Call, x: Value, a: Value, b: Value, value: Any = 1) -> Value:
    return add(call, x, _joined(call, "Div", a, b), value)


def _joined(call: Call, op: str, a: Value, b: Value) -> Value:
    dtype = call.out.dtype
    return call.step(op, call.cast(a, dtype), call.cast(b, dtype))


@row("to", "_to_copy", "type_as", "_autocast_to_full_precision", "_autocast_to_reduced_precision")
def _to(call: Call, x: Value, *_: Any) -> Value:
    if call.dtype(x) == call.out.dtype:
        return call.same(x)
    return call.emit("Cast", x, to=call.out.dtype)


@row("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def _dropout(call: Call, x: Value, *rest: Any) -> Value:
    if not rest[1] or rest[0] == 0.0:
        return call.same(x)
    if not call.op.startswith("dropout"):
        return NotImplemented
    ratio, training = call.number(rest[0], call.out.dtype), call.const(np.array(True))
    return call.emit("Dropout", x, ratio, training)


@row("native_dropout")
def _native_dropout(call: Call, x: Value, p: float, train: bool | None) -> Any:
    if train:
        return NotImplemented
    mask = call.step("Expand", call.const(np.array(True)), call.ints(call.shape(x)))
    return call.build.op("Identity", x, results=call.types[:1], name=call.name), mask


@row("copy")
def _copy(call: Call, x: Value, source: Value | int, non_blocking: bool = False) -> Value:
    held = call.operand(source, call.out.dtype)  # a trace has a size where it wrote a tensor of it
    if call.shape(held) == call.shape(x):
        return call.same(held)
    return call.emit("Expand", held, call.ints(call.out.shape or ()))
