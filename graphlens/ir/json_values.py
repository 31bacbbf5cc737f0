"""Attributes, types and small arrays as JSON holds them, and strictly back."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import ml_dtypes  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers dtypes)
import numpy as np

from graphlens.errors import FormatError, GraphError
from graphlens.ir.weights_file import dense_bytes
from graphlens.tensor import Dim, TensorType

_TAG = "$"
_LISTED = 64
"""Elements up to which integers are written out as numbers."""

_DTYPE = re.compile(r"[a-z][a-z0-9_]*")
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def written(value: Any, where: str) -> Any:
    """A plain value as JSON holds it; what JSON has no form for is a table with the key ``$``.

    Raises:
        GraphError: If the value is not plain.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_TAG: "float", "value": str(value)}
    if isinstance(value, bytes):
        return {_TAG: "bytes", "value": base64.b64encode(value).decode()}
    if isinstance(value, TensorType):
        return {_TAG: "type", "value": type_written(value)}
    if isinstance(value, Mapping) and all(isinstance(k, str) and k != _TAG for k in value):
        return {key: written(part, f"{where}.{key}") for key, part in value.items()}
    if isinstance(value, Sequence):
        return [written(part, where) for part in value]
    raise GraphError(f"{where}: {value!r} cannot be saved; plain values and tuples of them can")


def read(value: Any, where: str) -> Any:
    """What `written` wrote; lists become tuples.

    Raises:
        FormatError: If it is not of that form.
    """
    if isinstance(value, list):
        return tuple(read(part, where) for part in value)
    if not isinstance(value, dict):
        return value
    if _TAG not in value:
        return {key: read(part, f"{where}.{key}") for key, part in value.items()}
    match value:
        case {"$": "float", "value": str(word)} if word in _FLOATS:
            return _FLOATS[word]
        case {"$": "bytes", "value": str(text)}:
            return _bytes(text, where)
        case {"$": "type", "value": held}:
            return type_read(held, where)
        case _:
            raise FormatError(f"{where}: {value!r} is no value of a known kind")


def type_written(held: TensorType) -> list[Any]:
    """``['float32', [1, 'N']]``; an unknown rank is null."""
    return [held.dtype, None if held.shape is None else list(held.shape)]


def type_read(value: Any, where: str) -> TensorType:
    """The type that `type_written` wrote.

    Raises:
        FormatError: If it is none.
    """
    match value:
        case [str(dtype), None] if _DTYPE.fullmatch(dtype):
            return TensorType(dtype, None)
        case [str(dtype), list(shape)] if _DTYPE.fullmatch(dtype) and all(map(_is_dim, shape)):
            return TensorType(dtype, tuple(shape))
        case _:
            raise FormatError(f"{where}: {value!r} is no type like ['float32', [1, 'N']]")


def _is_dim(dim: Dim) -> bool:
    if isinstance(dim, int) and not isinstance(dim, bool):
        return 0 <= dim < 1 << 63
    return isinstance(dim, str) and bool(dim)


def array_written(array: np.ndarray) -> dict[str, Any]:
    """A small array with its dtype and shape: numbers where that is exact, else base64."""
    head = {"dtype": array.dtype.name, "shape": list(array.shape)}
    if array.dtype.kind in "OUST":
        text = [
            part.decode("utf-8") if isinstance(part, bytes) else str(part) for part in array.flat
        ]
        return {"dtype": "string", "shape": list(array.shape), "values": text}
    if array.dtype.kind in "iub" and array.size <= _LISTED:
        return head | {"values": array.reshape(-1).tolist()}
    return head | {"base64": base64.b64encode(dense_bytes(array)).decode()}


def array_head(entry: Any, where: str) -> tuple[str, tuple[int, ...]]:
    """The dtype and shape that an array's entry states.

    Raises:
        FormatError: If it states none, or none that numpy has.
    """
    match entry:
        case {"dtype": str(dtype), "shape": list(shape)} if all(
            isinstance(dim, int) and _is_dim(dim) for dim in shape
        ):
            pass
        case _:
            raise FormatError(f"{where}: {_short(entry)} has no dtype and shape")
    if dtype != "string":
        try:
            plain = _DTYPE.fullmatch(dtype) and np.dtype(dtype).kind not in "OUSMm"
        except TypeError:
            plain = False
        if not plain:
            raise FormatError(f"{where}: unknown dtype {dtype!r}")
    return dtype, tuple(shape)


def array_read(entry: Mapping[str, Any], where: str) -> np.ndarray:
    """The array that `array_written` wrote.

    Raises:
        FormatError: If the values do not fit the dtype and shape.
    """
    dtype, shape = array_head(entry, where)
    count = math.prod(shape)
    match entry:
        case {"values": list(values)} if len(values) == count:
            return _from_values(values, dtype, where).reshape(shape)
        case {"base64": str(text)} if dtype != "string":
            held = _bytes(text, where)
            if len(held) == count * np.dtype(dtype).itemsize:
                return np.frombuffer(bytearray(held), dtype).reshape(shape)
        case _:
            pass
    raise FormatError(f"{where}: the values do not fit {dtype} of shape {shape}: {_short(entry)}")


def _from_values(values: list[Any], dtype: str, where: str) -> np.ndarray:
    if dtype == "string":
        if not all(isinstance(value, str) for value in values):
            raise FormatError(f"{where}: strings expected, found {_short(values)}")
        return np.array(values, dtype=object)
    kind = bool if dtype == "bool" else int
    if not all(type(value) is kind for value in values):
        raise FormatError(f"{where}: {dtype} numbers expected, found {_short(values)}")
    try:
        return np.array(values, dtype=np.int64 if dtype.endswith("int4") else dtype).astype(dtype)
    except (OverflowError, ValueError) as error:
        raise FormatError(f"{where}: {error}") from error


def _bytes(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{where}: not base64: {error}") from error


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 100 else f"{text[:97]}..."
