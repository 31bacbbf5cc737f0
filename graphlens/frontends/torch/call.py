"""What a row of the aten table writes with: one aten call, being turned into ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from graphlens.errors import CaptureError
from graphlens.frontends.torch.types import dtype_name, promoted
from graphlens.ir.node import Attribute, Value
from graphlens.ops.build import Builder
from graphlens.tensor import Dim, TensorType

Row = Callable[..., Any]
"""``row(call, *arguments)``, one argument for each of the op's schema, tensors as `Value`; returns
the Value (or a tuple of Values) that the op returns, or NotImplemented where it has no ONNX form
for these arguments."""

TABLE: dict[str, Row] = {}
"""The one table: ``'add.Tensor'`` or ``'add'`` (all overloads) to its row."""


class Symbolic(Protocol):
    """Makes values of what is known when the graph runs only."""

    def size(self, size: Any, call: Call) -> Value:
        """A symbolic size, or its spelling in a type, as an int64 vector of one element."""
        ...

    def number(self, number: Any, dtype: str | None, call: Call) -> Value:
        """A symbolic number as a scalar of that dtype; of its own if None."""
        ...


def row(*names: str) -> Callable[[Row], Row]:
    """Put a function into the table under the given op names."""

    def put(function: Row) -> Row:
        for name in names:
            TABLE[name] = function
        return function

    return put


class Call:
    """One call of an aten op: where its nodes go and what it must return.

    Attributes:
        build: The builder, its scope and source set.
        op: The op's name and overload (``'add.Tensor'``).
        name: The wanted name of the node that gives the result.
        types: The types of the op's results, as torch worked them out.
        sizes: The result's sizes as the program gave them, where it did: symbolic ones included.
    """

    def __init__(
        self,
        build: Builder,
        op: str,
        name: str,
        types: Sequence[TensorType],
        symbolic: Symbolic | None = None,
    ) -> None:
        """A call whose nodes ``build`` adds."""
        self.build = build
        self.op = op
        self.name = name
        self.types = tuple(types)
        self.sizes: Sequence[Any] | None = None
        self._symbolic = symbolic

    # -- types --------------------------------------------------------------------------------

    @property
    def out(self) -> TensorType:
        """The type of the first result."""
        return self.types[0]

    def type(self, value: Value) -> TensorType:
        """The type of an operand."""
        return self.build.type_of(value)

    def dtype(self, value: Value) -> str:
        """The dtype of an operand."""
        return self.type(value).dtype

    def shape(self, value: Value) -> tuple[Dim, ...]:
        """The shape of an operand.

        Raises:
            CaptureError: If its rank is not known.
        """
        shape = self.type(value).shape
        if shape is None:
            raise CaptureError(f"{self.op}: the rank of operand {value.node!r} is not known")
        return shape

    def rank(self, value: Value) -> int:
        """The number of axes of an operand."""
        return len(self.shape(value))

    def axis(self, value: Value, dim: int) -> int:
        """A dim of an operand, counted from the front."""
        return dim % max(self.rank(value), 1)

    def axes(self, value: Value, dims: Sequence[int] | int | None) -> tuple[int, ...]:
        """Dims of an operand, counted from the front, in order; None or empty is all of them."""
        if isinstance(dims, int):
            dims = (dims,)
        if not dims:
            return tuple(range(self.rank(value)))
        return tuple(sorted(self.axis(value, dim) for dim in dims))

    # -- nodes --------------------------------------------------------------------------------

    def emit(self, op: str, *operands: Value | None, **attributes: Attribute) -> Value:
        """Add the node that gives the call's result, under its name and type."""
        return self.build.op(op, *operands, results=self.types, name=self.name, **attributes)

    def step(
        self,
        op: str,
        *operands: Value | None,
        type: TensorType | None = None,
        count: int = 1,
        **attributes: Attribute,
    ) -> Value:
        """Add a node on the way to the result; its type is inferred if it is not given."""
        results: Any = count if type is None else (type,)
        return self.build.op(
            op, *operands, results=results, name=f"{self.name}.{op.lower()}", **attributes
        )

    def const(self, content: Any, dtype: str | None = None) -> Value:
        """A literal; Python ints are int64 and floats float32 unless ``dtype`` says otherwise."""
        return self.build.const(content, dtype, name=f"{self.name}.const")

    def ints(self, sizes: Sequence[Any] | int) -> Value:
        """Sizes as one int64 vector, computed from shapes where they are symbolic."""
        sizes = [sizes] if isinstance(sizes, int | torch.SymInt) else list(sizes)
        if not any(isinstance(size, torch.SymInt | str) for size in sizes):
            return self.const(np.array(sizes, np.int64).reshape(len(sizes)))
        parts = [self.size(size) for size in sizes]
        return parts[0] if len(parts) == 1 else self.step("Concat", *parts, axis=0)

    def size(self, size: Any) -> Value:
        """One size as an int64 vector of one element."""
        if isinstance(size, str) or is_symbolic(size):
            if self._symbolic is None:
                raise CaptureError(f"{self.op}: the size {size} has no value in the graph")
            return self._symbolic.size(size, self)
        return self.const(np.array([int(plain(size))], np.int64))

    def scalar(self, size: Any) -> Value:
        """One size as an int64 scalar, computed where it is symbolic."""
        if isinstance(size, str):
            return self.step("Reshape", self.size(size), self.const(np.zeros(0, np.int64)))
        return self.number(size, "int64")

    def cast(self, value: Value, dtype: str) -> Value:
        """The value in another dtype: itself, or a Cast of it."""
        held = self.type(value)
        if held.dtype == dtype:
            return value
        return self.step("Cast", value, type=held.with_dtype(dtype), to=dtype)

    def operand(self, argument: Any, dtype: str) -> Value:
        """A tensor or Python number as an operand of the given dtype."""
        if isinstance(argument, Value):
            return self.cast(argument, dtype)
        return self.number(argument, dtype)

    def number(self, number: Any, dtype: str) -> Value:
        """A Python or symbolic number as a scalar of the given dtype."""
        if is_symbolic(number) and self._symbolic is not None:
            return self._symbolic.number(number, dtype, self)
        return self.const(np.array(plain(number)).astype(dtype))

    def own_number(self, number: Any) -> Value:
        """A symbolic number as a scalar of the dtype that holds it as Python does."""
        if self._symbolic is None:
            raise CaptureError(f"{self.op}: the number {number} has no value in the graph")
        return self._symbolic.number(number, None, self)

    def promote(self, *arguments: Any) -> str:
        """The dtype in which torch computes on these tensors and numbers together."""
        return promoted(*(self._kind(argument) for argument in arguments))

    def _kind(self, argument: Any) -> Any:
        if isinstance(argument, Value):
            return self.dtype(argument), self.rank(argument) > 0
        kind = next((kind for made, kind in PYTHON.items() if isinstance(argument, made)), None)
        return kind or type(plain(argument))

    def reshape(self, value: Value, sizes: Sequence[Any], result: TensorType) -> Value:
        """A value in another shape of as many elements, as a step of that type."""
        if self.type(value) == result:
            return value
        return self.step(
            "Reshape", value, self.shape_operand(value, sizes), type=result, allowzero=_zero(sizes)
        )

    def flat(self, value: Value) -> Value:
        """A value's elements along one axis, as a step."""
        held = self.type(value)
        if self.rank(value) == 1:
            return value
        size = "?" if held.elements is None else held.elements
        return self.reshape(value, (-1,), held.with_shape((size,)))

    def reshaped(self, value: Value, sizes: Sequence[Any] | None = None) -> Value:
        """The call's result: a value in the result's shape, ``sizes`` its symbolic spelling."""
        sizes = (self.out.shape or ()) if sizes is None or self.out.is_static else sizes
        shape = self.shape_operand(value, sizes)
        return self.emit("Reshape", value, shape, allowzero=_zero(sizes))

    def shape_operand(self, value: Value, sizes: Sequence[Any]) -> Value:
        """The second operand of a Reshape: constant where the sizes can be told without symbols.

        One symbolic size becomes -1; one that the operand has at the same place becomes 0.
        """
        spelt = list(sizes)
        held, names = self.shape(value), self.out.shape or ()
        left = [i for i, size in enumerate(spelt) if isinstance(size, torch.SymInt | str)]
        for index in list(left):
            if held[index : index + 1] == names[index : index + 1] and 0 not in sizes:
                spelt[index] = 0
                left.remove(index)
        if len(left) == 1 and -1 not in spelt and 0 not in sizes:
            spelt[left[0]] = -1
        return self.ints(spelt)

    def permuted(self, value: Value, order: Sequence[int]) -> Value:
        """A value with its axes in another order, as a step."""
        if list(order) == sorted(order):
            return value
        held = self.type(value)
        shape = self.shape(value)
        result = held.with_shape(tuple(shape[axis] for axis in order))
        return self.step("Transpose", value, type=result, perm=tuple(order))

    def nothing(self) -> list[Value]:
        """Results without elements: nothing to compute, and kernels fail where that is so."""
        return [
            self.build.op(
                "Expand",
                self.number(0, held.dtype),
                self.ints(held.shape or ()),
                results=[held],
                name=self.name,
            )
            for held in self.types
        ]

    def same(self, value: Value) -> Value:
        """The result is an operand as it is: an Identity, so that the op is still seen."""
        return self.emit("Identity", value)


def _zero(sizes: Sequence[Any]) -> int | None:
    """The attribute that makes a 0 in a shape mean an empty axis, where there is one."""
    return 1 if any(isinstance(size, int) and size == 0 for size in sizes) else None


PYTHON: dict[type, type] = {torch.SymInt: int, torch.SymFloat: float, torch.SymBool: bool}
"""What a symbolic number stands for."""


def is_symbolic(number: Any) -> bool:
    """Whether a number is known when the graph runs only."""
    held = isinstance(number, torch.SymInt | torch.SymFloat | torch.SymBool)
    return held and bool(number.node.expr.free_symbols)


def plain(number: Any) -> Any:
    """A number as Python has it; a symbolic one whose expression has no symbol left is one."""
    if isinstance(number, torch.dtype):
        return dtype_name(number)
    if type(number) in PYTHON and not is_symbolic(number):
        return PYTHON[type(number)](number.node.expr)
    if type(number) in PYTHON:
        raise CaptureError(f"the number {number} is known when the graph runs only")
    return number
