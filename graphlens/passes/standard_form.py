"""The form in which two models are compared: canonical, and free of what exporters differ in."""

from __future__ import annotations

import numpy as np

from graphlens.ir import Graph
from graphlens.passes.canonicalize import canonicalize
from graphlens.passes.canonicalize_attention import ADDED_MASKS
from graphlens.passes.canonicalize_views import rebuilt
from graphlens.passes.common_subexpressions import common_subexpressions
from graphlens.passes.fold_batch_norm import fold_batch_norm
from graphlens.passes.layout import layout
from graphlens.rewrite import Rule, apply, const, op, var
from graphlens.tensor import TensorType


def standard_form(graph: Graph) -> Graph:
    """The graph channels first, batch norms folded, equal weights merged, zeros not added.

    Exporters do some of this and front ends do none of it; the function computed stays the same
    but for the sign of a zero, and for queries of an Attention that see no key at all. Images that
    the graph takes and returns change their layout too.
    """
    graph = canonicalize(layout(canonicalize(graph), absorb=True))
    graph = apply(canonicalize(fold_batch_norm(graph)), RULES)
    return canonicalize(common_subexpressions(graph, weights=True))


def _zeros(held: TensorType, array: np.ndarray | None) -> bool:
    return held.is_floating and array is not None and not np.any(array)


RULES = (
    *ADDED_MASKS,
    Rule(
        "add-zeros",
        op("Add", var("x"), const(when=_zeros)),
        lambda m, _: m["x"],
        lambda m: m.type("x") == m.type(),
        "Add(x, [0, 0, 0]) -> x, though it turns -0 into 0",
    ),
    Rule(
        "bias-of-zeros",
        op(("Conv", "ConvTranspose"), var("x"), var("w"), const(when=_zeros)),
        lambda m, b: rebuilt(m, b, m["x"], m["w"]),
        comment="Conv(x, w, [0, 0, 0]) -> Conv(x, w)",
    ),
)
"""What is done only to compare."""
