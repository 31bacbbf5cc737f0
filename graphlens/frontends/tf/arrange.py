"""TensorFlow's ops that put elements in another order or make new ones, as rows of the op table."""

from __future__ import annotations

import numpy as np

from graphlens.frontends.tf.call import Call, Row
from graphlens.frontends.tf.shape import pads
from graphlens.ir.node import Value

_FIRST = np.iinfo(np.int64).min

# -- turning and mirroring ------------------------------------------------------------------


def _cut(call: Call, value: Value, axis: int, bounds: tuple[int, int, int]) -> Value:
    """``start:end:step`` of one axis."""
    lists = (bounds[0], bounds[1], axis, bounds[2])
    return call.step("Slice", value, *(call.const([number]) for number in lists))


def _roll(call: Call) -> Value | tuple[()]:
    """What leaves at one end of an axis comes in at the other."""
    shifts, axes, held = call.ints(1), call.ints(2), call.type(0)
    if shifts is None or axes is None or not held.is_static:
        return ()
    sizes = [int(dim) for dim in held.shape or ()]
    value = call.value(0)
    for shift, axis in zip(shifts, axes, strict=True):
        moved = shift % sizes[axis] if sizes[axis] else 0
        if moved:
            end = _cut(call, value, axis, (-moved, sizes[axis], 1))
            start = _cut(call, value, axis, (0, -moved, 1))
            value = call.step("Concat", end, start, axis=axis)
    return call.emit("Identity", value)


def _mirror_pad(call: Call) -> Value | tuple[()]:
    """ONNX mirrors about the edge element; where that is repeated, its pieces are put together."""
    if call.attr("mode") == "REFLECT":
        return call.emit("Pad", call.value(0), pads(call), mode="reflect")
    paddings = call.constant(1)
    if paddings is None:
        return ()
    value = call.value(0)
    for axis, (before, after) in enumerate(paddings.tolist()):
        parts = [value]
        if before:
            parts.insert(0, _cut(call, value, axis, (before - 1, _FIRST, -1)))
        if after:
            parts.append(_cut(call, value, axis, (-1, -after - 1, -1)))
        if len(parts) > 1:
            value = call.step("Concat", *parts, axis=axis)
    return call.emit("Identity", value)


# -- blocks ---------------------------------------------------------------------------------


def _blocks(call: Call) -> tuple[list[int], list[list[int]], list[int]] | None:
    """Block sizes, paddings (or crops) and the shape of a batch/space op, where all are known."""
    block, edges, held = call.ints(1), call.constant(2), call.type(0)
    if block is None or edges is None or not held.is_static:
        return None
    return list(block), edges.tolist(), [int(dim) for dim in held.shape or ()]


def _space_to_batch(call: Call) -> Value | tuple[()]:
    """Pad, cut each spatial axis into blocks, and bring the places in a block to the front."""
    found = _blocks(call)
    if found is None:
        return ()
    block, pads, shape = found
    count, rest = len(block), shape[1 + len(block) :]
    around = [[0, 0], *pads, *([[0, 0]] * len(rest))]
    padded = [size + sum(pad) for size, pad in zip(shape[1:], pads, strict=False)]
    cut = [n for size, b in zip(padded, block, strict=True) for n in (size // b, b)]
    inner = [2 * i + 2 for i in range(count)]
    outer = [2 * i + 1 for i in range(count)]
    perm = (*inner, 0, *outer, *range(2 * count + 1, 2 * count + 1 + len(rest)))
    return call.chain(
        call.value(0),
        ("Pad", [call.const(np.array(around, np.int64).T.ravel())], {}),
        ("Reshape", [call.const([shape[0], *cut, *rest])], {}),
        ("Transpose", [], {"perm": perm}),
        ("Reshape", [call.const([shape[0] * int(np.prod(block)), *cut[::2], *rest])], {}),
    )


def _batch_to_space(call: Call) -> Value | tuple[()]:
    """The inverse: blocks back from the batch axis, then the crops taken off."""
    found = _blocks(call)
    if found is None:
        return ()
    block, crops, shape = found
    count, rest = len(block), shape[1 + len(block) :]
    batch = shape[0] // int(np.prod(block))
    places = [place for i in range(count) for place in (count + 1 + i, i)]
    perm = (count, *places, *range(2 * count + 1, 2 * count + 1 + len(rest)))
    whole = [size * b for size, b in zip(shape[1:], block, strict=False)]
    ends = [size - crop[1] for size, crop in zip(whole, crops, strict=True)]
    axes = call.const(list(range(1, count + 1)))
    return call.chain(
        call.value(0),
        ("Reshape", [call.const([*block, batch, *shape[1:]])], {}),
        ("Transpose", [], {"perm": perm}),
        ("Reshape", [call.const([batch, *whole, *rest])], {}),
        ("Slice", [call.const([c[0] for c in crops]), call.const(ends), axes], {}),
    )


# -- new tensors ----------------------------------------------------------------------------


def _line(call: Call) -> Value:
    """Numbers at equal distances, both ends among them."""
    start, stop = call.value(0), call.value(1)
    dtype = call.type(0).dtype
    count = call.value(2, "int64")
    steps = call.step("Range", call.const(0), count, call.const(1))
    gaps = call.step("Max", call.step("Sub", count, call.const(1)), call.const(1))
    gap = call.step("Div", call.step("Sub", stop, start), call.step("Cast", gaps, to=dtype))
    return call.emit("Add", call.step("Mul", call.step("Cast", steps, to=dtype), gap), start)


def _random(op: str) -> Row:
    """Drawn anew at each run, and not as TF draws: the distribution is the same."""

    def row(call: Call) -> Value:
        shape, dtype = call.ints(0), call.attr("dtype")
        if shape is not None:
            return call.emit(op, shape=shape, dtype=dtype)
        return call.emit(f"{op}Like", call.step("Expand", call.const(0, dtype), call.int64(0)))

    return row


def _segment_sum(call: Call) -> Value | tuple[()]:
    """Rows added up by the segment that each belongs to."""
    held, count = call.type(0), call.ints(2)
    if count is None or not held.is_static or call.rank(1) != 1:
        return ()
    sizes = call.const([count[0], *(held.shape or ())[1:]])
    zeros = call.step("Expand", call.const(0, held.dtype), sizes)
    places = call.step("Unsqueeze", call.value(1, "int64"), call.const([-1]))
    return call.emit("ScatterND", zeros, places, call.value(0), reduction="add")


ROWS: dict[str, Row] = {
    "Roll": _roll,
    "MirrorPad": _mirror_pad,
    "SpaceToBatchND": _space_to_batch,
    "BatchToSpaceND": _batch_to_space,
    "LinSpace": _line,
    "RandomUniform": _random("RandomUniform"),
    "RandomStandardNormal": _random("RandomNormal"),
    "UnsortedSegmentSum": _segment_sum,
}
"""Rows of this family by TF op type."""
