"""Rows of Fourier transforms: ONNX's DFT, one axis after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch.complex import PairCall, crow
from graphlens.ir.node import Value


@crow("fft_fft", "fft_ifft")
def _fft(call: PairCall, x: Value, n: int | None = None, dim: int = -1, norm: Any = None) -> Value:
    return _many(call, x, [n], [dim], norm)


@crow("fft_fft2", "fft_ifft2", "fft_fftn", "fft_ifftn")
def _fftn(call: PairCall, x: Value, s: Any = None, dim: Any = None, norm: Any = None) -> Value:
    return _many(call, x, *_axes(call, x, s, dim), norm)


@crow("fft_rfft", "fft_ihfft")
def _rfft(call: PairCall, x: Value, n: int | None = None, dim: int = -1, norm: Any = None) -> Value:
    return _many(call, x, [n], [dim], norm)


@crow("fft_rfft2", "fft_rfftn")
def _rfftn(call: PairCall, x: Value, s: Any = None, dim: Any = None, norm: Any = None) -> Value:
    return _many(call, x, *_axes(call, x, s, dim), norm)


@crow("fft_irfft", "fft_hfft")
def _irfft(
    call: PairCall, x: Value, n: int | None = None, dim: int = -1, norm: Any = None
) -> Value:
    return _to_real(call, x, [n], [dim], norm)


@crow("fft_irfft2", "fft_irfftn")
def _irfftn(call: PairCall, x: Value, s: Any = None, dim: Any = None, norm: Any = None) -> Value:
    return _to_real(call, x, *_axes(call, x, s, dim), norm)


_NORMS = (None, "ortho", "forward")


@crow("_fft_c2c")
def _c2c(call: PairCall, x: Value, dim: Sequence[int], norm: int, forward: bool) -> Value:
    held = call.pair(x, call.out.dtype)
    for axis in call.all_at(x, dim):
        held = _transformed(
            call, held, axis, not forward, _plain_scale(call, held, axis, norm, not forward)
        )
    return call.same(held)


def _plain_scale(call: PairCall, x: Value, axis: int, norm: int, inverse: bool) -> float:
    """The factor of torch's normalisation 0 (none), 1 (by the root) or 2 (by the size)."""
    size = int(call.shape(x)[axis])
    return (1.0, size**-0.5, 1 / size)[norm] * (size if inverse else 1.0)


@crow("_fft_r2c")
def _r2c(call: PairCall, x: Value, dim: Sequence[int], norm: int, onesided: bool) -> Value:
    *others, last = call.all_at(x, dim)
    held = call.column(x, call.out.dtype)
    scale = _plain_scale(call, held, last, norm, False)
    held = _transformed(call, held, last, False, scale, onesided)
    for axis in others:
        held = _transformed(call, held, axis, False, _plain_scale(call, held, axis, norm, False))
    return call.same(held)


@crow("_fft_c2r")
def _c2r(call: PairCall, x: Value, dim: Sequence[int], norm: int, size: int) -> Value:
    *others, last = call.all_at(x, dim)
    held = x
    for axis in others:
        held = _transformed(call, held, axis, True, _plain_scale(call, held, axis, norm, True))
    whole = _whole(call, held, last, int(size))
    scale = _plain_scale(call, whole, last, norm, True)
    made = _transformed(call, whole, last, True, scale)
    return call.emit("Gather", made, call.const(np.array(0, np.int64)), axis=-1)


def _axes(call: PairCall, x: Value, sizes: Any, dims: Any) -> tuple[list[Any], list[int]]:
    if dims is None:
        rank = call.depth(x)
        dims = list(range(rank - len(sizes), rank)) if sizes else list(range(rank))
    dims = [dims] if isinstance(dims, int) else list(dims)
    return list(sizes) if sizes else [None] * len(dims), dims


def _is_static(call: PairCall, x: Value, sizes: Sequence[Any]) -> bool:
    known = all(isinstance(size, int | None) for size in sizes)
    return known and call.type(x).is_static and call.depth(x) > 0


