"""TensorFlow's gradients of convolutions, pooling and slices, as rows of the op table.

The gradient of a convolution by its image is a transposed convolution (`tf.conv`); that by its
filter is a convolution again, batch and channels having changed places, strides and dilations too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from graphlens.frontends.tf.call import Call, Row, merge
from graphlens.frontends.tf.window import Frame, window
from graphlens.ir.node import Attribute, Value
from graphlens.tensor import Dim, TensorType


def channels_first(call: Call, value: Value, frame: Frame) -> Value:
    """An image as [N, C, spatial ...]."""
    if not frame.last:
        return value
    return call.step("Transpose", value, perm=(0, frame.rank - 1, *range(1, frame.rank - 1)))


def _numbers(shape: tuple[object, ...] | None) -> tuple[int, ...] | None:
    """A shape, if all of it is known."""
    if shape is None or not all(isinstance(dim, int) for dim in shape):
        return None
    return tuple(int(dim) for dim in shape)  # type: ignore[call-overload]


def result_sizes(call: Call) -> tuple[Dim, ...] | None:
    """The shape of the result, which the first operand gives; TF may have noted more of it."""
    given = call.partial(0)
    asked = None if given is None else tuple("?" if size is None else size for size in given)
    return merge(call.results[0], TensorType("", asked)).shape


def _filter_grad(rank: int) -> Row:
    """Image [N, ., C], gradient [N, ., O] -> filter [., C / groups, O]."""

    def row(call: Call) -> Value | tuple[()]:
        frame = Frame.of(call, rank=rank)
        image, given = _numbers(call.type(0).shape), _numbers(call.type(2).shape)
        kernel = call.ints(1)
        if image is None or given is None or kernel is None:
            return ()
        depthwise = call.op.startswith("Depthwise")
        groups = image[frame.channel] // (1 if depthwise else kernel[-2])
        attributes = window(call, frame, frame.spatial(image), kernel[:-2])
        # An axis of the image's groups goes to the channels of the new image, with the batch.
        x = channels_first(call, call.value(0), frame)
        size = frame.spatial(image)
        split = (image[0], groups, image[frame.channel] // groups, *size)
        x = call.step("Reshape", x, call.const(list(split)))
        x = call.step("Transpose", x, perm=(2, 1, 0, *range(3, rank + 1)))
        x = call.step("Reshape", x, call.const([split[2], groups * image[0], *size]))
        order = (rank - 1, 0, *range(1, rank - 1)) if frame.last else (1, 0, *range(2, rank))
        weight = call.step("Transpose", call.value(2), perm=order)
        turned: dict[str, Attribute] = {
            "strides": attributes.get("dilations"),
            "dilations": attributes["strides"],
            "pads": attributes.get("pads"),
        }
        made = call.step("Conv", x, weight, group=groups, **turned)
        axes = list(range(2, rank))
        ends = [call.const([0] * len(axes)), call.const(list(kernel[:-2])), call.const(axes)]
        made = call.step("Slice", made, *ends)
        if depthwise:
            channels = [kernel[-2], kernel[-1], *kernel[:-2]]
            made = call.step("Reshape", made, call.const(channels))
        return call.emit("Transpose", made, perm=(*range(2, rank), 0, 1))

    return row


def depthwise_weight(call: Call, kernel: Sequence[int]) -> Value:
    """Filter [H, W, C, M] as ONNX's: a group a channel, M results each; c's at c*M .. c*M+M-1."""
    height, width, channels, many = kernel
    turned = call.step("Transpose", call.value(1), perm=(2, 3, 0, 1))
    return call.step("Reshape", turned, call.const([channels * many, 1, height, width]))


def _depthwise_input_grad(call: Call) -> Value | tuple[()]:
    """A transposed convolution with a group a channel."""
    frame = Frame.of(call)
    wanted, kernel = _numbers(result_sizes(call)), _numbers(call.type(1).shape)
    given = _numbers(call.type(2).shape)
    if wanted is None or kernel is None or given is None:
        return ()
    attributes = window(call, frame, frame.spatial(wanted), kernel[:2])
    extra = output_padding(attributes, frame.spatial(wanted), frame.spatial(given), kernel[:-2])
    if extra is None:
        return ()
    return call.emit(
        "ConvTranspose",
        call.value(2),
        depthwise_weight(call, kernel),
        group=kernel[2],
        data_format=frame.word,
        **attributes,
        **extra,
    )


def output_padding(
    attributes: dict[str, Attribute],
    wanted: tuple[int, ...],
    given: tuple[int, ...],
    kernel: tuple[int, ...],
) -> dict[str, Attribute] | None:
    """What makes a transposed convolution as large as wanted; None if nothing does.

    Args:
        attributes: Its strides, dilations and pads.
        wanted: The spatial sizes of its result.
        given: Those of its image.
        kernel: Those of its filter.
    """
    count = len(kernel)
    pads = attributes.get("pads", (0,) * (2 * count))
    steps = attributes["strides"]
    spread = attributes.get("dilations", (1,) * count)
    missing = tuple(
        wanted[i]
        - ((given[i] - 1) * steps[i] + (kernel[i] - 1) * spread[i] + 1 - pads[i] - pads[i + count])  # type: ignore[index,operator]
        for i in range(count)
    )
    if any(size < 0 for size in missing):
        return None
    return {"output_padding": missing} if any(missing) else {}


def _max_pool_grad(call: Call) -> Value | tuple[()]:
    """Each gradient goes to the place of its window's maximum, where they add up."""
    frame = Frame.of(call)
    image, size = _numbers(call.type(0).shape), call.attr("ksize")
    if image is None or size[0] != 1 or size[frame.channel] != 1:
        return ()
    attributes = window(call, frame, frame.spatial(image), frame.spatial(size))
    attributes["kernel_shape"] = frame.spatial(size)
    x = channels_first(call, call.value(0), frame)
    pooled = call.builder.op("MaxPool", x, results=2, name=f"{call.name}.maxpool", **attributes)
    places = call.step("Reshape", Value(pooled.node, 1), call.const([-1]))
    gradient = channels_first(call, call.value(2), frame)
    updates = call.step("Reshape", gradient, call.const([-1]))
    zeros = call.step("Expand", call.const(0, call.type(0).dtype), call.const([math.prod(image)]))
    made = call.step("ScatterElements", zeros, places, updates, axis=0, reduction="add")
    shape = [image[0], image[frame.channel], *frame.spatial(image)]
    if not frame.last:
        return call.emit("Reshape", made, call.const(shape))
    return call.emit("Transpose", call.step("Reshape", made, call.const(shape)), perm=(0, 2, 3, 1))


