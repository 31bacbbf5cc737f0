"""Arithmetic on shapes done while capturing.

TF computes shapes in the graph (Shape, StridedSlice, Pack, Reshape) where other frameworks do it in
Python while they trace. With static sizes it is all constants, and none of it is the model's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphlens.frontends.tf.call import Call, Literal, Operand, Row
from graphlens.frontends.tf.types import dtype_name, type_of
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

_LARGEST = 64
"""Elements up to which an integer constant is taken to be a shape, not data."""

_MEASURES = frozenset({"Shape", "ShapeN", "VariableShape", "Size", "Rank"})
_INTEGERS = frozenset({"int32", "int64", "bool"})
_SKIPPED = frozenset(
    {"Const", "Placeholder", "PlaceholderWithDefault", "Assert", "Identity", "IdentityN"}
)


def evaluate(
    op: Any, operands: Sequence[Operand], builder: Builder, row: Row | None
) -> list[np.ndarray] | None:
    """The results of an op on shapes whose operands are all known, else None.

    Args:
        op: The op.
        operands: What its operands became.
        builder: What knows their types.
        row: What would write the op: it is written into a graph of its own, and that worked out.
    """
    if not op.outputs or op.type in _SKIPPED:
        return None
    if not all(dtype_name(tensor) in _INTEGERS for tensor in op.outputs):
        return None
    if op.type in _MEASURES:
        found = [_measure(op, operand, builder) for operand in operands]
        return None if any(each is None for each in found) else [e for e in found if e is not None]
    arrays = [operand.array for operand in operands if isinstance(operand, Literal)]
    if not arrays or len(arrays) < len(operands) or not _is_small(op, arrays):
        return None
    direct = _DIRECT.get(op.type)
    if direct is not None:
        made = direct(op, *arrays)
        kinds = [np.dtype(dtype_name(tensor)) for tensor in op.outputs]
        return [np.asarray(array).astype(kind) for array, kind in zip(made, kinds, strict=True)]
    return None if row is None else _worked_out(op, operands, row)


def _is_small(op: Any, arrays: Sequence[np.ndarray]) -> bool:
    sizes = [type_of(tensor).elements for tensor in op.outputs]
    return all(
        array.size <= _LARGEST and str(array.dtype) in _INTEGERS for array in arrays
    ) and all(size is None or size <= _LARGEST for size in sizes)


def _measure(op: Any, operand: Operand, builder: Builder) -> np.ndarray | None:
    if isinstance(operand, Literal):
        held = TensorType("", operand.array.shape)
    else:
        held = builder.type_of(operand)
    dtype = np.dtype(dtype_name(op.outputs[0]))
    if op.type == "Rank":
        return None if held.rank is None else np.array(held.rank, dtype)
    if not held.is_static:
        return None
    content = held.elements if op.type == "Size" else held.shape
    return np.array(content, dtype)


def _worked_out(op: Any, operands: Sequence[Operand], row: Row) -> list[np.ndarray] | None:
    builder = Builder(Graph())
    builder.known = {}
    results = [type_of(tensor) for tensor in op.outputs]
    made = row(Call(builder, op, "known", operands, results))
    values = [made] if isinstance(made, Value) else list(made)
    found = [builder.value_of(value) if isinstance(value, Value) else None for value in values]
    if not found or len(found) < len(results) or any(array is None for array in found):
        return None
    kinds = [np.dtype(held.dtype) for held in results]
    return [np.asarray(array).astype(kind) for array, kind in zip(found, kinds, strict=False)]


# -- ops that TensorFlow computes shapes with, and that have no row or several results -------


def _reduced_axes(_: Any, one: np.ndarray, other: np.ndarray) -> list[np.ndarray]:
    """The axes that each of two shapes is to be summed over after they were broadcast."""
    if one.tolist() == other.tolist():
        return [one[:0], one[:0]]
    rank = max(len(one), len(other))
    shapes = [np.concatenate([np.ones(rank - len(s), s.dtype), s]) for s in (one, other)]
    whole = np.array(np.broadcast_shapes(tuple(one), tuple(other)), one.dtype)
    equal = shapes[0] == shapes[1]
    return [np.flatnonzero((shape == 1) & (~equal | (whole == 1))) for shape in shapes]


def _offsets(_: Any, axis: np.ndarray, *shapes: np.ndarray) -> list[np.ndarray]:
    """Where each of some tensors begins when they are joined."""
    ends = np.cumsum([0, *(shape[int(axis)] for shape in shapes)])
    made = [np.zeros_like(shape) for shape in shapes]
    for start, offset in zip(made, ends, strict=False):
        start[int(axis)] = offset
    return made


def _stitched(op: Any, *operands: np.ndarray) -> list[np.ndarray]:
    """Values put at the indices that are given with them; the last one wins."""
    del op
    indices, values = operands[: len(operands) // 2], operands[len(operands) // 2 :]
    size = max(int(index.max(initial=-1)) for index in indices) + 1
    rest = values[0].shape[indices[0].ndim :]
    made = np.zeros((min(size, _LARGEST), *rest), values[0].dtype)
    for index, value in zip(indices, values, strict=True):
        made[index] = value
    return [made]


def _difference(_: Any, all_of: np.ndarray, without: np.ndarray) -> list[np.ndarray]:
    places = np.flatnonzero(~np.isin(all_of, without))
    return [all_of[places], places]


_DIRECT: dict[str, Callable[..., list[Any]]] = {
    "BroadcastArgs": lambda op, one, other: [np.broadcast_shapes(tuple(one), tuple(other))],
    "BroadcastGradientArgs": _reduced_axes,
    "ConcatOffset": _offsets,
    "DynamicStitch": _stitched,
    "InvertPermutation": lambda op, order: [np.argsort(order)],
    "ListDiff": _difference,
    "Unpack": lambda op, whole: [
        np.take(whole, index, op.get_attr("axis")) for index in range(len(op.outputs))
    ],
    "Split": lambda op, axis, whole: np.split(whole, len(op.outputs), int(axis)),
    "SplitV": lambda op, whole, sizes, axis: np.split(whole, np.cumsum(sizes)[:-1], int(axis)),
    "Where": lambda op, mask: [np.argwhere(mask)],
}
