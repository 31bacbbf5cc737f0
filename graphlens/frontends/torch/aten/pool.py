"""Rows of the aten table: pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch.aten.conv import spread, unbatched, with_batch
from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


@row("max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(
    call: Call,
    x: Value,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Value:
    spatial = int(call.op.split(".")[0][-2])
    kernel = spread(kernel, spatial)
    return with_batch(
        call,
        "MaxPool",
        spatial,
        x,
        kernel_shape=kernel,
        strides=spread(stride or kernel, spatial),
        pads=spread(padding, spatial) * 2,
        dilations=spread(dilation, spatial),
        ceil_mode=int(ceil_mode),
    )


@row("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(
    call: Call,
    x: Value,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Value:
    spatial = int(call.op.split(".")[0][-2])
    kernel = spread(kernel, spatial)
    if divisor_override is not None or not call.out.is_floating:
        return NotImplemented
    return with_batch(
        call,
        "AveragePool",
        spatial,
        x,
        kernel_shape=kernel,
        strides=spread(stride or kernel, spatial),
        pads=spread(padding, spatial) * 2,
        ceil_mode=int(ceil_mode),
        count_include_pad=int(count_include_pad),
    )


@row("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
@row("_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
def _adaptive_avg_pool(call: Call, x: Value, size: Any) -> Value:
    spatial = int(call.op.split(".")[0][-2])
    size = spread(size, spatial)
    if all(one == 1 for one in size):
        axes = call.const(list(range(-spatial, 0)))
        return call.emit("ReduceMean", x, axes, keepdims=1)
    regular = _regular(call.shape(x)[-spatial:], size)
    if regular is None:
        return _irregular(call, x, size, "ReduceMean")
    return with_batch(call, "AveragePool", spatial, x, kernel_shape=regular, strides=regular)


@row("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max_pool(call: Call, x: Value, size: Any) -> Any:
    spatial = int(call.op.split(".")[0][-2])
    regular = _regular(call.shape(x)[-spatial:], spread(size, spatial))
    if regular is None or unbatched(call, x, spatial):
        return NotImplemented
    return _with_places(call, x, spatial, kernel_shape=regular, strides=regular)


@row("max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices")
def _max_pool_with_indices(
    call: Call,
    x: Value,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    spatial = int(call.op.split("_")[1][-2])
    if unbatched(call, x, spatial):
        return NotImplemented
    kernel = spread(kernel, spatial)
    return _with_places(
        call,
        x,
        spatial,
        kernel_shape=kernel,
        strides=spread(stride or kernel, spatial),
        pads=spread(padding, spatial) * 2,
        dilations=spread(dilation, spatial),
        ceil_mode=int(ceil_mode),
    )


def _with_places(call: Call, x: Value, spatial: int, **attributes: Any) -> Any:
    """A max pool and the places of the maxima, which torch counts within a channel's image."""
    sizes = call.shape(x)[-spatial:]
    if not all(isinstance(size, int) for size in sizes):
        return NotImplemented
    first = call.emit("MaxPool", x, **attributes)
    image = call.const(np.array(np.prod([int(size) for size in sizes]), np.int64))
    places = Value(first.node, 1)
    where = call.build.op("Mod", places, image, results=call.types[1:], name=f"{call.name}.indices")
    return first, where


def _regular(sizes: Sequence[Any], wanted: Sequence[int]) -> tuple[int, ...] | None:
    """The window of an adaptive pool where all windows are alike, else None."""
    windows: list[int] = []
    for size, count in zip(sizes, wanted, strict=True):
        if not isinstance(size, int) or size % count:
            return None
        windows.append(size // count)
    return tuple(windows)


def _irregular(call: Call, x: Value, size: Sequence[int], op: str) -> Value:
    """Windows that overlap or differ: sliced, reduced and joined, one axis after the other."""
    for offset, count in enumerate(size):
        axis = call.rank(x) - len(size) + offset
        held = call.shape(x)[axis]
        if not isinstance(held, int):
            return NotImplemented
        over = call.const([axis])
        parts = [
            call.step(
                op,
                _window(call, x, axis, i * held // count, -(-(i + 1) * held // count)),
                over,
                keepdims=1,
            )
            for i in range(count)
        ]
        last = offset == len(size) - 1
        x = (
            call.emit("Concat", *parts, axis=axis)
            if last
            else call.step("Concat", *parts, axis=axis)
        )
    return x


def _window(call: Call, x: Value, axis: int, start: int, end: int) -> Value:
    return call.step("Slice", x, call.const([start]), call.const([end]), call.const([axis]))
