"""Tensors of an ONNX file as arrays: shared with the file, and confined to its folder."""

from __future__ import annotations

import math
import mmap
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from graphlens.errors import FormatError
from graphlens.frontends.onnx.wire import Buffer, Place
from graphlens.ops.proto import DTYPES
from graphlens.tensor import UNDEFINED


class Weights:
    """Reads the tensors of one model.

    External data is mapped into memory, not read; the location must be a plain relative path of
    a file inside the model's folder, for a model is a file from strangers.
    """

    def __init__(
        self,
        folder: Path | None,
        content: Buffer | None = None,
        places: Mapping[str, Place] | None = None,
    ) -> None:
        """Tensors of a model.

        Args:
            folder: Where it lies; None is a model that is no file.
            content: The file's bytes.
            places: Where in these the initializers are that were not parsed, by name.
        """
        self._folder = folder
        self._content = content
        self._places = places or {}
        self._maps: dict[str, mmap.mmap | bytes] = {}

    def initializer(self, tensor: onnx.TensorProto) -> np.ndarray:
        """The value of an initializer of the main graph, which may not have been parsed.

        Raises:
            FormatError: If it is broken, or its data is missing or outside of the folder.
        """
        place = self._places.get(tensor.name)
        dtype = DTYPES.get(tensor.data_type, UNDEFINED)
        if place is None or self._content is None:
            return self.array(tensor)
        if not _is_bytewise(dtype) or dtype == UNDEFINED or any(dim < 0 for dim in tensor.dims):
            tensor.raw_data = bytes(self._content[place.offset : place.offset + place.length])
            return self.array(tensor)
        try:
            raw = self._content[place.offset : place.offset + place.length]
            return np.frombuffer(raw, dtype).reshape(tensor.dims)
        except (ValueError, TypeError, OverflowError) as error:
            raise FormatError(f"tensor {tensor.name!r}: {error}") from error

    def array(self, tensor: onnx.TensorProto) -> np.ndarray:
        """The value of a tensor.

        Raises:
            FormatError: If it is broken, or its data is missing or outside of the folder.
        """
        where = f"tensor {tensor.name!r}"
        dtype = DTYPES.get(tensor.data_type, UNDEFINED)
        if dtype == UNDEFINED or any(dim < 0 for dim in tensor.dims):
            raise FormatError(
                f"{where} has element type {tensor.data_type} and dims {list(tensor.dims)}"
            )
        try:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                return self._external(tensor, dtype, where)
            if tensor.HasField("raw_data") and _is_bytewise(dtype):
                return np.frombuffer(tensor.raw_data, dtype).reshape(tensor.dims)
            return numpy_helper.to_array(tensor)
        except (ValueError, TypeError, MemoryError, OverflowError) as error:
            raise FormatError(f"{where}: {error}") from error

    def dense(self, tensor: onnx.SparseTensorProto) -> np.ndarray:
        """A sparse tensor with its zeros.

        Raises:
            FormatError: If it is broken, or its zeros do not fit.
        """
        values, indices = self.array(tensor.values), self.array(tensor.indices)
        where, dims = f"tensor {tensor.values.name!r}", tuple(tensor.dims)
        if any(dim < 0 for dim in dims) or math.prod(dims) > _LARGEST_DENSE:
            raise FormatError(f"{where} is sparse, and its dims are {list(dims)}")
        made = np.zeros(dims, values.dtype)
        try:
            if indices.ndim == 1:
                made.reshape(-1)[indices] = values
            else:
                made[tuple(indices.T)] = values
        except (IndexError, ValueError) as error:
            raise FormatError(f"{where} is sparse: {error}") from error
        return made

    def _external(self, tensor: onnx.TensorProto, dtype: str, where: str) -> np.ndarray:
        about = {entry.key: entry.value for entry in tensor.external_data}
        location = about.get("location", "")
        content = self._mapped(location, where)
        offset = int(about.get("offset", 0))
        count = math.prod(tensor.dims)
        packed = not _is_bytewise(dtype)
        size = int(about.get("length", 0)) if packed else count * np.dtype(dtype).itemsize
        if offset < 0 or size < 0 or offset + size > len(content):
            raise FormatError(
                f"{where} wants bytes {offset} to {offset + size} of {location!r}, "
                f"which has {len(content)}: the file is truncated or belongs to another model"
            )
        if packed:
            inline = onnx.TensorProto(
                data_type=tensor.data_type,
                dims=tensor.dims,
                raw_data=bytes(content[offset : offset + size]),
            )
            return numpy_helper.to_array(inline)
        if not count:
            return np.zeros(tuple(tensor.dims), dtype)
        return np.frombuffer(content, dtype, count, offset).reshape(tensor.dims)

    def _mapped(self, location: str, where: str) -> mmap.mmap | bytes:
        if location not in self._maps:
            path = self._confined(location, where)
            with path.open("rb") as file:
                empty = path.stat().st_size == 0
                self._maps[location] = (
                    b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                )
        return self._maps[location]

    def _confined(self, location: str, where: str) -> Path:
        """The file that a location names, if it may be read."""
        if self._folder is None:
            raise FormatError(
                f"{where} has its data in {location!r}, beside a file that the model was not read "
                "from: give the path of the model"
            )
        folder = self._folder.resolve()
        try:
            path = (folder / location).resolve()
            inside = location and not Path(location).is_absolute() and path.is_relative_to(folder)
        except (OSError, ValueError, RuntimeError):
            inside = False
            path = folder
        if not inside:
            raise FormatError(
                f"{where} has its data at {location!r}: only files inside of the model's folder "
                f"({folder}) are read"
            )
        try:
            there = path.is_file()
        except OSError:
            there = False
        if not there:
            raise FormatError(f"{where} has its data in {str(path)!r}, and there is no such file")
        return path


_LARGEST_DENSE = 2**28
"""Elements of a sparse tensor up to which its zeros are written out."""


def _is_bytewise(dtype: str) -> bool:
    """Whether a tensor's bytes are the array's bytes: not strings, not several to a byte."""
    return dtype not in _NOT_BYTEWISE and sys.byteorder == "little"


_NOT_BYTEWISE = frozenset({"string", "int4", "uint4", "int2", "uint2", "float4_e2m1fn"}) | {
    *("float6_e2m3fn", "float6_e3m2fn")
}
