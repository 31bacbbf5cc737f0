"""What exporters write where a type or a list was not known yet, as the plain ops meant."""

from __future__ import annotations

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.rewrite import Match, Rule, const, op, scalar, var
from graphlens.tensor import UNDEFINED


def _cast(m: Match, b: Builder) -> Value:
    held = m.type("like").dtype
    if m.type("x").dtype == held:
        return m["x"]
    return b.op("Cast", m["x"], to=held, results=[m.type("x").with_dtype(held)], name=m.root)


def _parts(m: Match) -> list[int] | None:
    """Sizes of the pieces of a SplitToSequence, None where they are not known."""
    shape, given = m.type("x").shape, m.array("sizes")
    axis = m.attribute("axis", "list")
    if shape is None or given is None or not isinstance(axis, int):
        return None
    whole = shape[axis]
    if given.ndim == 1:
        return [int(size) for size in given]
    step = int(given)
    if not isinstance(whole, int) or step <= 0:
        return None
    return [min(step, whole - start) for start in range(0, whole, step)]


def _piece(m: Match, b: Builder) -> Value | None:
    """One result of a Split; the Splits of the other pieces are merged with it later."""
    sizes, shape = _parts(m), m.type("x").shape
    axis, index = m.attribute("axis", "list"), int(m.number("index"))
    if sizes is None or shape is None or not isinstance(axis, int) or not sizes:
        return None
    if not -len(sizes) <= index < len(sizes):
        return None
    axis %= len(shape)
    held = m.type("x")
    results = [held.with_shape((*shape[:axis], size, *shape[axis + 1 :])) for size in sizes]
    split = b.const(np.array(sizes, np.int64), name="sizes")
    made = b.op("Split", m["x"], split, axis=axis, results=results, name=m["list"].node)
    return Value(made.node, index % len(sizes))


EXPORTER = (
    Rule(
        "cast-like",
        op("CastLike", var("x"), var("like")),
        _cast,
        when=lambda m: UNDEFINED not in (m.type("x").dtype, m.type("like").dtype),
        comment="CastLike(x, y) -> Cast(x, to=dtype of y), or x where it has that dtype",
    ),
    Rule(
        "piece-of-sequence",
        op(
            "SequenceAt",
            op(
                "SplitToSequence",
                var("x"),
                const("sizes"),
                keepdims=1,
                name="list",
                kept=True,
            ),
            scalar(name="index"),
        ),
        _piece,
        when=lambda m: _parts(m) is not None,
        comment="SequenceAt(SplitToSequence(x, sizes), i) -> Split(x, sizes) @ i",
    ),
)
"""Rules for what torch's and other exporters leave unsettled."""
