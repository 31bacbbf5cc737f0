"""Rules for moves and views that leave every element where it was, or that another undoes."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.rewrite import Match, Rule, const, op, optional, rest, var
from graphlens.tensor import TensorType


def same_shape(a: TensorType, b: TensorType) -> bool:
    """Whether two types of as many elements are certainly of one shape.

    One dimension may be unknown: the number of elements settles it.
    """
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        return False
    differ = [(x, y) for x, y in zip(a.shape, b.shape, strict=True) if x != y or "?" in (x, y)]
    unsettled = [pair for pair in differ if not all(isinstance(dim, int) for dim in pair)]
    return len(differ) == len(unsettled) <= 1 and (not unsettled or 0 not in a.shape)


def _x(m: Match, _: Builder) -> Value:
    return m["x"]


def _keeps_shape(m: Match) -> bool:
    """Whether the root's shape is x's, every dimension known to be equal."""
    a, b = m.type("x"), m.type()
    return a.shape is not None and a.shape == b.shape and "?" not in a.shape


def _order(m: Match, name: str = "") -> tuple[int, ...]:
    """A Transpose's permutation; reversed axes where none is given."""
    given: Any = m.attribute("perm", name)
    rank = len(m.type(name).shape or ())
    return tuple(given) if given is not None else tuple(reversed(range(rank)))


def _transpose_once(m: Match, b: Builder) -> Value:
    first, second = _order(m, "inner"), _order(m)
    order = tuple(first[axis] for axis in second)
    if order == tuple(range(len(order))):
        return m["x"]
    return b.op("Transpose", m["x"], perm=order, results=[m.type()], name=m.root)


def reshape_target(held: TensorType, read: TensorType | None = None) -> tuple[int, ...] | None:
    """The shape operand that reshapes to a type, None where no constant one can say it.

    Args:
        held: The wanted type. An unknown dimension is written -1 if it is the only one.
        read: The operand's type: an unknown dimension that both have in the same place is
            written 0 (taken over) if there are several.
    """
    if held.shape is None or (0 in held.shape and not held.is_static):
        return None
    shape = list(held.shape)
    if sum(isinstance(dim, str) for dim in shape) > 1 and read is not None:
        for axis, (dim, own) in enumerate(zip(shape, read.shape or (), strict=False)):
            if isinstance(dim, str) and dim == own and dim != "?":
                shape[axis] = 0
    if sum(isinstance(dim, str) for dim in shape) > 1:
        return None
    return tuple(dim if isinstance(dim, int) else -1 for dim in shape)


def _reshape_once(m: Match, b: Builder) -> Value | None:
    """Reshape from the first shape to the last.

    A shape with a 0 (take that dimension of the operand) speaks of the middle one, so that it
    must be written anew, which takes that at most one dimension is unknown.
    """
    wanted = m.array("shape")
    if wanted is not None and 0 in wanted:
        target = reshape_target(m.type(), m.type("x"))
        if target is None:
            return None
        return b.op("Reshape", m["x"], b.const(target, "int64"), results=[m.type()], name=m.root)
    if wanted is None and m.type().shape != () and m.attribute("allowzero") == 0:
        return None
    return b.op("Reshape", m["x"], m["shape"], results=[m.type()], name=m.root)


def _is_zero_pad(m: Match) -> bool:
    pads = m.array("pads")
    return pads is not None and not np.any(pads)


def _whole(m: Match) -> bool:
    """Whether a Slice with steps of 1 takes everything, as equal shapes say."""
    steps = m.array("steps")
    forward = m.get("steps") is None or (steps is not None and bool(np.all(steps == 1)))
    return forward and _keeps_shape(m)


def _filled_parts(m: Match) -> list[Value | None]:
    """The operands of a Concat that are not surely empty along its axis."""
    axis: Any = m.attribute("axis")
    shapes = [m.graph.type_of(v).shape if v else None for v in m.all("parts")]
    empty = [shape is not None and bool(shape) and shape[axis] == 0 for shape in shapes]
    kept = [value for value, none in zip(m.all("parts"), empty, strict=True) if not none]
    return kept or list(m.all("parts")[:1])


def _concat_filled(m: Match, b: Builder) -> Value:
    first, *more = _filled_parts(m)
    if not more and first is not None:
        return first
    return b.op("Concat", first, *more, results=m.node().results, name=m.root, **m.attributes())


def _all_ones(_: TensorType, array: np.ndarray | None) -> bool:
    return array is not None and bool(np.all(array == 1))


MOVES = (
    Rule(
        "transpose-nothing",
        op("Transpose", var("x")),
        _x,
        when=lambda m: m.type().shape is not None and _order(m) == tuple(range(m.type().rank or 0)),
        comment="Transpose(x, perm=[0, 1, 2]) -> x",
    ),
    Rule(
        "transpose-of-transpose",
        op("Transpose", op("Transpose", var("x"), name="inner", kept=True)),
        _transpose_once,
        when=lambda m: m.type().shape is not None and m.type("inner").shape is not None,
        comment="Transpose(Transpose(x)) -> Transpose(x), or x",
    ),
    Rule(
        "reshape-to-same",
        op("Reshape", var("x"), var()),
        _x,
        when=lambda m: same_shape(m.type("x"), m.type()),
        comment="Reshape(x, shape of x) -> x",
    ),
    Rule(
        "reshape-of-reshape",
        op("Reshape", op("Reshape", var("x"), var(), kept=True), var("shape")),
        _reshape_once,
        comment="Reshape(Reshape(x, a), b) -> Reshape(x, b)",
    ),
    Rule(
        "view-of-same",
        op(("Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile"), var("x"), rest("more")),
        _x,
        when=_keeps_shape,
        comment="Expand(x, shape of x) -> x, Flatten of a matrix -> x ...",
    ),
    Rule(
        "tile-once",
        op("Tile", var("x"), const(when=_all_ones)),
        _x,
        comment="Tile(x, [1, 1]) -> x",
    ),
    Rule(
        "pad-nothing",
        op("Pad", var("x"), var("pads"), rest("more")),
        _x,
        when=_is_zero_pad,
        comment="Pad(x, [0, 0, 0, 0]) -> x",
    ),
    Rule(
        "slice-all",
        op("Slice", var("x"), var(), var(), optional(var()), optional(var("steps"))),
        _x,
        when=_whole,
        comment="Slice(x, 0, size) -> x",
    ),
    Rule(
        "concat-empty",
        op("Concat", rest("parts")),
        _concat_filled,
        when=lambda m: len(_filled_parts(m)) < len(m.all("parts")) or len(m.all("parts")) == 1,
        comment="Concat(x, empty) -> x, Concat(x, y, empty) -> Concat(x, y)",
    ),
    Rule(
        "split-in-one",
        op("Split", var("x"), rest("sizes")),
        _x,
        when=lambda m: len(m.node().results) == 1,
        comment="Split(x) into one -> x",
    ),
)
"""Transpose, Reshape, Expand, Tile, Pad, Slice and Split that move nothing."""
