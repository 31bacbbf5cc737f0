"""Rows of the aten table: normalisations and attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value
from graphlens.ops.proto import NUMBERS
from graphlens.tensor import TensorType


@row("batch_norm", "cudnn_batch_norm", "_batch_norm_impl_index")
def _batch_norm(
    call: Call,
    x: Value,
    weight: Value | None,
    bias: Value | None,
    mean: Value | None,
    var: Value | None,
    training: bool,
    momentum: float,
    eps: float,
    _: Any = None,
) -> Value:
    if training or mean is None or var is None:
        return _batch_statistics(call, x, weight, bias, eps)
    scale = weight if weight is not None else _filled(call, mean, 1)
    shift = bias if bias is not None else _filled(call, mean, 0)
    return call.emit("BatchNormalization", x, scale, shift, mean, var, epsilon=float(eps))


def _filled(call: Call, like: Value, number: float) -> Value:
    held = call.type(like)
    return call.const(np.full([int(dim) for dim in held.shape or ()], number), held.dtype)


@row("_native_batch_norm_legit_no_training", "native_batch_norm")
def _native_batch_norm(call: Call, x: Value, *rest: Any) -> Any:
    if call.op.startswith("native"):
        weight, bias, mean, var, training, momentum, eps = rest
    else:
        (weight, bias, mean, var, momentum, eps), training = rest, False
    if training:
        return NotImplemented
    inner = Call(call.build, call.op, call.name, call.types[:1])
    result = _batch_norm(inner, x, weight, bias, mean, var, False, momentum, eps)
    empty = call.const(np.zeros(0, np.float32))
    return result, empty, empty


def _batch_statistics(
    call: Call, x: Value, weight: Value | None, bias: Value | None, eps: float
) -> Value:
    """Normalised by this batch's own mean and variance (training, or no running statistics)."""
    axes = tuple(axis for axis in range(call.rank(x)) if axis != 1)
    held = _standardized(call, x, axes, eps)
    return _affine(call, held, weight, bias, 1)


def _standardized(call: Call, x: Value, axes: Sequence[int], eps: float) -> Value:
    over = call.const(list(axes))
    held = call.type(x)
    centred = call.step("Sub", x, call.step("ReduceMean", x, over, keepdims=1), type=held)
    var = call.step("ReduceMean", call.step("Mul", centred, centred, type=held), over, keepdims=1)
    spread = call.step("Sqrt", call.step("Add", var, call.number(eps, held.dtype)))
    return call.step("Div", centred, spread, type=held)


def _affine(call: Call, x: Value, weight: Value | None, bias: Value | None, axis: int) -> Value:
    """``x * weight + bias`` with both along one axis; the last of the nodes is the result."""
    steps = [(op, one) for op, one in (("Mul", weight), ("Add", bias)) if one is not None]
    if not steps:
        return call.same(x)
    tail = call.rank(x) - axis - 1
    for index, (op, one) in enumerate(steps):
        (count,) = call.shape(one)
        spread = call.type(one).with_shape((count, *(1,) * tail))
        operand = call.cast(call.reshape(one, spread.shape or (), spread), call.out.dtype)
        last = index == len(steps) - 1
        x = call.emit(op, x, operand) if last else call.step(op, x, operand, type=call.type(x))
    return x


@row("layer_norm")
def _layer_norm(
    call: Call,
    x: Value,
    normalized_shape: Sequence[int],
    weight: Value | None = None,
    bias: Value | None = None,
    eps: float = 1e-5,
    _: Any = None,
) -> Value:
    scale = weight if weight is not None else call.const(np.ones(normalized_shape), call.dtype(x))
    axis = call.rank(x) - len(normalized_shape)
    return call.emit("LayerNormalization", x, scale, bias, axis=axis, epsilon=float(eps))


