"""Shapes, strides and dtypes of the results of common ops, in their plain cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import torch


class Made(NamedTuple):
    """What a result is like.

    Attributes:
        shape: Its sizes.
        strides: Its steps in memory, in elements.
        dtype: Its dtype.
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype


Rule = Callable[..., Any]
"""Of the op's arguments in order; a `Made`, an operand as it is, or NotImplemented."""

_NUMBERS = (bool, int, float)


def _dense(shape: Sequence[int], dtype: torch.dtype) -> Made:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return Made(tuple(shape), tuple(reversed(strides)), dtype)


def _plain(*tensors: torch.Tensor | None) -> bool:
    """Whether operands are contiguous and of one floating dtype."""
    held = [one for one in tensors if one is not None]
    dtype = held[0].dtype
    return dtype.is_floating_point and all(
        one.dtype == dtype and one.is_contiguous() for one in held
    )


def _broadcast(shapes: Sequence[torch.Size]) -> tuple[int, ...] | None:
    rank = max(map(len, shapes))
    found = []
    for axis in range(-rank, 0):
        sizes = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        if len(sizes) > 1:
            return None
        found.append(sizes.pop() if sizes else 1)
    return tuple(found)


def _pointwise(operands: Sequence[Any], dtype: torch.dtype | None) -> Any:
    """The result of a function applied to each element, its operands broadcast."""
    tensors = [one for one in operands if isinstance(one, torch.Tensor)]
    shape = _broadcast([one.shape for one in tensors])
    if shape is None:
        return NotImplemented
    dtype = dtype or tensors[0].dtype
    if len(tensors) > 1 or tensors[0].is_contiguous():
        full = [one for one in tensors if tuple(one.shape) == shape]
        if not full or not all(one.is_contiguous() for one in full):
            return NotImplemented
        return _dense(shape, dtype)
    if not _fills(tensors[0]):
        return NotImplemented
    return Made(shape, tensors[0].stride(), dtype)


def _fills(tensor: torch.Tensor) -> bool:
    """Whether a tensor is dense in some order of its axes."""
    step = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


def arithmetic(*operands: Any) -> Any:
    """Floats with floats of the same dtype and numbers: that dtype."""
    tensors = [one for one in operands if isinstance(one, torch.Tensor)]
    dtype = tensors[0].dtype
    others = any(one.dtype != dtype for one in tensors)
    if others or not dtype.is_floating_point or any(isinstance(one, complex) for one in operands):
        return NotImplemented
    return _pointwise(tensors, dtype)


def _comparison(*operands: Any) -> Any:
    tensors = [one for one in operands if isinstance(one, torch.Tensor)]
    return _pointwise(tensors, torch.bool)


def _logic(*operands: Any) -> Any:
    if any(one.dtype != torch.bool for one in operands if isinstance(one, torch.Tensor)):
        return NotImplemented
    return _comparison(*operands)


def _where(condition: Any, one: Any = None, other: Any = None) -> Any:
    tensors = [held for held in (one, other) if isinstance(held, torch.Tensor)]
    if condition.dtype != torch.bool or len(tensors) < 2 or one.dtype != other.dtype:
        return NotImplemented
    return _pointwise([condition, one, other], one.dtype)


def _masked_fill(held: Any, mask: Any, value: Any) -> Any:
    known = isinstance(value, _NUMBERS) and held.dtype.is_floating_point
    fits = known and _broadcast([held.shape, mask.shape]) == tuple(held.shape)
    return _pointwise([held, mask], held.dtype) if fits else NotImplemented


def _like(held: Any) -> Any:
    return _dense(held.shape, held.dtype) if _plain(held) else NotImplemented


def _layer_norm(held: Any, sizes: Any, weight: Any = None, bias: Any = None, *_: Any) -> Any:
    fits = tuple(held.shape[-len(sizes) :]) == tuple(sizes)
    bias = bias if isinstance(bias, torch.Tensor) else None  # rms_norm has none
    return _like(held) if fits and _plain(held, weight, bias) else NotImplemented


