"""Our attributes, types and arrays as ONNX's protobufs, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ml_dtypes  # noqa: F401  # pyright: ignore[reportUnusedImport]  (numpy gets bfloat16 ...)
import numpy as np
import onnx
from onnx import helper, numpy_helper

from graphlens.ir.node import Attribute
from graphlens.tensor import UNDEFINED, TensorType

_RENAMED = {
    "float": "float32",
    "double": "float64",
    "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz",
    "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz",
    "float8e8m0": "float8_e8m0fnu",
    "float4e2m1": "float4_e2m1fn",
    "float6e2m3": "float6_e2m3fn",
    "float6e3m2": "float6_e3m2fn",
}
DTYPES: dict[int, str] = {
    number: _RENAMED.get(name.lower(), name.lower())
    for name, number in onnx.TensorProto.DataType.items()
}
"""Our dtype names (numpy's and ml_dtypes') by ONNX's element type numbers."""
NUMBERS = {name: number for number, name in DTYPES.items()}
"""ONNX's element type numbers by our dtype names."""

DTYPE_ATTRIBUTES = frozenset({"to", "dtype", "output_dtype", "output_datatype"})
"""Attributes that ONNX holds as an element type's number and a Node as its name."""


def plain_attribute(proto: onnx.AttributeProto) -> Attribute:
    """An ONNX attribute as the plain value that a Node holds (graphs are regions: not here)."""
    value = helper.get_attribute_value(proto)
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, onnx.TensorProto):
        return _plain(numpy_helper.to_array(value).tolist())
    if isinstance(value, onnx.TypeProto):
        return tensor_type(value)
    if proto.name in DTYPE_ATTRIBUTES and isinstance(value, int):
        return DTYPES.get(value, UNDEFINED)
    if isinstance(value, float):
        return _shortest(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(map(_item, value))
    return value


def _item(value: Any) -> Attribute:
    if isinstance(value, float):
        return _shortest(value)
    return _text(value) if isinstance(value, bytes) else value


def _shortest(value: float) -> float:
    """The shortest number that is the same in float32: 0.1, not 0.10000000149011612."""
    return float(str(np.float32(value)))


def _text(value: bytes) -> Attribute:
    """A string attribute; bytes that are no text stay bytes."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _plain(value: Any) -> Attribute:
    return tuple(map(_plain, value)) if isinstance(value, list) else value


def type_proto(held: TensorType) -> onnx.TypeProto:
    """A type as ONNX spells it; an unknown dtype is left undefined."""
    for prefix, wrapped in _CONTAINERS.items():
        if held.dtype.startswith(prefix):
            return wrapped(type_proto(held.with_dtype(held.dtype.removeprefix(prefix))))
    if held.dtype.startswith(_MAP):
        key, _, value = held.dtype.removeprefix(_MAP).partition(_TO)
        return helper.make_map_type_proto(NUMBERS[key], type_proto(held.with_dtype(value)))
    shape = None if held.shape is None else [None if dim == "?" else dim for dim in held.shape]
    return helper.make_tensor_type_proto(NUMBERS.get(held.dtype, 0), shape)


def is_known(held: TensorType) -> bool:
    """Whether ONNX has a type for it: a dtype of its own, or a container of one."""
    return bool(NUMBERS.get(held.dtype)) or is_container(held)


def is_container(held: TensorType) -> bool:
    """Whether it is a sequence, an optional or a map, and no tensor."""
    return held.dtype.startswith((*_CONTAINERS, _MAP))


_SEQUENCE, _OPTIONAL, _MAP, _TO = "sequence_of_", "optional_of_", "map_of_", "_to_"
"""How a dtype says that a value is no tensor but a container of tensors: one word, so that every
form that a type is written in takes it."""

_CONTAINERS: dict[str, Callable[[onnx.TypeProto], onnx.TypeProto]] = {
    _SEQUENCE: helper.make_sequence_type_proto,
    _OPTIONAL: helper.make_optional_type_proto,
}


def tensor_type(proto: onnx.TypeProto) -> TensorType:
    """ONNX's type as ours; an unnamed unknown dimension becomes ``'?'``.

    A container's dtype says what it is (``'sequence_of_float32'``), its shape is that of the
    tensors in it.
    """
    kind = proto.WhichOneof("value")
    if kind == "sequence_type":
        return _contained(_SEQUENCE, tensor_type(proto.sequence_type.elem_type))
    if kind == "optional_type":
        return _contained(_OPTIONAL, tensor_type(proto.optional_type.elem_type))
    if kind == "map_type":
        key = DTYPES.get(proto.map_type.key_type, UNDEFINED)
        return _contained(f"{_MAP}{key}{_TO}", tensor_type(proto.map_type.value_type))
    tensor = proto.tensor_type
    if kind != "tensor_type":
        return TensorType(UNDEFINED, None)
    dtype = DTYPES.get(tensor.elem_type, UNDEFINED)
    if not tensor.HasField("shape"):
        return TensorType(dtype, None)
    return TensorType(
        dtype,
        tuple(
            dim.dim_value
            if dim.HasField("dim_value") and dim.dim_value >= 0
            else dim.dim_param or "?"
            for dim in tensor.shape.dim
        ),
    )


def _contained(prefix: str, inner: TensorType) -> TensorType:
    """A container; one of nobody knows what is of no known type."""
    if inner.dtype == UNDEFINED or prefix.startswith(f"{_MAP}{UNDEFINED}"):
        return TensorType(UNDEFINED, None)
    return inner.with_dtype(f"{prefix}{inner.dtype}")


def array_of(proto: onnx.TensorProto) -> np.ndarray:
    """The array in a tensor that holds its own data."""
    return numpy_helper.to_array(proto)


def tensor_proto(array: np.ndarray, name: str = "") -> onnx.TensorProto:
    """An array as an ONNX tensor that holds a copy of its data."""
    return numpy_helper.from_array(np.asarray(array), name)


def reads(node: onnx.NodeProto) -> list[str]:
    """Names of the values that a node reads, and that its subgraphs read from outside."""
    found = dict.fromkeys(name for name in node.input if name)
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            found |= dict.fromkeys(free_names(attribute.g))
    return list(found)


def free_names(graph: onnx.GraphProto) -> Iterator[str]:
    """Names that a subgraph reads and does not make."""
    made = {entry.name for entry in (*graph.input, *graph.initializer)}
    made |= {name for node in graph.node for name in node.output}
    for node in graph.node:
        yield from (name for name in reads(node) if name not in made)
    yield from (entry.name for entry in graph.output if entry.name not in made)


def field_header(number: int, length: int) -> bytes:
    """What stands before the content of a protobuf field of bytes: its tag and length.

    Only for numbers below 16 (protobuf.dev/programming-guides/encoding).
    """
    made = bytearray([number << 3 | 2])
    while length > 127:
        made.append(length & 127 | 128)
        length >>= 7
    return bytes([*made, length])
