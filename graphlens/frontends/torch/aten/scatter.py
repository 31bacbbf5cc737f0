"""Rows of the aten table: new values at some places of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch.aten.index import joined_indices
from graphlens.frontends.torch.aten.places import places, put_at
from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value

_END = np.iinfo(np.int64).max


_REDUCE = {
    "add": "add",
    "sum": "add",
    "multiply": "mul",
    "prod": "mul",
    "amax": "max",
    "amin": "min",
}


@row("scatter", "scatter_add", "scatter_reduce")
def _scatter(
    call: Call, x: Value, dim: int, index: Value, source: Any, reduce: str = "", inside: bool = True
) -> Value:
    if not inside or reduce not in ("", *_REDUCE) or call.rank(x) == 0:
        return NotImplemented
    reduction = "add" if call.op.startswith("scatter_add") else _REDUCE.get(reduce)
    shape = call.shape(index)
    if not isinstance(source, Value):
        source = call.step("Expand", call.number(source, call.out.dtype), call.ints(shape))
    elif call.shape(source) != shape:
        source = _cut_to(call, source, shape)
    return call.emit(
        "ScatterElements",
        x,
        index,
        call.cast(source, call.out.dtype),
        axis=call.axis(x, dim),
        reduction=reduction,
    )


def _cut_to(call: Call, x: Value, shape: Sequence[Any]) -> Value:
    """The corner of a value that an index covers."""
    axes = list(range(len(shape)))
    starts, ends = call.const([0] * len(axes)), call.ints(shape)
    held = call.type(x).with_shape(tuple(shape))
    return call.step("Slice", x, starts, ends, call.const(axes), type=held)


@row("index_add", "index_copy")
def _index_add(
    call: Call, x: Value, dim: int, index: Value, source: Value, alpha: Any = 1
) -> Value:
    if call.rank(x) == 0 or call.rank(index) != 1 or call.rank(source) == 0:
        return NotImplemented
    if alpha != 1:
        source = call.step("Mul", source, call.number(alpha, call.out.dtype))
    axis, shape = call.axis(x, dim), call.shape(source)
    column = call.reshape(
        index,
        [-1 if i == axis else 1 for i in range(len(shape))],
        call.type(index).with_shape(tuple(n if i == axis else 1 for i, n in enumerate(shape))),
    )
    where = call.step("Expand", column, call.ints(shape))
    reduction = "add" if call.op.startswith("index_add") else None
    return call.emit("ScatterElements", x, where, source, axis=axis, reduction=reduction)


@row("index_fill")
def _index_fill(call: Call, x: Value, dim: int, index: Value, value: Any) -> Value:
    if call.rank(x) == 0 or call.rank(index) != 1:
        return NotImplemented
    axis, shape = call.axis(x, dim), list(call.shape(x))
    shape[axis] = call.shape(index)[0]
    column = call.step(
        "Reshape", index, call.const([-1 if i == axis else 1 for i in range(len(shape))])
    )
    where = call.step("Expand", column, call.ints(shape))
    source = call.step("Expand", call.operand(value, call.out.dtype), call.ints(shape))
    return call.emit("ScatterElements", x, where, source, axis=axis)


@row("slice_scatter")
def _slice_scatter(
    call: Call,
    x: Value,
    source: Value,
    dim: int = 0,
    start: Any = None,
    end: Any = None,
    step: int = 1,
) -> Value:
    axis = call.axis(x, dim)
    size = call.shape(x)[axis]
    start, end = 0 if start is None else start, _END if end is None else end
    if not isinstance(start, int) or not isinstance(end, int) or not isinstance(step, int):
        return put_at(call, x, source, axis, places(call, x, axis, (start, end, step)))
    if isinstance(size, int):
        start, end, _ = slice(start, end, step).indices(size)
        end = _END if end >= size else max(start, end)
    if step == 1:
        return put_between(call, x, source, axis, start, end)
    if not isinstance(size, int):
        return put_at(call, x, source, axis, places(call, x, axis, (start, end, step)))
    return _put_apart(call, x, source, axis, np.arange(start, min(end, size), step))


@row("select_scatter")
def _select_scatter(call: Call, x: Value, source: Value, dim: int, index: Any) -> Value:
    axis = call.axis(x, dim)
    shape = list(call.shape(source))
    shape.insert(axis, 1)
    held = call.type(source).with_shape(tuple(shape))
    widened = call.step("Unsqueeze", source, call.const([axis]), type=held)
    if not isinstance(index, int):
        return put_at(call, x, widened, axis, call.ints(index))
    size = call.shape(x)[axis]
    start = index % size if isinstance(size, int) else index
    end = _END if start + 1 in (0, size) else start + 1
    return put_between(call, x, widened, axis, start, end)


def put_between(call: Call, x: Value, source: Value, axis: int, start: int, end: int) -> Value:
    """Emit ``x`` with ``source`` in place of its part from ``start`` to ``end`` on one axis.

    Negative places count from the end; the largest int64 is the end.
    """
    over, source = call.const([axis]), call.cast(source, call.out.dtype)
    before = call.step("Slice", x, call.const([0]), call.const([start]), over) if start else None
    after = (
        call.step("Slice", x, call.const([end]), call.const([_END]), over) if end != _END else None
    )
    held = [part for part in (before, source, after) if part is not None]
    return call.same(source) if len(held) == 1 else call.emit("Concat", *held, axis=axis)


def _put_apart(call: Call, x: Value, source: Value, axis: int, places: np.ndarray) -> Value:
    shape = list(call.shape(x))
    shape[axis] = len(places)
    source = call.cast(source, call.out.dtype)
    if list(call.shape(source)) != shape:
        source = call.step("Expand", source, call.ints(shape))
    column = places.astype(np.int64).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    where = call.step("Expand", call.const(column), call.ints(shape))
    return call.emit("ScatterElements", x, where, source, axis=axis)


@row("index_put", "_unsafe_index_put", "_index_put_impl")
def _index_put(
    call: Call,
    x: Value,
    indices: Sequence[Value | None],
    values: Value,
    accumulate: bool = False,
    _: Any = None,
) -> Value:
    used = [axis for axis, one in enumerate(indices) if one is not None]
    first = indices[used[0]]
    if first is not None and call.dtype(first) == "bool":
        return _mask_put(call, x, indices, values, accumulate)
    rest = [axis for axis in range(call.rank(x)) if axis not in used]
    if used != list(range(len(used))):
        return NotImplemented
    joined, _rank = joined_indices(call, indices, used)
    target = [*call.shape(joined)[:-1], *(call.shape(x)[axis] for axis in rest)]
    source = call.cast(values, call.out.dtype)
    if list(call.shape(source)) != target:
        source = call.step("Expand", source, call.ints(target))
    return call.emit("ScatterND", x, joined, source, reduction="add" if accumulate else None)


def _mask_put(call: Call, x: Value, indices: Sequence[Any], values: Value, add: bool) -> Value:
    """A mask with one value for all its places is a Where."""
    if len(indices) != 1 or add or call.type(values).elements != 1:
        return NotImplemented
    mask, missing = indices[0], call.rank(x) - call.rank(indices[0])
    shape = (*call.shape(mask), *(1,) * missing)
    mask = call.reshape(mask, shape, call.type(mask).with_shape(shape))
    scalar = call.reshape(values, (), call.type(values).with_shape(()))
    return call.emit("Where", mask, call.cast(scalar, call.out.dtype), x)
