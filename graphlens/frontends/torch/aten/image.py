"""Rows of the aten table: padding, resizing, rearranging and sampling of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value
from graphlens.tensor import TensorType


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


_RESIZE = {"nearest": "nearest", "cubic": "cubic", "linear": "linear"}
"""Words in the names of torch's ops and the modes that they stand for."""


@row(
    "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d",
    "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d", "_upsample_bilinear2d_aa",
    "_upsample_bicubic2d_aa", "_upsample_nearest_exact1d", "_upsample_nearest_exact2d",
    "_upsample_nearest_exact3d",
)  # fmt: skip
def _upsample(call: Call, x: Value, size: Any, *rest: Any) -> Value:
    name, _, overload = call.op.partition(".")
    mode = next(mode for word, mode in _RESIZE.items() if word in name)
    align = bool(rest[0]) if mode != "nearest" and rest else False
    smooth = name.endswith("_aa")
    factors = rest[-1] if overload == "vec" and size is None else None
    if factors and (not align or smooth):  # which looks at sizes only
        scales = np.array([1.0, 1.0, *map(float, factors)], np.float32)
        operands = [x, None, call.const(scales)]
    else:
        sizes = [*call.shape(x)[:2], *(call.out.shape or ())[2:]]
        operands = [x, None, None, call.ints(sizes)]
    return call.emit(
        "Resize",
        *operands,
        mode=mode,
        coordinate_transformation_mode=_coordinates(name, align, smooth),
        nearest_mode=_nearest(name) if mode == "nearest" else None,
        cubic_coeff_a=-0.5 if smooth and mode == "cubic" else None,
        antialias=1 if smooth else None,
        exclude_outside=1 if smooth else None,
    )


def _coordinates(name: str, align: bool, smooth: bool) -> str:
    if "nearest" in name:
        return "half_pixel" if "exact" in name else "asymmetric"
    if align:
        return "align_corners"
    return "half_pixel" if smooth else "pytorch_half_pixel"


def _nearest(name: str) -> str:
    return "round_prefer_ceil" if "exact" in name else "floor"


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
