"""Stretches of equal operations between those that changed, where two models are compared."""

from __future__ import annotations

from dataclasses import replace

from graphlens.view import words
from graphlens.view.diagram import Cluster, Diagram, moved
from graphlens.view.fold import outer_first
from graphlens.view.quotient import Tree

Member = tuple[bool, str]


def equal_stretches(diagram: Diagram, least: int, beside: int = 0) -> Diagram:
    """The diagram with long stretches of equal members of a scope as clusters, to be folded.

    Of scopes that hold a change only. A stretch is in order of execution, so that no two of them
    read each other both ways.

    Args:
        diagram: Two models in one.
        least: Members that a stretch has at least.
        beside: Members beside a change that stay as they are.
    """
    tree = Tree(diagram)
    changed = _changed(tree)
    made: list[Cluster] = []
    home: dict[Member, str] = {}
    for cluster in ["", *tree.clusters]:
        if cluster and cluster not in changed:
            continue
        for found in _stretches(tree, tree.members[cluster], changed):
            stretch = found[beside : len(found) - beside]
            if len(stretch) < least:
                continue
            inside = [box for m in stretch for box in (tree.inside(m[1]) if m[0] else m[1:])]
            ops = sum(tree.boxes[name].ops for name in inside)
            held = Cluster(
                f"{cluster}=={stretch[0][1]}", words.many(ops, "equal operation"), "", cluster
            )
            made.append(held)
            home.update(dict.fromkeys(stretch, held.id))
    if not made:
        return diagram
    boxes = [moved(box, home.get((False, box.id), box.cluster)) for box in diagram.boxes]
    kept = [replace(c, parent=home.get((True, c.id), c.parent)) for c in diagram.clusters]
    return diagram.having(boxes, clusters=outer_first([*kept, *made]))


def _changed(tree: Tree) -> set[str]:
    """The clusters that hold a change."""
    found: set[str] = set()
    for box in tree.boxes.values():
        name = box.cluster if box.changed else ""
        while name and name not in found:
            found.add(name)
            name = tree.clusters[name].parent
    for cluster in tree.clusters.values():
        name = cluster.id if cluster.was else ""
        while name and name not in found:
            found.add(name)
            name = tree.clusters[name].parent
    return found


def _stretches(tree: Tree, members: list[Member], changed: set[str]) -> list[list[Member]]:
    """The stretches of members without a change."""
    found: list[list[Member]] = []
    held: list[Member] = []
    for member in [*members, None]:
        if member is not None and not _told(tree, member, changed):
            held.append(member)
            continue
        found.append(held)
        held = []
    return found


def _told(tree: Tree, member: Member, changed: set[str]) -> bool:
    """Whether a member is to be seen: it holds a change, or is an input or output."""
    is_cluster, name = member
    if is_cluster:
        return name in changed
    box = tree.boxes[name]
    return box.changed or box.face.kind in ("input", "output")
