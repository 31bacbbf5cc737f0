"""Long lists of different members in bundles: what no page could show side by side is nested."""

from __future__ import annotations

from dataclasses import replace

from graphlens.view.diagram import Cluster, Diagram
from graphlens.view.quotient import Tree
from graphlens.view.runs import span

Member = tuple[bool, str]
_LETTERS = 14
"""Letters from which on the names of a bundle's ends are too long to stand side by side."""


def bundle(diagram: Diagram, most: int = 22, pieces: int = 12) -> Diagram:
    """The diagram with at most ``most`` members in each cluster, and on the page itself.

    Where there are more (a graph without scopes, 200 layers that all differ), stretches of them,
    in order of execution, become some ``pieces`` clusters of their own, which can be folded; they
    are called by what they begin and end with.
    """
    tree = Tree(diagram)
    made: list[Cluster] = []
    home: dict[str, str] = {}
    parent: dict[str, str] = {}
    for cluster in ["", *tree.clusters]:
        waiting = [(cluster, _inner(tree, tree.members[cluster]))]
        while waiting:
            around, members = waiting.pop()
            if len(members) <= most:
                for is_cluster, name in members:
                    (parent if is_cluster else home)[name] = around
                continue
            length = -(-len(members) // pieces)
            for start in range(0, len(members), length):
                part = members[start : start + length]
                held = _bundle(tree, part, around)
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


def _bundle(tree: Tree, part: list[Member], around: str) -> Cluster:
    first, last = (_called(tree, member) for member in (part[0], part[-1]))
    path = span(first, last) if first != last else first
    if len(path) > 2 * _LETTERS and "–" not in path:
        path = f"{_short(first)} … {_short(last)}"
    return Cluster(
        id=f"{around}//{part[0][1]}",
        path=path,
        parent=around,
        title=f"{part[0][1]} … {part[-1][1]}",
    )


def _called(tree: Tree, member: Member) -> str:
    """A member's path or, of a box, the module or layer that it comes from."""
    is_cluster, name = member
    if is_cluster:
        return tree.clusters[name].path or tree.clusters[name].kind or name.strip("/")
    outer, dot, _ = (tree.boxes[name].name or name).rpartition(".")
    layer = dot and "." not in outer and not outer.isdigit()  # Keras's layers are all on one level
    return outer if layer else tree.boxes[name].name or name


def _short(name: str) -> str:
    """A long name by its last words."""
    words = name.split(".")
    while len(words) > 1 and len(".".join(words)) > _LETTERS:
        words = words[1:]
    return ".".join(words)


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
