"""TensorFlow's pooling, normalisation and resizing of images as rows of the op table."""

from __future__ import annotations

from graphlens.frontends.tf.call import Call, Operand, Row
from graphlens.frontends.tf.grad import batch_norm_training
from graphlens.frontends.tf.window import Frame, window
from graphlens.ir.node import Attribute, Value

# -- pooling --------------------------------------------------------------------------------


def _pool(op: str, rank: int) -> Row:
    def row(call: Call) -> Value | tuple[()]:
        frame = Frame.of(call, rank=rank)
        if (
            frame.channel != 1
            and call.op == "MaxPool"
            and call.attr("data_format") == "NCHW_VECT_C"
        ):
            return ()
        image, size = call.type(0).shape, call.attr("ksize")
        if size[0] != 1 or size[frame.channel] != 1:
            return ()
        kernel = frame.spatial(size)
        sizes = None if image is None else frame.spatial(image)
        attributes = window(call, frame, sizes, kernel)
        return call.emit(
            op, call.value(0), kernel_shape=kernel, data_format=frame.word, **attributes
        )

    return row


# -- normalisation --------------------------------------------------------------------------


def _batch_norm(call: Call) -> Operand | list[Operand] | tuple[()]:
    """In inference the statistics are operands; the other results serve training."""
    if call.attr("is_training"):
        return batch_norm_training(call)
    frame = Frame.of(call)
    held = call.results[0]
    found = call.builder.op(
        "BatchNormalization",
        *call.values(),
        results=(held,),
        name=call.name,
        epsilon=float(call.attr("epsilon")),
        data_format=frame.word,
    )
    return Value(found.node, 0)


def _lrn(call: Call) -> Value:
    """TF's alpha is of each element, ONNX's of the whole window."""
    size = 2 * call.attr("depth_radius") + 1
    return call.emit(
        "LRN",
        call.value(0),
        size=size,
        alpha=float(call.attr("alpha")) * size,
        beta=float(call.attr("beta")),
        bias=float(call.attr("bias")),
        data_format="NHWC",
    )


# -- resizing -------------------------------------------------------------------------------


def _resize(mode: str) -> Row:
    """TF's three conventions of where a pixel lies, in ONNX's words."""

    def row(call: Call) -> Value:
        corners, halves = call.attr("align_corners"), call.attr("half_pixel_centers")
        place = "align_corners" if corners else "half_pixel" if halves else "asymmetric"
        attributes: dict[str, Attribute] = {"mode": mode, "coordinate_transformation_mode": place}
        if mode == "nearest":
            attributes["nearest_mode"] = "floor" if place == "asymmetric" else "round_prefer_ceil"
        if mode == "cubic":
            attributes.update(cubic_coeff_a=-0.5 if halves else -0.75, exclude_outside=int(halves))
        image = call.value(0, call.results[0].dtype)
        return call.emit(
            "Resize",
            image,
            None,
            None,
            call.int64(1),
            axes=(2, 3),
            data_format="NHWC",
            **attributes,
        )

    return row


def _depth_space(op: str) -> Row:
    def row(call: Call) -> Value:
        frame = Frame.of(call)
        return call.emit(
            op, call.value(0), blocksize=call.attr("block_size"), data_format=frame.word
        )

    return row


ROWS: dict[str, Row] = {
    "MaxPool": _pool("MaxPool", 4),
    "MaxPool3D": _pool("MaxPool", 5),
    "AvgPool": _pool("AveragePool", 4),
    "AvgPool3D": _pool("AveragePool", 5),
    "FusedBatchNorm": _batch_norm,
    "FusedBatchNormV2": _batch_norm,
    "FusedBatchNormV3": _batch_norm,
    "LRN": _lrn,
    "ResizeBilinear": _resize("linear"),
    "ResizeNearestNeighbor": _resize("nearest"),
    "ResizeBicubic": _resize("cubic"),
    "DepthToSpace": _depth_space("DepthToSpace"),
    "SpaceToDepth": _depth_space("SpaceToDepth"),
}
"""Rows of this family by TF op type."""
