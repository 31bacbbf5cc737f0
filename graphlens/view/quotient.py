"""Drawing several boxes as one: the step that folding, rolling and stacking are made of."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from graphlens.view import words
from graphlens.view.diagram import Arrow, Box, Cluster, Diagram


def quotient(
    diagram: Diagram,
    owner: Mapping[str, str],
    made: Mapping[str, Box],
    clusters: Sequence[Cluster] | None = None,
    backward: frozenset[tuple[str, str]] = frozenset(),
    alike: bool = False,
) -> Diagram:
    """The diagram in which every box of ``owner`` is drawn as the box that owns it.

    Args:
        diagram: What to draw with fewer boxes.
        owner: The new id of each box that does not stay as it is.
        made: The boxes that are new, or replace the one of that id.
        clusters: The clusters from now on; by default those of the diagram.
        backward: Arrows (tail, head, by their old ids) that are not drawn any more.
        alike: Whether the boxes of one owner are repetitions of it, so that their results are
            its results.

    Returns:
        The smaller diagram, its boxes in topological order; arrows inside one box are gone and
        equal ones are one.
    """
    own = {box.id: box for box in diagram.boxes if box.id not in owner}
    kept: dict[str, Box] = {}
    for box in diagram.boxes:
        name = owner.get(box.id, box.id)
        if name not in kept:  # a box may stand for one that comes before it
            kept[name] = made.get(name) or own.get(name, box)
    arrows: dict[tuple[str, str, str], Arrow] = {}
    for arrow in diagram.arrows:
        moved = _moved(arrow, owner, alike)
        if moved.tail == moved.head or (arrow.tail, arrow.head) in backward:
            continue
        key = (moved.tail, moved.head, moved.value)
        arrows[key] = _joined(arrows[key], moved) if key in arrows else moved
    ordered = topological(kept, arrows.values())
    return diagram.having([kept[name] for name in ordered], list(arrows.values()), clusters)


def _moved(arrow: Arrow, owner: Mapping[str, str], alike: bool) -> Arrow:
    """An arrow between the owners of its boxes."""
    tail, head = owner.get(arrow.tail, arrow.tail), owner.get(arrow.head, arrow.head)
    if (tail, head) == (arrow.tail, arrow.head):
        return arrow
    value = arrow.value if alike or tail == arrow.tail else f"{arrow.tail}:{arrow.value}"
    return Arrow(tail, head, value, arrow.label, arrow.title, arrow.panes, arrow.mark)


def _joined(one: Arrow, other: Arrow) -> Arrow:
    if not one.panes or not other.panes:
        panes: tuple[int, ...] = ()
    else:
        panes = tuple(sorted({*one.panes, *other.panes}))
    mark = one.mark if one.mark == other.mark else ""
    label = reshaped(one, other) or one.label or other.label
    return Arrow(one.tail, one.head, one.value, label, one.title, panes, mark)


def reshaped(one: Arrow, other: Arrow) -> str:
    """The shapes of what is gone and of what came in its place; nothing of any other pair."""
    shapes = {one.mark: one.label, other.mark: other.label}
    if shapes.keys() != {"removed", "added"} or not all(shapes.values()):
        return ""
    same = one.label == other.label
    return one.label if same else words.shapes(shapes["removed"], shapes["added"])


def topological(names: Iterable[str], arrows: Iterable[Arrow]) -> list[str]:
    """The boxes, tails before heads, ties as given; where they go in a circle, as given.

    Boxes drawn as one may read each other both ways (a module that is called twice), so a circle
    is no error here: the first box of those left goes first.
    """
    return in_order(names, [(arrow.tail, arrow.head) for arrow in arrows])


def in_order(names: Iterable[str], links: Collection[tuple[str, str]]) -> list[str]:
    """`topological` of what is joined by links, each as its tail and its head."""
    place = {name: index for index, name in enumerate(names)}
    ordered = list(place)
    if all(place[tail] < place[head] for tail, head in links):
        return ordered
    readers: dict[str, list[str]] = defaultdict(list)
    waiting = dict.fromkeys(ordered, 0)
    for tail, head in links:
        readers[tail].append(head)
        waiting[head] += 1
    ready = [place[name] for name in ordered if not waiting[name]]
    done: list[str] = []
    seen: set[str] = set()
    next_left = 0
    while len(done) < len(ordered):
        while not ready:
            if ordered[next_left] not in seen:
                ready.append(next_left)
            next_left += 1
        name = ordered[heapq.heappop(ready)]
        if name in seen:
            continue
        seen.add(name)
        done.append(name)
        for reader in readers[name]:
            waiting[reader] -= 1
            if not waiting[reader] and reader not in seen:
                heapq.heappush(ready, place[reader])
    return done


class Tree:
    """Who is in which cluster, in order of execution.

    Attributes:
        clusters: The clusters by id.
        members: For each cluster id (``''`` is the page), its boxes and clusters in the order of
            their first boxes, each as ``(is_cluster, id)``.
    """

    def __init__(self, diagram: Diagram) -> None:
        """The tree of a diagram."""
        self.clusters = {cluster.id: cluster for cluster in diagram.clusters}
        self.boxes = {box.id: box for box in diagram.boxes}
        self.members: dict[str, list[tuple[bool, str]]] = defaultdict(list)
        placed: set[str] = set()
        for box in diagram.boxes:
            self.members[box.cluster].append((False, box.id))
            inner = box.cluster
            while inner and inner not in placed:
                placed.add(inner)
                outer = self.clusters[inner].parent
                # The box that opens a cluster may have been entered above already: the cluster's
                # place in its parent is that of its first box all the same.
                self.members[outer].append((True, inner))
                inner = outer

    def inside(self, cluster: str) -> list[str]:
        """Every box in a cluster, in order."""
        found: list[str] = []
        waiting = [(True, cluster)]
        while waiting:
            is_cluster, name = waiting.pop()
            if is_cluster:
                waiting += reversed(self.members[name])
            else:
                found.append(name)
        return found

    def depth(self, cluster: str) -> int:
        """How many clusters are around it; 0 at the top."""
        depth = 0
        while self.clusters[cluster].parent:
            cluster = self.clusters[cluster].parent
            depth += 1
        return depth

    def deepest_first(self) -> list[str]:
        """All clusters, inner ones before outer ones, the page (``''``) last."""
        return [*sorted(self.clusters, key=lambda name: -self.depth(name)), ""]
