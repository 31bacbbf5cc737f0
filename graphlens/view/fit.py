"""The default picture: as much as one page shows at a legible size, whatever the model."""

from __future__ import annotations

import heapq

from graphlens.view.diagram import Box, Diagram
from graphlens.view.fold import chunk, fold
from graphlens.view.quotient import Tree

PAGES = (20.0, 30.0, 40.0, 50.0, 58.0, 66.0, 74.0, 82.0, 92.0, 104.0, 120.0)
"""How much a page may hold, in lines of text; a box costs its lines and the space around them."""
_AROUND = 1.4
_FRAME = 1.6
_SHUT = 2.6 + _AROUND
_CHUNKED = 170.0
"""Lines beyond which a picture with every scope folded is cut into stretches."""


def fit(diagram: Diagram, page: float) -> Diagram:
    """The diagram with scopes folded until it fits a page.

    All is folded first; then scopes are opened as long as there is room for them, one of each
    structure before a second of any. What does not fit even folded is cut into stretches of the
    execution.
    """
    tree = Tree(diagram)
    closed = _closed(diagram, tree, page)
    small = fold(diagram, closed) if closed else diagram
    if sum(map(cost, small.boxes)) > _CHUNKED:
        small = chunk(small, int(max(page, 60.0) / 5))
    return small


def cost(box: Box) -> float:
    """What a box takes of the page, in lines."""
    lines = max(len(face.rows) for face in box.faces if face is not None)
    return lines + 0.75 * len(box.tags) + _AROUND


def _closed(diagram: Diagram, tree: Tree, page: float) -> set[str]:
    """The clusters to fold.

    Of clusters of one structure the first is opened before there is a second of any: one block in
    full explains the others. Then all are opened, the outermost first, as far as there is room.
    """
    whole = {name: _whole(tree, name) for name in tree.clusters}
    shut = {name: min(whole[name], _SHUT) for name in tree.clusters}
    place = {cluster.id: index for index, cluster in enumerate(diagram.clusters)}
    room = page - sum(
        shut[name] if is_cluster else cost(tree.boxes[name])
        for is_cluster, name in tree.members[""]
    )
    explained: set[object] = set()
    opened: set[str] = set()
    waiting = [(False, 0, place[name], name) for held, name in tree.members[""] if held]
    heapq.heapify(waiting)
    while waiting:
        known, depth, order, name = heapq.heappop(waiting)
        structure = _structure(tree, name)
        if not known and structure in explained:
            heapq.heappush(waiting, (True, depth, order, name))
            continue
        gain = max(0.0, _open(tree, name, shut) - shut[name])
        if gain > room:
            continue
        room -= gain
        explained.add(structure)
        opened.add(name)
        for held, inner in tree.members[name]:
            if held:
                heapq.heappush(waiting, (False, depth + 1, place[inner], inner))
    return set(tree.clusters) - opened


def _structure(tree: Tree, name: str) -> object:
    """Equal for clusters with the same ops in the same order, whatever their sizes."""
    boxes = [tree.boxes[inner] for inner in tree.inside(name)]
    ops = tuple(text for box in boxes for text, _, _ in box.face.contents)
    return (tree.clusters[name].kind, ops)


def _open(tree: Tree, name: str, shut: dict[str, float]) -> float:
    """What a cluster costs when it is open and those in it are folded."""
    return _FRAME + sum(
        shut[inner] if is_cluster else cost(tree.boxes[inner])
        for is_cluster, inner in tree.members[name]
    )


def _whole(tree: Tree, name: str) -> float:
    return _FRAME + sum(cost(tree.boxes[box]) for box in tree.inside(name))
