"""Rows of the aten table: slicing, gathering, indexing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value
from graphlens.tensor import Dim

_END = np.iinfo(np.int64).max


@row("slice", "slice_copy")
def _slice(
    call: Call, x: Value, dim: int = 0, start: Any = None, end: Any = None, step: Any = 1
) -> Value:
    start, end = 0 if start is None else start, _END if end is None else end
    axis = call.axis(x, dim)
    if isinstance(start, int) and start == 0 and isinstance(end, int) and end == _END and step == 1:
        return call.same(x)
    bounds = [call.ints(start), call.ints(end), call.const([axis])]
    if step != 1:
        bounds.append(call.ints(step))
    return call.emit("Slice", x, *bounds)


@row("narrow", "narrow_copy")
def _narrow(call: Call, x: Value, dim: int, start: Any, length: Any) -> Value:
    if isinstance(start, Value):
        return NotImplemented
    axis, size = call.axis(x, dim), call.shape(x)[call.axis(x, dim)]
    if isinstance(start, int) and start < 0 and isinstance(size, int):
        start += size
    return call.emit("Slice", x, call.ints(start), call.ints(start + length), call.const([axis]))


@row("select", "select_copy")
def _select(call: Call, x: Value, dim: int, index: Any) -> Value:
    axis = call.axis(x, dim)
    where = call.number(index, "int64")
    return call.emit("Gather", x, where, axis=axis)


@row("index_select")
def _index_select(call: Call, x: Value, dim: int, index: Value) -> Value:
    if call.rank(x) == 0 or call.rank(index) == 0:
        return NotImplemented
    return call.emit("Gather", x, index, axis=call.axis(x, dim))


@row("embedding")
def _embedding(call: Call, weight: Value, indices: Value, *_: Any) -> Value:
    return call.emit("Gather", weight, indices, axis=0)


@row("gather")
def _gather(call: Call, x: Value, dim: int, index: Value, _: Any = False) -> Value:
    if call.rank(x) == 0 or call.rank(index) == 0:
        return NotImplemented
    return call.emit("GatherElements", x, index, axis=call.axis(x, dim))


@row("take_along_dim")
def _take_along_dim(call: Call, x: Value, index: Value, dim: int | None = None) -> Value:
    shapes = [list(call.shape(one)) for one in (x, index)]
    if dim is None or call.rank(x) != call.rank(index):
        return NotImplemented
    axis = call.axis(x, dim)
    for shape in shapes:
        shape[axis] = 1
    if shapes[0] != shapes[1]:
        return NotImplemented
    return call.emit("GatherElements", x, index, axis=axis)


@row("take")
def _take(call: Call, x: Value, index: Value) -> Value:
    return call.emit("Gather", call.flat(x), index, axis=0)


@row("nonzero")
def _nonzero(call: Call, x: Value) -> Value:
    if call.rank(x) == 0:
        return NotImplemented
    return call.emit("Transpose", call.step("NonZero", x), perm=(1, 0))


@row("where", "nonzero_numpy")
def _places(call: Call, x: Value) -> Any:
    """The places where it is true, one vector for each axis."""
    if call.rank(x) == 0:
        return NotImplemented
    found = call.step("NonZero", x)
    return tuple(
        call.build.op(
            "Gather",
            found,
            call.const(np.array(axis, np.int64)),
            results=[held],
            name=call.name,
            axis=0,
        )
        for axis, held in enumerate(call.types)
    )


@row("index", "_unsafe_index")
def _index(call: Call, x: Value, indices: Sequence[Value | None]) -> Value:
    """Advanced indexing: one index is a Gather, more of them a GatherND over joined indices."""
    used = [axis for axis, one in enumerate(indices) if one is not None]
    if any(call.dtype(one) in ("bool", "uint8") for one in indices if one is not None):
        return _index_mask(call, x, indices)
    if len(used) == 1 and call.rank(indices[used[0]]):  # type: ignore[arg-type]
        return call.emit("Gather", x, indices[used[0]], axis=used[0])
    joined, rank = joined_indices(call, indices, used)
    rest = [axis for axis in range(call.rank(x)) if axis not in used]
    turned = call.permuted(x, (*used, *rest))
    if used != list(range(used[0], used[0] + len(used))) or used[0] == 0:
        return call.emit("GatherND", turned, joined)
    taken = call.step("GatherND", turned, joined)
    before = used[0]
    order = (*range(rank, rank + before), *range(rank), *range(rank + before, rank + len(rest)))
    return call.emit("Transpose", taken, perm=order)


def _index_mask(call: Call, x: Value, indices: Sequence[Value | None]) -> Value:
    """One mask over the leading axes: the places where it is true, then a GatherND."""
    used = [one for one in indices if one is not None]
    if len(used) != 1 or indices[0] is None or call.dtype(used[0]) != "bool":
        return NotImplemented
    found = call.step("NonZero", used[0])
    return call.emit("GatherND", x, call.step("Transpose", found, perm=(1, 0)))


def joined_indices(
    call: Call, indices: Sequence[Value | None], used: Sequence[int]
) -> tuple[Value, int]:
    """Index tensors broadcast together and stacked on a last axis, and their common rank."""
    held = [one for one in (indices[axis] for axis in used) if one is not None]
    shapes = [call.shape(one) for one in held]
    common = broadcast(shapes)
    parts: list[Value] = []
    for one, shape in zip(held, shapes, strict=True):
        wide = call.cast(one, "int64")
        wide = wide if shape == common else call.step("Expand", wide, call.ints(common))
        parts.append(call.step("Unsqueeze", wide, call.const([-1])))
    joined = parts[0] if len(parts) == 1 else call.step("Concat", *parts, axis=-1)
    return joined, len(common)


def broadcast(shapes: Sequence[tuple[Dim, ...]]) -> tuple[Dim, ...]:
    """The shape of tensors of these shapes together; a size that is not 1 decides its axis."""
    rank = max(map(len, shapes))
    columns = zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True)
    return tuple(next((size for size in column if size != 1), 1) for column in columns)


@row("tril", "triu")
def _trilu(call: Call, x: Value, diagonal: Any = 0) -> Value:
    upper = int(call.op.startswith("triu"))
    if call.dtype(x) == "bool":
        held = call.step(
            "Trilu", call.cast(x, "uint8"), call.number(diagonal, "int64"), upper=upper
        )
        return call.emit("Cast", held, to="bool")
    return call.emit("Trilu", x, call.number(diagonal, "int64"), upper=upper)


@row("one_hot")
def _one_hot(call: Call, x: Value, classes: int = -1) -> Value:
    depth = (call.out.shape or (-1,))[-1]
    ends = call.const(np.array([0, 1], np.int64))
    return call.emit("OneHot", x, call.scalar(depth), ends, axis=-1)
