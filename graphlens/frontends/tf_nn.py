"""TensorFlow's layered ops (convolution, pooling, normalisation, resizing) as rows of the table.

Images stay as their author laid them out: a channels-last op carries ``data_format='NHWC'``, which
speaks of its image operand and result only. Filters are brought to ONNX's order by a Transpose
(and Reshape) of the weight, which folds into the weight later.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphlens.frontends.tf_call import Call, Row
from graphlens.ir.node import Attribute, Value
from graphlens.tensor import Dim


@dataclass(frozen=True)
class _Frame:
    """Where an op's image has its axes."""

    last: bool
    rank: int

    @classmethod
    def of(cls, call: Call, default: str = "NHWC", rank: int = 4) -> _Frame:
        """The frame that the op's data_format names."""
        try:
            named = call.attr("data_format")
        except ValueError:
            named = default
        return cls(named.endswith("C"), rank)

    @property
    def word(self) -> str | None:
        """The attribute that says it, None for ONNX's own order."""
        return "NHWC" if self.last else None

    @property
    def channel(self) -> int:
        """The axis of the channels."""
        return self.rank - 1 if self.last else 1

    def spatial(self, numbers: tuple[Dim, ...]) -> tuple[Dim, ...]:
        """Of one number an axis, those of the spatial axes."""
        return numbers[1:-1] if self.last else numbers[2:]


def _window(
    call: Call, frame: _Frame, image: tuple[Dim, ...] | None, kernel: tuple[Dim, ...]
) -> dict[str, Attribute]:
    """Strides, dilations and pads; pads are worked out where the sizes are known."""
    strides = frame.spatial(call.attr("strides"))
    dilations = frame.spatial(_optional(call, "dilations", (1,) * frame.rank))
    attributes: dict[str, Attribute] = {"strides": strides}
    if any(step != 1 for step in dilations):
        attributes["dilations"] = dilations
    padding = call.attr("padding")
    if padding == "EXPLICIT":
        pairs = call.attr("explicit_paddings")
        begins, ends = frame.spatial(pairs[::2]), frame.spatial(pairs[1::2])
        attributes["pads"] = (*begins, *ends)
    elif padding == "SAME":
        pads = _same_pads(image, kernel, strides, dilations)
        attributes.update({"pads": pads} if pads else {"auto_pad": "SAME_UPPER"})
    return attributes


