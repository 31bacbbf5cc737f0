"""A column laid out by an engine of our own: fast, the same everywhere, no program needed.

Each cluster is laid out by itself, from the inside out (`sugiyama.arrange`), and is then an item of
the cluster around it, with a pin wherever a line enters or leaves. So frames never overlap, and no
line passes through a box. Time grows with the number of boxes and of the ranks that lines span.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from graphlens.render.columns import BARE_GAP, BOX_GAP, RANK_GAP, Room
from graphlens.render.frame import header_size, label_lacks, title_lacks
from graphlens.render.measure import Size
from graphlens.render.metrics import width
from graphlens.render.ranks import Item, Link
from graphlens.render.room import NOTE, SHAPE
from graphlens.render.scene import Point, straight
from graphlens.render.sugiyama import Level, Spacing, arrange
from graphlens.render.wires import Wire, Wiring
from graphlens.view import Box, Cluster

_SIDE, _FOOT, _POINT, _HEAD, _ENTRY = 9.0, 10.0, 4.0, 7.0, 16.0


class Way(NamedTuple):
    """A wire's way: the points of a `scene.Path`, and the tip of its head if it has one."""

    points: tuple[Point, ...]
    tip: Point | None


@dataclass(slots=True)
class Placed:
    """Where everything of a column stands, from its top left corner.

    Attributes:
        corners: The top left corner of each box, by its DOT id.
        points: Forks and the ends at the edges of the column.
        frames: Left, top, width and height of each cluster.
        ways: Of the wires, in their order.
        width: Of the whole.
        height: Of the whole.
        crossings: How many pairs of lines cross.
    """

    corners: dict[str, Point] = field(default_factory=dict[str, Point])
    points: dict[str, Point] = field(default_factory=dict[str, Point])
    frames: dict[str, tuple[float, float, float, float]] = field(
        default_factory=dict[str, tuple[float, float, float, float]]
    )
    ways: list[Way] = field(default_factory=list[Way])
    width: float = 0.0
    height: float = 0.0
    crossings: int = 0


def place(
    boxes: Sequence[Box],
    clusters: Sequence[Cluster],
    sizes: Mapping[str, Size],
    wiring: Wiring,
    room: Room,
) -> Placed:
    """Lay out one column.

    Args:
        boxes: Its boxes, whose ids are ``n0``, ``n1`` ... in this order.
        clusters: Those that hold one of the boxes, outer ones first.
        sizes: The size of each box.
        wiring: What runs between them.
        room: How wide it may be.
    """
    return _Engine(boxes, clusters, sizes, wiring, room).result()


@dataclass(slots=True)
class _Inside:
    """One cluster (or the page): its members in order, its lines, its layout.

    ``loose`` is whether operands may stand in any order.
    """

    members: list[str] = field(default_factory=list[str])
    ends: dict[str, str] = field(default_factory=dict[str, str])
    links: dict[tuple[str, str, str, str], tuple[int, list[int]]] = field(
        default_factory=dict[tuple[str, str, str, str], tuple[int, list[int]]]
    )
    written: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    loose: bool = False
    level: Level = field(default_factory=lambda: Level([], [], [], 0.0, 0.0))
    shift: float = 0.0
    size: tuple[float, float] = (0.0, 0.0)

    def label_lacks(self, room: float) -> float:
        """By how much what is written beside a line is longer than a frame has room for."""
        starts: dict[str, set[tuple[float, float]]] = defaultdict(set)
        for (tail, _, out, _), way in zip(self.links, self.level.ways, strict=True):
            if (tail, out) in self.written:
                starts[tail].add((way[0][0] + self.shift, self.written[tail, out]))
        return max((label_lacks(held, room) for held in starts.values()), default=0.0)

    def turned(self, edge: str) -> list[str]:
        """The members with the points at an edge in the other order."""
        places = [index for index, name in enumerate(self.members) if self.ends[name] == edge]
        turned = iter([self.members[index] for index in reversed(places)])
        return [next(turned) if self.ends[name] == edge else name for name in self.members]


