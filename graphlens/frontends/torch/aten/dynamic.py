"""Rows of the aten table: results whose sizes depend on data."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.frontends.torch.aten.select import truth
from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


@row("masked_select")
def _masked_select(call: Call, x: Value, mask: Value) -> Value:
    """The elements where a mask is true, in order."""
    mask = truth(call, mask)
    if call.shape(x) != call.shape(mask):
        zeros = [
            call.step("Expand", one, call.step("Shape", other))
            for one, other in ((x, mask), (mask, x))
        ]
        x, mask = zeros
    return call.emit("Compress", call.flat(x), call.flat(mask))


@row("masked_scatter")
def _masked_scatter(call: Call, x: Value, mask: Value, source: Value) -> Value:
    """Where a mask is true, the next element of the source."""
    shape = call.ints(call.out.shape or ()) if call.out.is_static else call.step("Shape", x)
    mask = truth(call, mask)
    if call.shape(mask) != call.out.shape:
        mask = call.step("Expand", mask, shape)
    counted = call.cast(call.flat(mask), "int64")
    place = call.step("CumSum", counted, call.const(np.array(0, np.int64)))
    place = call.step(
        "Max", call.step("Sub", place, call.const(np.array(1))), call.const(np.array(0))
    )
    given = call.flat(call.cast(source, call.out.dtype))
    if not call.type(source).elements:  # none may be asked for, but Gather takes from some only
        zero = call.number(0, call.out.dtype)
        given = call.step("Pad", given, call.const([0, 1]), zero, mode="constant")
    taken = call.step("Gather", given, place, axis=0)
    whole = call.step("Reshape", taken, shape)
    return call.emit("Where", mask, whole, x)


@row("put")
def _put(call: Call, x: Value, index: Value, source: Value, accumulate: bool = False) -> Value:
    count = call.type(x).elements
    if not count or call.type(index).elements is None:
        return NotImplemented
    held = call.step(
        "ScatterElements",
        call.flat(x),
        call.flat(index),
        call.flat(source),
        axis=0,
        reduction="add" if accumulate else None,
    )
    return call.reshaped(held)


@row("_unique2", "_unique", "unique_dim")
def _unique(call: Call, x: Value, *arguments: Any) -> Any:
    """Sorted distinct elements, where each was, and how many of each there are."""
    name = call.op.partition(".")[0]
    axis = call.axis(x, arguments[0]) if name == "unique_dim" else None
    wide = call.cast(x, "int64") if call.dtype(x) in ("bool", "uint8", "int16", "int32") else x
    count = len(call.types)
    made = call.step("Unique", wide, count=4, axis=axis, sorted=1)
    first = call.build.op("Cast", made, results=call.types[:1], name=call.name, to=call.out.dtype)
    found = [first]
    for index, result in ((1, 2), (2, 3))[: count - 1]:
        held = call.types[index]
        value = Value(made.node, result)
        if result == 2 and axis is None and call.rank(x) != 1:
            sizes = call.ints(call.shape(x)) if call.type(x).is_static else call.step("Shape", x)
            value = call.step("Reshape", value, sizes)
        found.append(call.build.op("Identity", value, results=[held], name=f"{call.name}.{index}"))
    return tuple(found)


@row("bincount")
def _bincount(call: Call, x: Value, weights: Value | None = None, least: int = 0) -> Value:
    """How often each number stands there, up to the largest."""
    if call.type(x).elements == 0:
        return NotImplemented
    wide = call.cast(x, "int64")
    largest = call.step("ReduceMax", wide, call.const([0]), keepdims=0)
    depth = call.step(
        "Max", call.step("Add", largest, call.const(np.array(1))), call.const(np.array(least))
    )
    ends = call.const(np.array([0, 1]), call.out.dtype)
    hot = call.step("OneHot", wide, depth, ends, axis=-1)
    if weights is not None:
        column = call.step("Unsqueeze", call.cast(weights, call.out.dtype), call.const([-1]))
        hot = call.step("Mul", hot, column)
    return call.emit("ReduceSum", hot, call.const([0]), keepdims=0)
