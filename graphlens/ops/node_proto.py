"""A Node as ONNX's NodeProto, each attribute in the form that the op's schema wants."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, helper

from graphlens.errors import GraphError
from graphlens.ir.node import Attribute, Node
from graphlens.ops.proto import DTYPE_ATTRIBUTES, NUMBERS, tensor_proto, type_proto
from graphlens.ops.schema import schema
from graphlens.tensor import UNDEFINED, TensorType

OURS_ONLY = frozenset({"data_format", "captures"})
"""Attributes of ours that ONNX's ops do not have; lowering spells them out."""


def node_proto(
    node: Node, name: str, operands: Sequence[str], results: Sequence[str]
) -> onnx.NodeProto:
    """A node without its regions as ONNX's, reading and making values of the given names.

    Raises:
        GraphError: If an attribute has no ONNX form.
    """
    proto = onnx.NodeProto(op_type=node.op, domain=node.domain, name=name)
    proto.input.extend(operands)
    proto.output.extend(results)
    kinds = _kinds(node.op, node.domain)
    for key, value in node.attributes.items():
        if value is None or (kinds is not None and key in OURS_ONLY):
            continue
        try:
            proto.attribute.append(_attribute(node, key, value, (kinds or {}).get(key, 0)))
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise GraphError(f"{name}: attribute {key}={value!r} has no ONNX form") from error
    return proto


@cache
def _kinds(op: str, domain: str) -> dict[str, int] | None:
    """The types of an op's attributes by name, None where ONNX does not know the op."""
    found: Any = schema(op, domain)
    if found is None:
        return None
    return {name: int(entry.type.value) for name, entry in found.attributes.items()}


def _attribute(node: Node, key: str, value: Attribute, kind: int) -> AttributeProto:
    made: Any = value
    if key in DTYPE_ATTRIBUTES and isinstance(value, str) and (kind or value in NUMBERS):
        made = NUMBERS[value]
    elif isinstance(value, tuple) and value and all(isinstance(one, bool) for one in value):
        made = [int(bool(one)) for one in value]  # as a convolution's backward says its gradients
    elif kind == AttributeProto.TENSOR:
        made = tensor_proto(_tensor(node, value))
    elif kind == AttributeProto.TYPE_PROTO and isinstance(value, TensorType):
        made = type_proto(value)
    elif kind == AttributeProto.FLOAT and isinstance(value, int | float):
        made = float(value)
    elif kind == AttributeProto.FLOATS and isinstance(value, tuple):
        made = [float(item) for item in value]  # type: ignore[arg-type]  (a schema's FLOATS)
    elif not kind and (isinstance(value, TensorType) or _is_nested(value)):
        made = repr(value)  # a foreign op's attribute: kept readable, for nothing else reads it
    if kind:
        return helper.make_attribute(key, made, attr_type=kind)
    if made == ():
        return AttributeProto(name=key, type=AttributeProto.INTS)
    return helper.make_attribute(key, made)


def _is_nested(value: Attribute) -> bool:
    if not isinstance(value, tuple):
        return False
    kinds = {type(item) for item in value}
    return not kinds <= {int, bool} and not kinds <= {int, float} and kinds != {str}


def _tensor(node: Node, value: Attribute) -> np.ndarray:
    """The tensor behind a plain attribute; its dtype is the result's, where that is known."""
    array = np.array(value)
    if array.dtype.kind == "U":
        return array.astype(object)
    dtype = node.results[0].dtype if node.results else UNDEFINED
    if dtype not in (UNDEFINED, "string"):
        array = array.astype(dtype)
    elif array.dtype == np.float64:
        array = array.astype(np.float32)
    return array.reshape(1) if node.op == "ConstantOfShape" else array
