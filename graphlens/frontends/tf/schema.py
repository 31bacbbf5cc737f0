"""TensorFlow's messages and op definitions, known without TensorFlow.

Both come along as TensorFlow itself described them (`tf.definitions` wrote them). The messages are
made in a pool of their own, so that TensorFlow may be imported beside them.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from graphlens.errors import FormatError

_HERE = Path(__file__).parent
_LARGEST = 2**31
"""Bytes of one constant: what a message can hold."""


@dataclass(frozen=True)
class DType:
    """A dtype of TensorFlow, as its own class tells it.

    Attributes:
        name: TF's name; that of TF1's references to variables ends in ``_ref``.
    """

    name: str

    @property
    def base_dtype(self) -> DType:
        """The dtype behind a reference."""
        return DType(self.name.removesuffix("_ref"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    content = gzip.decompress((_HERE / "messages.binpb.gz").read_bytes())
    for file in descriptor_pb2.FileDescriptorSet.FromString(content).file:
        pool.Add(file)
    return pool


@cache
def message(name: str) -> Any:
    """The class of TensorFlow's message of that name (``'GraphDef'``)."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"tensorflow.{name}"))


def parsed(name: str, content: bytes, where: str) -> Any:
    """A message read from bytes.

    Raises:
        FormatError: If they are none of that kind.
    """
    try:
        return message(name).FromString(content)
    except DecodeError as error:
        raise FormatError(f"{where}: not a {name} of TensorFlow, or cut short: {error}") from error


@cache
def _ops() -> dict[str, Any]:
    content = gzip.decompress((_HERE / "ops.binpb.gz").read_bytes())
    return {op.name: op for op in message("OpList").FromString(content).op}


def op_definition(name: str) -> Any | None:
    """TensorFlow's OpDef of an op, None if it has none of that name."""
    return _ops().get(name)


_NAMES = {"FLOAT": "float32", "DOUBLE": "float64", "HALF": "float16", "INVALID": "undefined"}


@cache
def _dtypes() -> dict[int, DType]:
    found: dict[int, DType] = {}
    for value in _pool().FindEnumTypeByName("tensorflow.DataType").values:
        plain = value.name.removeprefix("DT_")
        name = plain.removesuffix("_REF")
        ending = "" if name == plain else "_ref"
        found[value.number] = DType(_NAMES.get(name, name.lower()) + ending)
    return found


def dtype_of(number: int) -> DType:
    """A dtype by its number in TensorFlow's messages."""
    return _dtypes().get(number, DType("undefined"))


_FIELDS = {
    "float16": "half_val", "bfloat16": "half_val", "float32": "float_val", "float64": "double_val",
    "int64": "int64_val", "bool": "bool_val", "uint32": "uint32_val", "uint64": "uint64_val",
    "complex64": "scomplex_val", "complex128": "dcomplex_val", "string": "string_val",
}  # fmt: skip
"""Where a TensorProto lists values of a dtype; those of small integers are in ``int_val``."""


def numpy_dtype(name: str) -> np.dtype[Any] | None:
    """The numpy dtype of that name, None where there is none."""
    if name == "string":
        return np.dtype(object)
    name = name.removeprefix("q") if name.startswith(("qint", "quint")) else name
    try:
        return np.dtype(getattr(ml_dtypes, name, name))
    except TypeError:
        return None


def array_of(tensor: Any, where: str = "a constant") -> np.ndarray:
    """The array in a TensorProto, of TensorFlow's class or ours; read-only where it can be shared.

    Raises:
        FormatError: If its bytes or values do not fill its shape, or nothing can hold it.
    """
    name = dtype_of(tensor.dtype).name
    dtype = numpy_dtype(name)
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    count = 1
    for size in shape:
        count *= size
    if dtype is None or min(shape, default=0) < 0:
        raise FormatError(f"{where}: a tensor of {name} of shape {shape} cannot be read")
    if tensor.tensor_content:
        content = tensor.tensor_content
        if name == "string" or len(content) != count * dtype.itemsize:
            raise FormatError(
                f"{where}: {len(content)} bytes for a tensor of {name} of shape {shape}"
            )
        return np.frombuffer(content, dtype).reshape(shape)
    if count * dtype.itemsize > _LARGEST:
        raise FormatError(f"{where}: a constant of shape {shape} is larger than any file holds")
    return _listed(tensor, name, dtype, shape, where)


def _listed(
    tensor: Any, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], where: str
) -> np.ndarray:
    """Values one by one; the last stands for all that are left out, and none at all for zeros."""
    special = "float8_val" if name.startswith("float8") else _FIELDS.get(name, "int_val")
    values: Any = getattr(tensor, special)
    if name in ("float16", "bfloat16"):
        values = np.array(values, np.uint16).view(dtype)
    elif special == "float8_val":
        values = np.frombuffer(values, np.uint8).view(dtype)
    elif name.startswith("complex"):
        flat = np.array(values, np.float32 if name == "complex64" else np.float64)
        values = flat.view(dtype)
    elif name == "string":
        held, values = values, np.empty(len(values), object)
        values[:] = list(held)
    else:
        values = np.array(values).astype(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    if len(values) > max(count, 1):
        raise FormatError(f"{where}: {len(values)} values for a tensor of shape {shape}")
    if len(values) == count:
        return values.reshape(shape)
    if len(values) <= 1:
        empty: Any = b"" if name == "string" else 0
        return np.broadcast_to(
            values.reshape(-1)[0] if len(values) else np.array(empty, dtype), shape
        )
    rest = np.broadcast_to(values[-1:], count - len(values))
    return np.concatenate([values, rest]).reshape(shape)
