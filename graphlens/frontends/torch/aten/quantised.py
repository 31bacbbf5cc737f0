"""Rows of ops on quantised tensors, which a graph holds as the integers that torch stores.

What an integer stands for is said by the node that made it, QuantizeLinear or QLinearConv, as ONNX
has it; ops that only move or choose elements keep it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from graphlens.frontends.torch.call import Call, Row, row
from graphlens.frontends.torch.views import MAYBE, SURELY
from graphlens.ir.node import Value
from graphlens.tensor import UNDEFINED, TensorType

STORED = {torch.quint8: "uint8", torch.qint8: "int8", torch.qint32: "int32"}
"""The integers that a quantised tensor is stored as."""
QUANTISED: dict[str, Row] = {}
"""The rows of ops that give a quantised tensor, by domain and name."""

_MAKING = "aten::quantize_per_tensor"
"""The op that makes a quantised tensor of real numbers."""
_MOVING = SURELY | MAYBE | {"clone", "max_pool2d", "max_pool1d"}
"""Ops that keep what an integer stands for, and are done on the integers."""
_AVERAGING = {"adaptive_avg_pool2d", "avg_pool2d", "mean", "upsample_nearest2d"}
"""Ops whose result stands for as much as their operand, and are done on what it stands for."""


def _qrow(*names: str) -> Any:
    def put(function: Row) -> Row:
        QUANTISED.update(dict.fromkeys(names, function))
        return function

    return put


def quantised(call: Call, title: str, row_of_base: Row | None, values: list[Any]) -> Any:
    """The results of an op that gives a quantised tensor; NotImplemented if none is known.

    Args:
        call: The op's call, its first result of a type that has no dtype.
        title: The op's domain and name.
        row_of_base: The op's row for other tensors.
        values: Its arguments.
    """
    base = title.removeprefix("aten::")
    if title in QUANTISED:
        known = title == _MAKING or all(_meaning(call, one) for one in _tensors(values))
        return QUANTISED[title](call, *values) if known else NotImplemented
    if row_of_base is None or not values or not isinstance(values[0], Value):
        return NotImplemented
    held = call.dtype(values[0])
    if base in _MOVING:
        call.types = _with_dtype(call, held)
        return row_of_base(call, *values)
    if base in _AVERAGING and _meaning(call, values[0]) is not None:
        call.types, wanted = _with_dtype(call, "float32"), _with_dtype(call, held)
        made = row_of_base(call, _real(call, values[0]), *values[1:])
        return _stored(call, made, *_meant(call, values[0]), wanted)
    return NotImplemented


def _with_dtype(call: Call, dtype: str) -> tuple[TensorType, ...]:
    return tuple(one.with_dtype(dtype) for one in call.types)


def _meaning(call: Call, value: Value) -> tuple[Value, Value] | None:
    """The scale and zero point of a stored tensor."""
    graph = call.build.graph
    while True:
        node, operands = graph.node(value.node), graph.operands(value.node)
        place = _MEANING.get(node.op)
        if place is not None:
            return operands[place], operands[place + 1]  # type: ignore[return-value]
        if not operands or operands[0] is None:
            return None
        value = operands[0]


_MEANING = {"QuantizeLinear": 1, "QLinearConv": 6}
"""Which operand is the scale of the result; the next one is its zero point."""


def _meant(call: Call, value: Value) -> tuple[Value, Value]:
    """The same where `quantised` has seen that it is known."""
    scale, zero = _meaning(call, value)
    return scale, zero


def _tensors(values: list[Any]) -> list[Value]:
    parts = [part for one in values for part in (one if isinstance(one, list) else [one])]
    return [part for part in parts if isinstance(part, Value)]


def _real(call: Call, value: Value) -> Value:
    return call.step("DequantizeLinear", value, *_meant(call, value))


def _stored(call: Call, value: Value, scale: Any, zero: Any, types: Any = None) -> Value:
    types = _with_dtype(call, "uint8") if types is None else types
    if not isinstance(scale, Value):
        scale = call.const(np.array(scale, np.float32))
        zero = call.const(np.array(zero, types[0].dtype))
    return call.build.op("QuantizeLinear", value, scale, zero, results=types, name=call.name)


@_qrow(_MAKING)
def _quantize(call: Call, x: Value, scale: Any, zero: Any, dtype: Any) -> Any:
    if dtype not in (torch.quint8, torch.qint8) or isinstance(scale, Value):
        return NotImplemented
    return _stored(call, x, scale, zero, _with_dtype(call, STORED[dtype]))


@row("dequantize")
def _dequantize(call: Call, x: Value) -> Any:
    found = _meaning(call, x) if isinstance(x, Value) else None
    return NotImplemented if found is None else call.emit("DequantizeLinear", x, *found)


@row("int_repr")
def _int_repr(call: Call, x: Value) -> Any:
    return NotImplemented if call.dtype(x) == UNDEFINED else call.same(x)


@_qrow("aten::relu")
def _relu(call: Call, x: Value) -> Value:
    call.types = _with_dtype(call, call.dtype(x))
    return call.emit("Max", x, _meant(call, x)[1])


@_qrow("quantized::conv2d", "quantized::conv2d_relu", "quantized::conv1d", "quantized::conv1d_relu")
def _conv(call: Call, x: Value, packed: Any, scale: float, zero: int) -> Any:
    with torch._C._DisableTorchDispatch():
        weight, bias = packed.unpack()
    pads = [int(n) for n in packed.padding()]
    held = _with_dtype(call, "uint8")
    own, shift = _meant(call, x)
    stored, scales, zeros = _weights(call, weight)
    numbers = _whole(call, bias, own, weight)
    ends = [call.const(np.array(scale, np.float32)), call.const(np.array(zero, np.uint8))]
    is_last = "relu" not in call.op
    made = call.build.op(
        "QLinearConv",
        *(x, own, shift, stored, scales, zeros, *ends, numbers),
        results=held,
        name=call.name if is_last else f"{call.name}.conv",
        kernel_shape=tuple(weight.shape[2:]),
        strides=tuple(int(n) for n in packed.stride()),
        pads=(*pads, *pads),
        dilations=tuple(int(n) for n in packed.dilation()),
        group=int(packed.groups()),
    )
    if is_last:
        return made
    return call.build.op("Max", made, ends[1], results=held, name=call.name)


@_qrow("quantized::linear", "quantized::linear_relu")
def _linear(call: Call, x: Value, packed: Any, scale: float, zero: int) -> Any:
    weight, bias = _unpacked(packed)
    own, shift = _meant(call, x)
    total = call.cast(_product(call, x, shift, weight), "float32")
    real = call.step("Mul", total, call.step("Mul", own, _scales(call, weight)))
    if bias is not None:
        real = call.step("Add", real, call.const(bias.detach().numpy()))
    if "relu" in call.op:
        real = call.step("Relu", real)
    return _stored(call, real, scale, zero)


@row("quantized::linear_dynamic", "quantized::linear_relu_dynamic")
def _linear_dynamic(call: Call, x: Value, packed: Any, reduce_range: bool = False) -> Any:
    real = dynamic_product(call, x, packed, reduce_range)
    return call.emit("Relu" if "relu" in call.op else "Identity", real)


def dynamic_product(call: Call, x: Value, packed: Any, reduce_range: bool) -> Value:
    """A linear layer of an operand quantised by its own extremes.

    As fbgemm does it (``ChooseQuantizationParams``), to 7 bits if the range is reduced.
    """
    weight, bias = _unpacked(packed)
    top = 127 if reduce_range else 255
    nothing = call.number(0, "float32")
    low = call.step("Min", call.step("ReduceMin", x, keepdims=0), nothing)
    high = call.step("Max", call.step("ReduceMax", x, keepdims=0), nothing)
    scale = call.step("Div", call.step("Sub", high, low), call.number(top, "float32"))
    shift = call.step("Round", call.step("Neg", call.step("Div", low, scale)))
    shift = call.cast(shift, "uint8")
    stored = call.step("QuantizeLinear", x, scale, shift)
    total = call.cast(_product(call, stored, shift, weight), "float32")
    real = call.step("Mul", total, call.step("Mul", scale, _scales(call, weight)))
    if bias is not None:
        real = call.step("Add", real, call.const(bias.detach().numpy()))
    return real


@_qrow("quantized::add", "quantized::add_relu", "quantized::mul", "quantized::mul_relu")
def _add(call: Call, x: Value, other: Value, scale: float, zero: int) -> Value:
    op = "Add" if "add" in call.op else "Mul"
    real = call.step(op, _real(call, x), _real(call, other))
    if "relu" in call.op:
        real = call.step("Relu", real)
    return _stored(call, real, scale, zero, _with_dtype(call, call.dtype(x)))


@_qrow("quantized::cat")
def _cat(call: Call, parts: list[Value], dim: int, scale: Any, zero: Any) -> Any:
    if scale is None:
        return NotImplemented
    real = call.step("Concat", *(_real(call, one) for one in parts), axis=call.axis(parts[0], dim))
    return _stored(call, real, scale, zero)


def _unpacked(packed: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    with torch._C._DisableTorchDispatch():
        return torch.ops.quantized.linear_unpack(packed)


def _product(call: Call, x: Value, shift: Value, weight: torch.Tensor) -> Value:
    """The sums of the products of the integers, exactly."""
    stored = call.const(weight.int_repr().numpy().T)
    return call.step(
        "MatMulInteger", x, stored, shift, call.const(np.array(_zero(weight), np.int8))
    )


def _weights(call: Call, weight: torch.Tensor) -> tuple[Value, Value, Value]:
    zeros = np.broadcast_to(np.int8(_zero(weight)), _own_scales(weight).shape)
    return call.const(weight.int_repr().numpy()), _scales(call, weight), call.const(zeros.copy())


def _zero(weight: torch.Tensor) -> int:
    """The zero point of weights, which are stored symmetrically."""
    if weight.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return weight.q_zero_point()
    return int(weight.q_per_channel_zero_points()[0])


def _own_scales(weight: torch.Tensor) -> np.ndarray:
    if weight.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return np.array(weight.q_scale(), np.float32)
    return weight.q_per_channel_scales().numpy().astype(np.float32)


def _scales(call: Call, weight: torch.Tensor) -> Value:
    return call.const(_own_scales(weight))


def _whole(call: Call, bias: torch.Tensor | None, own: Value, weight: torch.Tensor) -> Value | None:
    """The bias as integers of the scale of the products."""
    if bias is None:
        return None
    scale = call.build.graph.weights[own.node] * _own_scales(weight)
    return call.const(np.rint(bias.detach().numpy() / scale).astype(np.int32))
