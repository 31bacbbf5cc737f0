"""One TensorFlow op under translation: what a row of the op table reads and writes with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphlens.errors import CaptureError
from graphlens.frontends.tf.types import function_title
from graphlens.ir.node import CONST, OURS, Attribute, Node, Value
from graphlens.ops.build import Builder
from graphlens.tensor import UNDEFINED, UNKNOWN, Dim, TensorType


class Literal(NamedTuple):
    """A constant of the program that nobody read as a value yet."""

    array: np.ndarray
    name: str


class Handle(NamedTuple):
    """A resource of the program that is no variable: a lookup table, a hash map.

    Attributes:
        name: Its name.
        content: Of a table, its keys and values by their dtypes; None where they cannot be had.
        size: How many those are.
    """

    name: str
    content: Callable[[str, str], tuple[np.ndarray, np.ndarray] | None]
    size: Callable[[], int | None]


Shape = tuple[Dim, ...]


class Pending:
    """A list of tensors that says nothing of its elements: their shape is that of what is written.

    Inside of a region that is tried out it stands for itself, and notes what is written into it.

    Attributes:
        builder: What the list is to be written with.
    """

    def __init__(self, call: Call, make: Callable[[Shape], Value | None]) -> None:
        """The list that ``call`` makes, by ``make`` once the shape of its elements is known."""
        self.builder = call.builder
        self._call, self._make = call, make
        self._context = (call.builder.scope, call.builder.source)
        self._shapes: set[Shape | None] = set()
        self._value: Value | None = None

    def note(self, held: TensorType) -> None:
        """Something of that type is written into it."""
        self._shapes.add(held.shape)

    @property
    def is_clear(self) -> bool:
        """Whether something is written, and all of one shape."""
        return len(self._shapes) == 1 and None not in self._shapes

    def settle(self) -> Value:
        """The list as a tensor if all that is written is of one shape, else as TensorFlow's own."""
        if self._value is None:
            builder, now = self.builder, (self.builder.scope, self.builder.source)
            builder.scope, builder.source = self._context
            shape = next(iter(self._shapes)) if len(self._shapes) == 1 else None
            made = None if shape is None else self._make(shape)
            if made is None and self._call.op == "StackV2":
                raise CaptureError(
                    f"a loop keeps values of {sorted(map(str, self._shapes))} on the stack "
                    f"{self._call.name!r} for its gradient; where they differ, or a branch within "
                    "the loop keeps them: build it under tf.compat.v1.enable_control_flow_v2()"
                )
            self._value = self._call.foreign()[-1] if made is None else made
            builder.scope, builder.source = now
        return self._value


Operand = Value | Literal | Handle | Pending
"""What a TF tensor became."""

Row = Callable[["Call"], "Operand | Sequence[Operand]"]
"""A row of the op table: writes the nodes of one TF op and returns its results."""


