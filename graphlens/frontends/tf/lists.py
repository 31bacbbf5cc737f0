"""TensorFlow's TensorLists, which loops write into, as rows of the op table.

A list of tensors of one shape is a tensor with one more axis in front: reading an element is a
Gather, writing one a ScatterND; one that grows is joined, one that shrinks is cut. Lists whose
elements differ in shape stay TF's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from graphlens.frontends.tf.call import Call, Operand, Pending, Row, Shape
from graphlens.ir.node import Attribute, Value
from graphlens.tensor import UNDEFINED, TensorType


def _reserve(call: Call) -> Operand | tuple[()]:
    """Zeros; where TF does not say the shape of the elements, that is found out later."""

    def make(sizes: Shape) -> Value | None:
        whole = sizes_of(call, 1, sizes)
        return whole and call.emit("Expand", call.const(0, call.attr("element_dtype")), whole)

    return _made(call, make)


def sizes_of(call: Call, length: int, element: Shape) -> Value | None:
    """The sizes of a list: its length is an operand; None where an element's are not to be had."""
    known = call.ints(length)
    if known is not None:
        return call.sizes(*known, *element)
    first = call.step("Reshape", call.int64(length), call.const([1]))
    rest = call.sizes(*element) if element else None
    if not element:
        return first
    return rest and call.step("Concat", first, rest, axis=0)


def _made(call: Call, make: Callable[[Shape], Value | None]) -> Operand | tuple[()]:
    """A list whose elements have the shape of the first operand, if that says it."""
    shape = call.ints(0)
    if shape is None or call.type(0).rank != 1 or any(size < 0 for size in shape):
        return Pending(call, make)
    return make(shape) or ()


def written(call: Call, place: int, item: TensorType | None) -> Pending | None:
    """Note in a list that has no shape yet what is written into it.

    Args:
        call: What writes.
        place: Which operand the list is; it becomes a tensor if that can be now.
        item: The type of what is written; None if that is a list of which the same is true.

    Returns:
        The list, where it is one of a graph outside, and so cannot be a tensor here; else None.
    """
    held = call.operands[place]
    if not isinstance(held, Pending):
        return None
    if item is not None:
        held.note(item)
    if held.builder is not call.builder:
        return held
    call.operands[place] = held.settle()
    return None


def _writing(item: int, row: Row) -> Row:
    """A row that writes an operand into a list; on lists that stay TF's it writes nothing."""

    def wrapped(call: Call) -> Operand | Sequence[Operand]:
        held = None if isinstance(call.operands[item], Pending) else call.type(item)
        return written(call, 0, held) or (row(call) if _is_tensor(call) else ())

    return wrapped


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


def _empty(call: Call) -> Operand | tuple[()]:
    return _made(call, partial(_nothing, call, call.attr("element_dtype")))


def _nothing(call: Call, dtype: str, sizes: Shape) -> Value | None:
    """A list of no elements of that shape."""
    held = TensorType(dtype, ("?", *sizes))
    whole = call.sizes(0, *sizes)
    return whole and _list(call, held, "Expand", call.const(0, dtype), whole)


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
    if not call.attr("resize_if_index_out_of_bounds"):
        return call.emit("ScatterND", call.value(0), place, item)
    return _list(call, _open(call), "ScatterND", _grown(call), place, item)


def _grown(call: Call) -> Value:
    """A list made as long as the place that is written into needs, by zeros."""
    length = call.step("Shape", call.value(0), start=0, end=1)
    place = call.step("Reshape", call.int64(1), call.const([1]))
    wanted = call.step("Sub", call.step("Add", place, call.const([1])), length)
    more = call.step("Max", wanted, call.const([0]))
    rank = call.rank(0) or 1
    parts = [call.const([0] * rank), more, *([call.const([0] * (rank - 1))] if rank > 1 else [])]
    return call.step("Pad", call.value(0), call.step("Concat", *parts, axis=0))


def _length(call: Call) -> Value:
    count = call.step("Gather", call.step("Shape", call.value(0)), call.const(0))
    return call.emit("Cast", count, to="int32")


def _stack(call: Call) -> Operand:
    """TF1's stack, on which a loop keeps what its gradient reads: an empty list."""
    return Pending(call, partial(_nothing, call, call.attr("elem_type")))


ROWS: dict[str, Row] = {
    "TensorListReserve": _reserve,
    "TensorListFromTensor": _same,
    "EmptyTensorList": _empty,
    "TensorListStack": _on_tensor(_same),
    "TensorListGetItem": _on_tensor(_get),
    "TensorListSetItem": _writing(2, _set),
    "TensorListLength": _on_tensor(_length),
    "TensorListPushBack": _writing(1, _push),
    "TensorListPopBack": _on_tensor(_pop),
    "TensorListElementShape": _on_tensor(_element),
    "StackV2": _stack,
    "StackPushV2": _writing(1, _push),
    "StackPopV2": _on_tensor(_pop),
}
"""Rows of this family by TF op type."""

LIST_ROWS: dict[str, Row] = {
    "AddN": _on_tensor(lambda call: call.emit("Sum", *call.values())),
    "ZerosLike": _on_tensor(_zeros),
}
"""What arithmetic does on lists, by TF op type."""
