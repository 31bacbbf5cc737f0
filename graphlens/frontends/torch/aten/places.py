"""Places on an axis that are known when the graph runs only: of a slice, a diagonal, a part."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from graphlens.frontends.torch.call import Call
from graphlens.ir.node import Value
from graphlens.tensor import Dim

_Bounds = tuple[Any, Any, Any]
"""Start, end and step of a slice, each a number, a symbolic one, or a vector of one element."""


def _bound(call: Call, bound: Any) -> Value:
    return bound if isinstance(bound, Value) else call.ints(bound)


def counted(call: Call, size: Dim) -> Value:
    """0, 1, 2 ... up to a size."""
    if isinstance(size, int):
        return call.const(np.arange(size))
    zero, one = call.const(np.array(0)), call.const(np.array(1))
    return call.step("Range", zero, call.scalar(size), one)


def places(call: Call, x: Value, axis: int, bounds: _Bounds) -> Value:
    """The places of an axis that a slice takes, in order: those of 0, 1, 2 ... that it takes."""
    whole = counted(call, call.shape(x)[axis])
    start, end, step = (_bound(call, bound) for bound in bounds)
    return call.step("Slice", whole, start, end, call.const([0]), step)


def narrow_places(call: Call, x: Value, axis: int, start: Any, length: Any) -> Value:
    """The places of a part of an axis by its length; a start below 0 counts from the end."""
    size = call.size(call.shape(x)[axis])
    first = call.step("Mod", _bound(call, start), call.step("Max", size, call.const([1])))
    last = call.step("Add", first, _bound(call, length))
    return places(call, x, axis, (first, last, 1))


def added(call: Call, sizes: Sequence[Dim]) -> Value:
    """The sum of some sizes, as a vector of one element."""
    parts = [call.size(size) for size in sizes] or [call.const([0])]
    return reduce(lambda one, other: call.step("Add", one, other), parts)


def put_at(call: Call, x: Value, source: Value, axis: int, where: Value) -> Value:
    """Emit ``x`` with the slices of ``source`` along an axis put at some places, a vector."""
    source = call.cast(source, call.out.dtype)
    column = [-1 if i == axis else 1 for i in range(call.rank(x))]
    spread = call.step("Reshape", where, call.const(column))
    index = call.step("Expand", spread, call.step("Shape", source))
    return call.emit("ScatterElements", x, index, source, axis=axis)


def diagonal_places(call: Call, length: Dim, offset: int) -> Value:
    """Row and column of each element of a diagonal [length, 2]."""
    shifts = [max(-offset, 0), max(offset, 0)]
    if isinstance(length, int):
        return call.const(np.arange(length)[:, None] + np.array(shifts))
    steps = call.step("Unsqueeze", counted(call, length), call.const([1]))
    return call.step("Add", steps, call.const(np.array(shifts)))
