"""Long lists of different members in bundles: what no page could show side by side is nested."""

from __future__ import annotations

from dataclasses import replace

from graphlens.view.diagram import Cluster, Diagram
from graphlens.view.quotient import Tree

_MANY, _BUNDLES = 22, 12
Member = tuple[bool, str]


def bundle(diagram: Diagram) -> Diagram:
    """The diagram with at most some twenty members in each cluster, and on the page itself.

    Where there are more (a graph without scopes, 200 layers that all differ), stretches of them,
    in order of execution, become clusters of their own, which can be folded.
    """
    tree = Tree(diagram)
    made: list[Cluster] = []
    home: dict[str, str] = {}
    parent: dict[str, str] = {}
    for cluster in ["", *tree.clusters]:
        waiting = [(cluster, _inner(tree, tree.members[cluster]))]
        while waiting:
            around, members = waiting.pop()
            if len(members) <= _MANY:
                for is_cluster, name in members:
                    (parent if is_cluster else home)[name] = around
                continue
            length = -(-len(members) // _BUNDLES)
            for start in range(0, len(members), length):
                part = members[start : start + length]
                held = _bundle(tree, part, around, start // length + 1)
                made.append(held)
                waiting.append((held.id, part))
    if not made:
        return diagram
    boxes = [replace(box, cluster=home.get(box.id, box.cluster)) for box in diagram.boxes]
    kept = [replace(held, parent=parent.get(held.id, held.parent)) for held in diagram.clusters]
    return diagram.having(boxes, clusters=_outer_first([*kept, *made]))


def _inner(tree: Tree, members: list[Member]) -> list[Member]:
    """The members but for inputs and outputs."""
    ends = ("input", "output")
    return [(held, m) for held, m in members if held or tree.boxes[m].face.kind not in ends]


def _bundle(tree: Tree, part: list[Member], around: str, number: int) -> Cluster:
    first, last = (
        tree.clusters[name].path if is_cluster else "" for is_cluster, name in (part[0], part[-1])
    )
    path = f"{first} … {last}" if first and last else f"part {number}"
    return Cluster(
        id=f"{around}//{number}:{part[0][1]}",
        path=path,
        parent=around,
        title=f"{part[0][1]} … {part[-1][1]}",
    )


def _outer_first(clusters: list[Cluster]) -> list[Cluster]:
    parents = {cluster.id: cluster.parent for cluster in clusters}
    depth: dict[str, int] = {"": 0}
    for name in parents:
        chain = []
        while name not in depth:
            chain.append(name)
            name = parents[name]
        for step, inner in enumerate(reversed(chain), 1):
            depth[inner] = depth[name] + step
    return sorted(clusters, key=lambda cluster: depth[cluster.id])
