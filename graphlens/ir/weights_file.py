"""Weights in a safetensors file: no pickle, nothing in it can be executed.

Read and written by the safetensors library (https://huggingface.co/docs/safetensors). A dtype that
it cannot give back to numpy goes in as bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import ml_dtypes  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers dtypes)
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from graphlens.errors import FormatError

_CODES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "uint16": "U16",
    "int16": "I16",
    "uint32": "U32",
    "int32": "I32",
    "uint64": "U64",
    "int64": "I64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
}
"""safetensors' codes by our dtype names, where the library reads them into numpy."""


def write_weights(
    path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write arrays under their names; the same arrays give the same bytes.

    Raises:
        OSError: If they cannot be written: the disk is full.
    """
    try:
        save_file({name: _stored(array) for name, array in arrays.items()}, path, dict(metadata))
    except SafetensorError as error:
        raise OSError(str(error)) from error


def dense_bytes(array: np.ndarray) -> memoryview:
    """An array's elements in C order, little end first; copied only if they do not lie so."""
    dense = np.ascontiguousarray(array)
    if dense.dtype.byteorder == ">":
        dense = dense.astype(dense.dtype.newbyteorder("<"))
    return dense.reshape(-1).view(np.uint8).data


class WeightsFile:
    """A safetensors file, of which tensors are read one by one."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            FormatError: If it is not there or is not a safetensors file.
        """
        self._path = path
        try:
            self._held = safe_open(path, "np")
        except OSError as error:
            raise FormatError(f"cannot read the weights in {str(path)!r}: {error}") from error
        except SafetensorError as error:
            raise self._broken(str(error)) from error
        self._names = frozenset(self._held.keys())
        self.metadata: Mapping[str, str] = self._held.metadata() or {}

    def array(self, name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        """The array of that name.

        Raises:
            FormatError: If it is not there, or not of that dtype and shape.
        """
        if name not in self._names:
            raise self._broken(f"no tensor {name!r} in it")
        code = _CODES.get(dtype)
        wanted = (code, list(shape)) if code else ("U8", [_nbytes(dtype, shape)])
        found = self._held.get_slice(name)
        if (found.get_dtype(), found.get_shape()) != wanted:
            raise self._broken(
                f"tensor {name!r} is {found.get_dtype()} of shape {found.get_shape()}, "
                f"expected {dtype} of shape {list(shape)}"
            )
        held = self._held.get_tensor(name)
        return held if code else held.view(dtype).reshape(shape)

    def _broken(self, what: str) -> FormatError:
        return FormatError(f"{str(self._path)!r} is not the safetensors file expected: {what}")


def _stored(array: np.ndarray) -> np.ndarray:
    """An array as the library takes it: dense, little-endian, of a dtype that it gives back."""
    if array.dtype.name not in _CODES:
        return np.frombuffer(dense_bytes(array), np.uint8)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)


def _nbytes(dtype: str, shape: tuple[int, ...]) -> int:
    return math.prod(shape) * np.dtype(dtype).itemsize