def _batch_norm(held: Any, *rest: Any) -> Any:
    """A batch norm, which torch goes through a decomposition for."""
    tensors = rest[:4]
    if held.dim() < 2 or not _plain(held, *tensors):
        return NotImplemented
    channels = (held.shape[1],)
    return (
        _like(held)
        if all(one is None or one.shape == channels for one in tensors)
        else NotImplemented
    )


def _softmax(held: Any, dim: int, dtype: Any = None) -> Any:
    if not -held.dim() <= dim < held.dim():
        return NotImplemented
    return _like(held) if dtype in (None, held.dtype) else NotImplemented


def _dropout(held: Any, p: float, train: bool) -> Any:
    del p
    return NotImplemented if train else held


def _linear(held: Any, weight: Any, bias: Any) -> Any:
    tensors = [one for one in (held, weight, bias) if one is not None]
    fits = held.dim() > 1 and weight.dim() == 2 and held.shape[-1] == weight.shape[1]
    if not fits or any(one.dtype != held.dtype for one in tensors):
        return NotImplemented
    return _dense((*held.shape[:-1], weight.shape[0]), held.dtype)


def _matmul(one: Any, other: Any) -> Any:
    if not one.dim() >= other.dim() > 1 or one.dtype != other.dtype:
        return NotImplemented
    batch = _broadcast([one.shape[:-2], other.shape[:-2]]) if one.dim() > 2 else ()
    if batch is None or one.shape[-1] != other.shape[-2]:
        return NotImplemented
    return _dense((*batch, one.shape[-2], other.shape[-1]), one.dtype)


def _embedding(weight: Any, indices: Any, *_: Any) -> Any:
    return _dense((*indices.shape, *weight.shape[1:]), weight.dtype)


def _conv(held: Any, weight: Any, bias: Any, *window: Any) -> Any:
    stride, padding, dilation, groups = window
    rank = weight.dim() - 2
    if isinstance(padding, str) or held.dim() != rank + 2 or not _plain(held, weight, bias):
        return NotImplemented
    if held.shape[1] != weight.shape[1] * groups:
        return NotImplemented
    sizes = _slid(held.shape[2:], weight.shape[2:], stride, padding, dilation)
    if sizes is None:
        return NotImplemented
    return _dense((held.shape[0], weight.shape[0], *sizes), held.dtype)


def _convolution(held: Any, weight: Any, bias: Any, *rest: Any) -> Any:
    """As a trace has it, after torch's own choice of a kernel."""
    stride, padding, dilation, transposed, _, groups, *_ = rest
    return (
        NotImplemented
        if transposed
        else _conv(held, weight, bias, stride, padding, dilation, groups)
    )


