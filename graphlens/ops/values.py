"""Values that are known without running: shapes and the integers worked out from them.

A known value is an int64 array, or an object array of sizes and symbols (`Dim`) where a symbol is
among its elements, so that a Reshape to ``Concat(Shape(x)[0:1], [-1])`` keeps the batch's symbol.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphlens.ir.node import Node
from graphlens.tensor import TensorType

_LARGEST = 64
"""Elements of a value up to which it is worked out."""

Known = np.ndarray | None
_Step = Callable[[Node, Sequence[Any]], Any]


def propagate(
    node: Node, operands: Sequence[TensorType | None], values: Sequence[Known]
) -> tuple[Known, ...]:
    """The results of a node where they are known, else None.

    Args:
        node: What computes them.
        operands: The types of its operands.
        values: Its operands where they are known.
    """
    if node.domain:
        return ()
    if node.op in ("Shape", "Size"):
        return (_shape(node, operands),)
    step = _STEPS.get(node.op)
    if step is None or not values or any(value is None for value in values):
        return ()
    if any(value is not None and value.size > _LARGEST for value in values):
        return ()
    try:
        made = np.asarray(step(node, values))
    except (ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError):
        return ()
    return (made,) if made.size <= _LARGEST else ()


def _shape(node: Node, operands: Sequence[TensorType | None]) -> Known:
    held = operands[0] if operands else None
    if held is None or held.shape is None or "?" in held.shape:
        return None
    if node.op == "Size":
        return None if held.elements is None else np.array(held.elements)
    start, end = node.attributes.get("start", 0), node.attributes.get("end")
    return _array(list(held.shape[start:end]))  # type: ignore[misc]  (a schema's ints)


def _array(items: list[Any]) -> np.ndarray:
    """Sizes as an array; an object array where symbols are among them."""
    return np.array(items, np.int64 if all(isinstance(it, int) for it in items) else object)


def _plain(made: Any) -> np.ndarray:
    """What numpy made, as an array (of one symbol it makes the symbol); int64 without symbols."""
    array = made if isinstance(made, np.ndarray) else np.array(made, _kind(made))
    if array.dtype == object and all(isinstance(it, int | np.integer) for it in array.flat):
        return array.astype(np.int64)
    return array


def _kind(made: Any) -> type | None:
    return object if isinstance(made, str) else None


def _cast(node: Node, values: Sequence[Any]) -> Any:
    to = node.attributes["to"]
    if values[0].dtype == object:
        return values[0] if to in ("int64", "int32") else None
    return values[0].astype(str(to))


def _axes(values: Sequence[Any]) -> tuple[int, ...]:
    return tuple(int(axis) for axis in values[1].ravel())


def _slice(node: Node, values: Sequence[Any]) -> Any:
    del node
    data, starts, ends = values[:3]
    axes = values[3] if len(values) > 3 else np.arange(len(starts))
    steps = values[4] if len(values) > 4 else np.ones(len(starts), np.int64)
    taken: list[slice] = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        low = None if step < 0 and end < -data.shape[axis] else int(end)
        taken[int(axis)] = slice(int(start), low, int(step))
    return _plain(data[tuple(taken)])


def _arithmetic(combine: Callable[[Any, Any], Any], sign: str) -> _Step:
    def step(node: Node, values: Sequence[Any]) -> Any:
        del node
        one, other = values
        if one.dtype != object and other.dtype != object:
            return combine(one, other)
        return _plain(np.frompyfunc(lambda a, b: _combined(a, b, combine, sign), 2, 1)(one, other))

    return step


def _combined(one: Any, other: Any, combine: Callable[[Any, Any], Any], sign: str) -> Any:
    """Two sizes combined; with a symbol among them, as an expression."""
    if not isinstance(one, str) and not isinstance(other, str):
        return int(combine(np.int64(one), np.int64(other)))
    if sign == "*" and 1 in (one, other):
        return other if one == 1 else one
    if sign in "//" and other == 1:
        return one
    if sign in "+-" and other == 0:
        return one
    left, right = (f"({it})" if isinstance(it, str) and not it.isidentifier() else it
                   for it in (one, other))  # fmt: skip
    return f"{left}{sign}{right}"


def _divided(one: Any, other: Any) -> Any:
    """ONNX's division: integers are rounded towards zero, as C does."""
    if np.result_type(one, other).kind == "f":
        return one / other
    if np.any(other == 0):
        raise ZeroDivisionError
    return (np.sign(one) * np.sign(other) * (np.abs(one) // np.abs(other))).astype(one.dtype)


def _where(node: Node, values: Sequence[Any]) -> Any:
    del node
    return _plain(np.where(*values)) if values[0].dtype == bool else None


def _range(node: Node, values: Sequence[Any]) -> Any:
    del node
    start, limit, step = (value.item() for value in values)
    if (limit - start) / step > _LARGEST:
        raise ValueError("too long")
    return np.arange(start, limit, step).astype(values[0].dtype)


def _constant_of_shape(node: Node, values: Sequence[Any]) -> Any:
    if np.prod(values[0], dtype=float) > _LARGEST:
        raise ValueError("too many elements")
    fill = node.attributes.get("value", 0.0)
    dtype = node.results[0].dtype if node.results else "float32"
    return np.full([int(size) for size in values[0]], fill, dtype)


def _equal(node: Node, values: Sequence[Any]) -> Any:
    del node
    if any(isinstance(it, str) for value in values for it in value.flat):
        raise TypeError("a symbol may be any size")
    return np.equal(*values)


def _numbers(combine: Callable[..., Any]) -> _Step:
    """A step on numbers alone: a symbol may be any size."""

    def step(node: Node, values: Sequence[Any]) -> Any:
        del node
        if any(value.dtype == object for value in values):
            raise TypeError("a symbol may be any size")
        return combine(*values)

    return step


def _tiled(value: Any, times: Any) -> Any:
    if max(value.size, 1) * np.prod(times, dtype=float) > _LARGEST:
        raise ValueError("too many elements")
    return np.tile(value, times)


def _expanded(value: Any, shape: Any) -> Any:
    wanted = np.broadcast_shapes(value.shape, tuple(int(size) for size in shape))
    if np.prod(wanted, dtype=float) > _LARGEST:
        raise ValueError("too many elements")
    return np.broadcast_to(value, wanted)


def _reduced(combine: Callable[..., Any]) -> _Step:
    def step(node: Node, values: Sequence[Any]) -> Any:
        if values[0].dtype == object or values[0].dtype == bool:
            raise TypeError("a symbol may be any size")
        axes = _axes(values) if len(values) > 1 else ()
        if not axes and node.attributes.get("noop_with_empty_axes"):
            return values[0]
        keep = bool(node.attributes.get("keepdims", 1))
        return combine(values[0], axis=axes or None, keepdims=keep).astype(values[0].dtype)

    return step


_STEPS: dict[str, _Step] = {
    "Identity": lambda node, values: values[0],
    "Cast": _cast,
    "Gather": lambda node, values: _plain(
        np.take(values[0], values[1].astype(np.int64), int(node.attributes.get("axis", 0)))  # type: ignore[arg-type]
    ),
    "Concat": lambda node, values: _plain(
        np.concatenate(values, int(node.attributes["axis"]))  # type: ignore[arg-type]
    ),
    "Unsqueeze": lambda node, values: np.expand_dims(values[0], _axes(values)),
    "Squeeze": lambda node, values: (
        np.squeeze(values[0], _axes(values)) if len(values) > 1 else np.squeeze(values[0])
    ),
    "Reshape": lambda node, values: values[0].reshape([int(size) for size in values[1]]),
    "Slice": _slice,
    "Add": _arithmetic(np.add, "+"),
    "Sub": _arithmetic(np.subtract, "-"),
    "Mul": _arithmetic(np.multiply, "*"),
    "Div": _arithmetic(_divided, "//"),
    "Where": _where,
    "Range": _range,
    "ConstantOfShape": _constant_of_shape,
    "Equal": _equal,
    "Neg": lambda node, values: -values[0],
    "Floor": lambda node, values: np.floor(values[0]),
    "Abs": _numbers(np.abs),
    "Sign": _numbers(np.sign),
    "Not": _numbers(np.logical_not),
    "And": _numbers(np.logical_and),
    "Or": _numbers(np.logical_or),
    "Xor": _numbers(np.logical_xor),
    "Less": _numbers(np.less),
    "LessOrEqual": _numbers(np.less_equal),
    "Greater": _numbers(np.greater),
    "GreaterOrEqual": _numbers(np.greater_equal),
    "Max": _numbers(lambda *values: functools.reduce(np.maximum, values)),
    "Min": _numbers(lambda *values: functools.reduce(np.minimum, values)),
    "Mod": lambda node, values: (
        _numbers(np.mod)(node, values) if not node.attributes.get("fmod") else None
    ),
    "Tile": _numbers(_tiled),
    "Expand": _numbers(_expanded),
    "Transpose": lambda node, values: np.transpose(values[0], node.attributes.get("perm")),  # type: ignore[arg-type]
    "ReduceProd": _reduced(np.prod),
    "ReduceSum": _reduced(np.sum),
    "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min),
}
