"""Rows of products of matrices in groups: the experts of a mixture, each with its own rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.frontends.torch.call import Call, row
from graphlens.ir.node import Value


@row("transformers::grouped_mm_fallback", "_grouped_mm")
def _grouped_mm(call: Call, x: Value, weight: Value, offsets: Value, *rest: Any) -> Value:
    """Rows [S, K] by the weights [E, K, N] of the group that each is in; groups end at offsets.

    Each row takes the matrix of its group, so that as much is multiplied as torch multiplies.
    """
    rows = call.shape(x)[0]
    if call.rank(x) != 2 or call.rank(weight) != 3 or not isinstance(rows, int):
        return NotImplemented
    if any(one is not None for one in rest[:1]) or offsets is None:
        return NotImplemented
    groups = call.shape(weight)[0]
    if not isinstance(groups, int):
        return NotImplemented
    dtype = call.out.dtype
    ends = call.step("Unsqueeze", call.cast(offsets, "int64"), call.const([0]))
    places = call.const(np.arange(rows)[:, None])
    past = call.cast(call.step("GreaterOrEqual", places, ends), "int64")
    group = call.step("ReduceSum", past, call.const([1]), keepdims=0)
    inside = call.step("Min", group, call.const(np.array(groups - 1)))
    taken = call.step("Gather", call.cast(weight, dtype), inside, axis=0)
    column = call.step("Unsqueeze", call.cast(x, dtype), call.const([1]))
    product = call.step("Squeeze", call.step("MatMul", column, taken), call.const([1]))
    known = call.step("Unsqueeze", call.step("Equal", group, inside), call.const([1]))
    return call.emit("Where", known, product, call.number(0, dtype))
