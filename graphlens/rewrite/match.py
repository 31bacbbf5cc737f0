"""Matching a pattern against the nodes above a root, both orders where an op commutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphlens.errors import PassError
from graphlens.ir import Attribute, Graph, Node, Value
from graphlens.ops.facts import facts
from graphlens.ops.schema import defaults
from graphlens.rewrite.pattern import Either, Leaf, Maybe, OpPattern, Pattern, Rest
from graphlens.tensor import TensorType


@dataclass(frozen=True, slots=True)
class Match:
    """Where a pattern was found.

    Attributes:
        graph: The graph as it was then.
        root: The node that the pattern's root matched.
        values: The captured values by name; a tuple for a `rest`.
        nodes: The nodes that the pattern's ops matched, operands before readers.
        kept: Those of them that others may read too.
    """

    graph: Graph
    root: str
    values: dict[str, Value | tuple[Value | None, ...]] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()

    def __contains__(self, name: object) -> bool:
        """Whether something was captured under that name."""
        return name in self.values

    def __getitem__(self, name: str) -> Value:
        """The value captured under a name.

        Raises:
            PassError: If there is none: the rule asks for what its pattern does not capture.
        """
        found = self.values.get(name)
        if not isinstance(found, Value):
            raise PassError(
                f"the pattern that matched at {self.root!r} captures no value {name!r} "
                f"(it has {sorted(self.values)}); an optional one must be read with get()"
            )
        return found

    def get(self, name: str) -> Value | None:
        """The value captured under a name, None if that part was absent."""
        found = self.values.get(name)
        return found if isinstance(found, Value) else None

    def all(self, name: str) -> tuple[Value | None, ...]:
        """The operands that a `rest` captured."""
        found = self.values.get(name, ())
        return found if not isinstance(found, Value) else (found,)

    def node(self, name: str = "") -> Node:
        """The node that makes a captured value, the root's by default."""
        return self.graph.node(self[name].node if name else self.root)

    def type(self, name: str = "") -> TensorType:
        """The type of a captured value, of the root's first result by default."""
        return self.graph.type_of(self[name] if name else Value(self.root))

    def array(self, name: str) -> np.ndarray | None:
        """The array of a captured Param or Const, None where it is not known."""
        return self.graph.value_of(self.get(name))

    def number(self, name: str) -> float:
        """The one element of a captured `scalar`, at the precision of its dtype."""
        array = self.array(name)
        if array is None or array.size != 1:
            raise PassError(f"{name!r} of the match at {self.root!r} is no known scalar")
        return float(array.reshape(()))

    def attributes(self, name: str = "") -> dict[str, Any]:
        """The attributes of a captured node (the root by default), as `Builder.op` takes them."""
        return dict(self.graph.nodes[self[name].node if name else self.root]["attributes"])

    def attribute(self, key: str, name: str = "") -> Attribute:
        """An attribute of a captured node (the root by default), or ONNX's default for it."""
        return attribute(self.graph, self[name].node if name else self.root, key)


def attribute(graph: Graph, name: str, key: str) -> Any:
    """An attribute of a node, or ONNX's default for it, or None."""
    held = graph.nodes[name]
    given = held["attributes"]
    return given[key] if key in given else defaults(held["op"], held["domain"]).get(key)


@dataclass(frozen=True, slots=True)
class _State:
    """What is bound so far; never changed, so that a failed branch needs no undoing."""

    values: dict[str, Value | tuple[Value | None, ...]]
    nodes: tuple[str, ...]
    kept: frozenset[str]

    def bind(self, name: str, found: Value | tuple[Value | None, ...]) -> _State | None:
        if not name:
            return self
        held = self.values.get(name)
        if held is not None:
            return self if held == found else None
        return _State({**self.values, name: found}, self.nodes, self.kept)


_EMPTY = _State({}, (), frozenset())


def matches(graph: Graph, pattern: OpPattern, root: str) -> Iterator[Match]:
    """Every way in which a pattern matches at a root, without regard to who reads inner values."""
    for state in _node(graph, pattern, root, _EMPTY):
        yield Match(graph, root, state.values, tuple(reversed(state.nodes)), state.kept)


def leaks(graph: Graph, match: Match) -> bool:
    """Whether a value inside the match is read from outside, or is returned by the graph."""
    matched = set(match.nodes)
    return any(
        len(graph.succ[name]) > len(matched) or not matched.issuperset(graph.succ[name])
        for name in match.nodes
        if name != match.root and name not in match.kept
    )


def _node(graph: Graph, pattern: OpPattern, name: str, state: _State) -> Iterator[_State]:
    if graph.op(name) not in pattern.ops:
        return
    for key, wanted in pattern.attributes.items():
        held = attribute(graph, name, key)
        if not (wanted(held) if callable(wanted) else held == wanted):
            return
    if name not in state.nodes:
        kept = state.kept | {name} if pattern.kept else state.kept
        state = _State(state.values, (*state.nodes, name), kept)
    bound = state.bind(pattern.name, Value(name, pattern.result))
    if bound is None:
        return
    if pattern.operands is None:
        yield bound
        return
    operands = graph.operands(name)
    yield from _operands(graph, pattern.operands, operands, bound)
    held = graph.nodes[name]
    if (
        len(pattern.operands) == len(operands) == 2
        and facts(held["op"], held["domain"]).commutative
    ):
        yield from _operands(graph, pattern.operands, operands[::-1], bound)


def _operands(
    graph: Graph,
    patterns: Sequence[Pattern],
    operands: Sequence[Value | None],
    state: _State,
) -> Iterator[_State]:
    if not patterns:
        if all(value is None for value in operands):
            yield state
        return
    first = patterns[0]
    if isinstance(first, Rest):
        bound = state.bind(first.name, tuple(operands))
        if bound is not None:
            yield bound
        return
    value = operands[0] if operands else None
    for found in _value(graph, first, value, state):
        yield from _operands(graph, patterns[1:], operands[1:], found)


def _value(graph: Graph, pattern: Pattern, value: Value | None, state: _State) -> Iterator[_State]:
    if isinstance(pattern, Either):
        for alternative in pattern.alternatives:
            yield from _value(graph, alternative, value, state)
    elif isinstance(pattern, Maybe):
        if value is None:
            yield state
        else:
            yield from _value(graph, pattern.pattern, value, state)
    elif value is None or isinstance(pattern, Rest):
        return
    elif isinstance(pattern, OpPattern):
        if value.result == pattern.result:
            yield from _node(graph, pattern, value.node, state)
    else:
        yield from _leaf(graph, pattern, value, state)


def _leaf(graph: Graph, pattern: Leaf, value: Value, state: _State) -> Iterator[_State]:
    if pattern.producers and graph.op(value.node) not in pattern.producers:
        return
    if pattern.when is not None and not pattern.when(graph.type_of(value), graph.value_of(value)):
        return
    bound = state.bind(pattern.name, value)
    if bound is not None:
        yield bound
