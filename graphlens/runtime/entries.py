"""The small pieces of protobuf that lowering is made of."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from onnx import helper

from graphlens.ops.proto import is_known, type_proto
from graphlens.tensor import TensorType


def put(properties: Any, key: str, value: str) -> None:
    """Append a key and value to a protobuf list of string pairs."""
    properties.add(key=key, value=value)


def declare(entries: Any, title: str, held: TensorType) -> onnx.ValueInfoProto:
    """Add a value to a list of inputs, outputs or types, with its type where that is known."""
    entry: onnx.ValueInfoProto = entries.add(name=title)
    if is_known(held):
        entry.type.CopyFrom(_type(held))
    return entry


@lru_cache(maxsize=4096)
def _type(held: TensorType) -> onnx.TypeProto:
    """The type as protobuf; it is only copied from."""
    return type_proto(held)


def may_stay_outside(array: np.ndarray) -> bool:
    """Whether the array's bytes are those of ONNX Runtime (packed types and strings are not)."""
    return str(array.dtype) in _BYTEWISE


_BYTEWISE = frozenset({"bool", "float16", "bfloat16", "float32", "float64"}) | {
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("complex64", "complex128"),
}


def transpose(name: str, operand: str, result: str, order: tuple[int, ...]) -> onnx.NodeProto:
    """A Transpose node."""
    return helper.make_node("Transpose", [operand], [result], name=name, perm=list(order))


def identity(operand: str, result: str) -> onnx.NodeProto:
    """An Identity node, named as what it makes."""
    return helper.make_node("Identity", [operand], [result], name=result)
