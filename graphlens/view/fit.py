"""The default picture: as much as one page shows at a legible size, whatever the model."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from graphlens.view.diagram import Box, Diagram
from graphlens.view.fold import fold
from graphlens.view.quotient import Tree

PAGES = tuple(range(16, 124, 4))
"""How much a page may hold, in lines of text; a box costs its lines and the space around them."""
_AROUND = 1.4
_FRAME = 1.6
_SHUT = 2.6 + _AROUND


def fits(diagram: Diagram, pages: Sequence[int] = PAGES) -> list[Diagram]:
    """The diagram with scopes folded until it fits a page, for pages of several sizes.

    All is folded first; then scopes are opened as long as there is room for them.

    Args:
        diagram: Any diagram.
        pages: How much each page holds, in lines.

    Returns:
        The different ones among the fitted diagrams, the coarsest first.
    """
    fitter = _Fitter(diagram)
    found: list[Diagram] = []
    shut: frozenset[str] = frozenset()
    for page in sorted(pages, reverse=True):  # each from the one before: few boxes are quick
        closed = fitter.closed(page) | shut
        if not found or closed != shut:
            found.append(fold(found[-1] if found else diagram, closed - shut))
        shut = closed
    return found[::-1]


def cost(box: Box) -> float:
    """What a box takes of the page, in lines."""
    lines = max(len(face.rows) for face in box.faces if face is not None)
    return lines + 0.75 * len(box.tags) + _AROUND


class _Fitter:
    """What each cluster costs, open and folded, worked out once."""

    def __init__(self, diagram: Diagram) -> None:
        self.tree = Tree(diagram)
        self.place = {cluster.id: index for index, cluster in enumerate(diagram.clusters)}
        self.cost = {box.id: cost(box) for box in diagram.boxes}
        self.shut: dict[str, float] = {}
        self.structure: dict[str, object] = {}
        self.changed = {name for box in diagram.boxes if box.changed for name in self._around(box)}
        whole: dict[str, float] = {}
        for name in self.tree.deepest_first():
            members = self.tree.members[name]
            inner = sum(whole[m] if is_cluster else self.cost[m] for is_cluster, m in members)
            whole[name] = _FRAME + inner
            self.shut[name] = min(whole[name], _SHUT)
            self.structure[name] = self._structure(name)

    def _around(self, box: Box) -> list[str]:
        found: list[str] = []
        name = box.cluster
        while name:
            found.append(name)
            name = self.tree.clusters[name].parent
        return found

    def _structure(self, name: str) -> object:
        """Equal for clusters with the same ops in the same order, whatever their sizes."""
        kind = self.tree.clusters[name].kind if name else ""
        parts = tuple(
            self.structure[member]
            if is_cluster
            else tuple(text for text, _, _ in self.tree.boxes[member].face.contents)
            for is_cluster, member in self.tree.members[name]
        )
        return hash((kind, parts))

    def _gain(self, name: str) -> float:
        """What it costs to open a cluster, those in it folded."""
        inside = sum(
            self.shut[member] if is_cluster else self.cost[member]
            for is_cluster, member in self.tree.members[name]
        )
        return max(0.0, _FRAME + inside - self.shut[name])

    def _turn(self, name: str, depth: int) -> tuple[bool, bool, int, int, str]:
        """When a cluster is opened: what sorts first goes first."""
        return (name not in self.changed, False, depth, self.place[name], name)

    def closed(self, page: float) -> frozenset[str]:
        """The clusters to fold for a page.

        Of clusters of one structure the first is opened before there is a second of any: one
        block in full explains the others. Then all are opened, the outermost first. Those with
        a change inside that is to be seen come before all others.
        """
        members = self.tree.members[""]
        room = page - sum(self.shut[m] if is_cluster else self.cost[m] for is_cluster, m in members)
        explained: set[object] = set()
        opened: set[str] = set()
        waiting = [self._turn(m, 0) for is_cluster, m in members if is_cluster]
        heapq.heapify(waiting)
        while waiting:
            same, known, depth, order, name = heapq.heappop(waiting)
            if not known and self.structure[name] in explained:
                heapq.heappush(waiting, (same, True, depth, order, name))
                continue
            gain = self._gain(name)
            if gain > room:
                continue
            room -= gain
            explained.add(self.structure[name])
            opened.add(name)
            for is_cluster, inner in self.tree.members[name]:
                if is_cluster:
                    heapq.heappush(waiting, self._turn(inner, depth + 1))
        return frozenset(self.tree.clusters) - opened
