"""Foreign ops of domain 'tf', run by TensorFlow: one op at a time, on arrays.

A resource (a variable) comes as the value that it holds; where the op changes it, it goes back,
after the op's own results, as the value that it then has. A variant (a list of tensors, say) is an
array of no axes that holds TensorFlow's own object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.python.eager import context, execute
from tensorflow.python.framework import op_def_registry

from graphlens.ir.node import Attribute, Node

_WRITES = ("ResourceApply", "ResourceSparseApply", "ResourceScatter")
"""How the names of ops begin that change the variables that they read."""


def run(node: Node, operands: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """The results of an op of domain 'tf'.

    Args:
        node: The op; its attributes are TF's, as plain values.
        operands: Its operands.

    Returns:
        TF's results, then, of an op that changes variables, the new value of each.

    Raises:
        NotImplementedError: If TensorFlow has no such op, or it calls a function of its graph.
    """
    definition = op_def_registry.get(node.op)
    if definition is None:
        raise NotImplementedError(f"TensorFlow {tf.__version__} has no such op")
    attributes: list[Any] = []
    for attribute in definition.attr:
        given = node.attributes.get(attribute.name)
        attributes += [attribute.name, _encoded(attribute, given)]
    given = [array for array in operands if array is not None]
    kinds = _kinds(definition, node, len(given))
    with context.eager_mode(), tf.device("/CPU:0"):
        held: list[Any] = []
        tensors = [_tensor(array, kind, held) for array, kind in zip(given, kinds, strict=True)]
        held = held if node.op.startswith(_WRITES) else []
        count = len(node.results) - len(held)
        made = execute.quick_execute(
            node.op, count, tensors, tuple(attributes), context.context(), node.op
        )
        return [_array(tensor) for tensor in [*(made or ()), *(each.value() for each in held)]]


def _kinds(definition: Any, node: Node, count: int) -> list[int]:
    """TF's dtype number of each operand, 0 where the array says it."""
    kinds: list[int] = []
    for argument in definition.input_arg:
        times = node.attributes.get(argument.number_attr) if argument.number_attr else 1
        if argument.type_list_attr:
            listed = node.attributes.get(argument.type_list_attr)
            times = len(listed) if isinstance(listed, tuple) else 0
        kinds += [argument.type] * (times if isinstance(times, int) else 1)
    return kinds if len(kinds) == count else [0] * count


def _tensor(array: np.ndarray, kind: int, held: list[Any]) -> Any:
    """An operand as TF's executor takes it; variables made for resources go into ``held``."""
    if kind == types_pb2.DT_RESOURCE:
        held.append(tf.Variable(array))
        return held[-1].handle
    if array.dtype == object and array.ndim == 0 and tf.is_tensor(array.item()):
        return array.item()
    return tf.constant(array)


def _array(tensor: Any) -> np.ndarray:
    if tensor.dtype == tf.variant:
        boxed = np.empty((), object)
        boxed[()] = tensor
        return boxed
    array = np.asarray(tensor.numpy())
    if array.dtype.kind in "OS":
        texts = [text.decode("utf-8", "surrogateescape") for text in array.ravel().tolist()]
        return np.array(texts, object).reshape(array.shape)
    return array


def _encoded(attribute: Any, given: Attribute) -> Any:
    """A plain value as TF's executor takes an attribute of that kind."""
    kind = attribute.type
    if kind.startswith("list("):
        inner = kind.removeprefix("list(").removesuffix(")")
        return [_one(inner, item) for item in given] if isinstance(given, tuple) else []
    if given is None and kind != "shape":
        return _default(attribute)
    return _one(kind, given)


def _one(kind: str, given: Attribute) -> Any:
    if kind == "type":
        return tf.dtypes.as_dtype(given).as_datatype_enum
    if kind == "shape":
        return None if given is None else [int(size) for size in given]  # type: ignore[union-attr]
    if kind == "tensor" and isinstance(given, bytes):
        return tf.compat.v1.TensorProto.FromString(given)
    if kind == "func":
        raise NotImplementedError(f"it calls the function {given!r}, which the graph does not hold")
    return given


def _default(attribute: Any) -> Any:
    """The value that TF's definition of the op gives an attribute."""
    found = attribute.default_value
    field = found.WhichOneof("value")
    return getattr(found, field) if field else None
