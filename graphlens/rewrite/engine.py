"""The driver: applies a table of rules wherever they match, until none does.

A worklist in the manner of MLIR's and xDSL's greedy driver (xdsl/pattern_rewriter.py), rules
indexed by root op and rejected early as in tinygrad (uop/ops.py, PatternMatcher): every node is
looked at once in order of execution, and again only when something that a pattern rooted at it
could see has changed, so that the work is nearly linear in the size of the graph.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from graphlens.errors import PassError
from graphlens.ir import OURS, OUTPUT, Editor, Graph, Node, Value
from graphlens.ops.build import Builder
from graphlens.rewrite.match import Match, leaks, matches
from graphlens.rewrite.needs import Need, meets, needs_of
from graphlens.rewrite.pattern import depth
from graphlens.rewrite.rule import Applied, Replacement, Rule
from graphlens.tensor import UNDEFINED, TensorType

_GENERATIONS = 2_000
"""How often in a row what a rule made may be rewritten without the graph getting smaller."""

_CROWD = 6
"""Readers above which a value that lost one is still far from being read by one match only."""


def apply(graph: Graph, rules: Sequence[Rule]) -> Graph:
    """The graph after rewriting by the rules until none matches; the graph itself if none did.

    Rules are tried in the order of the table. Regions are rewritten inside too.

    Raises:
        PassError: If rules undo each other, or a replacement is of another type.
    """
    return record(graph, rules)[0]


def record(graph: Graph, rules: Sequence[Rule]) -> tuple[Graph, tuple[Applied, ...]]:
    """As `apply`, with every application in the order in which they were made."""
    log: list[Applied] = []
    table = _table(_Same(rules)) if isinstance(rules, tuple) else _Table.of(rules)
    return _Driver(graph, table, log, "").run(), tuple(log)


@dataclass(frozen=True, slots=True)
class _Table:
    """Rules by root op, each with what it needs above the root."""

    by_op: dict[str, list[tuple[Rule, tuple[Need, ...]]]]
    depth: int

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> _Table:
        by_op: dict[str, list[tuple[Rule, tuple[Need, ...]]]] = defaultdict(list)
        deepest = 1
        for rule in rules:
            deepest = max(deepest, depth(rule.pattern))
            needs = needs_of(rule.pattern)
            for root in sorted(rule.pattern.ops):
                by_op[root].append((rule, needs))
        return cls(dict(by_op), deepest)


class _Same:
    """Rules that are equal to themselves only, so that what is worked out of them is kept."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules

    def __hash__(self) -> int:
        return id(self.rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.rules is self.rules


@lru_cache(maxsize=32)
def _table(given: _Same) -> _Table:
    return _Table.of(given.rules)


@dataclass(slots=True)
class _Recorder:
    """The Target that a rule builds into: an Editor that remembers what was added."""

    editor: Editor
    made: list[str] = field(default_factory=list)
    wanted: dict[str, str] = field(default_factory=dict)

    @property
    def graph(self) -> Graph:
        return self.editor.graph

    def add(
        self, node: Node, operands: Sequence[Value | None] = (), name: str = "", at: str = ""
    ) -> str:
        got = self.editor.add(node, operands, name, at)
        self.made.append(got)
        if name and got != name:
            self.wanted[got] = name
        return got


class _Driver:
    """Rewrites one graph (or region) by a table."""

    def __init__(self, graph: Graph, table: _Table, log: list[Applied], region: str) -> None:
        self._table, self._log, self._region = table, log, region
        self._editor = Editor(graph)
        names = graph.in_order()
        self._waiting = deque(names)
        self._queued = set(names)
        self._generation: dict[str, int] = {}
        self._limit = 10_000 + 50 * len(names)

    def run(self) -> Graph:
        while self._waiting:
            name = self._waiting.popleft()
            self._queued.discard(name)
            if name in self._editor.graph:
                self._regions(name)
                self._visit(name)
        return self._editor.finish()

    def _regions(self, name: str) -> None:
        regions = self._editor.graph.nodes[name]["regions"]
        if not regions:
            return
        done = {
            key: _Driver(body, self._table, self._log, f"{self._region}{name}.{key}/").run()
            for key, body in regions.items()
        }
        if any(done[key] is not regions[key] for key in regions):
            self._editor.update(name, regions=done)

    def _visit(self, name: str) -> None:
        graph = self._editor.graph
        rules = self._table.by_op.get(graph.op(name))
        if not rules:
            return
        for rule, needs in rules:
            if needs and not meets(graph, name, needs):
                continue
            for match in matches(graph, rule.pattern, name):
                if leaks(graph, match) or (rule.when is not None and not rule.when(match)):
                    continue
                if self._rewrite(rule, match):
                    return

    def _rewrite(self, rule: Rule, match: Match) -> bool:
        graph = self._editor.graph
        held = graph.nodes[match.root]
        recorder = _Recorder(self._editor)
        builder = Builder(recorder, at=match.root, origins=_origins(graph, match.nodes))
        builder.scope, builder.source = held["scope"], held["source"]
        values = _values(rule.replace(match, builder))
        if values is None:
            if recorder.made:
                raise PassError(f"rule {rule.name!r} at {match.root!r} built nodes, then declined")
            return False
        graph = self._editor.graph
        if any(graph.users(Value(match.root, i)) for i in range(len(values), len(held["results"]))):
            if recorder.made:
                self._editor.sweep(recorder.made)
            return False
        touched = self._substitute(rule, match, values)
        self._follow(rule, match, recorder, touched)
        return True

    def _substitute(self, rule: Rule, match: Match, values: Sequence[Value]) -> list[str]:
        """Put the new values where the old ones were; what may now match otherwise."""
        editor = self._editor
        for result, value in enumerate(values):
            old = Value(match.root, result)
            if old != value:
                self._agree(rule, match.root, editor.graph.type_of(old), value)
                editor.replace(old, value)
        near = [p for name in match.nodes for p in editor.graph.pred[name]]
        editor.sweep(match.nodes)
        graph = editor.graph
        return [
            reader
            for producer in dict.fromkeys(near)
            if producer in graph
            and graph.op(producer) not in _SHARED
            and len(graph.succ[producer]) <= _CROWD
            for reader in graph.succ[producer]
        ]

    def _agree(self, rule: Rule, root: str, old: TensorType, value: Value) -> None:
        """See that a replacement has the type of what it replaces, and is known as well."""
        new = self._editor.graph.type_of(value)
        if not agree(old, new):
            raise PassError(
                f"rule {rule.name!r} replaces {root!r} of type {old} by {value.node!r} of type "
                f"{new}: a rewrite keeps the type (rule: {rule.comment or 'no comment'})"
            )
        if new != old and old.shape is not None and old.dtype != UNDEFINED:
            results = list(self._editor.graph.nodes[value.node]["results"])
            if not new.is_static:
                results[value.result] = old
                self._editor.update(value.node, results=tuple(results))

    def _follow(self, rule: Rule, match: Match, recorder: _Recorder, touched: list[str]) -> None:
        """Log the application, name what it made and queue what it may have made possible."""
        editor = self._editor
        made = [name for name in recorder.made if name in editor.graph]
        gone = [name for name in match.nodes if name not in editor.graph]
        oldest = max((self._generation.pop(name, 0) for name in match.nodes), default=0)
        age = oldest + (len(made) >= len(gone))
        for index, name in enumerate(made):
            wanted = recorder.wanted.get(name, "")
            if wanted and wanted not in editor.graph:
                editor.rename(name, wanted)
                made[index] = name = wanted
            self._generation[name] = age
        self._log.append(Applied(rule.name, match.nodes, tuple(made), self._region))
        self._limit -= 1
        if age > _GENERATIONS or self._limit < 0:
            self._endless()
        graph = editor.graph
        level = [
            name for name in [*made, *touched] if name in graph and graph.op(name) not in _SHARED
        ]
        if not made:
            level += [match.root] if match.root in graph else []
        near: list[str] = []
        for _ in range(self._table.depth):
            level = list(dict.fromkeys(level))
            near += [name for name in level if name not in self._queued]
            self._queued.update(level)
            level = [reader for name in level for reader in graph.succ[name]]
        self._waiting.extendleft(reversed(near))

    def _endless(self) -> None:
        last = [entry.rule for entry in self._log[-200:]]
        rules = [name for name in dict.fromkeys(last) if last.count(name) > 1]
        raise PassError(
            f"the rules {rules} undo each other without end, last at "
            f"{self._region}{self._log[-1].matched[-1]!r}: one of them must decline"
        )


_SHARED = frozenset({f"{OURS}.Const", f"{OURS}.Param", f"{OURS}.Input", f"{OURS}.{OUTPUT}"})
"""Structural nodes: no rule is rooted at them, and any number of nodes may read them."""


def _origins(graph: Graph, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(origin for name in names for origin in graph.nodes[name]["origins"]))


def _values(replacement: Replacement) -> Sequence[Value] | None:
    if replacement is None:
        return None
    return (replacement,) if isinstance(replacement, Value) else replacement


def agree(old: TensorType, new: TensorType) -> bool:
    """Whether two types can be of the same value: equal wherever both are known sizes."""
    if UNDEFINED not in (old.dtype, new.dtype) and old.dtype != new.dtype:
        return False
    if old.shape is None or new.shape is None:
        return True
    return len(old.shape) == len(new.shape) and all(
        a == b or not (isinstance(a, int) and isinstance(b, int))
        for a, b in zip(old.shape, new.shape, strict=True)
    )
