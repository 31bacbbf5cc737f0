"""Rules that bring reductions to one form: axes written out, kept as 1, then a Reshape."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlens.ir import Value
from graphlens.ops.build import Builder
from graphlens.passes.canonicalize_attributes import spatial
from graphlens.passes.canonicalize_views import reshaped
from graphlens.passes.eliminate_moves import reshape_target
from graphlens.rewrite import Match, Rule, op, optional, var
from graphlens.tensor import TensorType

_REDUCTIONS = tuple(
    f"Reduce{what}"
    for what in (
        ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
    )
)
_GLOBAL = {"GlobalAveragePool": "ReduceMean", "GlobalMaxPool": "ReduceMax"}


def _axes(m: Match) -> tuple[int, ...] | None:
    """The axes that a reduction takes, in order; None where they are not known."""
    rank = m.type("x").rank
    if rank is None:
        return None
    axes = m.array("axes")
    if "axes" in m and axes is None:
        return None
    if axes is None or axes.size == 0:
        return None if m.attribute("noop_with_empty_axes") else tuple(range(rank))
    return tuple(sorted(int(axis) % rank for axis in axes.reshape(-1)))


def _kept(held: TensorType, axes: tuple[int, ...], dtype: str) -> TensorType:
    shape = held.shape or ()
    return TensorType(dtype, tuple(1 if i in axes else dim for i, dim in enumerate(shape)))


def _is_unsettled(m: Match) -> bool:
    axes = _axes(m)
    if axes is None:
        return False
    if not m.attribute("keepdims"):
        return reshape_target(m.type(), _kept(m.type("x"), axes, "")) is not None
    held = m.array("axes")
    return held is None or held.dtype != np.int64 or tuple(held.reshape(-1).tolist()) != axes


def _settle(m: Match, b: Builder) -> Value | None:
    axes = _axes(m) or ()
    kept = _kept(m.type("x"), axes, m.type().dtype)
    wanted = b.const(axes, "int64", name="axes")
    made = b.op(m.node().op, m["x"], wanted, results=[kept], name=m.root)
    return reshaped(b, made, m.type())


def _keeps_no_axis(m: Match) -> bool:
    rank = m.type("x").rank
    return (
        rank is not None
        and not m.attribute("keepdims")
        and reshape_target(m.type(), _kept(m.type("x"), (_arg_axis(m),), "")) is not None
    )


def _arg_axis(m: Match) -> int:
    axis: Any = m.attribute("axis")
    return axis % (m.type("x").rank or 1)


def _keep_arg_axis(m: Match, b: Builder) -> Value | None:
    node = m.node()
    attributes = {key: value for key, value in m.attributes().items() if key != "keepdims"}
    kept = _kept(m.type("x"), (_arg_axis(m),), m.type().dtype)
    made = b.op(node.op, m["x"], results=[kept], name=m.root, **attributes)
    return reshaped(b, made, m.type())


def _spatial_axes(m: Match) -> tuple[int, ...]:
    last = m.attribute("data_format") == "NHWC"
    return tuple(axis - last for axis in range(2, m.type("x").rank or 2))


def _as_reduction(m: Match, b: Builder) -> Value:
    axes = b.const(_spatial_axes(m), "int64", name="axes")
    reduction = _GLOBAL.get(m.node().op, "ReduceMean")
    return b.op(reduction, m["x"], axes, results=[m.type()], name=m.root)


def _covers_all(m: Match) -> bool:
    """Whether an AveragePool's one window is the whole image, without padding."""
    held = m.attributes()
    return (
        m.type("x").is_static
        and spatial(m.type("x"), held) == m.attribute("kernel_shape")
        and not any(held.get("pads", ()) or ())
        and "auto_pad" not in held
        and all(dilation == 1 for dilation in held.get("dilations", ()) or ())
        and all(size == 1 for size in spatial(m.type(), held))
    )


REDUCTIONS = (
    Rule(
        "reduce-form",
        op(_REDUCTIONS, var("x"), optional(var("axes"))),
        _settle,
        when=_is_unsettled,
        comment="ReduceMean(x, axes, keepdims=0) -> Reshape(ReduceMean(x, axes in order))",
    ),
    Rule(
        "arg-form",
        op(("ArgMax", "ArgMin"), var("x")),
        _keep_arg_axis,
        when=_keeps_no_axis,
        comment="ArgMax(x, keepdims=0) -> Reshape(ArgMax(x))",
    ),
    Rule(
        "global-pool",
        op(tuple(_GLOBAL), var("x")),
        _as_reduction,
        when=lambda m: m.type("x").rank is not None,
        comment="GlobalAveragePool(x) -> ReduceMean(x, spatial axes)",
    ),
    Rule(
        "whole-pool",
        op("AveragePool", var("x")),
        _as_reduction,
        when=_covers_all,
        comment="AveragePool(x) with one window over all -> ReduceMean(x, spatial axes)",
    ),
)
"""Reductions and global pooling."""
