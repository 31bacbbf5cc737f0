"""TensorFlow's TensorLists, which loops write into, as rows of the op table.

A list of tensors of one shape is a tensor with one more axis in front: reading an element is a
Gather, writing one a ScatterND; one that grows is joined, one that shrinks is cut. Lists whose
elements differ in shape stay TF's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from graphlens.frontends.tf_call import Call, Literal, Operand, Row
from graphlens.frontends.tf_types import body_of
from graphlens.ir.node import Attribute, Value
from graphlens.tensor import UNDEFINED, TensorType


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
        op: Any op; of those that make no list the answer is None.

    Returns:
        None where TF knows the shape itself, or nothing of one shape is written.
    """
    if op.type not in ("TensorListReserve", "EmptyTensorList"):
        return None
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
        elif reader.type == "TensorListPushBack":
            yield reader.inputs[1]
        elif reader.type in ("While", "StatelessWhile"):
            place = [tensor is handle for tensor in reader.inputs].index(True)
            body = body_of(reader.graph, reader.get_attr("body").name)
            yield from _written(body.inputs[place])


def _is_tensor(call: Call) -> bool:
    """Whether a list is a tensor here, and none of TF's own."""
    return call.type(0).dtype != UNDEFINED


def _on_tensor(row: Row) -> Row:
    """A row for lists that are tensors; the others stay TF's."""
    return lambda call: row(call) if _is_tensor(call) else ()


def _same(call: Call) -> Value:
    return call.emit("Identity", call.value(0))


def _get(call: Call) -> Value:
    return call.emit("Gather", call.value(0), call.value(1))


def _empty(call: Call) -> Value | tuple[()]:
    shape = call.ints(0)
    if shape is None or call.type(0).rank != 1 or any(size < 0 for size in shape):
        return ()
    held = TensorType(call.attr("element_dtype"), ("?", *shape))
    zero = call.const(0, held.dtype)
    return _list(call, held, "Expand", zero, call.const([0, *shape]))


def _list(call: Call, held: TensorType, op: str, *operands: Value, **words: Attribute) -> Value:
    """A list whose length is another in each round of a loop."""
    return call.builder.op(op, *operands, results=(held,), name=call.name, **words)


def _open(call: Call) -> TensorType:
    held = call.type(0)
    return held.with_shape(("?", *(held.shape or ())[1:]))


def _push(call: Call) -> Value:
    item = call.step("Unsqueeze", call.value(1), call.const([0]))
    return _list(call, _open(call), "Concat", call.value(0), item, axis=0)


def _pop(call: Call) -> list[Value]:
    ends = [call.const([number]) for number in (0, -1, 0)]
    rest = _list(call, _open(call), "Slice", call.value(0), *ends)
    return [rest, call.step("Gather", call.value(0), call.const(-1))]


def _element(call: Call) -> Value:
    """The shape of a list's elements."""
    held = call.type(0)
    wanted = call.attr("shape_type")
    if held.shape is not None and all(isinstance(dim, int) for dim in held.shape[1:]):
        return call.const(np.array(held.shape[1:], wanted))
    found = call.step("Shape", call.value(0), start=1)
    return found if wanted == "int64" else call.step("Cast", found, to=wanted)


def _zeros(call: Call) -> Value:
    zero = call.const(0, call.type(0).dtype)
    return call.emit("Expand", zero, call.step("Shape", call.value(0)))


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
    "EmptyTensorList": _empty,
    "TensorListStack": _on_tensor(_same),
    "TensorListGetItem": _on_tensor(_get),
    "TensorListSetItem": _on_tensor(_set),
    "TensorListLength": _on_tensor(_length),
    "TensorListPushBack": _on_tensor(_push),
    "TensorListPopBack": _on_tensor(_pop),
    "TensorListElementShape": _on_tensor(_element),
}
"""Rows of this family by TF op type."""

LIST_ROWS: dict[str, Row] = {
    "AddN": _on_tensor(lambda call: call.emit("Sum", *call.values())),
    "ZerosLike": _on_tensor(_zeros),
}
"""What arithmetic does on lists, by TF op type."""
