"""Symbolic sizes and numbers: their names, and the nodes that work them out as a graph runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from graphlens.errors import CaptureError
from graphlens.frontends.torch.arithmetic import Parts, dtype_of, written
from graphlens.frontends.torch.call import Call
from graphlens.frontends.torch.types import type_of
from graphlens.ir.node import Value
from graphlens.tensor import UNKNOWN, TensorType

_ONE = TensorType("int64", (1,))


class Symbols:
    """Where each symbol of a captured program comes from.

    A symbol is the size of some tensor's axis (an input's, or one of a result whose size depends
    on data), or what a tensor of one element held when the program asked for its value.

    Attributes:
        names: The name that each symbol gets in types, by torch's own.
    """

    def __init__(self) -> None:
        """No symbols yet."""
        self.names: dict[str, str] = {}
        self._spelt: dict[str, Any] = {}
        self._places: dict[str, tuple[Value, int]] = {}
        self._numbers: dict[str, Value] = {}
        self._made: dict[tuple[str, int], Value] = {}
        self._here: set[str] = set()

    def inner(self, same_graph: bool) -> Symbols:
        """Those of a function of the program that is called here, or of a body, another graph.

        A function called twice has the same symbols for other values: what it notes is for it
        alone, and goes before what was noted around it.
        """
        made = Symbols()
        made.names, made._spelt = self.names, self._spelt
        if same_graph:
            made._places, made._numbers = dict(self._places), dict(self._numbers)
        return made

    def declare(self, value: Value, tensor: Any, wanted: Mapping[int, str] | None = None) -> None:
        """Note the symbolic sizes of a value, with the names that the user gave its axes.

        Args:
            value: The value.
            tensor: The fake tensor that it was in the program.
            wanted: Names by axis.
        """
        for axis, size in enumerate(tensor.shape):
            for symbol in self._new(size):
                self._places[symbol] = value, axis
                if wanted and wanted.get(axis):
                    self.names.setdefault(symbol, wanted[axis])

    def tell(self, number: Any, value: Value) -> None:
        """Note that a number of the program is what a tensor of one element holds."""
        for symbol in self._new(number):
            self._numbers[symbol] = value

    def _new(self, number: Any) -> list[str]:
        """The symbols that a number is and that were not noted here before."""
        found = [symbol for symbol in _symbols(number) if symbol not in self._here]
        for symbol in found:
            self._here.add(symbol)
            self._places.pop(symbol, None)
            self._numbers.pop(symbol, None)
        return found

    def forget(self, names: Sequence[str]) -> None:
        """These nodes are no more."""
        gone = set(names)
        for held in (self._numbers, self._made):
            for key in [key for key, value in held.items() if value.node in gone]:
                del held[key]
        for key in [key for key, (value, _) in self._places.items() if value.node in gone]:
            del self._places[key]
        self._here &= self._places.keys() | self._numbers.keys()

    def size(self, size: Any, call: Call) -> Value:
        """A symbolic size, or the spelling of one in a type, as an int64 vector of one element."""
        expression = self._spelt[size] if isinstance(size, str) else size.node.expr
        made = self._value(expression, call, 1)
        if call.type(made) == _ONE:
            return made
        flat = call.step("Reshape", made, call.const([1]), type=call.type(made).with_shape((1,)))
        return call.cast(flat, "int64")

    def number(self, number: Any, dtype: str | None, call: Call) -> Value:
        """A symbolic number as a scalar, of its own dtype if no other is asked for."""
        made = self._value(number.node.expr, call, 0)
        if call.shape(made):
            none = call.const(np.zeros(0, np.int64))
            made = call.step("Reshape", made, none, type=call.type(made).with_shape(()))
        return call.cast(made, dtype or dtype_of(number))

    def _value(self, expression: Any, call: Call, rank: int) -> Value:
        """An expression's value: a scalar where it is made of numbers alone, else a vector of one.

        Args:
            expression: A sympy expression.
            call: What writes the nodes.
            rank: The axes of a constant, which agree with what it is computed with.
        """
        key = str(expression), rank if expression.is_number else -1
        if key not in self._made:
            self._made[key] = self._make(expression, call, rank)
        return self._made[key]

    def _make(self, expression: Any, call: Call, rank: int) -> Value:
        if expression.is_Symbol:
            return self._symbol(str(expression), call)
        free = {str(one) for one in expression.free_symbols}
        rank = rank if not free else int(not free <= self._numbers.keys())
        parts = Parts(
            tuple(expression.args),
            lambda one: self._value(one, call, rank),
            call,
            rank,
            not free & self._numbers.keys(),
        )
        made = written(expression, parts)
        if made is None:
            raise CaptureError(f"{call.op}: {expression} cannot be computed in the graph")
        return made

    def _symbol(self, symbol: str, call: Call) -> Value:
        held = self._numbers.get(symbol)
        if held is not None:
            shape = call.type(held).shape
            none = call.const(np.zeros(0, np.int64)) if shape != () else None
            flat = call.type(held).with_shape(())
            return held if none is None else call.step("Reshape", held, none, type=flat)
        if symbol not in self._places:
            raise CaptureError(f"{call.op}: no value of the graph tells what {symbol} is")
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


def _symbols(number: Any) -> list[str]:
    """The symbols that a number is, as it was made and as torch has since found it to be."""
    if not isinstance(number, torch.SymInt | torch.SymFloat | torch.SymBool):
        return []
    node = number.node
    found = [_unwrapped(one) for one in (node.expr, node._expr)]
    return [str(one) for one in found if one.is_Symbol]


def _unwrapped(expression: Any) -> Any:
    """The symbol behind the truth of a value: torch keeps it as ``Eq(symbol, 1)``."""
    if type(expression).__name__ == "Equality" and expression.args[1] == 1:
        return expression.args[0]
    return expression
