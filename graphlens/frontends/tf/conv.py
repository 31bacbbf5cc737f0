"""TensorFlow's convolutions as rows of the op table.

Images stay as their author laid them out: a channels-last op carries ``data_format='NHWC'``, which
speaks of its image operand and result only. Filters are brought to ONNX's order by a Transpose
(and Reshape) of the weight, which folds into the weight later.
"""

from __future__ import annotations

from graphlens.frontends.tf.call import Call, Row
from graphlens.frontends.tf.image_grad import depthwise_weight, output_padding, result_sizes
from graphlens.frontends.tf.window import Frame, window
from graphlens.ir.node import Value


def _conv(rank: int) -> Row:
    def row(call: Call) -> Value | tuple[()]:
        frame = Frame.of(call, rank=rank)
        image, kernel = call.type(0).shape, call.type(1).shape
        if kernel is None:
            return ()
        sizes = None if image is None else frame.spatial(image)
        attributes = window(call, frame, sizes, kernel[:-2])
        channels = None if image is None else image[frame.channel]
        if isinstance(channels, int) and isinstance(kernel[-2], int) and channels != kernel[-2]:
            attributes["group"] = channels // kernel[-2]
        if all(isinstance(size, int) for size in kernel):
            attributes["kernel_shape"] = kernel[:-2]
        weight = call.step("Transpose", call.value(1), perm=(rank - 1, rank - 2, *range(rank - 2)))
        return call.emit("Conv", call.value(0), weight, data_format=frame.word, **attributes)

    return row


def _depthwise(call: Call) -> Value | tuple[()]:
    frame = Frame.of(call)
    image, kernel = call.type(0).shape, call.type(1)
    if not kernel.is_static or kernel.shape is None:
        return ()
    whole = [int(size) for size in kernel.shape]
    sizes = None if image is None else frame.spatial(image)
    attributes = window(call, frame, sizes, tuple(whole[:2]))
    return call.emit(
        "Conv",
        call.value(0),
        depthwise_weight(call, whole),
        group=whole[2],
        kernel_shape=tuple(whole[:2]),
        data_format=frame.word,
        **attributes,
    )


def _conv_transpose(rank: int) -> Row:
    """The gradient of a convolution by its input, which is what a transposed convolution is."""

    def row(call: Call) -> Value | tuple[()]:
        frame = Frame.of(call, rank=rank)
        wanted, kernel, given = result_sizes(call), call.type(1).shape, call.type(2).shape
        if wanted is None or kernel is None or given is None:
            return ()
        attributes = window(call, frame, frame.spatial(wanted), kernel[:-2])
        attributes.pop("auto_pad", None)
        shapes = (frame.spatial(wanted), frame.spatial(given), kernel)
        if not all(isinstance(size, int) for shape in (*shapes, wanted[1:]) for size in shape):
            return ()
        fitted = output_padding(attributes, *shapes[:2], kernel[:-2])
        if fitted is None:
            return ()
        groups = wanted[frame.channel] // kernel[-2]
        attributes.update({"group": groups} if groups > 1 else {})
        perm = (rank - 1, rank - 2, *range(rank - 2))
        weight = call.step("Transpose", call.value(1), perm=perm)
        return call.emit(
            "ConvTranspose", call.value(2), weight, data_format=frame.word, **attributes, **fitted
        )

    return row


def _bias_add(call: Call) -> Value:
    """The bias runs along the channels: the last axis, or the second of NCHW."""
    bias, rank = call.value(1), call.rank(0)
    if call.attr("data_format") == "NCHW" and rank is not None and rank > 2:
        bias = call.step("Unsqueeze", bias, call.const(list(range(1, rank - 1))))
    return call.emit("Add", call.value(0), bias)


ROWS: dict[str, Row] = {
    "Conv2D": _conv(4),
    "Conv3D": _conv(5),
    "DepthwiseConv2dNative": _depthwise,
    "Conv2DBackpropInput": _conv_transpose(4),
    "Conv3DBackpropInputV2": _conv_transpose(5),
    "BiasAdd": _bias_add,
    "BiasAddV1": lambda call: call.emit("Add", *call.values()),
}
"""Rows of this family by TF op type."""
