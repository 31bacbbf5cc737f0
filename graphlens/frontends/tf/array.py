"""TF1's TensorArrays, as rows of the op table.

An array is carried by its 'flow', a number that orders the writes; here the flow is the tensor of
all elements, one more axis in front, and the handle is nothing. Reading is a Gather, writing a
ScatterND.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.frontends.tf.call import Call, Literal, Operand, Pending, Row, Shape
from graphlens.frontends.tf.lists import sizes_of, written
from graphlens.ir.node import Attribute, Value
from graphlens.tensor import UNKNOWN


def _make(call: Call) -> list[Operand] | tuple[()]:
    noted = call.attr("element_shape")

    def make(sizes: Shape) -> Value | None:
        whole = sizes_of(call, 0, sizes)
        return whole and _flow(call, "Expand", call.const(0, call.attr("dtype")), whole)

    if noted is None or any(size < 0 for size in noted):
        return [_HANDLE, Pending(call, make)]
    made = make(noted)
    return [_HANDLE, made] if made else ()


_HANDLE = Literal(np.array(0, np.int32), "handle")


def _flow(call: Call, op: str, *operands: Value, **attributes: Attribute) -> Value:
    """A node whose result is a flow: TF's type of that says nothing."""
    return call.builder.op(op, *operands, name=call.name, **attributes)


def _write(call: Call) -> Operand:
    outside = written(call, 3, call.type(2))
    if outside is not None:
        return outside
    place = call.step("Reshape", call.int64(1), call.const([1, 1]))
    item = call.step("Unsqueeze", call.value(2), call.const([0]))
    how = "add" if _is_gradient(call) else None
    return _flow(call, "ScatterND", _base(call), place, item, reduction=how)


def _gradient(call: Call) -> list[Operand]:
    """The array of an array's gradients, of which TF1 uses the handle only.

    Its flow is that of whoever asked: of the array itself, and then nothing is added to it yet, or
    of gradients (tensor_array_grad.py of TensorFlow).
    """
    return [_HANDLE, call.operands[1]]


def _base(call: Call) -> Value:
    """What is written into: of gradients that begin here, zeros of the array's shape."""
    if not _is_gradient(call) or _is_of_gradients(call.source.inputs[3]):
        return call.value(3)
    zero = call.const(0, call.type(3).dtype)
    return call.step("Expand", zero, call.step("Shape", call.value(3)))


def _is_of_gradients(flow: Any) -> bool:
    """Whether a flow comes from where gradients were written."""
    seen: set[str] = set()
    while flow.op.inputs and flow.name not in seen:
        seen.add(flow.name)
        if flow.op.type in ("TensorArrayWriteV3", "TensorArrayScatterV3"):
            return _of_gradients(flow.op.inputs[0])
        flow = flow.op.inputs[0]
    return False


def _is_gradient(call: Call) -> bool:
    """Whether the array that is written into is one of gradients."""
    return _of_gradients(call.source.inputs[0])


def _of_gradients(handle: Any) -> bool:
    op = handle.op
    while op.type in ("Enter", "Identity", "Switch"):
        op = op.inputs[0].op
    return op.type == "TensorArrayGradV3"


def _read(call: Call) -> Value:
    return _flow(call, "Gather", call.value(2), call.value(1))


def _scatter(call: Call) -> Operand:
    """All elements at once, or those at some places."""
    places = call.ints(1)
    if _is_gradient(call):
        index = call.step("Unsqueeze", call.int64(1), call.const([-1]))
        return _flow(call, "ScatterND", _base(call), index, call.value(2), reduction="add")
    if places == tuple(range(len(places or ()))) or call.source.inputs[1].op.type == "Range":
        return _flow(call, "Identity", call.value(2))
    item = call.type(2)
    outside = written(call, 3, item.with_shape(item.shape[1:]) if item.shape else UNKNOWN)
    if outside is not None:
        return outside
    index = call.step("Unsqueeze", call.int64(1), call.const([-1]))
    return _flow(call, "ScatterND", call.value(3), index, call.value(2))


def _size(call: Call) -> Value:
    count = call.step("Gather", call.step("Shape", call.value(1)), call.const(0))
    return call.emit("Cast", count, to="int32")


def _concat(call: Call) -> list[Value] | tuple[()]:
    """The elements joined along their first axis, and the length of each."""
    flow = call.type(1)
    if not flow.is_static or flow.shape is None or len(flow.shape) < 2:
        return ()
    count, length, *rest = flow.shape
    lengths = call.const(np.full(int(count), length, np.int64))  # type: ignore[arg-type]
    return [_flow(call, "Reshape", call.value(1), call.const([-1, *rest])), lengths]


def _split(call: Call) -> Value | tuple[()]:
    """The reverse of joining, for parts of one length."""
    lengths, held = call.ints(2), call.type(1).shape
    if held is None or not lengths or len(set(lengths)) > 1:
        return ()
    shape = call.const([len(lengths), lengths[0], *held[1:]])
    return _flow(call, "Reshape", call.value(1), shape)


ROWS: dict[str, Row] = {
    "TensorArrayV3": _make,
    "TensorArrayGradV3": _gradient,
    "TensorArrayWriteV3": _write,
    "TensorArrayReadV3": _read,
    "TensorArrayGatherV3": _read,
    "TensorArrayScatterV3": _scatter,
    "TensorArraySizeV3": _size,
    "TensorArrayConcatV3": _concat,
    "TensorArraySplitV3": _split,
}
"""Rows of this family by TF op type."""
