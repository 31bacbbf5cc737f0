"""TensorFlow's ops on shapes and places (reshape, join, split, pad ...) as rows of the op table."""

from __future__ import annotations

import numpy as np

from graphlens.frontends.tf.call import Call, Row
from graphlens.ir.node import Value

# -- shapes ---------------------------------------------------------------------------------


def _size_of(op: str) -> Row:
    """Shape or Size: ONNX counts in int64, TF in what it was asked for."""

    def row(call: Call) -> Value:
        if call.results[0].dtype == "int64":
            return call.emit(op, call.value(0))
        return call.emit("Cast", call.step(op, call.value(0)), to=call.results[0].dtype)

    return row


def _shape_n(call: Call) -> list[Value]:
    wanted = call.results[0].dtype
    shapes = [call.step("Shape", value) for value in call.values()]
    return shapes if wanted == "int64" else [call.step("Cast", s, to=wanted) for s in shapes]


def _rank(call: Call) -> Value:
    x = call.step("Size", call.step("Shape", call.value(0)))
    return call.emit("Cast", x, to=call.results[0].dtype)


def _reshape(call: Call) -> Value:
    shape = call.ints(1)
    allow_zero = 1 if shape is not None and 0 in shape else None
    return call.emit("Reshape", call.value(0), call.int64(1), allowzero=allow_zero)


def _expand_dims(call: Call) -> Value:
    axis = call.ints(1)
    axes = call.const([axis[0]]) if axis else call.step("Reshape", call.int64(1), call.const([1]))
    return call.emit("Unsqueeze", call.value(0), axes)


def _squeeze(call: Call) -> Value:
    axes = call.attr("squeeze_dims")
    held = call.type(0)
    if not axes and held.is_static:  # of a size that is not known, only a run tells whether it is 1
        axes = tuple(axis for axis, dim in enumerate(held.shape or ()) if dim == 1)
        if not axes:
            return call.emit("Identity", call.value(0))
    return call.emit("Squeeze", call.value(0), *([call.const(list(axes))] if axes else []))


def _transpose(call: Call) -> Value | tuple[()]:
    perm = call.ints(1)
    return () if perm is None else call.emit("Transpose", call.value(0), perm=perm)


def _fill(call: Call) -> Value:
    return call.emit("Expand", call.value(1), call.int64(0))


def _like(number: int) -> Row:
    """A tensor of one number in the shape of another."""

    def row(call: Call) -> Value:
        content = call.const(number, call.type(0).dtype)
        shape = call.type(0)
        sizes = call.const(list(shape.shape or ())) if shape.is_static else None
        return call.emit("Expand", content, sizes or call.step("Shape", call.value(0)))

    return row


# -- joining and splitting ------------------------------------------------------------------


def _concat(call: Call) -> Value | tuple[()]:
    """ConcatV2 gives its axis last, Concat first."""
    last = call.op == "ConcatV2"
    axis = call.ints(len(call) - 1 if last else 0)
    parts = range(len(call) - 1) if last else range(1, len(call))
    if axis is None:
        return ()
    return call.emit("Concat", *(call.value(index) for index in parts), axis=axis[0])


def _pack(call: Call) -> Value:
    axis = call.attr("axis")
    axes = call.const([axis])
    parts = [call.step("Unsqueeze", value, axes) for value in call.values()]
    return call.emit("Concat", *parts, axis=axis)


def _unpack(call: Call) -> list[Value]:
    axis, count = call.attr("axis"), call.attr("num")
    if count == 0:
        return []
    parts = _split_into(call, call.value(0), axis, [1] * count)
    axes = call.const([axis])
    return [
        call.builder.op("Squeeze", part, axes, results=(held,), name=f"{call.name}.{index}")
        for index, (part, held) in enumerate(zip(parts, call.results, strict=True))
    ]


def _split_into(call: Call, value: Value, axis: int, sizes: list[int]) -> list[Value]:
    """Parts of the given sizes along an axis, their types worked out from the whole's."""
    held = call.builder.type_of(value)
    if held.shape is None:
        types = [held] * len(sizes)
    else:
        at = axis % len(held.shape)
        types = [held.with_shape((*held.shape[:at], n, *held.shape[at + 1 :])) for n in sizes]
    name = f"{call.name}.split" if call.op == "Unpack" else call.name
    split = call.const(sizes)
    first = call.builder.op("Split", value, split, results=types, name=name, axis=axis)
    return [Value(first.node, index) for index in range(len(sizes))]


def _split(call: Call) -> list[Value] | tuple[()]:
    axis, count = call.ints(0), call.attr("num_split")
    if axis is None:
        return ()
    found = call.builder.op(
        "Split",
        call.value(1),
        results=call.results,
        name=call.name,
        axis=axis[0],
        num_outputs=count,
    )
    return [Value(found.node, index) for index in range(count)]


def _split_v(call: Call) -> list[Value] | tuple[()]:
    """The sizes may leave one open (-1); it is what the others leave of the axis."""
    sizes, axis, shape = call.ints(1), call.ints(2), call.type(0).shape
    if sizes is None or axis is None or shape is None:
        return ()
    whole = shape[axis[0]]
    if -1 in sizes:
        if not isinstance(whole, int):
            return ()
        rest = whole - sum(size for size in sizes if size >= 0)
        sizes = tuple(rest if size == -1 else size for size in sizes)
    return _split_into(call, call.value(0), axis[0], list(sizes))


def _broadcast_to(call: Call) -> Value:
    return call.emit("Expand", call.value(0), call.int64(1))


def _tile(call: Call) -> Value:
    return call.emit("Tile", call.value(0), call.int64(1))


# -- padding --------------------------------------------------------------------------------


def pads(call: Call) -> Value:
    """TF's paddings [rank, 2] as ONNX's vector: all the beginnings, then all the ends."""
    paddings = call.constant(1)
    if paddings is not None:
        return call.const(paddings.astype(np.int64).T.ravel())
    turned = call.step("Transpose", call.int64(1), perm=(1, 0))
    return call.step("Reshape", turned, call.const([-1]))


def _pad(call: Call) -> Value:
    operands = [call.value(2)] if len(call) > 2 else []
    return call.emit("Pad", call.value(0), pads(call), *operands)


ROWS: dict[str, Row] = {
    "Shape": _size_of("Shape"),
    "Size": _size_of("Size"),
    "ShapeN": _shape_n,
    "Rank": _rank,
    "Reshape": _reshape,
    "ExpandDims": _expand_dims,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Fill": _fill,
    "ZerosLike": _like(0),
    "OnesLike": _like(1),
    "Concat": _concat,
    "ConcatV2": _concat,
    "Pack": _pack,
    "Unpack": _unpack,
    "Split": _split,
    "SplitV": _split_v,
    "BroadcastTo": _broadcast_to,
    "Tile": _tile,
    "Pad": _pad,
    "PadV2": _pad,
}
"""Rows of this family by TF op type."""
