"""Which nodes of one graph are which of another: by origins, or by structure and then by name."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from graphlens.analysis.merkle import Content, Terms, array_digest, downward, upward
from graphlens.ir.graph import Graph
from graphlens.ir.node import CONST, OURS, OUTPUT, PARAM, Value

_RELATED = 0.8
"""Share of the nodes after that must have origins before, and of untouched ones of equal ops."""

_WEIGHTS = frozenset({PARAM, CONST})
_SMALL = 1024
"""Bytes up to which a weight is matched by its value; larger ones go by type, then by name."""

_PAIRS = 4_000_000
"""Operations left of the one times those of the other, up to which sequences are compared."""

Keys = Mapping[str, Hashable]


@dataclass(frozen=True, slots=True)
class Matches:
    """What each node after stands for.

    Attributes:
        pairs: Names before, in order, by name after; a node that stands for none is absent.
        related: Whether the two graphs descend from one capture, as far as one can tell.
    """

    pairs: Mapping[str, tuple[str, ...]]
    related: bool


def matches_by_origin(before: Graph, after: Graph) -> Matches:
    """Match through origins: a node after stands for the nodes before that share one with it.

    An Output is the other Output. A node before that split into several after is theirs all.
    """
    place = {name: index for index, name in enumerate(before.in_order())}
    holders: dict[str, list[str]] = {}
    for name in place:
        for origin in before.nodes[name]["origins"]:
            holders.setdefault(origin, []).append(name)
    pairs: dict[str, tuple[str, ...]] = {}
    for name, held in after.nodes.items():
        found = {old for origin in held["origins"] for old in holders.get(origin, ())}
        if held["op"] == OUTPUT and held["domain"] == OURS:
            found = {before.output}
        elif name in found and before.nodes[name]["origins"] == held["origins"]:
            found = {name}
        if found:
            pairs[name] = tuple(sorted(found, key=place.__getitem__))
    return Matches(pairs, _related(before, after, pairs))


def _related(before: Graph, after: Graph, pairs: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether nearly all origins are known before, and nodes that no pass touched are the same.

    Two captures of models that number their layers share names too, but then the ops under equal
    names differ where a layer was put in between.
    """
    if all(graph.nodes[name]["origins"] == (name,) for graph in (before, after) for name in graph):
        return False  # no pass touched either: equal names tell less than what is computed
    own = [
        name
        for name in pairs
        if name in before
        and before.nodes[name]["origins"] == after.nodes[name]["origins"] == (name,)
    ]
    alike = sum(before.op(name) == after.op(name) for name in own)
    return len(pairs) >= _RELATED * len(after) and alike >= _RELATED * len(own)


def matches_by_structure(before: Graph, after: Graph) -> Matches:
    """Match one to one: equal computations, equal contexts, layers of one name, their neighbours.

    Then other operations of equal names, and their neighbours. Each stage leaves what the former
    matched alone.

    Layers that are numbered have other names after one that was put in. Where names leave
    something over, the operations left are matched in order of execution instead as well (Ratcliff
    and Obershelp, as in difflib), and what has more equal operations is taken.
    """
    named = _matched(before, after)
    if len(named) == min(len(before), len(after)):
        return Matches({name: (old,) for name, old in named.items()}, related=False)
    aligned = _matched(before, after, in_sequence=True)
    best = max(named, aligned, key=lambda pairs: _worth(before, after, pairs))
    return Matches({name: (old,) for name, old in best.items()}, related=False)


def _worth(before: Graph, after: Graph, pairs: Mapping[str, str]) -> tuple[int, int]:
    """How many pairs do the same to tensors of the same types, and how many there are."""
    alike = sum(_does(before, old) == _does(after, name) for name, old in pairs.items())
    return alike, len(pairs)


def _does(graph: Graph, name: str) -> Hashable:
    """What an operation does, to tensors and weights of which types."""
    held = graph.nodes[name]
    reads = (value and graph.type_of(value) for value in graph.operands(name))
    attributes = repr(sorted(held["attributes"].items()))
    return held["op"], held["domain"], attributes, tuple(reads), held["results"]


def _matched(before: Graph, after: Graph, in_sequence: bool = False) -> dict[str, str]:
    made = _Pairing(before, after)
    both = before, after
    terms = Terms()
    for content in (_content, _anything):
        up = [upward(graph, content(graph), terms) for graph in both]
        down = [downward(graph, held, terms) for graph, held in zip(both, up, strict=True)]
        made.by_key(*down)  # weights go with what reads them: alone, many are equal
        made.by_key(*(_computed(graph, held) for graph, held in zip(both, up, strict=True)))
    if in_sequence:
        made.by_sequence()
    made.by_key(*({name: name for name in graph.params} for graph in both))
    made.by_neighbours()  # the layer that a weight is of is known, whatever stands around it
    made.by_key(*({name: (name, graph.op(name)) for name in graph} for graph in both))
    made.by_neighbours()
    return made.pairs


