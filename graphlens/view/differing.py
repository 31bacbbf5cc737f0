"""Which scopes stand open where two models are compared: those that something changed in."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import product

from graphlens.view.bundle import bundle
from graphlens.view.changes import follows
from graphlens.view.counted import counted
from graphlens.view.diagram import Box, Diagram
from graphlens.view.equal import equal_stretches
from graphlens.view.fit import PAGES, cost
from graphlens.view.fold import fold
from graphlens.view.picture import finest, fitting
from graphlens.view.quotient import Tree
from graphlens.view.trim import trimmed

_SHUT = 4.0
"""Lines that a folded scope takes, with the space around it."""
_FRAME = 1.6
_STRETCHES = ((3, 0), (5, 1), None)
"""How many equal members of a scope are drawn as one at least, and how many stay beside a change;
None where all stay."""
_MEMBERS = ((22, 12), (12, 8))
"""Members of a scope that are drawn as stretches of them, and how many stretches."""
_MANY = 1500
"""Boxes beyond which no time is taken for the fewer stretches."""
_SHORTER = 4
"""Lines that boxes are cut to, so that more stands open."""
_EQUAL, _SIZES, _ALL, _MIXED, _COUNTED = 0, 1, 2, 3, 4
"""What a scope holds: no change; other sizes, which follow from changes elsewhere; only what is
new, or only what is gone; both old and new; more blocks, or fewer, of a run."""


def showing_changes(rolled: Diagram) -> Diagram:
    """A rolled diagram of two models with all open that holds a change, and all else folded.

    Scopes that are new or gone as a whole are opened last, and of scopes in which the same kinds
    of operations changed the first explains the others. Behind it are those with less open.
    """
    both = counted(rolled)
    if not any(box.changed for box in both.boxes) and not any(c.was for c in both.clusters):
        return fitting(rolled)
    levels: list[Diagram] = []
    for few, members in product(_STRETCHES, _MEMBERS[: 1 + (len(both.boxes) <= _MANY)]):
        whole = bundle(equal_stretches(both, *few) if few else both, *members)
        opener = _Opener(whole)
        for held in dict.fromkeys(map(opener.opened, PAGES)):
            level = fold(whole, opener.tree.clusters.keys() - held)
            shorter = trimmed(level, _SHORTER)
            levels += [shorter, level] if shorter is not level else [level]
    levels.sort(key=lambda level: (_shown(level), len(level.boxes)))
    return finest(tuple(levels), levels[0])


def _shown(diagram: Diagram) -> int:
    """How many changes a picture shows one by one."""
    rows = [row for box in diagram.boxes if box.face.kind != "module" for row in box.face.rows]
    told = sum(bool(row.mark) and not follows(row) for row in rows)
    return told + sum(cluster.was > 0 for cluster in diagram.clusters)


class _Opener:
    """What each cluster holds, and what it costs to open it."""

    def __init__(self, diagram: Diagram) -> None:
        self.tree = Tree(diagram)
        self.place = {cluster.id: index for index, cluster in enumerate(diagram.clusters)}
        self.sort: dict[str, int] = {}
        self.key: dict[str, object] = {}
        marks: dict[str, set[str]] = {}
        for name in self.tree.deepest_first():
            held: set[str] = set()
            parts: list[object] = []
            for is_cluster, member in self.tree.members[name]:
                if is_cluster:
                    run = self.tree.clusters[member]
                    held |= marks[member] | ({"counted"} if run.was else set())
                    parts.append((self.key[member], run.times if run.was else ""))
                    continue
                box = self.tree.boxes[member]
                held |= _marks(box)
                parts.append((*_told(box),))
            marks[name] = held
            kind = self.tree.clusters[name].kind if name else ""
            self.key[name] = hash((kind, *parts))
            self.sort[name] = _sort(held)

    def opened(self, page: float) -> frozenset[str]:
        """The clusters to leave open on a page of so many lines."""
        room = page - self._inside("")
        opened: set[str] = set()
        explained: set[object] = set()
        waiting = [*self._turns("", 0)]
        heapq.heapify(waiting)
        while waiting:
            _, depth, _, name = heapq.heappop(waiting)
            gain = self._inside(name) + _FRAME - _SHUT
            if self.key[name] in explained or gain > room:
                continue
            room -= gain
            explained.add(self.key[name])
            opened.add(name)
            for turn in self._turns(name, depth + 1):
                heapq.heappush(waiting, turn)
        return frozenset(opened)

    def _inside(self, name: str) -> float:
        """What the members of a cluster take, its inner clusters folded."""
        boxes = self.tree.boxes
        members = self.tree.members[name]
        return sum(_SHUT if is_cluster else cost(boxes[m]) for is_cluster, m in members)

    def _turns(self, name: str, depth: int) -> Iterator[tuple[int, int, int, str]]:
        """When each cluster inside one is opened: what sorts first goes first."""
        for is_cluster, member in self.tree.members[name]:
            if is_cluster and self.sort[member] != _EQUAL:
                yield (-self.sort[member], depth, self.place[member], member)


def _sort(marks: set[str]) -> int:
    if marks <= {"", "sizes"}:
        return _SIZES if "sizes" in marks else _EQUAL
    if "counted" in marks:
        return _COUNTED
    return _ALL if marks in ({"added"}, {"removed"}) else _MIXED


def _marks(box: Box) -> set[str]:
    rows = [row for row in box.face.rows if row.style not in ("more", "summary")]
    return {"sizes" if follows(row) else row.mark for row in rows}


def _told(box: Box) -> Iterator[tuple[str, str]]:
    """What a box says of changes, the sizes apart."""
    for row in box.face.rows:
        yield row.text, row.mark
