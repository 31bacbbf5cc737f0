"""One column of a layout: its boxes, its lines and their coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from graphlens.render.columns import Room
from graphlens.render.layered import place
from graphlens.render.measure import Size
from graphlens.render.scene import Point
from graphlens.render.wires import Wire, marked, wiring
from graphlens.view import Arrow, Box, Cluster, Diagram


class Frame(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """An arrow's way, or a part of it.

    Attributes:
        arrow: What it carries.
        points: Of a `scene.Path`.
        tip: Of its head, None where it has none.
        leaves: Whether it starts at the box that makes the tensor.
    """

    arrow: Arrow
    points: tuple[Point, ...]
    tip: Point | None
    leaves: bool = False


class Link(NamedTuple):
    """A tensor that goes on in a later column.

    Attributes:
        tail: Id of the box that makes it.
        value: Which of its tensors it is.
        column: Where it comes from.
        into: Where it goes on.
        arrows: To its readers there.
    """

    tail: str
    value: str
    column: int
    into: int
    arrows: tuple[Arrow, ...]

    @property
    def is_far(self) -> bool:
        """Whether it passes a column."""
        return self.into > self.column + 1

    @property
    def arrow(self) -> Arrow:
        """One arrow for all."""
        return replace(self.arrows[0], mark=marked(self.arrows))


class Part:
    """One column with coordinates, y downward."""

    def __init__(
        self,
        index: int,
        boxes: Sequence[Box],
        diagram: Diagram,
        sizes: Mapping[str, Size],
        links: Sequence[Link],
        room: Room,
        before: Sequence[Part],
        places: Mapping[Arrow, int],
    ) -> None:
        """Lay out a column.

        Args:
            index: Its number.
            boxes: What stands in it.
            diagram: What is laid out.
            sizes: The size of each box.
            links: What is led between columns.
            room: How wide it may be.
            before: The columns before it, from which links come.
            places: Of each arrow among all of the diagram.
        """
        self.boxes, self.sizes = boxes, sizes
        names = {box.id for box in boxes}
        self.clusters = _holding(boxes, diagram.clusters)
        coming = sorted(
            (link for link in links if link.into == index),
            key=lambda link: (-link.column, before[link.column].exit(link)),
        )  # from left to right as lanes are nested: what turned up last stands farthest to the left
        self.entering = [(f"e{number}", link) for number, link in enumerate(coming)]
        self.leaving = [
            (f"x{number}", link) for number, link in enumerate(links) if link.column == index
        ]
        self.wiring = wiring(
            boxes,
            [a for a in diagram.arrows if a.tail in names and a.head in names],
            {cluster.id: cluster for cluster in self.clusters},
            [(point, link.arrows) for point, link in self.entering],
            [(point, link.arrow) for point, link in self.leaving],
            places,
        )
        self.points: dict[str, Point] = {}
        self.starts: dict[str, Point] = {}
        self.frames: dict[str, Frame] = {}
        self.cluster_frames: list[tuple[Cluster, Frame]] = []
        self.lines: list[Line] = []
        self.width = self.height = 0.0
        self.crossings = 0
        self._place(room)

    def exit(self, link: Link) -> float:
        """Where a link leaves the column, from its left."""
        return next(self.points[name][0] for name, held in self.leaving if held is link)

    def _place(self, room: Room) -> None:
        found = place(self.boxes, self.clusters, self.sizes, self.wiring, room)
        self.width, self.height, self.crossings = found.width, found.height, found.crossings
        for name, (x, y) in found.corners.items():
            box = self.boxes[int(name[1:])]
            self.frames[box.id] = Frame(x, y, *self.sizes[box.id])
        self.points |= found.points
        self.cluster_frames = [(each, Frame(*found.frames[each.id])) for each in self.clusters]
        for wire, (points, tip) in zip(self.wiring.wires, found.ways, strict=True):
            self._line(wire, points, tip)

    def _line(self, wire: Wire, points: tuple[Point, ...], tip: Point | None) -> None:
        self.starts.setdefault(wire.tail, points[0])
        self.starts.setdefault(wire.head, points[-1])
        head = tip if wire.pointed else None
        self.lines.append(Line(wire.arrow, points, head, wire.tail[0] == "n"))


def _holding(boxes: Sequence[Box], clusters: Sequence[Cluster]) -> list[Cluster]:
    """The clusters that hold one of some boxes, outer ones first."""
    known = {cluster.id: cluster for cluster in clusters}
    used: set[str] = set()
    for box in boxes:
        inner = box.cluster
        while inner and inner not in used:
            used.add(inner)
            inner = known[inner].parent
    return [cluster for cluster in clusters if cluster.id in used]