def _content(graph: Graph) -> Content:
    """Small weights by value, large ones by type."""

    def content(name: str) -> Hashable:
        array = graph.weights.get(name)
        if array is not None and array.nbytes <= _SMALL:
            return array_digest(array)
        return graph.type_of(Value(name))

    return content


def _anything(graph: Graph) -> Content:
    """All weights alike."""
    del graph
    return lambda name: None


def _computed(graph: Graph, keys: Keys) -> Keys:
    """The keys of what is computed, those of weights left out."""
    return {name: key for name, key in keys.items() if graph.nodes[name]["op"] not in _WEIGHTS}


class _Pairing:
    """A one-to-one matching under construction."""

    def __init__(self, before: Graph, after: Graph) -> None:
        self._before = before
        self._after = after
        self._after_order = after.in_order()
        self.pairs: dict[str, str] = {}
        self._taken: set[str] = set()

    def by_key(self, olds: Keys, news: Keys) -> None:
        """Pair free nodes of equal keys, from the outputs on.

        Where several have one key, those of equal names go together, then operands of a pair,
        then the others in order.
        """
        waiting: dict[Hashable, list[str]] = {}
        for name in self._before:
            if name in olds and name not in self._taken:
                waiting.setdefault(olds[name], []).append(name)
        free = [name for name in reversed(self._after_order) if name in news]
        for name in free:
            if name in olds and olds[name] == news[name]:
                self._together(name, name, olds, news)
        for name in free:
            if name in self.pairs:
                continue
            held = waiting.get(news[name], [])
            while held and held[-1] in self._taken:
                held.pop()
            if held:
                self._together(held.pop(), name, olds, news)

    def _together(self, old: str, name: str, olds: Keys, news: Keys) -> None:
        """Pair two nodes, and their operands of equal keys, and those of them."""
        waiting = [(old, name)]
        while waiting:
            old, name = waiting.pop()
            if old in self._taken or name in self.pairs or self._moved(old, name):
                continue
            self._pair(old, name)
            theirs = [v.node for v in self._before.operands(old) if v is not None]
            for value in self._after.operands(name):
                if value is None or value.node not in news:
                    continue
                key = news[value.node]
                alike = [old for old in theirs if olds.get(old) == key]
                twin = value.node if value.node in alike else next(iter(alike), None)
                if twin is not None:
                    theirs.remove(twin)
                    waiting.append((twin, value.node))

    def _moved(self, old: str, name: str) -> bool:
        """Whether a node has its namesake in another module than the one that computes the same.

        What all layers of a block make is what one more layer reads first.
        """
        was, now = self._before.nodes[old], self._after.nodes[name]
        if name == old or was["scope"] == now["scope"]:
            return False
        twins = (was, self._after.nodes.get(old)), (now, self._before.nodes.get(name))
        return any(
            twin is not None and (twin["op"], twin["scope"]) == (node["op"], node["scope"])
            for node, twin in twins
        )

    def by_sequence(self) -> None:
        """Pair free operations that do the same, in order of execution on both sides."""
        olds = [name for name in self._before.in_order() if self._is_left(self._before, name)]
        news = [name for name in self._after_order if self._is_left(self._after, name)]
        if len(olds) * len(news) > _PAIRS:
            return
        does = [_does(self._before, name) for name in olds], [_does(self._after, n) for n in news]
        matcher: SequenceMatcher[Hashable] = SequenceMatcher(None, *does, autojunk=False)
        for first, second, size in matcher.get_matching_blocks():
            for old, name in zip(olds[first:], news[second : second + size], strict=False):
                self._pair(old, name)

    def _is_left(self, graph: Graph, name: str) -> bool:
        done = self._taken if graph is self._before else self.pairs
        return name not in done and graph.op(name) not in _WEIGHTS

    def by_neighbours(self) -> None:
        """Pair free nodes of one op that stand in one place beside paired ones."""
        waiting = list(self.pairs.items())
        while waiting:
            name, old = waiting.pop()
            for theirs, ours in self._beside(old, name):
                self._pair(theirs, ours)
                waiting.append((ours, theirs))

    def _beside(self, old: str, name: str) -> list[tuple[str, str]]:
        """Free operands of a pair at the same index, and its only free readers of one op."""
        found: list[tuple[str, str]] = []
        reads = self._before.operands(old), self._after.operands(name)
        for was, now in zip(*reads, strict=False):
            if was is not None and now is not None and self._free(was.node, now.node):
                found.append((was.node, now.node))
        olds = [r for r in self._before.succ[old] if r not in self._taken]
        news = [r for r in self._after.succ[name] if r not in self.pairs]
        if len(olds) == len(news) == 1 and self._free(olds[0], news[0]):
            found.append((olds[0], news[0]))
        return list(dict(found).items())

    def _free(self, old: str, name: str) -> bool:
        unpaired = old not in self._taken and name not in self.pairs
        return unpaired and self._before.op(old) == self._after.op(name)

    def _pair(self, old: str, name: str) -> None:
        if old not in self._taken and name not in self.pairs:
            self.pairs[name] = old
            self._taken.add(old)
