"""TensorFlow's TensorLists, which loops write into, as rows of the op table.

A list of tensors of one shape is a tensor with one more axis in front: reading an element is a
Gather, writing one a ScatterND. Lists that grow, or whose elements differ in shape, stay TF's.
"""

from __future__ import annotations

from graphlens.frontends.tf_call import Call, Row
from graphlens.ir.node import Value


def _reserve(call: Call) -> Value | tuple[()]:
    shape = call.ints(0)
    if shape is None or call.constant(0) is None or any(size < 0 for size in shape):
        return ()
    length = call.ints(1)
    if length is not None:
        sizes = call.const([*length, *shape])
    else:
        count = call.step("Reshape", call.int64(1), call.const([1]))
        sizes = call.step("Concat", count, call.const(list(shape)), axis=0) if shape else count
    return call.emit("Expand", call.const(0, call.attr("element_dtype")), sizes)


def _same(call: Call) -> Value:
    return call.emit("Identity", call.value(0))


def _get(call: Call) -> Value:
    return call.emit("Gather", call.value(0), call.value(1))


def _set(call: Call) -> Value:
    place = call.step("Reshape", call.int64(1), call.const([1, 1]))
    item = call.step("Unsqueeze", call.value(2), call.const([0]))
    return call.emit("ScatterND", call.value(0), place, item)


def _length(call: Call) -> Value:
    count = call.step("Gather", call.step("Shape", call.value(0)), call.const(0))
    return call.emit("Cast", count, to="int32")


ROWS: dict[str, Row] = {
    "TensorListReserve": _reserve,
    "TensorListFromTensor": _same,
    "TensorListStack": _same,
    "TensorListGetItem": _get,
    "TensorListSetItem": _set,
    "TensorListLength": _length,
}
"""Rows of this family by TF op type."""
