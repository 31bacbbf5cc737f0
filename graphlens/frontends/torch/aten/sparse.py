"""Rows of the aten table: sparse tensors, which a graph holds by their dense values.

A sparse tensor computes what the dense one of the same values does, but for the ops that look at
which elements are stored (``values``, ``sparse_mask``, ``torch.sparse.softmax``): they have no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch.call import TABLE, Call, row
from graphlens.ir.node import Value

_LAYOUTS = (
    "to_sparse _to_sparse to_sparse_csr _to_sparse_csr to_sparse_csc _to_sparse_csc "
    "to_sparse_bsr _to_sparse_bsr to_sparse_bsc _to_sparse_bsc to_dense _to_dense "
    "coalesce _coalesce"
)


@row(*_LAYOUTS.split())
def _as_it_is(call: Call, x: Value, *_: Any) -> Value:
    return call.same(call.cast(x, call.out.dtype))


@row("_sparse_mm", "smm", "hspmm")
def _product(call: Call, a: Value, b: Value) -> Value:
    return TABLE["mm"](call, a, b)


@row("_sparse_addmm", "sspaddmm")
def _sum(call: Call, x: Value, a: Value, b: Value, beta: Any = 1, alpha: Any = 1) -> Value:
    return TABLE["addmm"](call, x, a, b, beta, alpha)


@row(
    "sparse_coo_tensor.indices_size",
    "_sparse_coo_tensor_unsafe",
    "_sparse_coo_tensor_with_dims_and_tensors",
)
def _from_places(call: Call, *given: Any) -> Value:
    tensors = [one for one in given if isinstance(one, Value)]
    sizes = next(one for one in given if isinstance(one, Sequence) and not isinstance(one, Value))
    if len(tensors) != 2 or call.rank(tensors[0]) != 2:
        return NotImplemented
    places, values = tensors
    zeros = call.step("Expand", call.const(np.zeros((), call.out.dtype)), call.ints(sizes))
    # places are stored coordinate by coordinate; what is stored twice is added up
    rows = call.permuted(call.cast(places, "int64"), (1, 0))
    return call.emit("ScatterND", zeros, rows, call.cast(values, call.out.dtype), reduction="add")
