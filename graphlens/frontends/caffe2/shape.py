"""Caffe2's ops that move, cut and join tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphlens.frontends.caffe2.call import Call, Row
from graphlens.ir.node import Value


def _same(call: Call) -> Value:
    return call.emit("Identity", call.operands[0])


def _dropout(call: Call) -> list[Value] | None:
    """In inference it passes its operand on."""
    if not call.int("is_test"):
        return None
    return [call.emit("Identity", call.operands[0])]


def _axis(call: Call) -> int:
    """The channels' axis, unless another is given."""
    return call.int("axis", 3 if call.is_nhwc else 1)


def _concat(call: Call) -> list[Value | None] | None:
    """Its second result is the sizes of the parts."""
    axis, parts = _axis(call), call.operands
    if call.int("add_axis"):
        place = call.const(np.array([axis]))
        parts = [call.step("Unsqueeze", part, place) for part in parts]
    joined = call.emit("Concat", *parts, axis=axis)
    shapes = [call.builder.type_of(part).shape for part in parts]
    sizes = [None if shape is None else shape[axis] for shape in shapes]
    if call.outputs < 2 or not all(isinstance(size, int) for size in sizes):
        return [joined, None]
    return [joined, call.const(np.array(sizes, np.int32))]


def _split(call: Call) -> list[Value]:
    axis, given = _axis(call), call.ints("split")
    image, count = call.operands[0], call.outputs
    if len(call.operands) > 1:
        sizes = call.step("Cast", call.operands[1], to="int64")
        first = call.emit("Split", image, sizes, results=count, axis=axis)
    elif given:
        first = call.emit("Split", image, call.const(np.array(given)), results=count, axis=axis)
    else:
        first = call.emit("Split", image, results=count, axis=axis, num_outputs=count)
    return [Value(first.node, index) for index in range(count)]


def _reshape(call: Call) -> list[Value]:
    """Its second result is the shape before."""
    image = call.operands[0]
    if len(call.operands) > 1:
        sizes = call.operands[1]
        if call.held(1).dtype != "int64":
            sizes = call.step("Cast", sizes, to="int64")
    else:
        sizes = call.const(np.array(call.ints("shape") or (), np.int64))
    made = [call.emit("Reshape", image, sizes)]
    return made if call.outputs < 2 else [*made, call.step("Shape", image)]


def _flatten(call: Call) -> Value:
    axis = call.int("axis", 1)
    return call.emit("Flatten", call.operands[0], axis=None if axis == 1 else axis)


def _flatten_to_vector(call: Call) -> Value:
    return call.emit("Reshape", call.operands[0], call.const(np.array([-1])))


def _transpose(call: Call) -> Value:
    return call.emit("Transpose", call.operands[0], perm=call.ints("axes"))


def _reordered(order: tuple[int, ...]) -> Row:
    return lambda call: call.emit("Transpose", call.operands[0], perm=order)


def _at_axes(op: str) -> Row:
    return lambda call: call.emit(op, call.operands[0], call.const(np.array(call.ints("dims"))))


def _slice(call: Call) -> Value | None:
    """An end of -1 is the end itself, -2 the one before."""
    starts, ends = call.ints("starts"), call.ints("ends")
    if starts is None or ends is None or len(call.operands) > 1:
        return None
    last = np.iinfo(np.int64).max
    stops = [last if end == -1 else end + 1 if end < 0 else end for end in ends]
    given = (call.const(np.array(each)) for each in (starts, stops, range(len(starts))))
    return call.emit("Slice", call.operands[0], *given)


def _shape(call: Call) -> Value:
    sizes = call.step("Shape", call.operands[0])
    axes = call.ints("axes")
    if axes is None:
        return sizes
    return call.emit("Gather", sizes, call.const(np.array(axes)))


def _gather(call: Call) -> Value:
    axis = call.int("axis")
    return call.emit("Gather", *call.operands[:2], axis=axis or None)


def _batch_gather(call: Call) -> Value:
    return call.emit("Gather", *call.operands[:2], axis=1)


def _tile(call: Call) -> Value | None:
    shape, axis = call.shape(0), call.int("axis")
    if shape is None or len(call.operands) > 1:
        return None
    repeats = [1] * len(shape)
    repeats[axis] = call.int("tiles", 1)
    return call.emit("Tile", call.operands[0], call.const(np.array(repeats)))


def _constant_like(call: Call) -> Value | None:
    """A ConstantFill of the shape of its operand."""
    if call.type != "ConstantFill" or len(call.operands) != 1 or call.ints("extra_shape"):
        return None
    like = call.operands[0]
    sizes = like if call.int("input_as_shape") else call.step("Shape", like)
    if call.builder.type_of(sizes).dtype != "int64":
        sizes = call.step("Cast", sizes, to="int64")
    value = call.arguments.get("value", 0.0)
    return call.emit("Expand", call.const(np.array(value, np.float32)), sizes)


_COPIES: Sequence[str] = (
    *("Copy", "CopyCPUToGPU", "CopyGPUToCPU", "CopyOnDeviceLike", "EnsureCPUOutput", "EnsureDense"),
    *("Alias", "AliasWithName", "StopGradient", "CopyFromCPUInput"),
)
ROWS: dict[str, Row] = {
    **dict.fromkeys(_COPIES, _same),
    "Dropout": _dropout,
    "Concat": _concat,
    "DepthConcat": _concat,
    "Split": _split,
    "DepthSplit": _split,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "FlattenToVec": _flatten_to_vector,
    "Transpose": _transpose,
    "NCHW2NHWC": _reordered((0, 2, 3, 1)),
    "NHWC2NCHW": _reordered((0, 3, 1, 2)),
    "Squeeze": _at_axes("Squeeze"),
    "ExpandDims": _at_axes("Unsqueeze"),
    "Slice": _slice,
    "Shape": _shape,
    "Gather": _gather,
    "BatchGather": _batch_gather,
    "Tile": _tile,
    "ConstantFill": _constant_like,
}
