"""What ONNX calls the type of a value that is fed to a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from graphlens.ops.proto import NUMBERS


def dtype_of(array: np.ndarray) -> str:
    """An array's dtype as a `TensorType` names it."""
    return "string" if array.dtype.kind in "OUS" else str(array.dtype)


def type_of_feed(value: Any) -> onnx.TypeProto:
    """The type of an array, of a list of arrays (a sequence) or of None, in any shape.

    What is empty does not tell its type: float32 is taken.
    """
    if value is None:
        return helper.make_optional_type_proto(type_of_feed(np.zeros((), np.float32)))
    if isinstance(value, list):
        inner = value[0] if value else np.zeros((), np.float32)
        return helper.make_sequence_type_proto(type_of_feed(inner))
    if isinstance(value, dict):
        key, item = next(iter(value.items()), ("", 0.0))
        number = NUMBERS["string" if isinstance(key, str) else "int64"]
        return helper.make_map_type_proto(number, type_of_feed(np.asarray(item)))
    return helper.make_tensor_type_proto(NUMBERS[dtype_of(value)], None)


def is_plain(value: Any) -> bool:
    """Whether a value is an array of numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind not in "OUS"


def told(value: Any) -> str:
    """A value's type for messages: ``float32[2, 3]``, ``[float32[2], float32[3]]``."""
    if isinstance(value, np.ndarray):
        return f"{dtype_of(value)}{list(value.shape)}"
    if isinstance(value, list):
        return f"[{', '.join(map(told, value[:3]))}{', ...' if len(value) > 3 else ''}]"
    return type(value).__name__


def flat(values: Sequence[Any]) -> tuple[np.ndarray, ...]:
    """The arrays in a graph's outputs; a sequence's follow its length."""
    found: list[np.ndarray] = []
    for value in values:
        if isinstance(value, list | tuple):
            found += [np.array(len(value)), *flat(value)]
        elif isinstance(value, dict):
            found += [np.array(list(value)), *flat(list(value.values()))]
        else:
            found.append(np.zeros(0, bool) if value is None else np.asarray(value))
    return tuple(found)
