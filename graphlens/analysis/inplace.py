"""Which operands' memory a node's first result may overwrite."""

from __future__ import annotations

import networkx as nx

from graphlens.ir.graph import Graph
from graphlens.ir.node import OURS, OUTPUT, REGION
from graphlens.ops.facts import facts


def overwritable(graph: Graph, name: str) -> tuple[int, ...]:
    """The operands of a node whose memory its result 0 may take over, by what the op computes.

    Whether somebody else still reads the operand is not asked here. An operand qualifies if the
    op's facts allow it and it has the result's shape, so that no element is read after it was
    written. A fused group qualifies for what its body reads element by element only: the residual
    of ``Conv -> Add -> Relu``, but not what its Conv reads.
    """
    held = graph.nodes[name]
    if not held["results"]:
        return ()
    operands = graph.operands(name)
    if held["op"] == REGION and held["domain"] == OURS:
        allowed = _of_group(held["regions"].get("body"))
    else:
        allowed = facts(held["op"], held["domain"]).inplace
    shape = held["results"][0].shape
    return tuple(
        index
        for index in allowed
        if index < len(operands)
        and (value := operands[index]) is not None
        and shape is not None
        and graph.type_of(value).shape == shape
    )


def _of_group(body: Graph | None) -> tuple[int, ...]:
    """Inputs of a group's body from which only elementwise ops of one shape lead to its result.

    A group of several results has none: they need not be made in one pass over the elements.
    """
    if body is None or len(body.outputs) != 1:
        return ()
    shape = body.type_of(body.outputs[0]).shape
    return tuple(
        index
        for index, name in enumerate(body.inputs)
        if all(_is_elementwise(body, reader, shape) for reader in nx.descendants(body, name))
    )


def _is_elementwise(body: Graph, name: str, shape: object) -> bool:
    held = body.nodes[name]
    if held["domain"] == OURS:
        return held["op"] == OUTPUT
    return facts(held["op"], held["domain"]).elementwise and held["results"][0].shape == shape
