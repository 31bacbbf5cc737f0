"""Weights in a safetensors file: written in one go, read by mapping it into memory.

The format is safetensors' (https://huggingface.co/docs/safetensors): 8 bytes of header length, a
JSON header of dtype, shape and offsets by name, then the tensors' bytes without a hole. Nothing
in it can be executed. A dtype that safetensors has no code for goes in as bytes.
"""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers dtypes)
import numpy as np

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
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "complex64": "C64",
}
"""safetensors' codes by our dtype names."""

_LONGEST_HEADER = 100_000_000


def write_weights(
    target: BinaryIO, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write arrays, widest elements first so that each lies aligned, ties by name."""
    order = sorted(arrays, key=lambda name: (-_width(arrays[name]), name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name in order:
        array = arrays[name]
        code = _CODES.get(array.dtype.name)
        shape = list(array.shape) if code else [array.nbytes]
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": code or "U8", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        target.write(dense_bytes(arrays[name]))


def dense_bytes(array: np.ndarray) -> memoryview:
    """An array's elements in C order, little end first; copied only if they do not lie so."""
    dense = np.ascontiguousarray(array)
    if dense.dtype.byteorder == ">":
        dense = dense.astype(dense.dtype.newbyteorder("<"))
    return dense.reshape(-1).view(np.uint8).data


class WeightsFile:
    """A safetensors file that is read where it lies."""

    def __init__(self, path: Path) -> None:
        """Map the file.

        Raises:
            FormatError: If it is not there or is not a safetensors file.
        """
        self._path = path
        try:
            with path.open("rb") as handle:
                held = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise FormatError(f"cannot read the weights in {str(path)!r}: {error}") from error
        self._bytes = np.frombuffer(held, np.uint8)
        self._entries, self._start = self._header()
        self.metadata: Mapping[str, str] = self._entries.pop("__metadata__", {})

    def array(self, name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        """The array of that name, a read-only view of the file.

        Raises:
            FormatError: If it is not there, or not of that dtype and shape.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise self._broken(f"no tensor {name!r} in it")
        code = _CODES.get(dtype)
        nbytes = math.prod(shape) * np.dtype(dtype).itemsize
        begin, end = self._span(name, entry)
        wanted = (code, list(shape)) if code else ("U8", [nbytes])
        if (entry.get("dtype"), entry.get("shape")) != wanted or end - begin != nbytes:
            raise self._broken(f"tensor {name!r} is {entry}, expected {dtype} of shape {shape}")
        held = self._bytes[self._start + begin : self._start + end]
        return held.view(dtype).reshape(shape)

    def _span(self, name: str, entry: Mapping[str, Any]) -> tuple[int, int]:
        match entry.get("data_offsets"):
            case [int(begin), int(end)] if 0 <= begin <= end <= self._bytes.size - self._start:
                return begin, end
            case found:
                raise self._broken(f"tensor {name!r} has data_offsets {found!r}")

    def _header(self) -> tuple[dict[str, Any], int]:
        length = int.from_bytes(self._bytes[:8].tobytes(), "little")
        if self._bytes.size < 8 or length > min(_LONGEST_HEADER, self._bytes.size - 8):
            raise self._broken(f"its header would have {length} bytes")
        try:
            found = json.loads(self._bytes[8 : 8 + length].tobytes())
        except (ValueError, RecursionError) as error:
            raise self._broken(f"its header is no JSON: {error}") from error
        if not isinstance(found, dict) or not all(isinstance(e, dict) for e in found.values()):
            raise self._broken("its header is no table of tensors")
        return found, 8 + length

    def _broken(self, what: str) -> FormatError:
        return FormatError(f"{str(self._path)!r} is not the safetensors file expected: {what}")


def _width(array: np.ndarray) -> int:
    return array.dtype.itemsize if array.dtype.name in _CODES else 1
