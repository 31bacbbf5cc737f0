"""TensorFlow's lookup tables, texts and counts of categories, as rows of the op table.

A table that the program filled before it was captured is ONNX-ML's LabelEncoder, which lists keys
and values as attributes.
"""

from __future__ import annotations

import numpy as np

from graphlens.frontends.tf.call import Call, Handle, Row
from graphlens.ir.node import Attribute, Value

_LISTS = {
    "string": ("strings", "string"),
    "int64": ("int64s", "int64"),
    "float32": ("floats", "float"),
}
"""Of each dtype the endings of LabelEncoder's attributes: of lists, and of the default."""

_WIDER = {"int32": "int64"}


def _listed(array: np.ndarray) -> tuple[Attribute, ...]:
    """An array's elements as an attribute holds them."""
    return tuple(
        item.decode("utf-8", "surrogateescape") if isinstance(item, bytes) else item
        for item in array.ravel().tolist()
    )


def _find(call: Call) -> Value | tuple[()]:
    """The value of each key, the default where the table has none."""
    held, default = call.operands[0], call.constant(2)
    kinds = [_WIDER.get(call.attr(name), call.attr(name)) for name in ("Tin", "Tout")]
    if not isinstance(held, Handle) or default is None or not set(kinds) <= _LISTS.keys():
        return ()
    content = held.content(call.attr("Tin"), call.attr("Tout"))
    if content is None or default.size != 1:
        return ()
    keys, values = (_listed(array) for array in content)
    wanted = call.attr("Tout")
    if not keys:
        shape = call.step("Shape", call.value(1))
        return call.emit("Expand", call.value(2), shape)
    made = call.builder.op(
        "LabelEncoder",
        call.value(1, kinds[0]),
        results=(call.results[0].with_dtype(kinds[1]),),
        domain="ai.onnx.ml",
        name=call.name,
        **{
            f"keys_{_LISTS[kinds[0]][0]}": keys,
            f"values_{_LISTS[kinds[1]][0]}": values,
            f"default_{_LISTS[kinds[1]][1]}": _listed(default)[0],
        },
    )
    return made if kinds[1] == wanted else call.step("Cast", made, to=wanted)


def _size(call: Call) -> Value | tuple[()]:
    held = call.operands[0]
    size = held.size() if isinstance(held, Handle) else None
    return () if size is None else call.const(np.array(size, np.int64))


def _bincount(call: Call) -> Value | tuple[()]:
    """How often each number below ``size`` stands in a row: one-hot rows, added up or joined."""
    rank, weights = call.rank(0), call.type(2).shape
    held = call.results[0].dtype
    if rank is None or weights is None:
        return ()
    size = call.step("Reshape", call.int64(1), call.const([]))
    off_on = call.const(np.array([0, 1], held))
    ones = call.step("OneHot", call.value(0), size, off_on, axis=-1)
    if 0 not in weights and not call.attr("binary_output"):
        ones = call.step("Mul", ones, call.step("Unsqueeze", call.value(2), call.const([-1])))
    how = "ReduceMax" if call.attr("binary_output") else "ReduceSum"
    return call.emit(how, ones, call.const([rank - 1]), keepdims=0)


def _join(call: Call) -> Value:
    """Texts put together, element by element."""
    first, *others = call.values()
    between = call.attr("separator")
    steps = [text for other in others for text in ([between, other] if between else [other])]
    for text in steps[:-1]:
        first = call.step("StringConcat", first, _text(call, text))
    return call.emit("StringConcat", first, _text(call, steps[-1])) if steps else first


def _text(call: Call, text: str | Value) -> Value:
    return call.const(np.array(text, object)) if isinstance(text, str) else text


def _not_equal(call: Call) -> Value:
    return call.emit("Not", call.step("Equal", *call.values()))


TEXT_ROWS: dict[str, Row] = {
    "Add": lambda call: call.emit("StringConcat", *call.values()),
    "AddV2": lambda call: call.emit("StringConcat", *call.values()),
    "Equal": lambda call: call.emit("Equal", *call.values()),
    "NotEqual": _not_equal,
    "StringJoin": _join,
}
"""What ONNX does on texts, by TF op type."""

ROWS: dict[str, Row] = {
    "LookupTableFindV2": _find,
    "LookupTableSizeV2": _size,
    "DenseBincount": _bincount,
}
"""Rows of this family by TF op type."""