def _many(call: PairCall, x: Value, sizes: list[Any], dims: list[int], norm: Any) -> Value:
    if not _is_static(call, x, sizes):
        return NotImplemented
    word = call.op.removeprefix("fft_")
    inverse, onesided = word.startswith(("i",)), word.startswith(("r", "ih"))
    axes = [call.at(x, dim) for dim in dims]
    dtype = call.out.dtype
    held = call.column(x, dtype) if onesided else call.pair(x, dtype)
    order = list(zip(axes, sizes, strict=True))[::-1]
    for turn, (axis, size) in enumerate(order):
        held = _cut(call, held, axis, size)
        count = int(call.shape(held)[axis])
        if word.startswith("ih"):
            scale = _scale(norm, count, True) / count
            held = call.conjugated(_transformed(call, held, axis, False, scale, True))
            continue
        scale = _scale(norm, count, inverse)
        held = _transformed(call, held, axis, inverse, scale, onesided and turn == 0)
    return call.same(held)


def _to_real(call: PairCall, x: Value, sizes: list[Any], dims: list[int], norm: Any) -> Value:
    """Transforms of half a Hermitian spectrum, whose result is real."""
    if not _is_static(call, x, sizes):
        return NotImplemented
    held = call.pair(x, call.out.dtype)
    hermitian = call.op.startswith("fft_h")
    *others, last = [call.at(x, dim) for dim in dims]
    for axis, size in zip(others, sizes[:-1], strict=True):
        held = _cut(call, held, axis, size)
        count = int(call.shape(held)[axis])
        held = _transformed(call, held, axis, True, _scale(norm, count, True))
    size = sizes[-1]
    count = 2 * (int(call.shape(held)[last]) - 1) if size in (None, -1) else int(size)
    held = call.conjugated(held) if hermitian else held
    scale = _scale(norm, count, False) * count if hermitian else _scale(norm, count, True)
    made = _transformed(call, _whole(call, held, last, count), last, True, scale)
    return call.emit("Gather", made, call.const(np.array(0, np.int64)), axis=-1)


def _scale(norm: Any, size: int, inverse: bool) -> float:
    """The factor beside ONNX's own, which divides the inverse by the size."""
    if norm == "ortho":
        return math.sqrt(size) if inverse else 1 / math.sqrt(size)
    if norm == "forward":
        return float(size) if inverse else 1 / size
    return 1.0


def _transformed(
    call: PairCall, x: Value, axis: int, inverse: bool, scale: float, onesided: bool = False
) -> Value:
    shape = [*call.shape(x)[:-1], 2]
    if onesided:
        shape[axis] = int(shape[axis]) // 2 + 1
    made = call.step(
        "DFT",
        x,
        None,
        call.const(np.array(axis, np.int64)),
        type=call.type(x).with_shape(tuple(shape)),
        inverse=int(inverse) or None,
        onesided=int(onesided) or None,
    )
    if scale == 1.0:
        return made
    return call.step("Mul", made, call.number(scale, call.dtype(made)), type=call.type(made))


def _cut(call: PairCall, x: Value, axis: int, size: int | None) -> Value:
    """A signal of another length: cut off, or followed by zeros."""
    held, rank = int(call.shape(x)[axis]), call.rank(x)
    if size in (None, -1, held):
        return x
    if size < held:
        return call.step("Slice", x, call.const([0]), call.const([size]), call.const([axis]))
    pads = [0] * (2 * rank)
    pads[rank + axis] = size - held
    return call.step("Pad", x, call.const(pads), call.number(0, call.dtype(x)), mode="constant")


def _whole(call: PairCall, x: Value, axis: int, size: int) -> Value:
    """The whole of a Hermitian spectrum of which half is given."""
    half = _cut(call, x, axis, size // 2 + 1)
    last = (size - 1) // 2
    if last < 1:
        return half
    bounds = [call.const([bound]) for bound in (last, 0, axis, -1)]
    tail = call.conjugated(call.step("Slice", half, *bounds))
    return call.step("Concat", half, tail, axis=axis)
