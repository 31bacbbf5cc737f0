"""Result types of one node, by ONNX's own type and shape inference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference

from graphlens.ir.node import Node
from graphlens.ops.facts import facts
from graphlens.ops.node_proto import node_proto
from graphlens.ops.proto import tensor_type, type_proto
from graphlens.ops.schema import OPSET, schema
from graphlens.tensor import UNKNOWN, TensorType


def infer(
    node: Node,
    operands: Sequence[TensorType | None],
    values: Sequence[np.ndarray | None] = (),
    results: int = 1,
) -> tuple[TensorType, ...]:
    """The types of a node's results.

    Args:
        node: The op and its attributes; its own ``results`` are not looked at.
        operands: The type of each operand, None for one not given.
        values: The value of each operand where it is a known constant (a Reshape's shape).
        results: How many results the node has.

    Returns:
        One type a result; `UNKNOWN` where ONNX cannot tell.
    """
    found = schema(node.op, node.domain)
    if found is None:
        return (UNKNOWN,) * results
    channels_last = node.attributes.get("data_format") == "NHWC"
    types = list(operands)
    if channels_last:
        for index in facts(node.op, node.domain).layout[0]:
            types[index] = _moved(types[index], channels_first)
    names = ["" if held is None else f"o{index}" for index, held in enumerate(types)]
    outputs = [f"r{index}" for index in range(results)]
    given = {f"o{i}": type_proto(held) for i, held in enumerate(types) if held is not None}
    known = {
        f"o{i}": numpy_helper.from_array(np.ascontiguousarray(value))
        for i, value in enumerate(values)
        if value is not None and value.size < 1024 and names[i]
    }
    try:
        got = shape_inference.infer_node_outputs(
            found,
            node_proto(node, "n", names, outputs),
            given,
            known,
            opset_imports=[onnx.helper.make_opsetid(node.domain, OPSET)],
        )
    except (onnx.shape_inference.InferenceError, RuntimeError):
        return (UNKNOWN,) * results
    made = [tensor_type(got[name]) if name in got else UNKNOWN for name in outputs]
    if channels_last:
        for index in facts(node.op, node.domain).layout[1]:
            made[index] = _moved(made[index], channels_last_order) or UNKNOWN
    return tuple(made)


def channels_first(rank: int) -> tuple[int, ...]:
    """The permutation from [N, spatial..., C] to [N, C, spatial...]."""
    return (0, rank - 1, *range(1, rank - 1))


def channels_last_order(rank: int) -> tuple[int, ...]:
    """The permutation from [N, C, spatial...] to [N, spatial..., C]."""
    return (0, *range(2, rank), 1)


def _moved(held: TensorType | None, order: object) -> TensorType | None:
    if held is None or held.shape is None or not callable(order):
        return held
    return held.with_shape(tuple(held.shape[axis] for axis in order(len(held.shape))))
