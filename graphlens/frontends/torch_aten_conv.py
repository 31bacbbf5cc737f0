"""Rows of the aten table: convolutions, pooling, padding, resizing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch_call import Call, row
from graphlens.ir.node import Value
from graphlens.tensor import TensorType


def spread(values: Any, count: int) -> tuple[int, ...]:
    """A number or a list of one, as one value an axis."""
    held = [values] if isinstance(values, int | float) else list(values)
    return tuple(held * count if len(held) == 1 else held)


def _unbatched(call: Call, x: Value, spatial: int) -> bool:
    """Whether torch was given [C, spatial...] without a batch, which ONNX does not take."""
    return call.rank(x) == spatial + 1


def with_batch(call: Call, op: str, spatial: int, x: Value, *more: Any, **attributes: Any) -> Value:
    """Emit an op that needs a batch axis, which is made and taken away where there is none."""
    if not _unbatched(call, x, spatial):
        return call.emit(op, x, *more, **attributes)
    held = call.type(x).with_shape((1, *call.shape(x)))
    batched = call.step("Unsqueeze", x, call.const([0]), type=held)
    made = call.out.with_shape((1, *(call.out.shape or ())))
    result = call.step(op, batched, *more, type=made, **attributes)
    return call.emit("Squeeze", result, call.const([0]))


@row("conv1d", "conv2d", "conv3d")
def _conv(
    call: Call,
    x: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Value:
    shape = call.shape(weight)
    spatial, dtype = len(shape) - 2, call.out.dtype
    stride, dilation = spread(stride, spatial), spread(dilation, spatial)
    kernel = tuple(int(dim) for dim in shape[2:])
    operands = [call.cast(weight, dtype), None if bias is None else call.cast(bias, dtype)]
    return with_batch(
        call,
        "Conv",
        spatial,
        call.cast(x, dtype),
        *operands,
        kernel_shape=kernel,
        strides=stride,
        pads=_conv_pads(padding, kernel, dilation),
        dilations=dilation,
        group=groups,
    )


def _conv_pads(padding: Any, kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """Paddings at the start of each axis, then at its end; 'same' puts the odd one at the end."""
    if padding == "valid":
        return (0,) * (2 * len(kernel))
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return (*(t // 2 for t in total), *(t - t // 2 for t in total))
    return spread(padding, len(kernel)) * 2


@row("convolution", "_convolution")
def _convolution(
    call: Call,
    x: Value,
    weight: Value,
    bias: Value | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
    *_: Any,
) -> Value:
    if transposed:
        return _conv_transpose(
            call, x, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return _conv(call, x, weight, bias, stride, padding, dilation, groups)


@row("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(
    call: Call,
    x: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Value:
    shape = call.shape(weight)
    spatial, dtype = len(shape) - 2, call.out.dtype
    return with_batch(
        call,
        "ConvTranspose",
        spatial,
        call.cast(x, dtype),
        call.cast(weight, dtype),
        None if bias is None else call.cast(bias, dtype),
        kernel_shape=tuple(int(dim) for dim in shape[2:]),
        strides=spread(stride, spatial),
        pads=spread(padding, spatial) * 2,
        output_padding=spread(output_padding, spatial),
        dilations=spread(dilation, spatial),
        group=groups,
    )


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
    if divisor_override is not None:
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
    if regular is None or _unbatched(call, x, spatial):
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
    if _unbatched(call, x, spatial):
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
    where = call.build.op(
        "Mod", places, image, results=call.types[1:], name=f"{call.name}.indices"
    )
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
            call.step(op, _window(call, x, axis, i * held // count, -(-(i + 1) * held // count)), over, keepdims=1)
            for i in range(count)
        ]  # fmt: skip
        last = offset == len(size) - 1
        x = (
            call.emit("Concat", *parts, axis=axis)
            if last
            else call.step("Concat", *parts, axis=axis)
        )
    return x


def _window(call: Call, x: Value, axis: int, start: int, end: int) -> Value:
    return call.step("Slice", x, call.const([start]), call.const([end]), call.const([axis]))


@row("constant_pad_nd")
def _constant_pad(call: Call, x: Value, pad: Sequence[int], value: Any = 0) -> Value:
    return _padded(call, x, pad, "constant", value)


@row("pad")
def _pad(
    call: Call, x: Value, pad: Sequence[int], mode: str = "constant", value: Any = None
) -> Value:
    spelt = {"replicate": "edge", "circular": "wrap"}.get(mode, mode)
    return _padded(call, x, pad, spelt, value or 0)


@row("reflection_pad1d", "reflection_pad2d", "reflection_pad3d")
def _reflection_pad(call: Call, x: Value, pad: Sequence[int]) -> Value:
    return _padded(call, x, pad, "reflect", None)


@row("replication_pad1d", "replication_pad2d", "replication_pad3d")
def _replication_pad(call: Call, x: Value, pad: Sequence[int]) -> Value:
    return _padded(call, x, pad, "edge", None)


def _padded(call: Call, x: Value, pad: Sequence[int], mode: str, value: Any) -> Value:
    """Torch lists (start, end) from the last axis back; ONNX all starts, then all ends."""
    rank = call.rank(x)
    starts, ends = [0] * rank, [0] * rank
    for index in range(len(pad) // 2):
        axis = rank - 1 - index
        starts[axis], ends[axis] = pad[2 * index], pad[2 * index + 1]
    operands = [x, call.ints([*starts, *ends])]
    if mode == "constant":
        operands.append(call.number(value or 0, call.out.dtype))
    return call.emit("Pad", *operands, mode=mode)


_RESIZE = {"nearest": "nearest", "linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}  # fmt: skip


@row(
    "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d",
    "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d", "_upsample_bilinear2d_aa",
    "_upsample_bicubic2d_aa", "_upsample_nearest_exact1d", "_upsample_nearest_exact2d",
    "_upsample_nearest_exact3d",
)  # fmt: skip
def _upsample(call: Call, x: Value, size: Any, *rest: Any) -> Value:
    name = call.op.split(".")[0]
    word = next(word for word in ("nearest", "bilinear", "trilinear", "linear", "bicubic") if word in name)  # fmt: skip
    align = bool(rest[0]) if word != "nearest" and rest else False
    vector = call.op.endswith(".vec")
    factors = (rest[-1] if vector else None) or None
    coordinates = "align_corners" if align else _COORDINATES.get(name, "half_pixel")
    if "nearest" in name and "exact" not in name:
        coordinates = "asymmetric"
    if coordinates == "half_pixel" and word != "nearest":
        coordinates = "pytorch_half_pixel" if "aa" not in name.split("_") else "half_pixel"
    scales = None if factors is None or size is not None else [1.0, 1.0, *map(float, factors)]
    operands = (
        [x, None, call.const(np.array(scales, np.float32))]
        if scales
        else [x, None, None, call.ints([*call.shape(x)[:2], *(call.out.shape or ())[2:]])]
    )
    return call.emit(
        "Resize",
        *operands,
        mode=_RESIZE[word],
        coordinate_transformation_mode=coordinates,
        nearest_mode=("round_prefer_ceil" if "exact" in name else "floor") if word == "nearest" else None,
        cubic_coeff_a=-0.5 if name.endswith("bicubic2d_aa") else None,
        antialias=1 if name.endswith("_aa") else None,
        exclude_outside=1 if name.endswith("_aa") else None,
    )  # fmt: skip


_COORDINATES: dict[str, str] = {}


@row("pixel_shuffle")
def _pixel_shuffle(call: Call, x: Value, factor: int) -> Value:
    return call.emit("DepthToSpace", x, blocksize=factor, mode="CRD")


@row("pixel_unshuffle")
def _pixel_unshuffle(call: Call, x: Value, factor: int) -> Value:
    shape = call.shape(x)
    *lead, channels, height, width = (int(dim) for dim in shape)
    split = (*lead, channels, height // factor, factor, width // factor, factor)
    held = TensorType(call.out.dtype, split)
    n = len(lead)
    parts = call.permuted(call.reshape(x, split, held), (*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return call.reshaped(parts)


@row("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(call: Call, x: Value, groups: int) -> Value:
    batch, channels, *space = call.shape(x)
    split = (batch, groups, int(channels) // groups, *space)
    held = call.reshape(x, split, call.type(x).with_shape(split))
    turned = call.permuted(held, (0, 2, 1, *range(3, 3 + len(space))))
    return call.reshaped(turned)


@row("grid_sampler", "grid_sampler_2d", "grid_sampler_3d")
def _grid_sample(call: Call, x: Value, grid: Value, mode: int, padding: int, align: bool) -> Value:
    return call.emit(
        "GridSample",
        x,
        grid,
        mode=("linear", "nearest", "cubic")[mode],
        padding_mode=("zeros", "border", "reflection")[padding],
        align_corners=int(align),
    )
