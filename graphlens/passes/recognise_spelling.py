"""The usual spellings of small sub-expressions, as patterns that the recognising rules share."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from graphlens.ir import Node, Value
from graphlens.ops.build import Builder
from graphlens.rewrite import Match, OpPattern, Pattern, const, either, op
from graphlens.rewrite.pattern import Leaf, Predicate
from graphlens.tensor import TensorType


def number(value: float) -> Leaf:
    """A known constant of one element that is ``value`` but for the rounding of its dtype."""

    def fits(held: TensorType, array: np.ndarray | None) -> bool:
        if array is None or array.size != 1 or array.dtype.kind not in "biufV":
            return False
        slack = 1e-6
        if held.is_floating:
            slack = max(slack, 2 * float(ml_dtypes.finfo(array.dtype).eps))
        return bool(abs(float(array.reshape(())) - value) <= slack * abs(value))

    return const(when=fits)


def products(first: Pattern, second: Pattern, third: Pattern) -> tuple[OpPattern, ...]:
    """The product of three factors, however it is bracketed."""
    return (
        op("Mul", op("Mul", first, second), third),
        op("Mul", op("Mul", first, third), second),
        op("Mul", op("Mul", second, third), first),
    )


def square(x: Pattern) -> Pattern:
    """``Pow(x, 2)`` or ``Mul(x, x)``."""
    return either(op("Mul", x, x), op("Pow", x, number(2)))


def cube(x: Pattern) -> Pattern:
    """``Pow(x, 3)`` or two products."""
    return either(op("Pow", x, number(3)), op("Mul", op("Mul", x, x), x))


def scaled(x: Pattern, by: float) -> Pattern:
    """``Mul(x, by)`` or ``Div(x, 1 / by)``."""
    return either(op("Mul", x, number(by)), op("Div", x, number(1 / by)))


def rsqrt(x: Pattern) -> Pattern:
    """One over the square root of x."""
    root = either(op("Sqrt", x), op("Pow", x, number(0.5)))
    return either(
        op("Reciprocal", root),
        op("Div", number(1), root),
        op("Pow", x, number(-0.5)),
        op("Sqrt", op("Reciprocal", x)),
    )


def divided_by_root(x: Pattern, of: Pattern) -> tuple[OpPattern, ...]:
    """``x / sqrt(of)``, as a quotient or as a product."""
    root = either(op("Sqrt", of), op("Pow", of, number(0.5)))
    return op("Div", x, root), op("Mul", x, rsqrt(of))


def all_equal(value: float) -> Predicate:
    """Whether a constant holds nothing but ``value``."""

    def fits(_: TensorType, array: np.ndarray | None) -> bool:
        return array is not None and array.dtype.kind in "fV" and bool(np.all(array == value))

    return fits


def trailing_axes(m: Match, axes: str, x: str) -> int | None:
    """The first of the axes that something was reduced over, negative, if they are the last."""
    array, rank = m.array(axes), m.type(x).rank
    if array is None or rank is None or not array.size:
        return None
    found = sorted(int(axis) % rank for axis in array.reshape(-1))
    return found[0] - rank if found == list(range(found[0], rank)) else None


def trailing_shape(m: Match, axis: int, x: str) -> tuple[int, ...] | None:
    """The sizes of the last axes of a value from ``axis`` (negative) on, None if not all known."""
    shape = m.type(x).shape
    if shape is None:
        return None
    sizes = tuple(size for size in shape[axis:] if isinstance(size, int))
    return sizes if len(sizes) == -axis else None


def given(node: Node) -> dict[str, Any]:
    """A node's attributes as a Builder takes them."""
    return dict(node.attributes)


def filled(b: Builder, value: float, shape: tuple[int, ...], dtype: str) -> Value:
    """A Const of that shape that holds nothing but ``value``."""
    return b.const(np.full(shape, value, np.dtype(dtype)), name="ones" if value else "zeros")
