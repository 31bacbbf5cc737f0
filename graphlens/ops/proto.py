"""Our attributes, types and arrays as ONNX's protobufs, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes  # noqa: F401  (registers bfloat16 and the 8-bit floats with numpy)
import numpy as np
import onnx
from onnx import helper, numpy_helper

from graphlens.errors import GraphError
from graphlens.ir.node import Attribute, Node
from graphlens.tensor import UNDEFINED, TensorType

_RENAMED = {"float": "float32", "double": "float64"}
DTYPES: dict[int, str] = {
    number: _RENAMED.get(name.lower(), name.lower()).replace("float8e4m3", "float8_e4m3")
    .replace("float8e5m2", "float8_e5m2").replace("float8e8m0", "float8_e8m0")
    for name, number in onnx.TensorProto.DataType.items()
}  # fmt: skip
"""Our dtype names by ONNX's element type numbers."""
NUMBERS = {name: number for number, name in DTYPES.items()}
"""ONNX's element type numbers by our dtype names."""

DTYPE_ATTRIBUTES = frozenset({"to", "dtype", "output_dtype", "output_datatype"})
"""Attributes that ONNX holds as an element type's number and a Node as its name."""


def plain_attribute(proto: onnx.AttributeProto, op: str = "") -> Attribute:
    """An ONNX attribute as the plain value that a Node holds (graphs are regions: not here)."""
    value = helper.get_attribute_value(proto)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, onnx.TensorProto):
        return _plain(numpy_helper.to_array(value).tolist())
    if proto.name in DTYPE_ATTRIBUTES and isinstance(value, int):
        return DTYPES.get(value, UNDEFINED)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(v.decode() if isinstance(v, bytes) else v for v in value)
    return value


def _plain(value: Any) -> Attribute:
    return tuple(map(_plain, value)) if isinstance(value, list) else value


def type_proto(held: TensorType) -> onnx.TypeProto:
    """A tensor type as ONNX spells it; an unknown dtype is left undefined."""
    return helper.make_tensor_type_proto(NUMBERS.get(held.dtype, 0), held.shape)


def tensor_type(proto: onnx.TypeProto) -> TensorType:
    """ONNX's type as ours; an unnamed unknown dimension becomes ``'?'``."""
    tensor = proto.tensor_type
    if not proto.HasField("tensor_type"):
        return TensorType(UNDEFINED, None)
    dtype = DTYPES.get(tensor.elem_type, UNDEFINED)
    if not tensor.HasField("shape"):
        return TensorType(dtype, None)
    return TensorType(
        dtype,
        tuple(
            dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?"
            for dim in tensor.shape.dim
        ),
    )


def node_proto(
    node: Node, name: str, operands: Sequence[str], results: Sequence[str]
) -> onnx.NodeProto:
    """A node without regions as ONNX's, reading and making values of the given names.

    Raises:
        GraphError: If an attribute has no ONNX form.
    """
    proto = onnx.NodeProto(op_type=node.op, domain=node.domain, name=name)
    proto.input.extend(operands)
    proto.output.extend(results)
    for key, value in node.attributes.items():
        if value is None or key == "data_format":
            continue
        if key in DTYPE_ATTRIBUTES and isinstance(value, str):
            value = NUMBERS[value]
        if node.op == "ConstantOfShape" and key == "value":
            dtype = np.dtype(node.results[0].dtype) if node.results else np.float32
            value = numpy_helper.from_array(np.array(value, dtype).reshape(1))
        try:
            proto.attribute.append(helper.make_attribute(key, value))
        except (TypeError, ValueError) as error:
            raise GraphError(f"{name}: attribute {key}={value!r} has no ONNX form") from error
    return proto
