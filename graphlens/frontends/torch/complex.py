"""Complex tensors as pairs of floats on a last axis, as ONNX's DFT has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.frontends.torch.call import Call, Row
from graphlens.ir.node import Value
from graphlens.tensor import TensorType

COMPLEX: dict[str, Row] = {}
"""Rows of ops that take or give complex tensors: their Values are pairs [..., 2]."""

FLOATS = {"complex64": "float32", "complex128": "float64"}
"""The dtype of the parts of a complex dtype."""


def crow(*names: str) -> Any:
    """Put a function into the table of complex rows under the given op names."""

    def put(function: Row) -> Row:
        COMPLEX.update(dict.fromkeys(names, function))
        return function

    return put


def paired(held: TensorType) -> TensorType:
    """The type of a complex tensor's pairs; any other type as it is."""
    dtype = FLOATS.get(held.dtype)
    if dtype is None:
        return held
    return TensorType(dtype, None if held.shape is None else (*held.shape, 2))


class PairCall(Call):
    """A call that knows which of its operands are pairs.

    Attributes:
        pairs: Values that stand for complex tensors.
    """

    pairs: set[Value]

    def is_pair(self, x: Any) -> bool:
        """Whether it is a complex tensor."""
        return isinstance(x, Value) and x in self.pairs

    def is_complex(self, x: Any) -> bool:
        """Whether it is a complex tensor or number."""
        return self.is_pair(x) or isinstance(x, complex)

    def depth(self, x: Value) -> int:
        """The number of axes of the tensor that a value stands for."""
        return self.rank(x) - self.is_pair(x)

    def at(self, x: Value, dim: int, more: int = 0) -> int:
        """A dim of that tensor, counted from the front."""
        return dim % max(self.depth(x) + more, 1)

    def all_at(self, x: Value, dims: Any) -> list[int]:
        """Dims of that tensor, counted from the front; all where there are none."""
        if isinstance(dims, int):
            dims = [dims]
        return [self.at(x, dim) for dim in dims] if dims else list(range(self.depth(x)))

    def part(self, x: Any, index: int, dtype: str) -> Value:
        """The real (0) or imaginary (1) part."""
        if not isinstance(x, Value):
            return self.number((x.real, x.imag)[index], dtype)
        if not self.is_pair(x):
            held = self.cast(x, dtype)
            return held if index == 0 else self.step("Mul", held, self.number(0, dtype))
        found = self.step("Gather", x, self.const(np.array(index, np.int64)), axis=-1)
        return self.cast(found, dtype)

    def parts(self, x: Any, dtype: str) -> tuple[Value, Value]:
        """Both parts."""
        return self.part(x, 0, dtype), self.part(x, 1, dtype)

    def column(self, x: Value, dtype: str) -> Value:
        """A real tensor with an axis of one for the pairs to broadcast over."""
        return self.step("Unsqueeze", self.cast(x, dtype), self.const([-1]))

    def pair(self, x: Any, dtype: str) -> Value:
        """A tensor or number as pairs of that float type."""
        if not isinstance(x, Value):
            return self.const(np.array([x.real, x.imag]), dtype)
        if self.is_pair(x):
            return self.cast(x, dtype)
        held = self.column(x, dtype)
        rank = self.rank(held)
        pads = self.const([0] * (2 * rank - 1) + [1])
        return self.step("Pad", held, pads, self.number(0, dtype), mode="constant")

    def joined(self, real: Value, imaginary: Value) -> Value:
        """Emit the pairs of two parts."""
        dtype = self.out.dtype
        columns = [self.column(one, dtype) for one in (real, imaginary)]
        return self.emit("Concat", *columns, axis=-1)

    def conjugated(self, x: Value) -> Value:
        """Pairs with the imaginary part negated, as a step."""
        signs = self.const(np.array([1, -1]), self.dtype(x))
        return self.step("Mul", x, signs, type=self.type(x))


def product(
    call: PairCall, one: Sequence[Value], other: Sequence[Value], op: str = "Mul"
) -> tuple[Value, Value]:
    """The parts of a product, of matrices where ``op`` says so."""
    (a, b), (c, d) = one, other
    real = call.step("Sub", call.step(op, a, c), call.step(op, b, d))
    return real, call.step("Add", call.step(op, a, d), call.step(op, b, c))
