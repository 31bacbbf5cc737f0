"""Grouping what can run as one kernel: each group becomes a Region whose body stays visible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphlens.analysis.dataflow import dataflow
from graphlens.errors import unknown_name
from graphlens.ir import CONST, INPUT, OURS, OUTPUT, REGION, Graph, Node, Value
from graphlens.passes.fuse_groups import Group, groups
from graphlens.passes.fuse_roles import role

KINDS = ("attention", "conv", "elementwise", "matmul", "norm", "pool", "reduce", "softmax")
"""What `fuse` can be told to group, by the op that shapes the kernel."""

_INSIDE = 16
"""Elements of a Const up to which a body holds it itself: a literal of the kernel's code."""

_SPELT = 6
"""Ops that a kind spells out."""


def fuse(graph: Graph, *, kinds: str | Sequence[str] | None = None) -> Graph:
    """The graph with every set of nodes that can run as one kernel made one Region.

    A kernel is a contraction (convolution, matrix product, attention), a row-wise op (a norm,
    Softmax, reductions of the same rows) or a pooling with the elementwise chain after it
    (bias, activation, residual Add, transposed store) and cheap elementwise ops before it; or
    elementwise and data-moving ops by themselves. No value that is read from outside a group is
    inside it, so nothing is computed twice.

    Args:
        graph: What to group; one in canonical form has most to gain.
        kinds: Group only kernels of these `KINDS` (names, or one string with ``'+'`` between).

    Returns:
        The grouped graph, or the same object if no two nodes can run together.

    Raises:
        UsageError: If a kind does not exist.
    """
    wanted = _wanted(kinds)
    flow = dataflow(graph)
    order = {name: index for index, name in enumerate(flow.order)}
    plans = {
        plan.exit: plan
        for group in groups(graph, flow)
        if len(group.members) > 1 and group.family in wanted
        for plan in _plan(graph, group, order)
    }
    return _Build(graph, plans, flow.order).run() if plans else graph


