"""What changed between two graphs, worked out from them: no pass can forget or lie about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphlens.analysis.matching import matches_by_origin, matches_by_structure
from graphlens.analysis.merkle import settled
from graphlens.display import Shown
from graphlens.errors import unknown_name
from graphlens.ir.graph import Graph
from graphlens.ir.node import OURS, Value

_BEGINNING = 64
"""Elements of two weights that are compared before the whole of them."""
_SORTS = ("removed", "added", "changed", "fused")
"""What is told of nodes inside a region."""


@dataclass(frozen=True, slots=True)
class Change:
    """One node of the graph after, and what it stands for in the graph before.

    Attributes:
        after: Its name after.
        before: The names of the nodes before that it stands for, in order.
        what: What differs, in words: ``'attribute pads: none -> (1, 1)'``.
    """

    after: str
    before: tuple[str, ...]
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff(Shown):
    """The difference of two graphs; every node of both is in exactly one of the five.

    Attributes:
        removed: Nodes of the graph before that none after stands for.
        added: Nodes of the graph after that stand for none before.
        kept: Nodes that are the same in both: op, attributes, operands, results.
        changed: Nodes that stand for one before and differ from it; or for a part of one that
            became several.
        fused: Nodes that stand for several before.
        before: The one graph.
        after: The other.
    """

    removed: tuple[str, ...]
    added: tuple[str, ...]
    kept: tuple[Change, ...]
    changed: tuple[Change, ...]
    fused: tuple[Change, ...]
    before: Graph = field(repr=False, compare=False)
    after: Graph = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.removed or self.added or self.changed or self.fused)

    def matches(self) -> dict[str, tuple[str, ...]]:
        """The names before that each node after stands for."""
        held: dict[str, tuple[str, ...]] = dict.fromkeys(self.added, ())
        return held | {c.after: c.before for c in (*self.kept, *self.changed, *self.fused)}

    def __str__(self) -> str:
        """One line a difference: ``- Relu act``, ``* Region conv <- Conv conv, Relu act`` ..."""
        return "\n".join(self._lines())

    def to_dict(self) -> dict[str, Any]:
        """The difference as what JSON can hold."""
        changes = {"kept": self.kept, "changed": self.changed, "fused": self.fused}
        plain = {
            key: [{"after": c.after, "before": [*c.before], "what": [*c.what]} for c in held]
            for key, held in changes.items()
        }
        return {"removed": [*self.removed], "added": [*self.added], **plain}

    def _lines(self) -> Iterator[str]:
        for name in self.removed:
            yield f"- {_titled(self.before, name)}"
        for name in self.added:
            yield f"+ {_titled(self.after, name)}"
        for change in self.fused:
            op = self.after.op(change.after)
            parts = (_titled(self.before, name, op) for name in change.before)
            yield f"* {_titled(self.after, change.after)} <- {', '.join(parts)}"
        for change in self.changed:
            old = change.before[0]
            was = "" if old == change.after else f" <- {_titled(self.before, old)}"
            yield f"~ {_titled(self.after, change.after)}{was}: {'; '.join(change.what)}"
        yield f"{len(self.kept)} kept"


def diff(before: Graph, after: Graph, *, by: str | None = None) -> Diff:
    """What changed from one graph to another. Linear in the size of both.

    Args:
        before: The graph as it was.
        after: The graph as it is.
        by: ``'origins'`` matches nodes through the captured nodes that they stand for (two
            graphs of one History), ``'structure'`` through what they compute, then by name (two
            captures). By default, origins where they tell of nearly every node.

    Raises:
        UsageError: If ``by`` is neither.
    """
    if by not in (None, "origins", "structure"):
        raise unknown_name("way to match nodes", by, ("origins", "structure"))
    held = matches_by_origin(before, after) if by != "structure" else None
    if held is None or (by is None and not held.related):
        held = matches_by_structure(before, after)
    return _classified(before, after, held.pairs)


def _classified(before: Graph, after: Graph, pairs: Mapping[str, tuple[str, ...]]) -> Diff:
    """Sort nodes by what became of them, given what each node after stands for."""
    becomes: dict[str, str] = {}
    for name, olds in pairs.items():
        for old in olds:
            if old not in becomes or name == old:
                becomes[old] = name
    sides = _Sides(before, after, becomes)
    added: list[str] = []
    kept: list[Change] = []
    changed: list[Change] = []
    fused: list[Change] = []
    for name in after.in_order():
        olds = pairs.get(name)
        if not olds:
            added.append(name)
        elif len(olds) == 1:
            what = tuple(sides.differences(olds[0], name))
            (changed if what else kept).append(Change(name, olds, what))
        else:
            what = tuple(sides.differences(_closest(sides, name, olds), name))
            fused.append(Change(name, olds, what))
    removed = tuple(name for name in before.in_order() if name not in becomes)
    found = removed, tuple(added), tuple(kept), tuple(changed), tuple(fused)
    return Diff(*found, before, after)


def _titled(graph: Graph, name: str, known: str = "") -> str:
    """``Conv conv1``; without the op if it is the one known already, ours without their domain."""
    op = graph.op(name)
    return name if op == known else f"{op.removeprefix(f'{OURS}.')} {name}"


def _closest(sides: _Sides, name: str, olds: tuple[str, ...]) -> str:
    """The node before that a fused one continues: of its own name, else its op, else the last."""
    if name in olds:
        return name
    alike = [old for old in olds if sides.before.op(old) == sides.after.op(name)]
    return (alike or olds)[-1]


class _Sides:
    """The two graphs and what each node before became."""

    def __init__(self, before: Graph, after: Graph, becomes: Mapping[str, str]) -> None:
        self.before = before
        self.after = after
        self.becomes = becomes
        self._now: dict[str, str | None] = {}

    def differences(self, old: str, name: str) -> Iterator[str]:
        """What differs between a node before and one after, in words."""
        was, now = self.before.nodes[old], self.after.nodes[name]
        if (was["op"], was["domain"]) != (now["op"], now["domain"]):
            yield f"{self.before.op(old)} -> {self.after.op(name)}"
        yield from _attributes(dict(settled(was)), dict(settled(now)))
        if was["results"] != now["results"]:
            yield f"results: {_types(was['results'])} -> {_types(now['results'])}"
        yield from self._operands(old, name)
        yield from _bodies(was["regions"], now["regions"])
        if not _same_value(self.before.weights.get(old), self.after.weights.get(name)):
            yield "another value"

    def _operands(self, old: str, name: str) -> Iterator[str]:
        was, now = self.before.operands(old), self.after.operands(name)
        for index in range(max(len(was), len(now))):
            mine = was[index] if index < len(was) else None
            other = now[index] if index < len(now) else None
            if not self._same(mine, other):
                yield f"operand {index}: {_spelt(mine)} -> {_spelt(other)}"

    def _same(self, was: Value | None, now: Value | None) -> bool:
        """Whether an operand is what the former one became, through nodes that were removed."""
        if was is None or now is None:
            return was is now
        if self.became(was.node) != now.node:
            return False
        plain = self.becomes.get(was.node) == now.node
        return not plain or was.result == now.result or self._counts(was.node, now.node)

    def _counts(self, old: str, name: str) -> bool:
        """Whether the two nodes have different numbers of results, so that indices do not match."""
        results = len(self.before.nodes[old]["results"]), len(self.after.nodes[name]["results"])
        return results[0] != results[1]

    def became(self, old: str) -> str | None:
        """The node after that a node before became; for a removed one, what its operand 0 did."""
        passed: list[str] = []
        at: str | None = old
        while at is not None and at not in self.becomes and at not in self._now:
            passed.append(at)
            read = self.before.operands(at)
            at = read[0].node if read and read[0] is not None else None
        found = None if at is None else self.becomes.get(at, self._now.get(at))
        self._now.update(dict.fromkeys(passed, found))
        return found


def _same_value(was: np.ndarray | None, now: np.ndarray | None) -> bool:
    """Whether two weights are one array or have the same bytes; a beginning tells most apart."""
    if was is None or now is None or was is now:
        return was is now
    if was.dtype != now.dtype or was.shape != now.shape:
        return False
    if was.dtype.hasobject:
        return bool(np.array_equal(was, now))
    if was.flat[:_BEGINNING].tobytes() != now.flat[:_BEGINNING].tobytes():
        return False
    return was.tobytes() == now.tobytes()


def _attributes(was: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            yield f"attribute {key}: {_said(was, key)} -> {_said(now, key)}"


def _said(attributes: Mapping[str, object], key: str) -> str:
    return repr(attributes[key]) if key in attributes else "none"


def _bodies(was: Mapping[str, Graph], now: Mapping[str, Graph]) -> Iterator[str]:
    """What differs inside regions that both nodes have, by the number of nodes of each sort."""
    for key in sorted(was.keys() & now.keys()):
        found = diff(was[key], now[key]) if was[key] is not now[key] else None
        if found:
            counts = {word: len(getattr(found, word)) for word in _SORTS}
            yield f"{key}: {', '.join(f'{many} {word}' for word, many in counts.items() if many)}"


def _types(results: tuple[object, ...]) -> str:
    return ", ".join(map(str, results))


def _spelt(value: Value | None) -> str:
    if value is None:
        return "none"
    return value.node if not value.result else f"{value.node} @ {value.result}"
