"""Frames that say nothing are gone: around one other frame, or around the whole picture."""

from __future__ import annotations

from dataclasses import replace

from graphlens.view.diagram import Cluster, Diagram
from graphlens.view.quotient import Tree


def tidied(diagram: Diagram) -> Diagram:
    """The diagram without the clusters that hold one other cluster only, or everything."""
    return _without_whole(_without_shells(diagram)) if diagram.clusters else diagram


def _without_shells(diagram: Diagram) -> Diagram:
    """The diagram without clusters that hold but one other cluster: the two become one."""
    tree = Tree(diagram)
    parent: dict[str, str] = {}
    made: list[Cluster] = []
    word: dict[str, str] = {}
    for cluster in diagram.clusters:
        parent[cluster.id] = (
            parent.get(cluster.parent, "") if cluster.parent in word else cluster.parent
        )
        path = ".".join(filter(None, (word.get(cluster.parent, ""), cluster.path)))
        members = tree.members[cluster.id]
        if not cluster.is_run and len(members) == 1 and members[0][0]:
            word[cluster.id] = path
        else:
            made.append(replace(cluster, path=path, parent=parent[cluster.id]))
    return diagram.having(clusters=made)


def _without_whole(diagram: Diagram) -> Diagram:
    """The diagram without a cluster around all but the inputs and the output."""
    tree = Tree(diagram)
    inner = [
        (is_cluster, name)
        for is_cluster, name in tree.members[""]
        if is_cluster or tree.boxes[name].face.kind not in ("input", "output")
    ]
    if len(inner) != 1 or not inner[0][0] or tree.clusters[inner[0][1]].is_run:
        return diagram
    whole = inner[0][1]
    boxes = [replace(box, cluster="") if box.cluster == whole else box for box in diagram.boxes]
    clusters = [
        replace(cluster, parent="") if cluster.parent == whole else cluster
        for cluster in diagram.clusters
        if cluster.id != whole
    ]
    return diagram.having(boxes, clusters=clusters)
