"""From module scopes to clusters: only those that run as one stretch of the graph are frames."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import networkx as nx

from graphlens.view.diagram import Arrow, Box, Cluster, moved
from graphlens.view.numbered import numbered

_LISTS = frozenset({"ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})
"""Classes that hold modules and never run: a frame around what they hold would say nothing."""

_LEVEL = 8
"""Scopes on the outermost level from which on their names are taken for paths."""


def scopes(
    kinds: Mapping[str, str], boxes: Sequence[Box], links: Sequence[Arrow]
) -> tuple[list[Box], list[Cluster]]:
    """The boxes with the cluster that each is in, and the clusters, outer ones first.

    Args:
        kinds: The class of the module at each scope.
        boxes: All boxes, with their scopes as their clusters, as `nested` calls them.
        links: All arrows.
    """
    if not any(box.cluster for box in boxes):
        return list(boxes), []
    boxes = _calls(kinds, boxes, links)
    kept = {path for path in _paths(boxes) if kinds.get(path) not in _LISTS}
    kept -= _torn(kept, boxes, links)
    home = {path: _nearest(path, kept) for path in {box.cluster for box in boxes}}
    made = [_cluster(path, kinds, kept) for path in _paths(boxes) if path in kept]
    placed = [moved(box, home[box.cluster]) for box in boxes]
    return placed, sorted(made, key=lambda cluster: cluster.id.count("."))


def nested(
    kinds: Mapping[str, str], boxes: Sequence[Box], links: Sequence[Arrow]
) -> Mapping[str, str]:
    """What scopes that are on one level, as Keras names its layers, are called when nested.

    Those with numbered blocks by these (`numbered`), others by the parts of their names:
    ``conv2_block1_1_conv`` becomes ``conv2.block1.1.conv``. Parts that tell of no stretch of the
    graph (``batch_normalization_7``) are gone when scopes that are torn are.

    Args:
        kinds: The class of the module at each scope.
        boxes: All boxes, with their scopes as their clusters.
        links: All arrows.
    """
    outer = {box.cluster.partition(".")[0] for box in boxes} - {""}
    if len(outer) < _LEVEL or sum("_" in name for name in outer) < len(outer) / 2:
        return {}
    spelt = {path: _spelt(path) for path in {*kinds, *(box.cluster for box in boxes)}}
    return numbered(kinds, boxes, links) or spelt


def renamed(
    names: Mapping[str, str], kinds: Mapping[str, str], boxes: Iterable[Box]
) -> tuple[Mapping[str, str], list[Box]]:
    """The class of each scope, and the boxes, with scopes called as `nested` says."""
    if not names:
        return kinds, list(boxes)
    return (
        {names.get(path, path): kind for path, kind in kinds.items()},
        [moved(box, names.get(box.cluster, box.cluster)) for box in boxes],
    )


def _spelt(path: str) -> str:
    first, _, rest = path.partition(".")
    parts = [*filter(None, first.split("_")), *filter(None, [rest])]
    return ".".join(parts)


def _paths(boxes: Sequence[Box]) -> list[str]:
    """Every scope that holds a box and those around it, in order of execution."""
    found: dict[str, None] = {}
    for path in dict.fromkeys(box.cluster for box in boxes):
        parts = path.split(".") if path else []
        found.update((".".join(parts[: depth + 1]), None) for depth in range(len(parts)))
    found.pop("", None)  # what stands before a dot at the beginning is no scope
    return list(found)


def _nearest(path: str, kept: set[str]) -> str:
    while path and path not in kept:
        path = path.rpartition(".")[0]
    return path


def _cluster(path: str, kinds: Mapping[str, str], kept: set[str]) -> Cluster:
    parent = _nearest(path.rpartition(".")[0], kept)
    kind = kinds.get(path, "")
    inner = path[len(parent) + 1 :] if parent else path
    return Cluster(path, inner, kind, parent, title=f"{path}: {kind}" if kind else path)


def _calls(kinds: Mapping[str, str], boxes: Sequence[Box], links: Sequence[Arrow]) -> list[Box]:
    """The boxes, those of a module that is called several times in a scope for each call.

    One ReLU module serves three places of a ResNet block: drawn as one scope it would tie them
    together. Boxes of an innermost scope that no arrow inside it joins are calls of their own,
    and stand in the scope around it, where scopes are known to be modules. What one of two models
    has there alone, in place of what the other has, is no call of its own.
    """
    outer = {held.cluster.rpartition(".")[0] for held in boxes}
    scope = {held.id: held.cluster for held in boxes}
    parts: dict[str, nx.utils.UnionFind] = {}
    sizes = Counter(scope.values())
    for held in boxes:
        called = sizes[held.cluster] > 1 and (not kinds or held.cluster in kinds)
        if held.cluster and called and held.cluster not in outer:
            parts.setdefault(held.cluster, nx.utils.UnionFind())[held.id]
    for link in links:
        home = scope[link.head]
        if home in parts and scope[link.tail] == home:
            parts[home].union(link.tail, link.head)
    models = Counter((held.cluster, _models(held)) for held in boxes)
    only = {held.id for held in boxes if models[held.cluster, _models(held)] == 1}
    sets = [list(joined.to_sets()) for joined in parts.values()]
    alone = {
        name for held in sets if len(held) > 1 for part in held if len(part) == 1 for name in part
    }
    alone -= {held.id for held in boxes if held.id in only and None in held.sides}
    return [
        moved(held, held.cluster.rpartition(".")[0]) if held.id in alone else held for held in boxes
    ]


def _models(box: Box) -> tuple[bool, ...]:
    """Which of two models has what a box stands for."""
    return tuple(side is None for side in box.sides)


def _torn(kept: set[str], boxes: Sequence[Box], links: Sequence[Arrow]) -> set[str]:
    """The scopes that are left and entered again on one way through the graph.

    A frame around them would hold boxes that run before and after what is outside it (a list of
    a U-Net's blocks), and as one box they would stand in a circle.
    """
    place = {box.id: index for index, box in enumerate(boxes)}
    readers: dict[int, list[int]] = defaultdict(list)
    for link in links:
        readers[place[link.tail]].append(place[link.head])
    members: dict[str, list[int]] = defaultdict(list)
    for index, box in enumerate(boxes):
        path = box.cluster
        while path:
            if path in kept:
                members[path].append(index)
            path = path.rpartition(".")[0]
    return {path for path, inside in members.items() if _comes_back(inside, readers)}


def _comes_back(inside: Sequence[int], readers: Mapping[int, Sequence[int]]) -> bool:
    held, last = set(inside), inside[-1]
    if last - inside[0] + 1 == len(inside):
        return False
    waiting = [
        reader for index in inside for reader in readers.get(index, ()) if reader not in held
    ]
    seen: set[int] = set()
    while waiting:
        index = waiting.pop()
        if index in held:
            return True
        if index < last and index not in seen:
            seen.add(index)
            waiting += readers.get(index, ())
    return False
