"""Weights that several modules read: a tag at each of their readers says which."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from graphlens.ir import Graph
from graphlens.view.diagram import Diagram, Tag
from graphlens.view.operand import Stored

_WHOLE = frozenset({"weight", "kernel", "embeddings"})
"""Last words of the names of weights that are called by their module."""
_FEW, _SHARE = 4, 0.2
"""How many weights, or which share of all, are worth a tag: where most are shared, none is."""


def shared(graph: Graph, known: Stored) -> dict[str, tuple[Tag, ...]]:
    """The tags of the nodes that read a weight which another module reads too, by node.

    Tied embeddings are such a weight, and the relative positions of a T5, which its first layer
    computes for all. In a training step nearly all weights are read again, so none has a tag.
    """
    readers: dict[str, dict[str, None]] = defaultdict(dict)
    nodes = graph.nodes
    for name in graph:
        if name in known:
            for reader in graph.succ[name]:
                if reader not in known:
                    for root, _ in known[name]:
                        readers[root][reader] = None
    found = {
        root: its
        for root, its in readers.items()
        if len(its) > 1 and _apart({nodes[reader]["scope"] for reader in its})
    }
    if len(found) > max(_FEW, _SHARE * len(readers)):
        return {}
    tags: dict[str, dict[Tag, None]] = defaultdict(dict)
    for root, its in found.items():
        told = Tag(called(root), False, f"{root}: a weight that {len(its)} operations read")
        for reader in its:
            tags[reader][told] = None
    return {reader: tuple(held) for reader, held in tags.items()}


def called(weight: str, scope: str = "") -> str:
    """What a weight is called in a word: that of its module, where its own says no more.

    Args:
        weight: Its name.
        scope: The scope that is spoken of; in a module's own, its ``weight`` is told from its bias.
    """
    *modules, last = weight.split(".")
    own = ".".join(modules) == scope
    named = last in _WHOLE and modules and not modules[-1].isdigit() and not own
    return modules[-1] if named else last


def _apart(scopes: Collection[str]) -> bool:
    """Whether of some scopes two are not one inside the other."""
    innermost = max(scopes, key=len)
    return not all(f"{innermost}.".startswith(f"{scope}.") or not scope for scope in scopes)


def without_lone(diagram: Diagram) -> Diagram:
    """The diagram without the tags that only one box has which stands for no run of blocks."""
    times: Counter[Tag] = Counter()
    runs = {cluster.id for cluster in diagram.clusters if cluster.is_run}
    around = {cluster.id: cluster.parent for cluster in diagram.clusters}
    for box in diagram.boxes:
        repeated = box.tags and any(home in runs for home in _homes(box.cluster, around))
        times.update(dict.fromkeys(box.tags, 2 if repeated else 1))
    lone = {tag for tag, number in times.items() if number == 1}
    if not lone:
        return diagram
    boxes = [
        replace(box, tags=tuple(tag for tag in box.tags if tag not in lone)) if box.tags else box
        for box in diagram.boxes
    ]
    return diagram.having(boxes)


def _homes(cluster: str, around: Mapping[str, str]) -> Iterator[str]:
    while cluster:
        yield cluster
        cluster = around.get(cluster, "")
