"""Grouping what can run as one kernel: each group becomes a Region whose body stays visible."""

from __future__ import annotations

from collections.abc import Sequence

from graphlens.analysis.dataflow import dataflow
from graphlens.errors import unknown_name
from graphlens.ir import REGION, Editor, Graph
from graphlens.passes.fuse_build import Plan, build
from graphlens.passes.fuse_bundles import Bundle, bundles
from graphlens.passes.fuse_groups import Group
from graphlens.passes.fuse_roles import role

KINDS = ("attention", "conv", "elementwise", "matmul", "norm", "pool", "reduce", "softmax")
"""What `fuse` can be told to group, by the op that shapes the kernel."""

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
    graph = _inside(graph, wanted)
    return _fused(graph, wanted)


def _inside(graph: Graph, wanted: frozenset[str]) -> Graph:
    """The graph with the bodies of its control flow grouped; groups themselves are done."""
    editor = Editor(graph)
    for name, held in graph.nodes.items():
        if held["regions"] and held["op"] != REGION:
            bodies = {key: _inside(body, wanted) for key, body in held["regions"].items()}
            done = {key: _fused(body, wanted) for key, body in bodies.items()}
            if any(done[key] is not body for key, body in held["regions"].items()):
                editor.update(name, regions=done)
    return editor.finish()


def _fused(graph: Graph, wanted: frozenset[str]) -> Graph:
    flow = dataflow(graph)
    order = {name: index for index, name in enumerate(flow.order)}
    plans = [
        plan
        for bundle in bundles(graph, flow)
        if bundle[0].family in wanted and sum(len(group.members) for group in bundle) > 1
        for plan in _plan(graph, bundle, order)
    ]
    return build(graph, plans, flow.order) if plans else graph


def _wanted(kinds: str | Sequence[str] | None) -> frozenset[str]:
    if kinds is None:
        return frozenset(KINDS)
    names = kinds.split("+") if isinstance(kinds, str) else kinds
    for name in names:
        if name not in KINDS:
            raise unknown_name("kind of group", name, KINDS)
    return frozenset(names)


def _plan(graph: Graph, bundle: Bundle, order: dict[str, int]) -> list[Plan]:
    """A bundle without the views at its ends; none if one computing node is left."""
    parts = [_part(graph, group, order) for group in bundle]
    parts = [part for part in parts if part]
    computing = [[n for n in part if role(graph, n).part != "view"] for part in parts]
    if sum(map(len, computing)) < 2:
        return []
    kinds = [_kind([graph.nodes[name]["op"] for name in names]) for names in computing]
    anchors = {name for group in bundle if group.part == "heavy" for name in _anchors(group)}
    everyone = [name for names in computing for name in names]
    name = next((name for name in everyone if name in anchors), computing[0][-1])
    members = tuple(sorted((name for part in parts for name in part), key=order.__getitem__))
    return [Plan(tuple(part[-1] for part in parts), members, name, _joined(kinds))]


def _part(graph: Graph, group: Group, order: dict[str, int]) -> list[str]:
    members = sorted(group.members, key=order.__getitem__)
    views = {name for name in members if role(graph, name).part == "view"}
    return _trimmed(graph, members, views)


def _anchors(group: Group) -> tuple[str, ...]:
    return (group.anchor, group.second) if group.second else (group.anchor,)


def _joined(kinds: list[str]) -> str:
    """The kind of a bundle: ``'(MatMul+Add) x3'``, or the kinds of its groups side by side."""
    if len(kinds) == 1:
        return kinds[0]
    if len(set(kinds)) > 1:
        return " | ".join(kinds)
    return f"{kinds[0]} x{len(kinds)}" if "+" not in kinds[0] else f"({kinds[0]}) x{len(kinds)}"


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