def _avg_pool_grad(call: Call) -> Value | tuple[()]:
    """Each gradient, divided by how many elements its window had, goes to all of them."""
    frame = Frame.of(call)
    image, given, size = call.ints(0), _numbers(call.type(1).shape), call.attr("ksize")
    if image is None or given is None or size[0] != 1 or size[frame.channel] != 1:
        return ()
    kernel = frame.spatial(size)
    attributes = window(call, frame, frame.spatial(image), kernel)
    extra = output_padding(attributes, frame.spatial(image), frame.spatial(given), kernel)
    if extra is None:
        return ()
    dtype, channels = call.type(1).dtype, given[frame.channel]
    counts = _window_sizes(attributes, frame.spatial(image), frame.spatial(given), kernel)
    counts = counts[..., None] if frame.last else counts[None]
    share = call.step("Div", call.value(1), call.const(counts.astype(dtype)))
    weight = call.const(np.ones((channels, 1, *kernel), dtype))
    return call.emit(
        "ConvTranspose",
        share,
        weight,
        group=channels,
        data_format=frame.word,
        **attributes,
        **extra,
    )


def _window_sizes(
    attributes: dict[str, Attribute],
    image: tuple[int, ...],
    given: tuple[int, ...],
    kernel: tuple[int, ...],
) -> np.ndarray:
    """How many elements of the image each window of a pooling holds."""
    made = np.ones((), np.int64)
    pads = attributes.get("pads", (0,) * (2 * len(kernel)))
    for axis, (size, count, width) in enumerate(zip(image, given, kernel, strict=True)):
        starts = np.arange(count) * attributes["strides"][axis] - pads[axis]  # type: ignore[index]
        ends = np.minimum(starts + width, size)
        made = np.multiply.outer(made, ends - np.maximum(starts, 0))
    return made


def _strided_slice_grad(call: Call) -> Value | tuple[()]:
    """The gradient put where the slice took its elements, zeros elsewhere."""
    shape, bounds = call.ints(0), [call.ints(index) for index in (1, 2, 3)]
    if shape is None or None in bounds:
        return ()
    places = np.arange(math.prod(shape)).reshape(shape)[_slices(call, bounds)]
    zeros = call.step("Expand", call.const(0, call.type(4).dtype), call.const([math.prod(shape)]))
    updates = call.step("Reshape", call.value(4), call.const([-1]))
    index = call.const(places.reshape(-1).astype(np.int64))
    made = call.step("ScatterElements", zeros, index, updates, axis=0)
    return call.emit("Reshape", made, call.const(list(shape)))


def _slices(call: Call, bounds: list[tuple[int, ...] | None]) -> tuple[object, ...]:
    """A strided slice as Python indexes."""
    begins, ends, steps = (bound or () for bound in bounds)
    masks = {key: call.attr(f"{key}_mask") for key in _MASKS}
    found: list[object] = []
    for place, step in enumerate(steps):
        on = {key: bool(mask >> place & 1) for key, mask in masks.items()}
        if on["ellipsis"]:
            found.append(Ellipsis)
        elif on["new_axis"]:
            found.append(None)
        elif on["shrink_axis"]:
            found.append(begins[place])
        else:
            begin = None if on["begin"] else begins[place]
            found.append(slice(begin, None if on["end"] else ends[place], step))
    return tuple(found)


_MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")

ROWS: dict[str, Row] = {
    "Conv2DBackpropFilter": _filter_grad(4),
    "Conv3DBackpropFilterV2": _filter_grad(5),
    "DepthwiseConv2dNativeBackpropFilter": _filter_grad(4),
    "DepthwiseConv2dNativeBackpropInput": _depthwise_input_grad,
    "MaxPoolGrad": _max_pool_grad,
    "AvgPoolGrad": _avg_pool_grad,
    "StridedSliceGrad": _strided_slice_grad,
}
"""Rows of this family by TF op type."""
