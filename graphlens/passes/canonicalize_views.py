"""Rules that bring views to one form: Reshape, and Transpose and linear layers between two."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.passes.eliminate_moves import reshape_target
from graphlens.rewrite import Match, Rule, either, op, param, rest, var
from graphlens.tensor import TensorType


def reshaped(b: Builder, value: Value, held: TensorType, name: str = "") -> Value | None:
    """``value`` under another shape, None where a constant shape cannot say it."""
    read = b.type_of(value)
    if read.shape == held.shape and held.shape is not None and "?" not in held.shape:
        return value
    target = reshape_target(held, read)
    if target is None:
        return None
    return b.op(
        "Reshape",
        value,
        b.const(target, "int64", name="shape"),
        allowzero=1 if held.is_static and 0 in target else None,
        results=[held],
        name=name,
    )


def rebuilt(m: Match, b: Builder, *operands: Value | None, **changes: Any) -> Value:
    """The root's node over again with other operands, and some attributes changed."""
    node = m.node()
    attributes: dict[str, Any] = {**m.attributes(), **changes}
    return b.op(
        node.op, *operands, domain=node.domain, results=node.results, name=m.root, **attributes
    )


def _linear_fits(m: Match) -> bool:
    """Whether a Reshape after a linear layer only splits the rows that one before it joined."""
    made, read = m.type().shape, m.type("x").shape
    weight = m.type("w").rank
    bias = m.type("b").rank if "b" in m else 0
    if made is None or read is None or not made or weight != 2 or bias not in (0, 1):
        return False
    columns = (m.type("product").shape or ("?",))[-1]
    same = made[-1] == columns and isinstance(columns, int)
    return same and reshape_target(m.type("x").with_shape((*made[:-1], read[-1]))) is not None


def _linear(m: Match, b: Builder) -> Value | None:
    """The layer on what the Reshape makes of its operand; the two Reshapes then become one."""
    made, read = m.type(), m.type("x")
    rows, columns = (made.shape or ())[:-1], (read.shape or ("?",))[-1]
    x = reshaped(b, m["x"], read.with_shape((*rows, columns)))
    if x is None:
        return None
    name = m["product"].node
    value = b.op("MatMul", x, m["w"], results=[made], name=name)
    if "b" in m:
        value = b.op("Add", value, m["b"], results=[made], name=m["sum"].node)
    return value


def _as_reshape(m: Match, b: Builder) -> Value | None:
    if reshape_target(m.type(), m.type("x")) is None:
        return None
    return reshaped(b, m["x"], m.type(), m.root)


def _target_is_unsettled(m: Match) -> bool:
    """Whether a Reshape's shape is computed, or is written in another way than the type is."""
    held = m.type()
    target = reshape_target(held, m.type("x"))
    if target is None or (held.is_static and 0 in target):
        return False
    wanted = m.array("shape")
    return (
        wanted is None
        or tuple(wanted.tolist()) != target
        or wanted.dtype != np.int64
        or m.attribute("allowzero") != 0
    )


def _moves_ones_only(m: Match) -> bool:
    """Whether a Transpose leaves the order of all axes longer than 1 as it is."""
    shape = m.type("x").shape
    given: Any = m.attribute("perm")
    if shape is None:
        return False
    order = given if given is not None else tuple(reversed(range(len(shape))))
    long = [axis for axis in order if shape[axis] != 1]
    return long == sorted(long)


_PRODUCT = op(
    "MatMul", op("Reshape", var(), var(), name="x", kept=True), param("w"), name="product"
)


def _splits_leading(m: Match) -> bool:
    """Whether a Reshape after a Transpose of matrices only splits the axis that numbers them."""
    after, inner = m.type().shape, m.type("inner").shape
    order: Any = m.attribute("perm", "turned")
    if after is None or inner is None or len(after) < 3 or order != (0, 2, 1):
        return False
    return m.type().is_static and after[-2:] == (inner[2], inner[1])


def _transpose_last(m: Match, b: Builder) -> Value | None:
    made = m.type()
    *leading, rows, columns = made.shape or ("?", "?")
    x = reshaped(b, m["x"], made.with_shape((*leading, columns, rows)))
    if x is None:
        return None
    order = (*range(len(leading)), len(leading) + 1, len(leading))
    return b.op("Transpose", x, perm=order, results=[made], name=m.root)


def _batch_of(held: TensorType) -> tuple[Any, ...] | None:
    return None if held.shape is None or len(held.shape) < 3 else held.shape[:-2]


def _batched(m: Match) -> bool:
    """Whether a Reshape after a product of many pairs of matrices only numbers them anew."""
    made, product = m.type(), m.type("product")
    batches = [_batch_of(m.type(name)) for name in ("x", "y")]
    if made.shape is None or product.shape is None or len(made.shape) < 3:
        return False
    if made.shape[-2:] != product.shape[-2:] or not made.is_static:
        return False
    batch = _batch_of(product)
    return batch is not None and batches == [batch] * 2 and 0 not in made.shape


def _batched_before(m: Match, b: Builder) -> Value | None:
    batch = (m.type().shape or ())[:-2]
    operands = [
        reshaped(b, m[name], held.with_shape((*batch, *(held.shape or ())[-2:])))
        for name, held in (("x", m.type("x")), ("y", m.type("y")))
    ]
    return b.op("MatMul", *operands, results=[m.type()], name=m["product"].node)


VIEWS = (
    Rule(
        "as-reshape",
        op(("Flatten", "Squeeze", "Unsqueeze"), var("x"), rest("more")),
        _as_reshape,
        comment="Flatten(x), Squeeze(x), Unsqueeze(x) -> Reshape(x, shape)",
    ),
    Rule(
        "reshape-target",
        op("Reshape", var("x"), var("shape")),
        _as_reshape,
        when=_target_is_unsettled,
        comment="Reshape(x, any spelling) -> Reshape(x, the shape, -1 where unknown)",
    ),
    Rule(
        "transpose-of-ones",
        op("Transpose", var("x")),
        _as_reshape,
        when=_moves_ones_only,
        comment="Transpose that moves axes of 1 only -> Reshape",
    ),
    Rule(
        "transpose-of-views",
        op(
            "Reshape",
            op("Transpose", op("Reshape", var("x"), var(), name="inner", kept=True), name="turned"),
            var(),
        ),
        _transpose_last,
        when=_splits_leading,
        comment="Reshape(Transpose(Reshape(x, [b, m, n]))) -> Transpose(Reshape(x), last two axes)",
    ),
    Rule(
        "matmul-of-views",
        op("Reshape", op("MatMul", var("x"), var("y"), name="product"), var()),
        _batched_before,
        when=_batched,
        comment="Reshape(MatMul(x, y), [a, b, m, n]) -> MatMul(Reshape(x), Reshape(y))",
    ),
    Rule(
        "linear-of-views",
        op("Reshape", either(op("Add", _PRODUCT, param("b"), name="sum"), _PRODUCT), var()),
        _linear,
        when=_linear_fits,
        comment="Reshape(Add(MatMul(Reshape(x), w), b)) -> Add(MatMul(Reshape(x), w), b)",
    ),
)
"""Views."""