def _wanted(kinds: str | Sequence[str] | None) -> frozenset[str]:
    if kinds is None:
        return frozenset(KINDS)
    names = kinds.split("+") if isinstance(kinds, str) else kinds
    for name in names:
        if name not in KINDS:
            raise unknown_name("kind of group", name, KINDS)
    return frozenset(names)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A group to be made: its members in order of execution, the exit last."""

    exit: str
    members: tuple[str, ...]
    name: str
    kind: str


def _plan(graph: Graph, group: Group, order: dict[str, int]) -> list[_Plan]:
    """The group without the views at its ends; none if one computing node is left."""
    members = sorted(group.members, key=order.__getitem__)
    views = {name for name in members if role(graph, name).part == "view"}
    members = _trimmed(graph, members, views)
    computing = [name for name in members if name not in views]
    if len(computing) < 2:
        return []
    name = group.anchor if group.anchor and group.part == "heavy" else computing[-1]
    kind = _kind([graph.nodes[member]["op"] for member in computing])
    return [_Plan(members[-1], tuple(members), name, kind)]


def _trimmed(graph: Graph, members: list[str], views: set[str]) -> list[str]:
    """Without views that only read from outside, or that are what outside reads."""
    inside = set(members)
    while len(members) > 1 and members[-1] in views:
        if inside.intersection(graph.pred[members[-1]]) != {members[-2]}:
            break
        inside.discard(members.pop())
    kept: list[str] = []
    for name in members:
        if name in views and inside.isdisjoint(graph.pred[name]):
            inside.discard(name)
        else:
            kept.append(name)
    return kept


def _kind(ops: list[str]) -> str:
    """``'Conv+Add+Relu'``; repeated ops as ``'Mul x3'``, a long chain by its ends."""
    runs: list[tuple[str, int]] = []
    for op in ops:
        if runs and runs[-1][0] == op:
            runs[-1] = (op, runs[-1][1] + 1)
        else:
            runs.append((op, 1))
    words = [op if count == 1 else f"{op} x{count}" for op, count in runs]
    if len(words) > _SPELT:
        words = [*words[: _SPELT - 2], "...", words[-1]]
    return "+".join(words)


class _Build:
    """Writes the grouped graph in one sweep: a group stands where its exit stood."""

    def __init__(self, graph: Graph, plans: dict[str, _Plan], order: tuple[str, ...]) -> None:
        self._old = graph
        self._new = Graph()
        self._new.graph.update(graph.graph)
        self._plans, self._order = plans, order
        self._inner = {name for plan in plans.values() for name in plan.members}
        self._at: dict[str, str] = {}

    def run(self) -> Graph:
        kept = {name for name in self._order if name not in self._inner}
        for name in self._order:
            if name in self._plans:
                self._region(self._plans[name], kept)
            elif name in kept and not self._is_literal(name):
                operands = [self._moved(value) for value in self._old.operands(name)]
                self._put(self._new, self._old.node(name), operands, name)
        return self._new

    def _put(self, graph: Graph, node: Node, operands: Sequence[Value | None], name: str) -> None:
        self._at[name] = graph.add(node, operands, name)
        if name in self._old.weights:
            graph.weights[name] = self._old.weights[name]

    def _moved(self, value: Value | None) -> Value | None:
        return None if value is None else Value(self._at[value.node], value.result)

    def _is_literal(self, name: str) -> bool:
        """Whether a small Const is read by groups only, which each hold their own."""
        readers = self._old.succ[name]
        return self._is_small(name) and bool(readers) and all(r in self._inner for r in readers)

    def _is_small(self, name: str) -> bool:
        if self._old.op(name) != f"{OURS}.{CONST}":
            return False
        array = self._old.weights.get(name)
        return array is not None and array.size <= _INSIDE

    def _region(self, plan: _Plan, kept: set[str]) -> None:
        body, operands = self._body(plan)
        held = self._old.nodes[plan.exit]
        named = self._old.nodes[plan.name]
        everyone = [name for name in body if body.op(name) not in (_INPUT, _OUTPUT)]
        origins = [o for name in everyone for o in self._old.nodes[name]["origins"]]
        node = Node(
            REGION,
            OURS,
            {"kind": plan.kind},
            held["results"],
            _common([self._old.nodes[name]["scope"] for name in plan.members]),
            named["source"],
            tuple(dict.fromkeys(origins)),
            {"body": body},
        )
        given = [self._moved(value) for value in operands]
        name = plan.name if plan.name not in kept else f"{plan.name}.group"
        self._at[plan.exit] = self._new.add(node, given, name)

    def _body(self, plan: _Plan) -> tuple[Graph, list[Value]]:
        """The closed body of a group, and the outer values that are its Inputs, in order."""
        old, body = self._old, Graph(name="body")
        inside = set(plan.members)
        at: dict[Value, Value] = {}
        outer = [
            value
            for name in plan.members
            for value in old.operands(name)
            if value is not None and value.node not in inside
        ]
        operands = [value for value in dict.fromkeys(outer) if not self._is_small(value.node)]
        for value in operands:
            node = Node(INPUT, OURS, results=(old.type_of(value),))
            hint = f"{value.node}.in" if value.node in inside else value.node
            at[value] = Value(body.add(node, name=hint))
        for value in dict.fromkeys(outer):
            if value not in at:
                at[value] = Value(body.add(old.node(value.node), name=value.node))
                body.weights[value.node] = old.weights[value.node]
        for name in plan.members:
            read = [None if value is None else at.get(value, value) for value in old.operands(name)]
            body.add(old.node(name), read, name)
        count = len(old.nodes[plan.exit]["results"])
        body.add(Node(OUTPUT, OURS), [Value(plan.exit, i) for i in range(count)], "output")
        return body, operands


_INPUT, _OUTPUT = f"{OURS}.{INPUT}", f"{OURS}.{OUTPUT}"


def _common(scopes: list[str]) -> str:
    """The longest module path that holds all of ``scopes``."""
    shared = scopes[0].split(".") if scopes[0] else []
    for scope in scopes[1:]:
        parts = scope.split(".") if scope else []
        length = 0
        while length < min(len(shared), len(parts)) and shared[length] == parts[length]:
            length += 1
        shared = shared[:length]
    return ".".join(shared)
