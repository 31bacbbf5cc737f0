"""Rows of the aten table: activations and softmax."""

from __future__ import annotations

from typing import Any

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


@row("gelu")
def _gelu(call: Call, x: Value, approximate: str = "none") -> Value:
    return call.emit("Gelu", x, approximate=approximate if approximate != "none" else None)


@row("silu")
def _silu(call: Call, x: Value) -> Value:
    return call.emit("Swish", x)


@row("hardsigmoid")
def _hardsigmoid(call: Call, x: Value) -> Value:
    return call.emit("HardSigmoid", x, alpha=1 / 6, beta=0.5)


@row("hardtanh", "relu6")
def _hardtanh(call: Call, x: Value, low: float = 0.0, high: float = 6.0) -> Value:
    dtype = call.out.dtype
    return call.emit("Clip", x, call.number(low, dtype), call.number(high, dtype))


@row("leaky_relu")
def _leaky_relu(call: Call, x: Value, slope: float = 0.01) -> Value:
    return call.emit("LeakyRelu", x, alpha=float(slope))


@row("rrelu")
def _rrelu(call: Call, x: Value, low: float, high: float, training: bool, _: Any) -> Value:
    return NotImplemented if training else call.emit("LeakyRelu", x, alpha=(low + high) / 2)


@row("elu")
def _elu(call: Call, x: Value, alpha: float = 1.0, scale: float = 1.0, inner: float = 1.0) -> Value:
    if inner != 1.0:
        return NotImplemented
    if scale == 1.0:
        return call.emit("Elu", x, alpha=float(alpha))
    held = call.step("Elu", x, type=call.out, alpha=float(alpha))
    return call.emit("Mul", held, call.number(scale, call.out.dtype))


@row("selu")
def _selu(call: Call, x: Value) -> Value:
    return call.emit("Selu", x)


@row("celu")
def _celu(call: Call, x: Value, alpha: float = 1.0) -> Value:
    return call.emit("Celu", x, alpha=float(alpha))


@row("softplus")
def _softplus(call: Call, x: Value, beta: float = 1, threshold: float = 20) -> Value:
    dtype = call.out.dtype
    factor = call.number(beta, dtype)
    scaled = x if beta == 1 else call.step("Mul", x, factor, type=call.out)
    if beta == 1 and threshold >= 20 and dtype != "float64":
        return call.emit("Softplus", scaled)  # beyond 20 the sum is x to float32's last bit
    soft = call.step("Softplus", scaled, type=call.out)
    soft = soft if beta == 1 else call.step("Div", soft, factor, type=call.out)
    past = call.step("Greater", scaled, call.number(threshold, dtype))
    return call.emit("Where", past, x, soft)


@row("log_sigmoid")
def _log_sigmoid(call: Call, x: Value) -> Value:
    return call.emit("Log", call.step("Sigmoid", x, type=call.out))


@row("threshold")
def _threshold(call: Call, x: Value, threshold: float, value: float) -> Value:
    dtype = call.out.dtype
    above = call.step("Greater", x, call.number(threshold, dtype))
    return call.emit("Where", above, x, call.number(value, dtype))


@row("hardshrink")
def _hardshrink(call: Call, x: Value, lambd: float = 0.5) -> Value:
    return call.emit("Shrink", x, lambd=float(lambd), bias=0.0)


@row("softshrink")
def _softshrink(call: Call, x: Value, lambd: float = 0.5) -> Value:
    return call.emit("Shrink", x, lambd=float(lambd), bias=float(lambd))


@row("prelu")
def _prelu(call: Call, x: Value, weight: Value) -> Value:
    rank = call.rank(x)
    if call.type(weight).elements != 1 and rank > 2:
        (count,) = call.shape(weight)
        held = call.type(weight).with_shape((count, *(1,) * (rank - 2)))
        weight = call.reshape(weight, held.shape or (), held)
    return call.emit("PRelu", x, weight)


@row("glu")
def _glu(call: Call, x: Value, dim: int = -1) -> Value:
    halves = call.step("Split", x, count=2, axis=call.axis(x, dim), num_outputs=2)
    gate = call.step("Sigmoid", Value(halves.node, 1), type=call.out)
    return call.emit("Mul", halves, gate)


@row(
    "softmax",
    "_softmax",
    "log_softmax",
    "_log_softmax",
    "special_softmax",
    "special_log_softmax",
)
def _softmax(call: Call, x: Value, dim: int, _: Any = None) -> Value:
    op = "LogSoftmax" if "log" in call.op else "Softmax"
    if call.rank(x) == 0:
        return NotImplemented
    return call.emit(op, call.cast(x, call.out.dtype), axis=call.axis(x, dim))


@row("_safe_softmax")
def _safe_softmax(call: Call, x: Value, dim: int, _: Any = None) -> Value:
    """A softmax that is 0, not NaN, where every element is minus infinity."""
    if call.rank(x) == 0:
        return NotImplemented
    dtype, axis = call.out.dtype, call.axis(x, dim)
    x = call.cast(x, dtype)
    largest = call.step("ReduceMax", x, call.const([axis]), keepdims=1)
    hidden = call.step("Equal", largest, call.number(-float("inf"), dtype))
    plain = call.step("Softmax", x, type=call.out, axis=axis)
    return call.emit("Where", hidden, call.number(0, dtype), plain)
