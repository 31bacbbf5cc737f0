"""Recognising: a composite op that comes decomposed becomes the standard one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graphlens.ir import Graph
from graphlens.passes.recognise_activation import ACTIVATIONS
from graphlens.passes.recognise_attention import ATTENTION
from graphlens.passes.recognise_einsum import EINSUM
from graphlens.passes.recognise_exporter import EXPORTER
from graphlens.passes.recognise_group import GROUP_NORMS
from graphlens.passes.recognise_norm import NORMS
from graphlens.passes.recognise_rotary import ROTARY
from graphlens.rewrite import Match, Rule, apply


def _loses_digits(m: Match) -> bool:
    """Whether a number of a float64 spelling is none that float32 surely holds (0.5, 1, 6).

    ONNX's attributes are float32, and so are the numbers inside its composite ops.
    """
    if m.type().dtype != "float64":
        return False
    read = (value for name in m.nodes for value in m.graph.operands(name))
    arrays = (m.graph.value_of(value) for value in read)
    return any(array is not None and array.size == 1 and _is_fine(array) for array in arrays)


def _is_fine(array: np.ndarray) -> bool:
    """Whether a number is no multiple of 1/64."""
    return bool(np.any(array * 64 != np.round(array * 64)))


def _exact(rule: Rule) -> Rule:
    """The rule, where it costs no digits."""

    def keeps_digits(match: Match) -> bool:
        return not _loses_digits(match) and (rule.when is None or rule.when(match))

    return replace(rule, when=keeps_digits)


EXACT_NORMS = tuple(map(_exact, NORMS))
"""The rules for norms alone."""

RULES = RECOGNISE = (
    *map(_exact, (*EXPORTER, *EINSUM, *ACTIVATIONS, *GROUP_NORMS)),
    *EXACT_NORMS,
    *map(_exact, (*ATTENTION, *ROTARY)),
)
"""Every recognising rule, in the order in which they are tried."""


def recognise(graph: Graph) -> Graph:
    """The graph with activations, norms and attention written out made single ops of ONNX's.

    `canonicalize` applies the same rules among its own; alone they find what is spelt with one
    dtype and constants in their places.
    """
    return apply(graph, RECOGNISE)
