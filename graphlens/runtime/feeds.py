"""What ONNX calls the type of a value that is fed to a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper

from graphlens.ops.proto import NUMBERS


def dtype_of(array: np.ndarray) -> str:
    """An array's dtype as a `TensorType` names it."""
    return "string" if array.dtype.kind in "OUS" else str(array.dtype)


def type_of_feed(value: Any) -> onnx.TypeProto:
    """The type of an array, or of a list of arrays: a sequence; of any shape."""
    if isinstance(value, list):
        inner = value[0] if value else np.zeros((), np.float32)
        return helper.make_sequence_type_proto(type_of_feed(inner))
    return helper.make_tensor_type_proto(NUMBERS[dtype_of(value)], None)
