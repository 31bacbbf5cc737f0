"""The form in which two models are compared: canonical, and free of what exporters differ in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

import numpy as np

from graphlens.analysis.equivalent import isomorphic
from graphlens.ir import Graph, Value
from graphlens.ops.build import Builder
from graphlens.passes.canonicalize import canonicalize
from graphlens.passes.canonicalize_attention import ADDED_MASKS
from graphlens.passes.canonicalize_views import rebuilt
from graphlens.passes.common_subexpressions import common_subexpressions
from graphlens.passes.fold_batch_norm import fold_batch_norm
from graphlens.passes.layout import channels_first_throughout
from graphlens.passes.view_chains import VIEW_CHAINS
from graphlens.rewrite import Match, Rule, apply, const, op, var
from graphlens.tensor import TensorType

_ROUNDS = 5
"""Rounds after which a form is taken for what it is, settled or not."""


def difference(a: Graph, b: Graph) -> str | None:
    """What differs between two graphs in standard form, or None if they are one graph.

    Where the types of the images that they take differ (of those that they return, if they take
    none), images are channels first in both before they are compared. So a Keras model is its twin
    in torch, but no model is itself with a Transpose at its end.
    """
    return next(differences(a, [b]))


def differences(a: Graph, others: Iterable[Graph]) -> Iterator[str | None]:
    """`difference` of one graph from each of ``others``; its own form is worked out once."""
    forms: dict[bool, Graph] = {}
    for b in others:
        absorb = _images(a) != _images(b)
        if absorb not in forms:
            forms[absorb] = standard_form(a, absorb=absorb)
        yield isomorphic(forms[absorb], standard_form(b, absorb=absorb))


def _images(graph: Graph) -> list[TensorType]:
    taken = [graph.type_of(Value(name)) for name in graph.inputs]
    returned = [graph.type_of(value) for value in graph.outputs]
    return _of_rank_3(taken) or _of_rank_3(returned)


def _of_rank_3(types: list[TensorType]) -> list[TensorType]:
    return [held for held in types if held.rank is None or held.rank > 2]


def standard_form(graph: Graph, *, absorb: bool = True) -> Graph:
    """The graph channels first, batch norms folded, equal weights merged, zeros not added.

    Exporters do some of this and front ends do none of it; the function computed stays the same
    but for the sign of a zero, and for queries of an Attention that see no key at all.

    Args:
        graph: The graph.
        absorb: Whether images that the graph takes and returns change their layout too.
    """
    graph = canonicalize(channels_first_throughout(canonicalize(graph), absorb=absorb))
    graph = canonicalize(common_subexpressions(fold_batch_norm(graph), weights=True))
    for _ in range(_ROUNDS):
        before = graph
        graph = canonicalize(apply(graph, RULES))
        if graph is before:
            break
    return graph


def _zeros(held: TensorType, array: np.ndarray | None) -> bool:
    return held.is_floating and array is not None and not np.any(array)


def _ends(m: Match) -> list[int]:
    """Where the parts of a Split end along its axis."""
    sizes = m.array("sizes")
    return [] if sizes is None else list(accumulate(int(size) for size in sizes))


def _slices(m: Match, b: Builder) -> list[Value]:
    axis, ends = m.attribute("axis"), _ends(m)
    wanted = b.const([axis], "int64", name="axis")
    return [
        b.op(
            "Slice",
            m["x"],
            b.const([start], "int64", name="start"),
            b.const([end], "int64", name="end"),
            wanted,
            results=[held],
            name=m.root,
        )
        for start, end, held in zip([0, *ends], ends, m.node().results, strict=False)
    ]


RULES = (
    *ADDED_MASKS,
    *VIEW_CHAINS,
    Rule(
        "split-as-slices",
        op("Split", var("x"), const("sizes")),
        _slices,
        lambda m: m.type("x").rank is not None,
        "Split(x, [2, 2]) -> Slice(x, 0, 2), Slice(x, 2, 4)",
    ),
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
