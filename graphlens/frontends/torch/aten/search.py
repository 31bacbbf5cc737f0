"""Rows of the aten table: searching, ranking, counting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


@row("searchsorted.Tensor", "searchsorted.Scalar", "bucketize.Tensor", "bucketize.Scalar")
def _searchsorted(call: Call, first: Any, second: Any, *rest: Any) -> Value:
    """How many of the sorted values lie before each one."""
    if call.op.startswith("bucketize"):
        x, borders, (_, right) = first, second, rest
        sorter = None
    else:
        borders, x, (_, right, side, sorter) = first, second, rest
        right = right or side == "right"
    if sorter is not None:
        borders = call.step("GatherElements", borders, sorter, axis=-1)
    dtype = call.promote(borders, x)
    held = call.operand(x, dtype)
    held = call.step("Unsqueeze", held, call.const([-1]))
    borders = call.cast(borders, dtype)
    if call.rank(borders) > 1:
        borders = call.step("Unsqueeze", borders, call.const([-2]))
    if dtype == "bool":
        held, borders = call.cast(held, "uint8"), call.cast(borders, "uint8")
    before = call.step("LessOrEqual" if right else "Less", borders, held)
    counted = call.cast(before, call.out.dtype)
    return call.emit("ReduceSum", counted, call.const([-1]), keepdims=0)


@row("isin.Tensor_Tensor", "isin.Tensor_Scalar", "isin.Scalar_Tensor")
def _isin(call: Call, x: Any, wanted: Any, _: bool = False, invert: bool = False) -> Value:
    dtype = call.promote(x, wanted)
    held, wanted = call.operand(x, dtype), call.operand(wanted, dtype)
    count = call.type(wanted).elements
    if count is None:
        return NotImplemented
    flat = call.reshape(wanted, (count,), call.type(wanted).with_shape((count,)))
    same = call.step("Equal", call.step("Unsqueeze", held, call.const([-1])), flat)
    if not count:
        same = call.step("Expand", call.const(np.array(False)), call.ints([*call.shape(held), 1]))
    some = call.step("ReduceMax", call.cast(same, "uint8"), call.const([-1]), keepdims=0)
    if not invert:
        return call.emit("Cast", some, to="bool")
    return call.emit("Not", call.cast(some, "bool"))


@row("median.dim", "kthvalue")
def _kthvalue(call: Call, x: Value, *arguments: Any) -> Any:
    count: Any = arguments[0] if call.op == "kthvalue" else None
    dim, keepdim = arguments[-2:]
    axis = call.axis(x, dim)
    size = call.shape(x)[axis] if call.rank(x) else None
    if not isinstance(size, int) or not size:
        return NotImplemented
    count = (size + 1) // 2 if count is None else count
    return _ranked(call, x, axis, count, keepdim)


def _ranked(call: Call, x: Value, axis: int, count: int, keepdim: bool) -> tuple[Value, Value]:
    """The value of that rank from below, counted from 1, and its place."""
    kept = call.step("TopK", x, call.const([count]), count=2, axis=axis, largest=0)
    found: list[Value] = []
    for index, held in enumerate(call.types):
        last = Value(kept.node, index)
        bounds = [call.const([bound]) for bound in (count - 1, count, axis)]
        one = call.build.op(
            "Slice" if keepdim else "Gather",
            last,
            *(bounds if keepdim else [call.const(np.array(count - 1, np.int64))]),
            results=[held],
            name=call.name if not index else f"{call.name}.indices",
            **({} if keepdim else {"axis": axis}),
        )
        found.append(one)
    return found[0], found[1]


@row("median", "median.default")
def _median(call: Call, x: Value) -> Value:
    count = call.type(x).elements
    if not count:
        return NotImplemented
    flat = call.reshape(x, (count,), call.type(x).with_shape((count,)))
    kept = call.step("TopK", flat, call.const([(count + 1) // 2]), count=2, axis=0, largest=0)
    middle = call.const(np.array((count + 1) // 2 - 1, np.int64))
    return call.emit("Gather", kept, middle, axis=0)


@row("cummax", "cummin")
def _cummax(call: Call, x: Value, dim: int) -> Any:
    """The largest so far: each prefix reduced, and the last place where it stands."""
    axis, rank = call.axis(x, dim), call.rank(x)
    size = call.shape(x)[axis] if rank else None
    if not isinstance(size, int) or not size or not call.type(x).is_static:
        return NotImplemented
    if call.dtype(x) == "bool" or size > _LONGEST:
        return NotImplemented
    largest = call.op.startswith("cummax")
    wide = call.step("Unsqueeze", x, call.const([axis]))
    column = [size if i == axis else 1 for i in range(rank + 1)]
    line = [size if i == axis + 1 else 1 for i in range(rank + 1)]
    past = np.arange(size).reshape(column) >= np.arange(size).reshape(line)
    held = call.type(x)
    if held.is_floating:
        edge: Any = float("-inf") if largest else float("inf")
    else:
        info = np.iinfo(held.dtype)
        edge = info.min if largest else info.max
    seen = call.step("Where", call.const(past), wide, call.number(edge, held.dtype))
    values = call.build.op(
        "ReduceMax" if largest else "ReduceMin",
        seen,
        call.const([axis + 1]),
        results=call.types[:1],
        name=call.name,
        keepdims=0,
    )
    return values, _last_place(call, x, values, axis, size, past)


_LONGEST = 512
"""The longest axis whose prefixes are all written out."""


def _last_place(
    call: Call, x: Value, values: Value, axis: int, size: int, past: np.ndarray
) -> Value:
    same = call.step(
        "Equal",
        call.step("Unsqueeze", values, call.const([axis + 1])),
        call.step("Unsqueeze", x, call.const([axis])),
    )
    places = np.arange(size).reshape([size if i == axis + 1 else 1 for i in range(past.ndim)])
    known = call.step("And", same, call.const(past))
    where = call.step("Where", known, call.const(places), call.const(np.array(0)))
    return call.build.op(
        "ReduceMax",
        where,
        call.const([axis + 1]),
        results=call.types[1:],
        name=f"{call.name}.indices",
        keepdims=0,
    )


@row("histc")
def _histc(call: Call, x: Value, bins: int = 100, low: Any = 0, high: Any = 0) -> Value:
    count, dtype = call.type(x).elements, call.out.dtype
    if not low < high or not count or not call.out.is_floating:
        return NotImplemented
    flat = call.reshape(x, (count,), call.type(x).with_shape((count,)))
    numbers = [call.number(one, dtype) for one in (low, high)]
    inside = call.step(
        "And",
        call.step("GreaterOrEqual", flat, numbers[0]),
        call.step("LessOrEqual", flat, numbers[1]),
    )
    scaled = call.step("Sub", flat, numbers[0])
    scaled = call.step("Mul", scaled, call.number(bins / (high - low), dtype))
    which = call.step("Min", call.step("Floor", scaled), call.number(bins - 1, dtype))
    which = call.step("Where", inside, which, call.number(-1, dtype))
    column = call.step("Unsqueeze", which, call.const([-1]))
    hit = call.step("Equal", column, call.const(np.arange(bins), dtype))
    return call.emit("ReduceSum", call.cast(hit, dtype), call.const([0]), keepdims=0)


@row("embedding_bag", "_embedding_bag", "_embedding_bag_forward_only")
def _embedding_bag(call: Call, weight: Value, index: Value, offsets: Value, *rest: Any) -> Any:
    """Rows of a table summed, averaged or compared within bags, by a table of who is in which."""
    _, mode, _, weights, last, *more = rest
    padding = more[0] if more and more[0] is not None else -1
    held = call.shape(offsets)
    if padding >= 0 or call.rank(index) != 1 or not isinstance(held[0], int):
        return NotImplemented
    count, dtype = call.shape(index)[0], call.out.dtype
    if not isinstance(count, int) or not count:
        return NotImplemented
    member = _members(call, offsets, count, last)
    taken = call.step("Gather", weight, index, axis=0)
    if weights is not None:
        taken = call.step("Mul", taken, call.step("Unsqueeze", weights, call.const([-1])))
    first = _bags(call, mode, member, taken, dtype)
    if len(call.types) == 1:
        return (first,)
    return (first, *_beside(call, first))


def _members(call: Call, offsets: Value, count: int, last: bool) -> Value:
    """Which bag (rows) each position (columns) is in."""
    starts = call.cast(offsets, "int64")
    places = call.const(np.arange(count)[None, :])
    if last:
        begin = call.step("Slice", starts, call.const([0]), call.const([-1]), call.const([0]))
        end = call.step("Slice", starts, call.const([1]), call.const([2**62]), call.const([0]))
    else:
        begin = starts
        rest = call.step("Slice", starts, call.const([1]), call.const([2**62]), call.const([0]))
        end = call.step("Concat", rest, call.const([count]), axis=0)
    columns = [call.step("Unsqueeze", one, call.const([-1])) for one in (begin, end)]
    after = call.step("GreaterOrEqual", places, columns[0])
    return call.step("And", after, call.step("Less", places, columns[1]))


def _bags(call: Call, mode: int, member: Value, taken: Value, dtype: str) -> Value:
    total = {"results": call.types[:1], "name": call.name}
    ones = call.cast(member, dtype)
    if mode == 0:
        return call.build.op("MatMul", ones, taken, **total)
    size = call.step("ReduceSum", ones, call.const([1]), keepdims=1)
    if mode == 1:
        most = call.step("Max", size, call.number(1, dtype))
        return call.build.op("Div", call.step("MatMul", ones, taken), most, **total)
    chosen = call.step("Unsqueeze", member, call.const([-1]))
    rows = call.step("Unsqueeze", taken, call.const([0]))
    low = call.number(float("-inf"), dtype)
    best = call.step(
        "ReduceMax", call.step("Where", chosen, rows, low), call.const([1]), keepdims=0
    )
    empty = call.step("Equal", size, call.number(0, dtype))
    return call.build.op("Where", empty, call.number(0, dtype), best, **total)


def _beside(call: Call, first: Value) -> Sequence[Value]:
    """What the op gives for its gradient, which nobody reads in inference: zeros."""
    del first
    return [
        call.build.op(
            "Expand",
            call.number(0, held.dtype),
            call.ints(held.shape or ()),
            results=[held],
            name=f"{call.name}.{index + 1}",
        )
        for index, held in enumerate(call.types[1:])
    ]
