"""TensorFlow's TensorLists, which loops write into, as rows of the op table.

A list of tensors of one shape is a tensor with one more axis in front: reading an element is a
Gather, writing one a ScatterND. Lists that grow, or whose elements differ in shape, stay TF's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from graphlens.frontends.tf_call import Call, Literal, Operand, Row
from graphlens.frontends.tf_types import body_of
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


def element_shape(op: Any) -> Operand | None:
    """The shape of a list's elements where TF did not note it down: that of what is written.

    Args:
        op: A TensorListReserve.

    Returns:
        None where TF knows the shape itself, or nothing of one shape is written.
    """
    noted = tf.get_static_value(op.inputs[0])
    if noted is not None and noted.ndim == 1 and (noted >= 0).all():
        return None
    written = {tuple(item.shape.as_list()) for item in _written(op.outputs[0]) if item.shape.rank}
    written |= {() for item in _written(op.outputs[0]) if item.shape.rank == 0}
    shape = written.pop() if len(written) == 1 else (None,)
    return None if None in shape else Literal(np.array(shape, np.int64), "element_shape")


def _written(handle: Any) -> Iterator[Any]:
    """The tensors that are written into a list, in the loops that it is given to too."""
    for reader in handle.consumers():
        if reader.type == "TensorListSetItem":
            yield reader.inputs[2]
        elif reader.type in ("While", "StatelessWhile"):
            place = [tensor is handle for tensor in reader.inputs].index(True)
            body = body_of(reader.graph, reader.get_attr("body").name)
            yield from _written(body.inputs[place])


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
