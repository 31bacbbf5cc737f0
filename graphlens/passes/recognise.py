"""Recognising: a composite op that comes decomposed becomes the standard one."""

from __future__ import annotations

from graphlens.ir import Graph
from graphlens.passes.recognise_activation import ACTIVATIONS
from graphlens.passes.recognise_attention import ATTENTION
from graphlens.passes.recognise_einsum import EINSUM
from graphlens.passes.recognise_exporter import EXPORTER
from graphlens.passes.recognise_norm import NORMS
from graphlens.passes.recognise_rotary import ROTARY
from graphlens.rewrite import apply

RULES = RECOGNISE = (*EXPORTER, *EINSUM, *ACTIVATIONS, *NORMS, *ATTENTION, *ROTARY)
"""Every recognising rule, in the order in which they are tried."""


def recognise(graph: Graph) -> Graph:
    """The graph with activations, norms and attention written out made single ops of ONNX's.

    `canonicalize` applies the same rules among its own; alone they find what is spelt with one
    dtype and constants in their places.
    """
    return apply(graph, RECOGNISE)