class _Engine:
    def __init__(
        self,
        boxes: Sequence[Box],
        clusters: Sequence[Cluster],
        sizes: Mapping[str, Size],
        wiring: Wiring,
        room: Room,
    ) -> None:
        self.widest, self.patient = room
        self.clusters = {cluster.id: cluster for cluster in clusters}
        self.sizes = {f"n{index}": sizes[box.id] for index, box in enumerate(boxes)}
        self.wiring = wiring
        self.home = {f"n{index}": box.cluster for index, box in enumerate(boxes)}
        self.home |= {fork.id: fork.cluster for fork in wiring.forks}
        self.home |= dict.fromkeys((*wiring.entries, *wiring.exits), "")
        self.inside: dict[str, _Inside] = {"": _Inside()}
        self.inside |= {cluster.id: _Inside() for cluster in clusters}
        self.around = {name: self._around(home) for name, home in self.home.items()}
        self._fill()
        for index, wire in enumerate(wiring.wires):
            self._lead(index, wire)

    def _around(self, cluster: str) -> tuple[str, ...]:
        """A cluster and those around it, the page first."""
        found: list[str] = []
        while cluster:
            found.append(cluster)
            cluster = self.clusters[cluster].parent
        return ("", *reversed(found))

    def _fill(self) -> None:
        """Who is in which cluster, in order of execution; a fork comes before its readers."""
        first: dict[str, list[str]] = defaultdict(list)
        forks = {fork.id for fork in self.wiring.forks}
        for wire in self.wiring.wires:
            if wire.tail in forks and not first.get(wire.tail):
                first[wire.tail] = [wire.head]
        before: dict[str, list[str]] = defaultdict(list)
        for fork, heads in first.items():
            before[self._nearest(heads[0])].append(fork)
        for name in self.wiring.entries:
            self._enter(name)
        for name in self.sizes:
            for fork in before.get(name, ()):
                self._enter(fork)
            self._enter(name)
        for name in (*forks, *self.wiring.exits):
            self._enter(name)

    def _nearest(self, name: str) -> str:
        """The box itself; for a fork the first box that it leads to."""
        while name[0] == "f":
            name = next(wire.head for wire in self.wiring.wires if wire.tail == name)
        return name

    def _enter(self, name: str) -> None:
        path = self.around[name]
        for outer, inner in zip(path, (*path[1:], name), strict=True):
            members = self.inside[outer].members
            key = inner if inner == name else f"\0{inner}"
            if key not in self.inside[outer].ends:
                self.inside[outer].ends[key] = ""
                members.append(key)
        if name in self.wiring.entries or name in self.wiring.exits:
            self.inside[""].ends[name] = "top" if name in self.wiring.entries else "bottom"

    # -- lines --------------------------------------------------------------------------------

    def _lead(self, index: int, wire: Wire) -> None:
        """Cut a wire where it leaves and enters clusters."""
        tails, heads = self.around[wire.tail], self.around[wire.head]
        same = 0
        while same < min(len(tails), len(heads)) and tails[same] == heads[same]:
            same += 1
        value = f"{wire.tail} {wire.arrow.value}"
        if wire.arrow.label:
            written = self.inside[tails[-1]].written
            wide = min(SHAPE, width(wire.arrow.label, NOTE))
            written[wire.tail, value] = max(wide, written.get((wire.tail, value), 0.0))
        start = wire.tail
        for cluster in reversed(tails[same:]):
            gate = self._gate(cluster, f">{value}", "bottom")
            self._link(cluster, (start, gate, value, value), wire.weight, index)
            start = f"\0{cluster}"
        enters = f"<{index}"
        last = f"\0{heads[same]}" if same < len(heads) else wire.head
        self._link(tails[same - 1], (start, last, value, enters), wire.weight, index)
        for depth in range(same, len(heads)):
            gate = self._gate(heads[depth], enters, "top")
            inner = f"\0{heads[depth + 1]}" if depth + 1 < len(heads) else wire.head
            self._link(heads[depth], (gate, inner, enters, enters), wire.weight, index)

    def _gate(self, cluster: str, name: str, edge: str) -> str:
        held = self.inside[cluster]
        gate = f"\1{name}"
        if gate not in held.ends:
            held.ends[gate] = edge
            held.members.insert(0 if edge == "top" else len(held.members), gate)
        return gate

    def _link(self, cluster: str, key: tuple[str, str, str, str], weight: int, index: int) -> None:
        held = self.inside[cluster].links
        heaviest, wires = held.get(key, (0, []))
        held[key] = (max(weight, heaviest), [*wires, index])

    # -- layout -------------------------------------------------------------------------------

    def result(self) -> Placed:
        """The whole column."""
        crossings = self._arrange_all()
        if crossings and self.patient:
            crossings = self._untangle(crossings)
        placed = Placed()
        ways: list[list[Point]] = [[] for _ in self.wiring.wires]
        self._unfold("", (0.0, 0.0), placed, ways)
        placed.ways = [
            _way(points, wire.pointed) for points, wire in zip(ways, self.wiring.wires, strict=True)
        ]
        placed.width, placed.height = self.inside[""].size
        placed.crossings = crossings
        return placed

    def _arrange_all(self) -> int:
        """Every cluster laid out, inner ones first; how many pairs of lines cross in all."""
        for cluster in (*reversed(self.clusters), ""):
            self._arrange(cluster)
        return sum(held.level.crossings for held in self.inside.values())

    def _untangle(self, crossings: int) -> int:
        """Let lines enter or leave a cluster in the other order where fewer cross then.

        Within a cluster it is often the same which of two comes first; around it, it is not. So
        operands give up their order there, if need be.
        """
        for cluster, held in self.inside.items():
            for edge in ("top", "bottom") if cluster else ("bottom",):
                if sum(each == edge for each in held.ends.values()) < 2:
                    continue
                for turned, loose in ((True, False), (True, True), (False, True)):
                    if not crossings:
                        return self._arrange_all()
                    before = held.members, held.loose
                    held.members = held.turned(edge) if turned else held.members
                    held.loose |= loose
                    fewer = self._arrange_all()
                    if fewer >= crossings:
                        held.members, held.loose = before
                    crossings = min(crossings, fewer)
        return self._arrange_all()

    def _arrange(self, cluster: str) -> None:
        held = self.inside[cluster]
        place = {name: index for index, name in enumerate(held.members)}
        items = [self._item(name, held.ends[name]) for name in held.members]
        links = [
            Link(
                place[tail],
                place[head],
                out,
                into,
                weight,
                (tail, out) in held.written,
                -1 if held.loose else self._operand(wires),
            )
            for (tail, head, out, into), (weight, wires) in held.links.items()
        ]
        if not cluster:
            above = _ENTRY if self.wiring.entries else 0.0
            held.level = arrange(items, links, self._spacing(above), self.patient, fixed=True)
            held.size = (held.level.width, held.level.height)
            return
        wide, high = header_size(self.clusters[cluster])
        held.level = arrange(items, links, self._spacing(high + 8.0), self.patient)
        room = max(wide, held.level.width + 2 * _SIDE)
        held.shift = (room - held.level.width) / 2
        gates = [
            held.level.lefts[index] + held.shift + _POINT / 2
            for index, name in enumerate(held.members)
            if held.ends[name] == "top"
        ]
        lacking = max(title_lacks(self.clusters[cluster], room, gates), held.label_lacks(room))
        room, held.shift = room + 2 * lacking, held.shift + lacking
        closed = not any(edge == "bottom" for edge in held.ends.values())
        held.size = (room, held.level.height + (_FOOT if closed else 0.0))

    def _operand(self, wires: Sequence[int]) -> int:
        """Which operand of its head some wires are."""
        return min(self.wiring.wires[wire].place for wire in wires)

    def _spacing(self, head: float) -> Spacing:
        return Spacing(RANK_GAP, BOX_GAP, head, self.widest, BARE_GAP)

    def _item(self, name: str, edge: str) -> Item:
        if name[0] == "\0":
            held = self.inside[name[1:]]
            pins = {
                member[1:].removeprefix(">"): held.level.lefts[index] + held.shift + _POINT / 2
                for index, member in enumerate(held.members)
                if member[0] == "\1"
            }
            return Item(*held.size, pins)
        if name in self.sizes:
            return Item(*self.sizes[name])
        return Item(_POINT, 0.0, edge=edge)

    def _unfold(self, cluster: str, corner: Point, placed: Placed, ways: list[list[Point]]) -> None:
        """Coordinates of the whole from those within each cluster, from the outside in."""
        held = self.inside[cluster]
        level = held.level
        left, top = corner[0] + held.shift, corner[1]
        if cluster:
            placed.frames[cluster] = (*corner, *held.size)
        for (_, wires), way in zip(held.links.values(), level.ways, strict=True):
            moved = [(x + left, y + top) for x, y in way]
            for wire in wires:
                ways[wire] += moved
        for index, name in enumerate(held.members):
            x, y = level.lefts[index] + left, level.tops[index] + top
            if name[0] == "\0":
                self._unfold(name[1:], (x, y), placed, ways)
            elif name in self.sizes:
                placed.corners[name] = (x, y)
            elif name[0] != "\1":
                placed.points[name] = (x + _POINT / 2, y)


def _way(points: Sequence[Point], pointed: bool) -> Way:
    """A smooth line through points from top to bottom, ending in an arrow head or not."""
    ordered = sorted(points, key=lambda point: point[1])
    tip = ordered[-1]
    if pointed:
        ordered[-1] = (tip[0], tip[1] - _HEAD)
        ordered = [p for p in ordered[:-1] if p[1] < ordered[-1][1]] + [ordered[-1]]
    found = [ordered[0]]
    for (x0, y0), (x1, y1) in pairwise(ordered):
        if abs(x1 - x0) < 0.05:
            found += straight((x0, y0), (x1, y1))[1:]
        else:
            lean = 0.55 * (y1 - y0)
            found += [(x0, y0 + lean), (x1, y1 - lean), (x1, y1)]
    return Way(tuple(found), tip if pointed else None)
