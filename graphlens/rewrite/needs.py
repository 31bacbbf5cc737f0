"""Early reject: what a pattern needs above its root, checked without binding anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from graphlens.ir import Graph
from graphlens.rewrite.pattern import Either, Leaf, OpPattern, Pattern


class Need(NamedTuple):
    """What some operand must be made by, if a pattern is to match at all."""

    ops: frozenset[str]
    above: tuple[Need, ...] = ()


def needs_of(pattern: OpPattern) -> tuple[Need, ...]:
    """What the operands of a pattern must be made by, the most demanding first."""
    found = (_need(operand) for operand in pattern.operands or ())
    # those that look deepest reject most
    return tuple(sorted((n for n in found if n is not None), key=lambda need: -len(need.above)))


def _need(pattern: Pattern) -> Need | None:
    """What must make an operand, None if anything or nothing may."""
    match pattern:
        case OpPattern():
            return Need(pattern.ops, needs_of(pattern))
        case Leaf(producers=producers):
            return Need(producers) if producers else None
        case Either():
            ops = _makers(pattern)
            return Need(ops) if ops else None
        case _:
            return None


def _makers(pattern: Pattern) -> frozenset[str]:
    """The ops of which one must make an operand; none where anything or nothing may."""
    match pattern:
        case OpPattern(ops=ops) | Leaf(producers=ops):
            return ops
        case Either(alternatives=alternatives):
            every = [_makers(alternative) for alternative in alternatives]
            return frozenset().union(*every) if all(every) else frozenset()
        case _:
            return frozenset()


def meets(graph: Graph, name: str, needs: Sequence[Need]) -> bool:
    """Whether the operands of a node, in whatever order, are what a pattern needs."""
    above = graph.pred[name]
    return all(
        any(
            graph.op(producer) in need.ops
            and (not need.above or meets(graph, producer, need.above))
            for producer in above
        )
        for need in needs
    )
