"""Types of values: dtype and shape of a tensor, with symbolic dimensions and sizes in bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass

Dim = int | str
"""A dimension: a size, or a symbol or an expression of symbols (``'N'``, ``'2*N'``)."""

_BITS = {
    "bool": 8,
    "int4": 4,
    "uint4": 4,
    "int2": 2,
    "uint2": 2,
    "float4_e2m1fn": 4,
    "float6_e2m3fn": 6,
    "float6_e3m2fn": 6,
    "int8": 8,
    "uint8": 8,
    "float8_e4m3fn": 8,
    "float8_e4m3fnuz": 8,
    "float8_e5m2": 8,
    "float8_e5m2fnuz": 8,
    "float8_e8m0fnu": 8,
    "int16": 16,
    "uint16": 16,
    "float16": 16,
    "bfloat16": 16,
    "int32": 32,
    "uint32": 32,
    "float32": 32,
    "int64": 64,
    "uint64": 64,
    "float64": 64,
    "complex64": 64,
    "complex128": 128,
}

UNDEFINED = "undefined"
"""The dtype of a value whose dtype is not known (the result of some foreign ops)."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """The type of one tensor.

    Attributes:
        dtype: A numpy / ml_dtypes name (``'float32'``, ``'bfloat16'``, ``'bool'``), ``'string'``,
            or ``'undefined'`` where it is not known.
        shape: One `Dim` per axis, outermost first; ``()`` is a scalar, ``None`` an unknown rank.
    """

    dtype: str
    shape: tuple[Dim, ...] | None = None

    @property
    def rank(self) -> int | None:
        """Number of axes, or None where it is not known."""
        return None if self.shape is None else len(self.shape)

    @property
    def is_static(self) -> bool:
        """Whether every dimension is a known size."""
        return self.shape is not None and all(isinstance(dim, int) for dim in self.shape)

    @property
    def elements(self) -> int | None:
        """Number of elements, or None where a dimension is not known."""
        if self.shape is None:
            return None
        sizes = [dim for dim in self.shape if isinstance(dim, int)]
        return math.prod(sizes) if len(sizes) == len(self.shape) else None

    @property
    def nbytes(self) -> int | None:
        """Size in bytes when stored densely, or None (never 0) where it is not known."""
        bits, elements = _BITS.get(self.dtype), self.elements
        return None if bits is None or elements is None else -(-bits * elements // 8)

    @property
    def is_floating(self) -> bool:
        """Whether the dtype is a real floating-point type."""
        return self.dtype.startswith(("float", "bfloat"))

    def with_shape(self, shape: tuple[Dim, ...] | None) -> TensorType:
        """The same dtype in another shape."""
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: str) -> TensorType:
        """The same shape in another dtype."""
        return TensorType(dtype, self.shape)

    def __str__(self) -> str:
        """``float32[1, 3, 224, 224]``; ``float32[()]`` is a scalar, ``float32[...]`` any rank."""
        if self.shape is None:
            return f"{self.dtype}[...]"
        return f"{self.dtype}[{', '.join(map(str, self.shape)) or '()'}]"


UNKNOWN = TensorType(UNDEFINED, None)
"""The type of a value of which nothing is known."""