def _optional(call: Call, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return call.attr(name) or default
    except ValueError:
        return default


def _same_pads(
    image: tuple[Dim, ...] | None,
    kernel: tuple[Dim, ...],
    strides: tuple[Dim, ...],
    dilations: tuple[Dim, ...],
) -> tuple[int, ...]:
    """TF's SAME as explicit pads, the odd one at the end; empty where a size is not known."""
    if image is None:
        return ()
    begins: list[int] = []
    ends: list[int] = []
    for size, width, step, spread in zip(image, kernel, strides, dilations, strict=True):
        if not all(isinstance(number, int) for number in (size, width, step, spread)):
            return ()
        total = max((-(-size // step) - 1) * step + (width - 1) * spread + 1 - size, 0)
        begins.append(total // 2)
        ends.append(total - total // 2)
    return (*begins, *ends)


# -- convolution ----------------------------------------------------------------------------


def _conv(rank: int) -> Row:
    def row(call: Call) -> Value | tuple[()]:
        frame = _Frame.of(call, rank=rank)
        image, kernel = call.type(0).shape, call.type(1).shape
        if kernel is None:
            return ()
        sizes = None if image is None else frame.spatial(image)
        attributes = _window(call, frame, sizes, kernel[:-2])
        channels = None if image is None else image[frame.channel]
        if isinstance(channels, int) and isinstance(kernel[-2], int) and channels != kernel[-2]:
            attributes["group"] = channels // kernel[-2]
        if all(isinstance(size, int) for size in kernel):
            attributes["kernel_shape"] = kernel[:-2]
        weight = call.step("Transpose", call.value(1), perm=(rank - 1, rank - 2, *range(rank - 2)))
        return call.emit("Conv", call.value(0), weight, data_format=frame.word, **attributes)

    return row


def _depthwise(call: Call) -> Value | tuple[()]:
    """Filter [H, W, C, M]: a group a channel, M results each, channel c's at c*M .. c*M+M-1."""
    frame = _Frame.of(call)
    image, kernel = call.type(0).shape, call.type(1)
    if not kernel.is_static or kernel.shape is None:
        return ()
    height, width, channels, many = (int(size) for size in kernel.shape if isinstance(size, int))
    sizes = None if image is None else frame.spatial(image)
    attributes = _window(call, frame, sizes, (height, width))
    turned = call.step("Transpose", call.value(1), perm=(2, 3, 0, 1))
    weight = call.step("Reshape", turned, call.const([channels * many, 1, height, width]))
    return call.emit(
        "Conv",
        call.value(0),
        weight,
        group=channels,
        kernel_shape=(height, width),
        data_format=frame.word,
        **attributes,
    )


def _conv_transpose(rank: int) -> Row:
    """The gradient of a convolution by its input, which is what a transposed convolution is."""

    def row(call: Call) -> Value | tuple[()]:
        frame = _Frame.of(call, rank=rank)
        wanted, kernel, given = call.results[0].shape, call.type(1).shape, call.type(2).shape
        if wanted is None or kernel is None or given is None:
            return ()
        attributes = _window(call, frame, frame.spatial(wanted), kernel[:-2])
        attributes.pop("auto_pad", None)
        fitted = _fit(attributes, frame, (wanted, given, kernel))
        if fitted is None:
            return ()
        perm = (rank - 1, rank - 2, *range(rank - 2))
        weight = call.step("Transpose", call.value(1), perm=perm)
        return call.emit(
            "ConvTranspose", call.value(2), weight, data_format=frame.word, **attributes, **fitted
        )

    return row


def _fit(
    attributes: dict[str, Attribute],
    frame: _Frame,
    shapes: tuple[tuple[Dim, ...], tuple[Dim, ...], tuple[Dim, ...]],
) -> dict[str, Attribute] | None:
    """The output padding that makes ONNX's result as large as TF's; None if it cannot be known."""
    wanted, given = (frame.spatial(shape) for shape in shapes[:2])
    kernel = shapes[2][:-2]
    count = len(kernel)
    pads = attributes.get("pads", (0,) * (2 * count))
    steps = attributes["strides"]
    spread = attributes.get("dilations", (1,) * count)
    if not all(isinstance(size, int) for size in (*wanted, *given, *kernel)):
        return None
    missing = tuple(
        wanted[i]
        - ((given[i] - 1) * steps[i] + (kernel[i] - 1) * spread[i] + 1 - pads[i] - pads[i + count])
        for i in range(count)
    )
    if any(size < 0 for size in missing):
        return None
    return {"output_padding": missing} if any(missing) else {}


def _bias_add(call: Call) -> Value:
    """The bias runs along the channels: the last axis, or the second of NCHW."""
    bias, rank = call.value(1), call.rank(0)
    if call.attr("data_format") == "NCHW" and rank is not None and rank > 2:
        bias = call.step("Unsqueeze", bias, call.const(list(range(1, rank - 1))))
    return call.emit("Add", call.value(0), bias)


# -- pooling --------------------------------------------------------------------------------


def _pool(op: str, rank: int) -> Row:
    def row(call: Call) -> Value | tuple[()]:
        frame = _Frame.of(call, rank=rank)
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
        attributes = _window(call, frame, sizes, kernel)
        return call.emit(
            op, call.value(0), kernel_shape=kernel, data_format=frame.word, **attributes
        )

    return row


# -- normalisation --------------------------------------------------------------------------


def _batch_norm(call: Call) -> Value | tuple[()]:
    """Inference only: the statistics are operands. The other results serve training."""
    if call.attr("is_training"):
        return ()
    frame = _Frame.of(call)
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
        frame = _Frame.of(call)
        return call.emit(
            op, call.value(0), blocksize=call.attr("block_size"), data_format=frame.word
        )

    return row


ROWS: dict[str, Row] = {
    "Conv2D": _conv(4),
    "Conv3D": _conv(5),
    "DepthwiseConv2dNative": _depthwise,
    "Conv2DBackpropInput": _conv_transpose(4),
    "Conv3DBackpropInputV2": _conv_transpose(5),
    "BiasAdd": _bias_add,
    "BiasAddV1": lambda call: call.emit("Add", *call.values()),
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
