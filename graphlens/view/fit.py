"""The default picture: as much as one page shows at a legible size, whatever the model."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from graphlens.view.diagram import Box, Diagram
from graphlens.view.fold import fold
from graphlens.view.quotient import Tree
from graphlens.view.worth import worth

PAGES = tuple(range(12, 124, 3))
"""How much a page may hold, in lines of text; a box costs its lines and the space around them."""
_AROUND = 1.4
_FRAME = 1.6
_SHUT = 2.6 + _AROUND
_HIDDEN = 0.5
"""What is left of that for each folded frame around it."""
_LATER = 1000
"""Levels by which frames around next to nothing are opened later."""
_STRUCTURES = 64
"""Structures that are looked at for those that explain most."""


class Fit(NamedTuple):
    """A diagram folded for a page.

    Attributes:
        diagram: As it is drawn.
        explained: How much of the model it shows, or shows the like of, between 0 and 1.
    """

    diagram: Diagram
    explained: float


def fits(diagram: Diagram, pages: Sequence[int] = PAGES) -> list[Fit]:
    """The diagram with scopes folded until it fits a page, for pages of several sizes.

    All is folded first; then scopes are opened as long as there is room for them: in one series
    of pictures the outermost first, in another those that explain most of the model first,
    however deep they are.

    Args:
        diagram: Any diagram.
        pages: How much each page holds, in lines.

    Returns:
        The different ones, those that explain least first, and of those the coarsest.
    """
    fitter = _Fitter(diagram)
    every = frozenset(fitter.tree.clusters)
    largest = max(pages)
    shut = every - fitter.opened(largest) - fitter.opened(largest, deep=True)
    whole = fold(diagram, shut)
    found: dict[frozenset[str], Fit] = {}
    for deep in (False, True):
        last, closed = whole, shut
        for page in sorted(pages, reverse=True):  # each from the one before: few boxes are quick
            more = every - fitter.opened(page, deep) - closed
            last, closed = fold(last, more) if more else last, closed | more
            if closed not in found:
                found[closed] = Fit(last, fitter.explained(every - closed))
    return sorted(found.values(), key=lambda fit: (fit.explained, len(fit.diagram.boxes)))


def cost(box: Box) -> float:
    """What a box takes of the page, in lines."""
    lines = max(len(face.rows) for face in box.faces if face is not None)
    return lines + 0.75 * len(box.tags) + _AROUND


def _work(box: Box) -> float:
    """How much a box says of what a model does: what it learns and mixes, not how it is spelt."""
    said = [held for face in box.faces if face for held in face.contents]
    return sum(worth(style) * times for text, style, times in said if text)


class _Fitter:
    """What each cluster costs, open and folded, worked out once."""

    def __init__(self, diagram: Diagram) -> None:
        self.tree = Tree(diagram)
        self.place = {cluster.id: index for index, cluster in enumerate(diagram.clusters)}
        self.cost = {box.id: cost(box) for box in diagram.boxes}
        self.shut: dict[str, float] = {}
        self.structure: dict[str, object] = {}
        self.own: dict[str, float] = {}
        self.worth: dict[str, float] = {}
        self.alike: dict[object, float] = defaultdict(float)
        self.changed = {name for box in diagram.boxes if box.changed for name in self._around(box)}
        whole: dict[str, float] = {}
        for name in self.tree.deepest_first():
            members = self.tree.members[name]
            inner = sum(whole[m] if is_cluster else self.cost[m] for is_cluster, m in members)
            whole[name] = _FRAME + inner
            self.shut[name] = min(whole[name], _SHUT)
            self.structure[name] = self._structure(name)
            own = sum(_work(self.tree.boxes[m]) for is_cluster, m in members if not is_cluster)
            self.own[name] = own * self._times(name)
            self.worth[name] = _HIDDEN * (
                self.own[name] + sum(self.worth[m] for is_cluster, m in members if is_cluster)
            )
            self.alike[self.structure[name]] += self.worth[name]
        self.gain = {name: self._gain(name) for name in self.tree.clusters}
        self.first = self._first()

    def _first(self) -> dict[object, str]:
        """The first cluster of each structure that much of the model is made of."""
        first: dict[object, str] = {}
        for name in self.place:
            first.setdefault(self.structure[name], name)
        most = sorted(first, key=lambda structure: -self.alike[structure])[:_STRUCTURES]
        return {structure: first[structure] for structure in most if self.alike[structure]}

    def _times(self, name: str) -> int:
        """How often a cluster runs."""
        times = 1
        while name:
            times *= self.tree.clusters[name].repeat
            name = self.tree.clusters[name].parent
        return times

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
        """When a cluster is opened: what sorts first goes first, what does little last."""
        later = depth + _LATER * (self.worth[name] < _HIDDEN * self._times(name))
        return (name not in self.changed, False, later, self.place[name], name)

    def explained(self, opened: Iterable[str]) -> float:
        """How much of all work is shown, or its like; half of it for each frame that hides it.

        Between 0 and 1.
        """
        shown = {self.structure[name] for name in opened} | {self.structure[""]}
        found: dict[str, float] = {}
        for name in self.tree.deepest_first():
            inner = sum(found[m] for is_cluster, m in self.tree.members[name] if is_cluster)
            found[name] = self.own[name] + inner
            found[name] *= 1.0 if self.structure[name] in shown else _HIDDEN
        return found[""] / max(1e-9, sum(self.own.values()))

    def opened(self, page: float, deep: bool = False) -> frozenset[str]:
        """The clusters to leave open on a page.

        Of clusters of one structure the first is opened before there is a second of any: one
        block in full explains the others. Then all are opened, the outermost first. Those with
        a change inside that is to be seen come before all others.

        Args:
            page: How much it holds, in lines.
            deep: Whether those that explain most for the room they take, with what is around
                them, are opened before all that.
        """
        members = self.tree.members[""]
        room = page - sum(self.shut[m] if is_cluster else self.cost[m] for is_cluster, m in members)
        opened, room = self._deep(room) if deep else (set[str](), room)
        explained = {self.structure[name] for name in opened}
        waiting = [self._turn(m, 0) for is_cluster, m in members if is_cluster]
        heapq.heapify(waiting)
        while waiting:
            same, known, depth, order, name = heapq.heappop(waiting)
            if name not in opened:
                if not known and self.structure[name] in explained:
                    heapq.heappush(waiting, (same, True, depth, order, name))
                    continue
                gain = self.gain[name]
                if gain > room:
                    continue
                room -= gain
                explained.add(self.structure[name])
                opened.add(name)
            for is_cluster, inner in self.tree.members[name]:
                if is_cluster:
                    heapq.heappush(waiting, self._turn(inner, depth % _LATER + 1))
        return frozenset(opened)

    def _deep(self, room: float) -> tuple[set[str], float]:
        """The clusters that explain most for the room they take, and the room that is left."""
        opened: set[str] = set()
        left = dict(self.first)
        while left:
            best, most = "", 0.0
            for name in left.values():
                path = self._path(name, opened)
                needed = sum(self.gain[each] for each in path)
                worth = sum(self.alike[self.structure[each]] for each in path)
                if needed <= room and worth > most * max(needed, 1.0):
                    best, most = name, worth / max(needed, 1.0)
            if not best:
                break
            for name in self._path(best, opened):
                room -= self.gain[name]
                opened.add(name)
                left.pop(self.structure[name], None)
        return opened, room

    def _path(self, name: str, opened: Collection[str]) -> list[str]:
        """A cluster and those around it that are not open yet."""
        found: list[str] = []
        while name and name not in opened:
            found.append(name)
            name = self.tree.clusters[name].parent
        return found
