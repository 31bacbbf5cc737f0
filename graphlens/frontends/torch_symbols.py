"""Symbolic sizes: their names, and the nodes that work them out from the inputs' shapes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import torch

from graphlens.errors import CaptureError
from graphlens.frontends.torch_call import Call
from graphlens.frontends.torch_types import type_of
from graphlens.ir.node import Value
from graphlens.tensor import UNKNOWN, TensorType

_ONE = TensorType("int64", (1,))
_FOLDED = {"Add": "Add", "Mul": "Mul", "Max": "Max", "Min": "Min"}
_PAIRED = {
    "FloorDiv": "Div",
    "CleanDiv": "Div",
    "IntTrueDiv": "Div",
    "Mod": "Mod",
    "PythonMod": "Mod",
    "Pow": "Pow",
    "PowByNatural": "Pow",
}


class Symbols:
    """Where each symbol of a captured program comes from.

    Attributes:
        names: The name that each symbol gets in types, by torch's own.
    """

    def __init__(self) -> None:
        """No symbols yet."""
        self.names: dict[str, str] = {}
        self._places: dict[str, tuple[Value, int]] = {}
        self._made: dict[str, Value] = {}
        self._spelt: dict[str, Any] = {}

    def declare(self, value: Value, tensor: Any, wanted: Mapping[int, str]) -> None:
        """Note the symbolic sizes of an input, with the names that the user gave its axes."""
        for axis, size in enumerate(tensor.shape):
            if isinstance(size, torch.SymInt) and size.node.expr.is_Symbol:
                symbol = str(size.node.expr)
                self._places.setdefault(symbol, (value, axis))
                if wanted.get(axis):
                    self.names.setdefault(symbol, wanted[axis])

    def size(self, size: Any, call: Call) -> Value:
        """A symbolic size, or the spelling of one in a type, as an int64 vector of one element."""
        expression = self._spelt[size] if isinstance(size, str) else size.node.expr
        return self._value(expression, call)

    def _value(self, expression: Any, call: Call) -> Value:
        key = str(expression)
        if key not in self._made:
            self._made[key] = self._make(expression, call)
        return self._made[key]

    def _make(self, expression: Any, call: Call) -> Value:
        if expression.is_Integer:
            return call.const(np.array([int(expression)], np.int64))
        if expression.is_Symbol:
            return self._dimension(str(expression), call)
        kind = type(expression).__name__
        parts = [self._value(part, call) for part in expression.args]
        if kind in _FOLDED:
            return reduce(lambda a, b: call.step(_FOLDED[kind], a, b, type=_ONE), parts)
        if kind in _PAIRED:
            return call.step(_PAIRED[kind], *parts, type=_ONE)
        raise CaptureError(f"{call.op}: the size {expression} cannot be computed in the graph")

    def _dimension(self, symbol: str, call: Call) -> Value:
        if symbol not in self._places:
            raise CaptureError(
                f"{call.op}: the size {symbol} depends on data (no input has it as a dimension)"
            )
        value, axis = self._places[symbol]
        return call.step("Shape", value, type=_ONE, start=axis, end=axis + 1)

    def type_of(self, tensor: Any) -> TensorType:
        """The type of a fake tensor, its symbolic sizes spelt with the symbols' names."""
        if not isinstance(tensor, torch.Tensor):
            return UNKNOWN
        held = type_of(tensor, self.names)
        if not held.is_static:
            for dim, size in zip(held.shape or (), tensor.shape, strict=True):
                if isinstance(dim, str):
                    self._spelt.setdefault(dim, size.node.expr)
        return held
