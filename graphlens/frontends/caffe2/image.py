"""Caffe2's ops on images: convolutions, pools, normalisations, resizing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlens.frontends.caffe2.call import Call, Row
from graphlens.ir.node import Attribute, Value
from graphlens.tensor import Dim

_SAME, _LEGACY_POOLING = 2, 3
"""Values of the argument legacy_pad: TensorFlow's SAME, and the first Caffe's pooling."""


def _per_axis(call: Call, one: str, many: str, rank: int, usual: int) -> tuple[int, ...]:
    """An argument that Caffe2 takes as one number, as a list, or by height and width."""
    found = call.ints(many)
    if found is not None:
        return found
    if f"{one}_h" in call.arguments:
        return call.int(f"{one}_h", usual), call.int(f"{one}_w", usual)
    return (call.int(one, usual),) * rank


def _rank(call: Call) -> int:
    """The number of spatial axes."""
    kernels = call.ints("kernels")
    if kernels is not None:
        return len(kernels)
    for index in (1, 0) if call.type.startswith("Conv") else (0,):
        shape = call.shape(index)
        if shape is not None and len(shape) > 2:
            return len(shape) - 2
    return {"1": 1, "3": 3}.get(call.type[-2:-1], 2)


def _window(call: Call, rank: int) -> dict[str, Attribute]:
    """Kernel, strides and pads, as ONNX spells them."""
    kernel = _per_axis(call, "kernel", "kernels", rank, 0)
    strides = _per_axis(call, "stride", "strides", rank, 1)
    pads = call.ints("pads")
    if pads is None and "pad_t" in call.arguments:
        pads = tuple(call.int(f"pad_{side}") for side in "tlbr")
    pads = pads or (call.int("pad"),) * (2 * rank)
    made: dict[str, Attribute] = {"kernel_shape": kernel}
    if any(step != 1 for step in strides):
        made["strides"] = strides
    legacy = call.int("legacy_pad")
    if legacy == _SAME:
        made["auto_pad"] = "SAME_UPPER"
    elif legacy == _LEGACY_POOLING:
        made.update(_legacy_pads(_spatial(call), kernel, strides, pads))
    elif any(pads):
        made["pads"] = pads
    return made


def _spatial(call: Call) -> tuple[Dim, ...] | None:
    shape = call.shape(0)
    if shape is None:
        return None
    return shape[1:-1] if call.is_nhwc else shape[2:]


def _legacy_pads(
    sizes: tuple[Dim, ...] | None,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    pads: tuple[int, ...],
) -> dict[str, Attribute]:
    """Caffe rounded the number of windows up, and let none start behind the image.

    Where the sizes are known, the padding behind is what makes it so; else ONNX's ceil_mode.
    """
    heads = pads[: len(kernel)]
    if sizes is None or not all(isinstance(size, int) for size in sizes):
        return {"ceil_mode": 1, **({"pads": (*heads, *heads)} if any(heads) else {})}
    tails: list[int] = []
    for size, width, step, head in zip(sizes, kernel, strides, heads, strict=True):
        free = int(size) + 2 * head - width
        count = math.ceil(free / step) + 1
        if head > 0 and (count - 1) * step >= int(size) + head:
            count -= 1
        tails.append(head + step * (count - (free // step + 1)))
    return {"pads": (*heads, *tails)} if any((*heads, *tails)) else {}


def _conv(call: Call) -> Value | None:
    if call.arguments.get("no_bias") and len(call.operands) > 2:
        return None
    rank = _rank(call)
    attributes = _window(call, rank)
    dilations = _per_axis(call, "dilation", "dilations", rank, 1)
    if any(step != 1 for step in dilations):
        attributes["dilations"] = dilations
    if call.int("group", 1) != 1:
        attributes["group"] = call.int("group", 1)
    image, weight, *bias = call.operands
    if call.is_nhwc:  # its weights lie as [M, height, width, C / group]
        order = (0, rank + 1, *range(1, rank + 1))
        weight = call.step("Transpose", weight, perm=order)
    return call.emit("Conv", image, weight, *bias, **attributes, **call.data_format)


def _conv_transpose(call: Call) -> Value | None:
    if call.is_nhwc or call.int("legacy_pad"):
        return None
    rank = _rank(call)
    attributes = _window(call, rank)
    adjusted = _per_axis(call, "adj", "adjs", rank, 0)
    if any(adjusted):
        attributes["output_padding"] = adjusted
    if call.int("group", 1) != 1:
        attributes["group"] = call.int("group", 1)
    return call.emit("ConvTranspose", *call.operands, **attributes)


def _pool(kind: str) -> Row:
    def row(call: Call) -> Value:
        if call.int("global_pooling"):
            return call.emit(f"Global{kind}Pool", call.operands[0], **call.data_format)
        attributes = _window(call, _rank(call))
        if kind == "Average" and call.int("count_include_pad"):
            attributes["count_include_pad"] = 1
        return call.emit(f"{kind}Pool", call.operands[0], **attributes, **call.data_format)

    return row


def _batch_norm(call: Call) -> Value | None:
    if not call.int("is_test") or len(call.operands) != 5:
        return None
    epsilon = call.float("epsilon", 1e-5)
    return call.emit("BatchNormalization", *call.operands, epsilon=epsilon, **call.data_format)


def _instance_norm(call: Call) -> Value | None:
    if call.is_nhwc:
        return None
    return call.emit(
        "InstanceNormalization", *call.operands[:3], epsilon=call.float("epsilon", 1e-5)
    )


def _group_norm(call: Call) -> Value | None:
    if call.is_nhwc:
        return None
    return call.emit(
        "GroupNormalization",
        *call.operands[:3],
        num_groups=call.int("group", 32),
        epsilon=call.float("epsilon", 1e-5),
    )


def _lrn(call: Call) -> Value:
    return call.emit(
        "LRN",
        call.operands[0],
        size=call.int("size", 1),
        alpha=call.float("alpha"),
        beta=call.float("beta"),
        bias=call.float("bias", 1.0),
        **call.data_format,
    )


def _per_channel(call: Call, value: Value) -> Value:
    """A vector of one number a channel, so that it broadcasts over an image."""
    rank = len(call.shape(0) or (0,) * 4)
    if call.is_nhwc or rank < 3:
        return value
    return call.step("Unsqueeze", value, call.const(np.arange(1, rank - 1)))


def _affine_channel(call: Call) -> Value:
    image, scale, bias = call.operands
    scaled = call.step("Mul", image, _per_channel(call, scale))
    return call.emit("Add", scaled, _per_channel(call, bias))


def _prelu(call: Call) -> Value:
    image, slope = call.operands
    if call.shape(1) not in ((1,), ()):
        slope = _per_channel(call, slope)
    return call.emit("PRelu", image, slope)


def _resize(mode: str) -> Row:
    def row(call: Call) -> Value | None:
        if call.is_nhwc or len(call.operands) > 1:
            return None
        whole = call.float("scale", 1.0)
        scales = [call.float("height_scale", whole), call.float("width_scale", whole)]
        how: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
        if mode == "nearest":
            how = {
                "mode": "nearest",
                "coordinate_transformation_mode": "asymmetric",
                "nearest_mode": "floor",
            }
        sizes = call.const(np.array([1.0, 1.0, *scales], np.float32))
        return call.emit("Resize", call.operands[0], None, sizes, **how)

    return row


def _channel_shuffle(call: Call) -> Value | None:
    """ShuffleNet (Zhang et al. 2017, arXiv:1707.01083): channels dealt out anew to the groups."""
    shape, group = call.shape(0), call.int("group", 1)
    if shape is None or call.is_nhwc or not isinstance(shape[1], int):
        return None
    image = call.operands[0]
    sizes = call.const(np.array([0, group, shape[1] // group, -1]))
    apart = call.step("Reshape", image, sizes)
    mixed = call.step("Transpose", apart, perm=(0, 2, 1, 3))
    if all(isinstance(dim, int) for dim in shape[2:]):
        back = call.const(np.array([0, shape[1], *shape[2:]]))
    else:
        back = call.step("Shape", image)
    return call.emit("Reshape", mixed, back)


def _pad_image(call: Call) -> Value | None:
    mode = call.arguments.get("mode", "constant")
    if call.is_nhwc or mode not in ("constant", "reflect", "edge"):
        return None
    top, left, bottom, right = (call.int(f"pad_{s}", call.int("pad")) for s in "tlbr")
    pads = call.const(np.array([0, 0, top, left, 0, 0, bottom, right]))
    fill = call.const(np.array(call.float("value"), np.float32)) if mode == "constant" else None
    return call.emit("Pad", call.operands[0], pads, fill, mode=mode)


def _roi_align(call: Call) -> Value | None:
    """Its regions are rows of [image, x1, y1, x2, y2]; ONNX has the image's number apart."""
    if call.is_nhwc or (call.shape(1) or (0, 0))[1] != 5:
        return None
    image, regions = call.operands
    number = call.step("Gather", regions, call.const(np.array(0)), axis=1)
    corners = call.step("Slice", regions, *(call.const(np.array([it])) for it in (1, 5, 1)))
    aligned = call.int("aligned")
    return call.emit(
        "RoiAlign",
        image,
        corners,
        call.step("Cast", number, to="int64"),
        output_height=call.int("pooled_h", 1),
        output_width=call.int("pooled_w", 1),
        sampling_ratio=max(0, call.int("sampling_ratio", -1)),
        spatial_scale=call.float("spatial_scale", 1.0),
        coordinate_transformation_mode="half_pixel" if aligned else "output_half_pixel",
    )


_DIMENSIONS = ("", "1D", "2D", "3D")
ROWS: dict[str, Row] = {
    **{f"Conv{dims}": _conv for dims in _DIMENSIONS},
    **{f"MaxPool{dims}": _pool("Max") for dims in _DIMENSIONS},
    **{f"AveragePool{dims}": _pool("Average") for dims in _DIMENSIONS},
    "ConvTranspose": _conv_transpose,
    "SpatialBN": _batch_norm,
    "InstanceNorm": _instance_norm,
    "GroupNorm": _group_norm,
    "LRN": _lrn,
    "AffineChannel": _affine_channel,
    "PRelu": _prelu,
    "ResizeNearest": _resize("nearest"),
    "UpsampleNearest": _resize("nearest"),
    "UpsampleBilinear": _resize("bilinear"),
    "ChannelShuffle": _channel_shuffle,
    "PadImage": _pad_image,
    "RoIAlign": _roi_align,
}
