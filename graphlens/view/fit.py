"""The default picture: as much as one page shows at a legible size, whatever the model."""

from __future__ import annotations

from collections import defaultdict

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

    All is folded first; then scopes are opened from the outside inward, all those of one class
    and depth together, as long as there is room for them. What does not fit even folded is cut
    into stretches of the execution.
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
    """The clusters to fold."""
    whole = {name: _whole(tree, name) for name in tree.clusters}
    shut = {name: min(whole[name], _SHUT) for name in tree.clusters}
    spent = sum(
        shut[name] if is_cluster else cost(tree.boxes[name])
        for is_cluster, name in tree.members[""]
    )
    waves: dict[tuple[int, str], list[str]] = defaultdict(list)
    for cluster in diagram.clusters:
        waves[tree.depth(cluster.id), cluster.kind or cluster.path].append(cluster.id)
    opened: set[str] = set()
    for _, wave in sorted(waves.items(), key=lambda item: item[0][0]):
        names = [
            n for n in wave if not tree.clusters[n].parent or tree.clusters[n].parent in opened
        ]
        gains = {name: _open(tree, name, shut) - shut[name] for name in names}
        if spent + sum(gains.values()) > page:
            names = _first_fitting(names, gains, page - spent)
        spent += sum(max(gains[name], 0.0) for name in names)
        opened.update(names)
    return set(tree.clusters) - opened


def _first_fitting(names: list[str], gains: dict[str, float], room: float) -> list[str]:
    """Of scopes that do not all fit, the first that do: one drawn in full explains the others."""
    found: list[str] = []
    for name in names:
        if gains[name] <= room:
            found.append(name)
            room -= max(gains[name], 0.0)
        elif gains[name] > 0:
            room = 0.0
    return found


def _open(tree: Tree, name: str, shut: dict[str, float]) -> float:
    """What a cluster costs when it is open and those in it are folded."""
    return _FRAME + sum(
        shut[inner] if is_cluster else cost(tree.boxes[inner])
        for is_cluster, inner in tree.members[name]
    )


def _whole(tree: Tree, name: str) -> float:
    return _FRAME + sum(cost(tree.boxes[box]) for box in tree.inside(name))