def _slid(sizes: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> list[int] | None:
    """The sizes of what a window sees; None if it fits nowhere."""
    rank = len(sizes)
    each = [list(one) * rank if len(one) == 1 else one for one in (stride, padding, dilation)]
    found = [
        (size + 2 * pad - wide * (window - 1) - 1) // step + 1
        for size, window, step, pad, wide in zip(sizes, kernel, *each, strict=True)
    ]
    return found if all(size > 0 for size in found) else None


def _max_pool2d(held: Any, kernel: Any, stride: Any, *rest: Any) -> Any:
    padding, dilation, ceil = rest
    if ceil or held.dim() != 4 or not _plain(held):
        return NotImplemented
    kernel = list(kernel) * 2 if len(kernel) == 1 else kernel
    sizes = _slid(held.shape[2:], kernel, stride or kernel, padding, dilation)
    return NotImplemented if sizes is None else _dense((*held.shape[:2], *sizes), held.dtype)


def _adaptive(held: Any, sizes: Any) -> Any:
    if held.dim() != 4 or not _plain(held):
        return NotImplemented
    return _dense((*held.shape[:2], *sizes), held.dtype)


def _reduced(held: Any, dim: Any = None, keepdim: Any = False, dtype: Any = None) -> Any:
    if not isinstance(keepdim, bool) or dtype is not None or not _plain(held):
        return NotImplemented
    if isinstance(dim, torch.dtype):
        return NotImplemented
    dims = [dim] if isinstance(dim, int) else dim or range(held.dim())
    axes = {axis % max(held.dim(), 1) for axis in dims}
    kept = [1 if axis in axes else size for axis, size in enumerate(held.shape)]
    if not keepdim:
        kept = [size for axis, size in enumerate(held.shape) if axis not in axes]
    return _dense(kept, held.dtype)


def _cat(tensors: Any, dim: int = 0) -> Any:
    first = tensors[0]
    if any(one.dim() != first.dim() or one.dtype != first.dtype for one in tensors):
        return NotImplemented
    if not first.dim() or not all(one.is_contiguous() for one in tensors):
        return NotImplemented
    axis = dim % first.dim()
    shapes = [[*one.shape[:axis], *one.shape[axis + 1 :]] for one in tensors]
    if any(shape != shapes[0] for shape in shapes):
        return NotImplemented
    sizes = list(first.shape)
    sizes[axis] = sum(one.shape[axis] for one in tensors)
    return _dense(sizes, first.dtype)


def _contiguous(held: Any, memory_format: Any = None) -> Any:
    if memory_format not in (None, 0, torch.contiguous_format):  # 0 is the schema's own default
        return NotImplemented
    return held if held.is_contiguous() else _dense(held.shape, held.dtype)


def _clone(held: Any, memory_format: Any = None) -> Any:
    known = memory_format in (None, torch.contiguous_format, torch.preserve_format)
    return _dense(held.shape, held.dtype) if known and held.is_contiguous() else NotImplemented


def _attention(query: Any, key: Any, value: Any, mask: Any, dropout: float, *_: Any) -> Any:
    """The kernel for the CPU lays its result out as the query is."""
    del mask
    if query.dim() != 4 or query.dtype != value.dtype or key.shape != value.shape:
        return NotImplemented
    if query.shape[:2] != key.shape[:2] or query.shape[-1] != key.shape[-1]:
        return NotImplemented
    if dropout or not prod(key.shape) or not query.dtype.is_floating_point or not _fills(query):
        return NotImplemented
    return Made(tuple(query.shape), query.stride(), query.dtype)


_ARITHMETIC = """
abs add celu clamp clamp_max clamp_min cos div elu erf exp expm1 floor gelu hardsigmoid hardswish
hardtanh leaky_relu log log1p log2 maximum minimum mish mul neg pow reciprocal relu relu6 round
rsqrt rsub selu sigmoid silu sin softplus sqrt square sub tanh
"""

RULES: dict[str, Rule] = {
    **dict.fromkeys(_ARITHMETIC.split(), arithmetic),
    **dict.fromkeys(["eq", "ge", "gt", "le", "lt", "ne"], _comparison),
    **dict.fromkeys(
        ["logical_and", "logical_not", "logical_or", "bitwise_and", "bitwise_not"], _logic
    ),
    **dict.fromkeys(["conv1d", "conv2d", "conv3d"], _conv),
    **dict.fromkeys(["amax", "amin", "mean", "sum"], _reduced),
    **dict.fromkeys(["layer_norm", "rms_norm"], _layer_norm),
    **dict.fromkeys(["softmax", "log_softmax"], _softmax),
    "_convolution": _convolution,
    "adaptive_avg_pool2d": _adaptive,
    "batch_norm": _batch_norm,
    "cat": _cat,
    "clone": _clone,
    "contiguous": _contiguous,
    "dropout": _dropout,
    "embedding": _embedding,
    "linear": _linear,
    "masked_fill": _masked_fill,
    "matmul": _matmul,
    "max_pool2d": _max_pool2d,
    "scaled_dot_product_attention": _attention,
    "where": _where,
}
"""By the name of an aten op."""