@row("native_layer_norm")
def _native_layer_norm(
    call: Call, x: Value, shape: Sequence[int], weight: Any, bias: Any, eps: float
) -> Any:
    scale = weight if weight is not None else call.const(np.ones(shape), call.dtype(x))
    axis = call.rank(x) - len(shape)
    held = call.types[0], *(one.with_dtype("float32") for one in call.types[1:])  # ONNX's stash
    first = call.build.op(
        "LayerNormalization", x, scale, bias, results=held, name=call.name, axis=axis,
        epsilon=float(eps),
    )  # fmt: skip
    beside = [Value(first.node, 1), Value(first.node, 2)]
    return first, *(call.cast(one, call.out.dtype) for one in beside)


@row("rms_norm", "_fused_rms_norm")
def _rms_norm(
    call: Call, x: Value, shape: Sequence[int], weight: Value | None = None, eps: Any = None
) -> Any:
    if call.op.startswith("_"):
        return NotImplemented
    if eps is None:
        eps = float(np.finfo(np.float64 if call.dtype(x) == "float64" else np.float32).eps)
    scale = weight if weight is not None else call.const(np.ones(shape), call.dtype(x))
    axis = call.rank(x) - len(shape)
    return call.emit("RMSNormalization", x, scale, axis=axis, epsilon=float(eps))


@row("group_norm")
def _group_norm(
    call: Call,
    x: Value,
    groups: int,
    weight: Value | None = None,
    bias: Value | None = None,
    eps: float = 1e-5,
    _: Any = None,
) -> Value:
    channels = int(call.shape(x)[1])
    one = TensorType(call.dtype(x), (channels,))
    scale = weight if weight is not None else call.const(np.ones(channels), one.dtype)
    shift = bias if bias is not None else call.const(np.zeros(channels), one.dtype)
    return call.emit(
        "GroupNormalization",
        x,
        scale,
        shift,
        num_groups=groups,
        epsilon=float(eps),
        stash_type=_stash(one.dtype),
    )


def _stash(dtype: str) -> int | None:
    """The type that a norm computes in, where it is not ONNX's default: float32."""
    return NUMBERS[dtype] if dtype == "float64" else None


@row("instance_norm")
def _instance_norm(
    call: Call,
    x: Value,
    weight: Value | None,
    bias: Value | None,
    mean: Value | None,
    var: Value | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    _: Any = None,
) -> Value:
    if not use_input_stats and mean is not None:
        return _batch_norm(call, x, weight, bias, mean, var, False, momentum, eps)
    count = int(call.shape(x)[1])
    scale = weight if weight is not None else call.const(np.ones(count), call.dtype(x))
    shift = bias if bias is not None else call.const(np.zeros(count), call.dtype(x))
    return call.emit("InstanceNormalization", x, scale, shift, epsilon=float(eps))


@row("scaled_dot_product_attention")
def _attention(
    call: Call,
    query: Value,
    key: Value,
    value: Value,
    mask: Value | None = None,
    dropout: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Value:
    """ONNX's Attention takes [batch, heads, length, width] and a mask of rank 2 or 4."""
    rank = call.rank(query)
    if dropout or (call.dtype(query) == "float64" and mask is None and rank < 2):
        return NotImplemented
    dtype = call.out.dtype
    operands = [_four_axes(call, call.cast(one, dtype)) for one in (query, key, value)]
    if mask is not None:
        held = call.dtype(mask)
        mask = mask if held == "bool" else call.cast(mask, dtype)
        operands.append(mask if call.rank(mask) == 2 else _four_axes(call, mask))
    attributes = {"scale": None if scale is None else float(scale)}
    if is_causal:
        attributes["is_causal"] = 1
    if rank == 4:
        return call.emit("Attention", *operands, **attributes)
    held = call.step("Attention", *operands, **attributes)
    return call.reshaped(held)


def _four_axes(call: Call, x: Value) -> Value:
    """[batch, heads, length, width] of a value of any rank: leading axes joined, or made."""
    shape = call.shape(x)
    if len(shape) == 4:
        return x
    sizes = [int(dim) for dim in shape]
    lead = [1] * (4 - len(sizes)) if len(sizes) < 4 else [int(np.prod(sizes[:-3]))]
    whole = (*lead, *sizes[-min(len(sizes), 3) :]) if len(sizes) > 4 else (*lead, *sizes)
    return call.reshape(x, whole, call.type(x).with_shape(whole))
