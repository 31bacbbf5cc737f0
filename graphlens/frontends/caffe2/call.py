"""One Caffe2 op under translation: what a row of the op table reads and writes with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphlens.frontends.caffe2.proto import floats_of
from graphlens.ir.node import Attribute, Value
from graphlens.ops.build import Builder
from graphlens.tensor import UNKNOWN, Dim, TensorType

Row = Callable[["Call"], "Value | Sequence[Value | None] | None"]
"""A row of the op table: writes the nodes of one op and returns its results, None where it cannot
say what the op says."""


class Call:
    """One op of a net.

    Attributes:
        builder: What nodes are written with.
        type: The op's type.
        name: The name that the main node gets.
        operands: The values that it reads.
        outputs: How many blobs it writes.
        arguments: Its arguments as plain values.
    """

    def __init__(self, builder: Builder, proto: Any, name: str, operands: Sequence[Value]) -> None:
        """A call of the op in ``proto``, whose blobs became ``operands``."""
        self.builder = builder
        self.type: str = proto.type
        self.name = name
        self.operands = list(operands)
        self.outputs = len(proto.output)
        self.arguments = {each.name: plain(each) for each in proto.arg}

    # -- reading ----------------------------------------------------------------------------

    def int(self, name: str, usual: int = 0) -> int:
        """An integer argument."""
        found = self.arguments.get(name, usual)
        return int(found) if isinstance(found, int | float) else usual

    def float(self, name: str, usual: float = 0.0) -> float:
        """A floating-point argument."""
        found = self.arguments.get(name, usual)
        return float(found) if isinstance(found, int | float) else usual

    def ints(self, name: str) -> tuple[int, ...] | None:
        """A list of integers, or None where it is not given."""
        found = self.arguments.get(name)
        if isinstance(found, int):
            return (found,)
        return tuple(int(each) for each in found) if isinstance(found, tuple) else None

    @property
    def is_nhwc(self) -> bool:
        """Whether channels are the last axis."""
        return self.arguments.get("order") == "NHWC"

    @property
    def data_format(self) -> dict[str, Attribute]:
        """The attribute that says so."""
        return {"data_format": "NHWC"} if self.is_nhwc else {}

    def held(self, index: int) -> TensorType:
        """The type of an operand."""
        given = index < len(self.operands)
        return self.builder.type_of(self.operands[index]) if given else UNKNOWN

    def shape(self, index: int) -> tuple[Dim, ...] | None:
        """The shape of an operand, None where its rank is not known."""
        return self.held(index).shape

    # -- writing ----------------------------------------------------------------------------

    def const(self, content: Any, dtype: str | None = None) -> Value:
        """A literal that the translation needs."""
        return self.builder.const(content, dtype, name=f"{self.name}.const")

    def step(self, op: str, *operands: Value | None, **attributes: Attribute) -> Value:
        """A node on the way to the result."""
        return self.builder.op(op, *operands, name=f"{self.name}.{op.lower()}", **attributes)

    def emit(
        self, op: str, *operands: Value | None, results: int = 1, **attributes: Attribute
    ) -> Value:
        """The node that makes the op's result: it has the op's name."""
        return self.builder.op(op, *operands, results=results, name=self.name, **attributes)

    def foreign(self) -> list[Value]:
        """The op as it is, in domain 'caffe2': drawn, never rewritten."""
        first = self.builder.op(
            self.type,
            *self.operands,
            results=(UNKNOWN,) * self.outputs,
            domain="caffe2",
            name=self.name,
            **_named(self.arguments),
        )
        return [Value(first.node, index) for index in range(self.outputs)]


def _named(arguments: Mapping[str, Any]) -> dict[str, Attribute]:
    """Arguments that collide with no parameter of the builder."""
    return {f"{k}_" if k in ("results", "domain", "name", "regions") else k: v
            for k, v in arguments.items()}  # fmt: skip


def plain(argument: Any) -> Attribute:
    """An argument as a plain value: whichever of its fields is set."""
    for scalar in ("f", "i"):
        if argument.HasField(scalar):
            value = getattr(argument, scalar)
            return float(str(np.float32(value))) if scalar == "f" else value
    if argument.HasField("s"):
        return argument.s.decode("utf-8", "replace")
    if argument.floats:
        return tuple(float(str(each)) for each in floats_of(argument))
    if argument.ints:
        return tuple(argument.ints)
    if argument.strings:
        return tuple(each.decode("utf-8", "replace") for each in argument.strings)
    if argument.HasField("n"):
        return f"net {argument.n.name!r} of {len(argument.n.op)} ops"
    return ()
