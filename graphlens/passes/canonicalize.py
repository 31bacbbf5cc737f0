"""One form for what the frameworks spell in many ways, so that equal models are equal graphs."""

from __future__ import annotations

from collections.abc import Callable

from graphlens.errors import PassError
from graphlens.ir import Graph
from graphlens.passes.canonicalize_arithmetic import ARITHMETIC
from graphlens.passes.canonicalize_attention import MASKS
from graphlens.passes.canonicalize_attributes import settle_attributes
from graphlens.passes.canonicalize_broadcast import BROADCAST
from graphlens.passes.canonicalize_convolution import CONVOLUTION
from graphlens.passes.canonicalize_moves import MOVES
from graphlens.passes.canonicalize_reductions import REDUCTIONS
from graphlens.passes.canonicalize_types import refine_types
from graphlens.passes.canonicalize_views import VIEWS
from graphlens.passes.common_subexpressions import common_subexpressions
from graphlens.passes.eliminate import RULES as ELIMINATE
from graphlens.passes.eliminate import without_dead_code
from graphlens.passes.fold_constants import fold_constants
from graphlens.passes.recognise import EXACT_NORMS, RECOGNISE, recognise
from graphlens.rewrite import apply

FORMS = (*CONVOLUTION, *MASKS, *VIEWS, *MOVES, *REDUCTIONS, *ARITHMETIC, *BROADCAST)
"""Rules that bring ops to one form."""

_TABLE = (*ELIMINATE, *FORMS)

RULES = (*RECOGNISE, *_TABLE)
"""The rules of this pass; those that recognise come first, and have a sweep of their own."""

_ROUNDS = 20
"""Rounds after which a graph that still changes is taken for one that never settles."""


def canonicalize(graph: Graph) -> Graph:
    """The graph in canonical form; the graph itself if it is in that form.

    Linear layers are MatMul, then Add; a convolution holds its bias and its padding; decomposed
    norms, activations and attention are single ops; views are Reshapes to a constant shape;
    reductions keep their axes; constants are folded, no-ops gone and equal computations merged;
    of commutative operands, computed ones come first and constants last; attributes at their
    default are left out, others at float32.

    Raises:
        PassError: If the rules do not settle.
    """
    # Before constants fold: Keras spells a BatchNorm out over its weights, which fold to two Consts
    # in which the mean and the variance are no longer to be seen. Norms only: what attention is
    # scaled by is often known only once they are folded.
    graph = apply(graph, EXACT_NORMS)
    settled: dict[Callable[[Graph], Graph], Graph] = {}
    for _ in range(_ROUNDS):
        before = graph
        for step in _STEPS:
            if settled.get(step) is not graph:
                graph = settled[step] = step(graph)
        if graph is before:
            return graph
    raise PassError(f"{graph!r} still changes after {_ROUNDS} rounds of canonicalize")


def _formed(graph: Graph) -> Graph:
    return apply(graph, _TABLE)


_STEPS: tuple[Callable[[Graph], Graph], ...] = (
    fold_constants,
    refine_types,
    without_dead_code,
    settle_attributes,
    common_subexpressions,
    recognise,
    _formed,
)
"""One round."""
