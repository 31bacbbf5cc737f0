"""Where complex tensors meet what knows no pairs: inputs, outputs, ops that ONNX lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphlens.frontends.torch.complex import FLOATS, paired
from graphlens.ir.node import Value
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

_SEVERAL = (list, tuple)
_COMPLEX = {real: dtype for dtype, real in FLOATS.items()}


class Pairs:
    """Which values of a graph are pairs that stand for complex tensors.

    Attributes:
        values: Those values.
    """

    def __init__(self, build: Builder) -> None:
        """None yet in the graph that ``build`` adds to."""
        self.values: set[Value] = set()
        self._build = build
        self._spelt: dict[Value, Value] = {}

    def concerns(self, one: Any) -> bool:
        """Whether an argument or type is or has a complex tensor."""
        kind = type(one)
        if kind is Value:
            return one in self.values or self._build.type_of(one).dtype in FLOATS
        if kind is TensorType:
            return one.dtype in FLOATS
        return isinstance(one, _SEVERAL) and any(map(self.concerns, one))

    def type_of(self, value: Value) -> TensorType:
        """The type of the tensor that a value stands for."""
        held = self._build.type_of(value)
        if value not in self.values:
            return held
        return TensorType(_COMPLEX[held.dtype], None if held.shape is None else held.shape[:-1])

    def take(self, values: Sequence[Value], types: Sequence[TensorType]) -> list[Value]:
        """Note which results of an op are pairs, by the types that torch gives them."""
        for value, held in zip(values, types, strict=True):
            if held.dtype in FLOATS:
                self.values.add(value)
        return list(values)

    def forget(self, names: Sequence[str]) -> None:
        """Values of these nodes are no more; others may get their names."""
        gone = frozenset(names)
        self.values = {value for value in self.values if value.node not in gone}
        kept = self._spelt.items()
        self._spelt = {a: b for a, b in kept if a.node not in gone and b.node not in gone}

    def paired(self, one: Any) -> Any:
        """An argument with complex tensors as pairs."""
        if isinstance(one, Value):
            return self._as_pair(one) if self._build.type_of(one).dtype in FLOATS else one
        return [self.paired(part) for part in one] if isinstance(one, list | tuple) else one

    def whole(self, one: Any) -> Any:
        """An argument with pairs as complex tensors."""
        if isinstance(one, Value):
            return self._as_complex(one) if one in self.values else one
        return [self.whole(part) for part in one] if isinstance(one, list | tuple) else one

    def _as_pair(self, value: Value) -> Value:
        if value not in self._spelt:
            made = self._op("view_as_real", value, paired(self._build.type_of(value)))
            self._link(value, made)
        return self._spelt[value]

    def _as_complex(self, value: Value) -> Value:
        if value not in self._spelt:
            self._link(self._op("view_as_complex", value, self.type_of(value)), value)
        return self._spelt[value]

    def _link(self, whole: Value, pair: Value) -> None:
        self._spelt[whole], self._spelt[pair] = pair, whole
        self.values.add(pair)

    def _op(self, op: str, value: Value, held: TensorType) -> Value:
        return self._build.op(
            op, value, results=[held], domain="aten", name=f"{value.node}.{op}", operands=("self",)
        )
