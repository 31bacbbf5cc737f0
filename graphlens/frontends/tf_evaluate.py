"""Arithmetic on shapes done while capturing, by TensorFlow itself.

TF computes shapes in the graph (Shape, StridedSlice, Pack, Reshape) where other frameworks do it in
Python while they trace. With static sizes it is all constants, and none of it is the model's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context, execute

from graphlens.frontends.tf_call import Literal, Operand
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

_LARGEST = 64
"""Elements up to which an integer constant is taken to be a shape, not data."""

_MEASURES = frozenset({"Shape", "ShapeN", "VariableShape", "Size", "Rank"})
_INTEGERS = frozenset({"int32", "int64", "bool"})
_SKIPPED = frozenset(
    {"Const", "Placeholder", "PlaceholderWithDefault", "Assert", "Identity", "IdentityN"}
)


def evaluate(op: Any, operands: Sequence[Operand], builder: Builder) -> list[np.ndarray] | None:
    """The results of an op on shapes whose operands are all known, else None."""
    if not op.outputs or op.type in _SKIPPED:
        return None
    if not all(tensor.dtype.base_dtype.name in _INTEGERS for tensor in op.outputs):
        return None
    if op.type in _MEASURES:
        found = [_measure(op, operand, builder) for operand in operands]
        return None if any(each is None for each in found) else [e for e in found if e is not None]
    arrays = [operand.array for operand in operands if isinstance(operand, Literal)]
    if not arrays or len(arrays) < len(operands) or not _is_small(op, arrays):
        return None
    return _run(op, arrays)


def _is_small(op: Any, arrays: Sequence[np.ndarray]) -> bool:
    sizes = [tensor.shape.num_elements() for tensor in op.outputs]
    return (
        not op.op_def.is_stateful
        and all(array.size <= _LARGEST and str(array.dtype) in _INTEGERS for array in arrays)
        and all(size is None or size <= _LARGEST for size in sizes)
    )


def _measure(op: Any, operand: Operand, builder: Builder) -> np.ndarray | None:
    if isinstance(operand, Literal):
        held = TensorType("", operand.array.shape)
    else:
        held = builder.type_of(operand)
    dtype = op.outputs[0].dtype.as_numpy_dtype
    if op.type == "Rank":
        return None if held.rank is None else np.array(held.rank, dtype)
    if not held.is_static:
        return None
    content = held.elements if op.type == "Size" else held.shape
    return np.array(content, dtype)


def _run(op: Any, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The op executed at once, also where the user has switched eager execution off."""
    attributes: list[Any] = []
    for attribute in op.op_def.attr:
        attributes += [attribute.name, _encoded(op.get_attr(attribute.name))]
    with context.eager_mode():
        tensors = [tf.constant(array) for array in arrays]
        made = execute.quick_execute(
            op.type, len(op.outputs), tensors, tuple(attributes), context.context()
        )
    return [result.numpy() for result in made]


def _encoded(value: Any) -> Any:
    """An attribute as TF's executor takes it: dtypes by number."""
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    if hasattr(value, "unknown_rank"):
        return None if value.unknown_rank else [dim.size for dim in value.dim]
    return value.as_datatype_enum if isinstance(value, tf.DType) else value