class Call:
    """One TF op: its operands, attributes and results, and the builder to write it with.

    A literal operand becomes a Const only when a row asks for it as a value, so that a shape
    that turns into an attribute leaves no dead node behind.

    Attributes:
        builder: What nodes are written with.
        op: The TF op type.
        name: The name that the main node gets.
        source: TF's op itself.
        operands: The data operands.
        results: The types that TF worked out.
    """

    def __init__(
        self,
        builder: Builder,
        op: Any,
        name: str,
        operands: Sequence[Operand],
        results: Sequence[TensorType],
    ) -> None:
        """A call of ``op``, whose data operands became ``operands``."""
        self.builder = builder
        self.op: str = op.type
        self.name = name
        self.operands = list(operands)
        self.results = tuple(results)
        self.source = op

    # -- reading ----------------------------------------------------------------------------

    def attr(self, name: str) -> Any:
        """An attribute as a plain value: str for bytes, dtype names, tuples for lists."""
        return plain(self.source.get_attr(name))

    def __len__(self) -> int:
        """How many operands there are."""
        return len(self.operands)

    def value(self, index: int, dtype: str | None = None) -> Value:
        """An operand as a value of the graph, cast to ``dtype`` where one is given."""
        operand = self.operands[index]
        if not isinstance(operand, Value):
            return materialise(self.builder, operand, dtype)
        if dtype is None or self.builder.type_of(operand).dtype == dtype:
            return operand
        return self.step("Cast", operand, to=dtype)

    def values(self) -> list[Value]:
        """Every operand as a value."""
        return [self.value(index) for index in range(len(self.operands))]

    def constant(self, index: int) -> np.ndarray | None:
        """The value of an operand that does not depend on the inputs, or None."""
        operand = self.operands[index]
        return operand.array if isinstance(operand, Literal) else None

    def ints(self, index: int) -> tuple[int, ...] | None:
        """A constant integer operand as a flat tuple, or None where it is computed."""
        found = self.constant(index)
        return None if found is None else tuple(int(item) for item in found.ravel())

    def partial(self, index: int) -> tuple[int | None, ...] | None:
        """An integer vector of which some elements may be computed: those are None."""
        whole = self.ints(index)
        if whole is not None:
            return whole
        operand = self.operands[index]
        found = self.builder.value_of(operand) if isinstance(operand, Value) else None
        if found is None or found.ndim != 1:
            return None
        return tuple(None if isinstance(n, str) else int(n) for n in found.tolist())

    def type(self, index: int) -> TensorType:
        """The type of an operand."""
        operand = self.operands[index]
        if isinstance(operand, Literal):
            return TensorType(dtype_of(operand.array), operand.array.shape)
        if isinstance(operand, Handle):
            return TensorType("resource", ())
        return UNKNOWN if isinstance(operand, Pending) else self.builder.type_of(operand)

    def rank(self, index: int) -> int | None:
        """The rank of an operand, or None."""
        return self.type(index).rank

    def int64(self, index: int) -> Value:
        """An integer operand as the int64 that ONNX wants of shapes, axes and counts."""
        found = self.constant(index)
        if found is not None:
            return self.const(found.astype(np.int64))
        return self.value(index, "int64")

    # -- writing ----------------------------------------------------------------------------

    def const(self, content: Any, dtype: str | None = None) -> Value:
        """A literal that the translation needs."""
        return self.builder.const(content, dtype, name=f"{self.name}.const")

    def step(self, op: str, *operands: Value | None, **attributes: Attribute) -> Value:
        """A node on the way to the result; its type is inferred, its name follows the op's."""
        return self.builder.op(op, *operands, name=f"{self.name}.{op.lower()}", **attributes)

    def emit(self, op: str, *operands: Value | None, **attributes: Attribute) -> Value:
        """The node that makes the op's result: it has the op's name and the type that TF gave.

        Where TF leaves a size open, ONNX's inference may know it from the inputs given.
        """
        wanted = self.results[0]
        if wanted.is_static:
            return self.builder.op(op, *operands, results=(wanted,), name=self.name, **attributes)
        made = self.builder.op(op, *operands, name=self.name, **attributes)
        merged = merge(wanted, self.builder.type_of(made))
        self.builder.graph.update_node(made.node, results=(merged,))
        return made

    def sizes(self, *dims: Dim) -> Value | None:
        """Sizes as a vector; a symbol is read off an input of the graph that has it.

        Returns:
            None where no input has a symbol as the size of an axis.
        """
        if all(isinstance(dim, int) for dim in dims):
            return self.const(list(dims))
        parts: list[Value] = []
        for dim in dims:
            if isinstance(dim, int):
                parts.append(self.const([dim]))
                continue
            place = self._axis(dim)
            if place is None:
                return None
            value, axis = place
            parts.append(self.step("Shape", value, start=axis, end=axis + 1))
        return self.step("Concat", *parts, axis=0)

    def _axis(self, symbol: str) -> tuple[Value, int] | None:
        """An input of the graph and an axis of it that has that size."""
        for name in self.builder.graph.inputs:
            shape = self.builder.type_of(Value(name)).shape or ()
            if symbol != "?" and symbol in shape:
                return Value(name), shape.index(symbol)
        return None

    def chain(self, value: Value, *steps: tuple[str, Sequence[Value], dict[str, Any]]) -> Value:
        """One node after another, each ``(op, further operands, attributes)``; the last is main."""
        if not steps:
            return self.emit("Identity", value)
        for op, operands, attributes in steps[:-1]:
            value = self.step(op, value, *operands, **attributes)
        op, operands, attributes = steps[-1]
        return self.emit(op, value, *operands, **attributes)

    def foreign(self) -> list[Value]:
        """The op as it is, in domain 'tf': typed and drawn, never rewritten."""
        first = self.builder.op(
            self.op,
            *self.values(),
            results=self.results,
            domain="tf",
            name=self.name,
            **attributes(self.source),
        )
        return [Value(first.node, index) for index in range(len(self.results))]


def materialise(builder: Builder, operand: Operand, dtype: str | None = None) -> Value:
    """An operand as a value of the graph: a literal is a Const, a resource a Param without one."""
    if isinstance(operand, Value):
        return operand
    if isinstance(operand, Handle):
        return builder.param(operand.name, TensorType("resource", ()))
    if isinstance(operand, Pending):
        is_ours = operand.builder is builder
        return operand.settle() if is_ours else builder.input("list", UNKNOWN)  # only tried out
    literal = operand
    if literal.array.dtype.kind in "OSU":
        texts = np.array(literal.array, dtype=object)
        name = builder.graph.add(
            Node(CONST, OURS, results=(TensorType("string", texts.shape),), scope=builder.scope),
            name=literal.name,
        )
        builder.graph.weights[name] = texts
        return Value(name)
    return builder.const(literal.array, dtype, name=literal.name)


def merge(given: TensorType, inferred: TensorType) -> TensorType:
    """What TF says of a type, its open sizes filled in from what ONNX's inference found."""
    dtype = given.dtype if given.dtype != UNDEFINED else inferred.dtype
    if given.shape is None or inferred.shape is None or given.rank != inferred.rank:
        return TensorType(dtype, inferred.shape if given.shape is None else given.shape)
    pairs = zip(given.shape, inferred.shape, strict=True)
    return TensorType(dtype, tuple(a if isinstance(a, int) else b for a, b in pairs))


def dtype_of(array: np.ndarray) -> str:
    """Our name of an array's dtype; arrays of bytes are strings."""
    return "string" if array.dtype.kind in "OSU" else str(array.dtype)


def attributes(op: Any) -> dict[str, Any]:
    """All attributes of a foreign op as plain values; a function is its name."""
    names = [name for name in op.node_def.attr if not name.startswith("_")]
    return {name: _held(op.get_attr(name)) for name in names}


def _held(value: Any) -> Any:
    """An attribute as a Node holds it; a message (a tensor) as its bytes."""
    value = plain(value)
    if value is None or isinstance(value, bool | int | float | str | tuple):
        return value
    return value.SerializeToString() if hasattr(value, "SerializeToString") else str(value)


def plain(value: Any) -> Any:
    """A TF attribute as a plain value: bytes as str, dtypes as names, lists as tuples."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    if hasattr(value, "base_dtype"):
        return value.base_dtype.name
    if hasattr(value, "dims") and hasattr(value, "rank"):
        return None if value.rank is None else tuple(-1 if d is None else d for d in value)
    if type(value).__name__ == "TensorShapeProto":
        return None if value.unknown_rank else tuple(dim.size for dim in value.dim)
    if type(value).__name__ == "NameAttrList":
        return function_title(value.name)
    return value
