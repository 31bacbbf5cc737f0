"""Arithmetic of sizes and numbers that are known when a graph runs only, as nodes.

torch keeps it as sympy expressions, with functions of its own for what Python means by ``//``,
``%``, ``**`` and so on (``torch/utils/_sympy/functions.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import torch

from graphlens.frontends.torch.call import Call
from graphlens.ir.node import Value
from graphlens.tensor import TensorType


class Parts(NamedTuple):
    """What an expression is computed of.

    Attributes:
        args: Its arguments, as sympy has them.
        value: The value of one of them.
        call: What writes the nodes.
        rank: The axes of the result: a scalar, or a vector of one element.
        sizes: Whether it is made of sizes alone, none of which is negative.
    """

    args: tuple[Any, ...]
    value: Callable[[Any], Value]
    call: Call
    rank: int
    sizes: bool

    def values(self) -> list[Value]:
        """Its arguments' values in one dtype, the widest of theirs."""
        made = [self.value(one) for one in self.args]
        dtypes = [self.call.dtype(one) for one in made]
        wide = any(dtype.startswith(("float", "bfloat")) for dtype in dtypes)
        return self.cast(made, "float64" if wide else "int64")

    def cast(self, values: Sequence[Value], dtype: str) -> list[Value]:
        """Values in a dtype."""
        return [self.call.cast(one, dtype) for one in values]

    def step(self, op: str, *operands: Value, dtype: str = "") -> Value:
        """A node, its result of the operands' dtype or of another."""
        types = [self.call.type(one) for one in operands]
        shape = max((one.shape or () for one in types), key=len)
        return self.call.step(op, *operands, type=TensorType(dtype or types[0].dtype, shape))

    def number(self, number: float | bool, dtype: str) -> Value:
        """A constant as the others are."""
        return self.call.const(np.full((1,) * self.rank, number, dtype))


_Write = Callable[[Parts], Value]


def written(expression: Any, parts: Parts) -> Value | None:
    """An expression's value; None if it has something that has no nodes."""
    if expression.is_number and not expression.args:
        return _constant(expression, parts)
    kind = type(expression).__name__
    write = _OPERATIONS.get(kind)
    if write is None and kind.startswith(_OPAQUE):
        write = _OPAQUE_OPERATIONS.get(kind.removeprefix(_OPAQUE))
    return write(parts) if write is not None else None


def dtype_of(number: Any) -> str:
    """The dtype that holds a symbolic number as Python does."""
    if isinstance(number, torch.SymBool):
        return "bool"
    return "float64" if isinstance(number, torch.SymFloat) else "int64"


def _constant(expression: Any, parts: Parts) -> Value:
    if expression.is_Boolean:
        return parts.number(bool(expression), "bool")
    if expression.is_Integer:
        return parts.number(int(expression), "int64")
    return parts.number(float(expression), "float64")


def _folded(op: str) -> _Write:
    return lambda parts: reduce(lambda a, b: parts.step(op, a, b), parts.values())


def _floor_divided(parts: Parts) -> Value:
    """Python rounds down, ONNX's division of integers towards zero; of sizes that is the same."""
    one, other = parts.values()
    if parts.sizes:
        return parts.step("Div", one, other)
    return parts.step("Div", parts.step("Sub", one, parts.step("Mod", one, other)), other)


def _modular(parts: Parts) -> Value:
    """ModularIndexing(x, by, size): x // by % size, of sizes."""
    one, by, size = parts.values()
    return parts.step("Mod", parts.step("Div", one, by), size)


def _in_floats(op: str) -> _Write:
    def write(parts: Parts) -> Value:
        return parts.step(op, *parts.cast([parts.value(one) for one in parts.args], "float64"))

    return write


def _rounded(op: str) -> _Write:
    def write(parts: Parts) -> Value:
        held = parts.cast([parts.value(parts.args[0])], "float64")[0]
        return parts.call.cast(parts.step(op, held) if op else held, "int64")

    return write


def _log2(parts: Parts) -> Value:
    natural = _in_floats("Log")(parts)
    return parts.step("Div", natural, parts.number(float(np.log(2)), "float64"))


def _compared(op: str, negated: bool = False) -> _Write:
    def write(parts: Parts) -> Value:
        made = parts.step(op, *parts.values(), dtype="bool")
        return parts.step("Not", made) if negated else made

    return write


def _logical(op: str) -> _Write:
    def write(parts: Parts) -> Value:
        held = parts.cast([parts.value(one) for one in parts.args], "bool")
        return reduce(lambda a, b: parts.step(op, a, b), held)

    return write


def _negated(parts: Parts) -> Value:
    return parts.step("Not", *parts.cast([parts.value(parts.args[0])], "bool"))


def _piecewise(parts: Parts) -> Value:
    """The first value whose condition holds; the last one's always does."""
    *cases, last = parts.args
    held = parts._replace(args=(*(case.args[0] for case in cases), last.args[0])).values()
    made = held[-1]
    for case, value in zip(reversed(cases), reversed(held[:-1]), strict=True):
        condition = parts.cast([parts.value(case.args[1])], "bool")[0]
        made = parts.step("Where", condition, value, made, dtype=parts.call.dtype(made))
    return made


_OPERATIONS: dict[str, _Write] = {
    "Add": _folded("Add"),
    "Mul": _folded("Mul"),
    "Max": _folded("Max"),
    "Min": _folded("Min"),
    "FloorDiv": _floor_divided,
    "CleanDiv": _folded("Div"),
    "IntTrueDiv": _in_floats("Div"),
    "FloatTrueDiv": _in_floats("Div"),
    "Mod": _folded("Mod"),
    "PythonMod": _folded("Mod"),
    "ModularIndexing": _modular,
    "Pow": _folded("Pow"),
    "PowByNatural": _folded("Pow"),
    "FloatPow": _in_floats("Pow"),
    "ToFloat": _in_floats("Identity"),
    "Abs": lambda parts: parts.step("Abs", *parts.values()),
    "TruncToInt": _rounded(""),
    "FloorToInt": _rounded("Floor"),
    "CeilToInt": _rounded("Ceil"),
    "RoundToInt": _rounded("Round"),
    "Equality": _compared("Equal"),
    "Unequality": _compared("Equal", negated=True),
    "StrictLessThan": _compared("Less"),
    "LessThan": _compared("LessOrEqual"),
    "StrictGreaterThan": _compared("Greater"),
    "GreaterThan": _compared("GreaterOrEqual"),
    "And": _logical("And"),
    "Or": _logical("Or"),
    "Not": _negated,
    "Piecewise": _piecewise,
}
_OPAQUE = "OpaqueUnaryFn_"
_OPAQUE_OPERATIONS: dict[str, _Write] = {
    "log2": _log2,
    **{
        name: _in_floats(name.capitalize())
        for names in ("sqrt exp log", "sin cos tan asin acos atan", "sinh cosh tanh asinh")
        for name in names.split(" ")
    },
}
