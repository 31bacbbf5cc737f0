"""How ops that do not care about the layout of images follow it: a table by op."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphlens.ir import Graph, Value
from graphlens.ops.build import Builder
from graphlens.ops.facts import facts

_REDUCTIONS = ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
_AXIS = ("Concat", "Split", "Softmax", "LogSoftmax", "Hardmax")


@dataclass(frozen=True, slots=True)
class Turn:
    """One node that follows.

    Attributes:
        builder: Adds at its place.
        graph: The graph as it was.
        name: The node.
        order: The permutation of axes into the wanted layout.
        wanted: Gives a value in the wanted layout.
        old: Gives a value in the old one.
    """

    builder: Builder
    graph: Graph
    name: str
    order: tuple[int, ...]
    wanted: Callable[[Builder, Value], Value]
    old: Callable[[Builder, Value], Value]

    @property
    def attributes(self) -> dict[str, Any]:
        """The node's attributes, a copy."""
        return dict(self.graph.nodes[self.name]["attributes"])

    def axis(self, axis: int) -> int:
        """Where an axis of the old layout is in the wanted one."""
        return self.order.index(axis % len(self.order))

    def const(self, elements: Sequence[int]) -> Value:
        """An int64 Const."""
        return self.builder.const(np.array(elements, np.int64), name="axes")


Followed = tuple[list[Value | None], dict[str, Any]]
"""The operands and attributes of the node in the wanted layout."""


def follows(graph: Graph, name: str, rank: int) -> bool:
    """Whether a node whose results are images of that rank can work in the other layout."""
    held = graph.nodes[name]
    if held["domain"] != "" or any(result.rank != rank for result in held["results"]):
        return False
    if held["op"] == "BatchNormalization":
        return False
    if held["op"] not in FOLLOWERS:
        return facts(held["op"]).elementwise and _broadcasts(graph, name, rank)
    values = [graph.value_of(value) for value in graph.operands(name)[1:] if value is not None]
    if held["op"] in _KNOWN_OPERANDS and any(value is None for value in values):
        return False
    return not held["op"].startswith("Reduce") or (
        held["attributes"].get("keepdims", 1) == 1 and len(values) == 1
    )


def _broadcasts(graph: Graph, name: str, rank: int) -> bool:
    """Whether the shapes of all operands are known well enough to be permuted."""
    held = [graph.type_of(value) for value in graph.operands(name) if value is not None]
    return all(entry.shape is not None and len(entry.shape) <= rank for entry in held)


def _elementwise(turn: Turn, operands: Sequence[Value | None]) -> Followed:
    return [_broadcast(turn, value) for value in operands], turn.attributes


def _broadcast(turn: Turn, value: Value | None) -> Value | None:
    """An operand of an elementwise op, its axes permuted as they are broadcast."""
    if value is None:
        return None
    rank = len(turn.order)
    held = turn.graph.type_of(value)
    shape = held.shape or ()
    if len(shape) == rank:
        return turn.wanted(turn.builder, value)
    if all(dim == 1 for dim in shape):
        return value
    value = turn.old(turn.builder, value)
    full = (*[1] * (rank - len(shape)), *shape)
    target = [dim if isinstance(dim, int) else -1 for dim in full]
    same = held.with_shape(full)
    value = turn.builder.op("Reshape", value, turn.const(target), results=[same])
    made = held.with_shape(tuple(full[axis] for axis in turn.order))
    return turn.builder.op("Transpose", value, perm=turn.order, results=[made])


def _axis(turn: Turn, operands: Sequence[Value | None]) -> Followed:
    """Ops of one axis: every image operand is turned, a Split's sizes are not."""
    attributes = turn.attributes
    usual = 0 if turn.graph.nodes[turn.name]["op"] == "Split" else -1
    attributes["axis"] = turn.axis(attributes.get("axis", usual))
    images = operands if turn.graph.nodes[turn.name]["op"] == "Concat" else operands[:1]
    read = [turn.wanted(turn.builder, value) if value else None for value in images]
    return [*read, *operands[len(images) :]], attributes


def _reduction(turn: Turn, operands: Sequence[Value | None]) -> Followed:
    image, axes = operands
    held: Any = turn.graph.value_of(axes)
    turned = sorted(turn.axis(int(axis)) for axis in held.reshape(-1))
    return [_image(turn, image), turn.const(turned)], turn.attributes


def _pad(turn: Turn, operands: Sequence[Value | None]) -> Followed:
    image, pads, *more = operands
    held: Any = turn.graph.value_of(pads)
    rank = len(turn.order)
    turned = [int(held[axis + end]) for end in (0, rank) for axis in turn.order]
    return [_image(turn, image), turn.const(turned), *more], turn.attributes


def _slice(turn: Turn, operands: Sequence[Value | None]) -> Followed:
    image, starts, ends, axes, *more = operands
    held: Any = turn.graph.value_of(axes)
    turned = [turn.axis(int(axis)) for axis in held.reshape(-1)]
    return [_image(turn, image), starts, ends, turn.const(turned), *more], turn.attributes


def _image(turn: Turn, value: Value | None) -> Value | None:
    return None if value is None else turn.wanted(turn.builder, value)


FOLLOWERS: Mapping[str, Callable[[Turn, Sequence[Value | None]], Followed]] = {
    "": _elementwise,
    **dict.fromkeys(_AXIS, _axis),
    **{f"Reduce{what}": _reduction for what in _REDUCTIONS},
    "Pad": _pad,
    "Slice": _slice,
}
"""How each op follows; ``''`` is every elementwise op."""

_KNOWN_OPERANDS = frozenset({"Pad", "Slice", *(f"Reduce{what}" for what in _REDUCTIONS)})
"""Ops whose further operands must be known, for they speak of axes."""
