"""Modules of which each reads all before it, as in a DenseNet (arXiv:1608.06993)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from graphlens.view.diagram import Diagram
from graphlens.view.quotient import Tree

_LEAST = 3
"""Modules from which on it is worth saying."""


def told_dense(diagram: Diagram) -> Diagram:
    """The diagram with those clusters marked whose modules each read all before them."""
    tree = Tree(diagram)
    wanted = {name: found for name in tree.clusters if (found := _modules(tree, name))}
    if not wanted:
        return diagram
    tails: dict[str, list[str]] = defaultdict(list)
    for arrow in diagram.arrows:
        tails[arrow.head].append(arrow.tail)
    dense = {name for name, modules in wanted.items() if _each_reads_all(tree, modules, tails)}
    if not dense:
        return diagram
    clusters = [replace(each, dense=each.id in dense) for each in diagram.clusters]
    return diagram.having(clusters=clusters)


def _modules(tree: Tree, name: str) -> list[str]:
    """The modules of a cluster in order, if they are several and all of one class."""
    inner = [tree.clusters[m] for is_cluster, m in tree.members[name] if is_cluster]
    kinds = {cluster.kind for cluster in inner}
    alike = len(inner) >= _LEAST and len(kinds) == 1 and "" not in kinds
    runs = any(cluster.is_run for cluster in inner)
    return [cluster.id for cluster in inner] if alike and not runs else []


def _each_reads_all(tree: Tree, modules: list[str], tails: dict[str, list[str]]) -> bool:
    place: dict[str, int] = {}
    for index, module in enumerate(modules):
        inside = tree.inside(module)
        read = {place[tail] for box in inside for tail in tails[box] if tail in place}
        if len(read) < index:
            return False
        place.update(dict.fromkeys(inside, index))
    return True
