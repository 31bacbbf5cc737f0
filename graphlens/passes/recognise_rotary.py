"""Rotary position embeddings written out, as ONNX's RotaryEmbedding."""

from __future__ import annotations

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.rewrite import Match, OpPattern, Rule, const, op, optional, var


def _half(name: str) -> OpPattern:
    """A stretch of x along one axis; ``fits`` looks at which."""
    parts = (const(f"{name}.{part}") for part in ("from", "to", "axis"))
    return op("Slice", var("x"), *parts, optional(const(f"{name}.step")))


_ROTATED = op("Concat", op("Neg", _half("second")), _half("first"), name="rotated")


def _table(m: Match, name: str) -> np.ndarray | None:
    """A table of sines as [batch, sequence, size / 2]; None if it is not the same half twice."""
    array, shape = m.array(name), m.type("x").shape
    if array is None or shape is None or not all(isinstance(size, int) for size in shape):
        return None
    batch, _, length, size = (int(dim) for dim in shape)
    if array.shape[-2:] != (length, size) or any(dim != 1 for dim in array.shape[:-2]):
        return None
    low, high = np.split(array.reshape(length, size), 2, axis=-1)
    if not np.array_equal(low, high):
        return None
    return np.ascontiguousarray(np.broadcast_to(low, (batch, length, size // 2)))


def _is_half(m: Match, name: str, start: int, stop: int) -> bool:
    """Whether a Slice takes the elements from start to stop of the last axis, one by one."""
    found = [m.array(f"{name}.{part}") for part in ("from", "to", "axis")]
    step = m.array(f"{name}.step")
    if any(array is None or array.size != 1 for array in found):
        return False
    first, last, axis = (int(array.reshape(())) for array in found if array is not None)
    ends = last == stop or (start > 0 and last > stop)
    return first == start and ends and axis in (-1, 3) and (step is None or bool(np.all(step == 1)))


def _fits(m: Match) -> bool:
    shape = m.type("x").shape
    if shape is None or len(shape) != 4 or m.type() != m.type("x"):
        return False
    size = shape[-1]
    if not isinstance(size, int) or size % 2 or m.attribute("axis", "rotated") not in (-1, 3):
        return False
    halves = _is_half(m, "first", 0, size // 2) and _is_half(m, "second", size // 2, size)
    return halves and _table(m, "cos") is not None and _table(m, "sin") is not None


def _embedding(m: Match, b: Builder) -> Value | None:
    cos, sin = _table(m, "cos"), _table(m, "sin")
    if cos is None or sin is None:
        return None
    tables = b.const(cos, name="rotary.cos"), b.const(sin, name="rotary.sin")
    return b.op("RotaryEmbedding", m["x"], *tables, results=[m.type()], name=m.root)


ROTARY = (
    Rule(
        "rotary-embedding",
        op("Add", op("Mul", var("x"), const("cos")), op("Mul", _ROTATED, const("sin"))),
        _embedding,
        when=_fits,
        comment="x * cos + Concat(-x[half:], x[:half]) * sin -> RotaryEmbedding(x, cos, sin)",
    ),
)
"""Rules for rotary embeddings whose tables are known."""
