"""One column of a layout: its DOT text, and the coordinates that Graphviz gives for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graphlens.render.dot import source
from graphlens.render.measure import Size
from graphlens.render.scene import Point
from graphlens.render.wires import wiring
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
    """A tensor that goes on in the next column."""

    tail: str
    value: str
    column: int
    arrows: tuple[Arrow, ...]

    @property
    def exit(self) -> str:
        """What the tensor is called at the two ends of the gutter."""
        return f"exit_{self.column}"


class Part:
    """One column: its DOT text, then what Graphviz made of it, y downward."""

    def __init__(
        self,
        index: int,
        boxes: Sequence[Box],
        diagram: Diagram,
        sizes: Mapping[str, Size],
        links: Sequence[Link],
    ) -> None:
        self.boxes, self.sizes = boxes, sizes
        names = {box.id for box in boxes}
        self.clusters = _holding(boxes, diagram.clusters)
        self.entering = [
            (f"e{number}", link) for number, link in enumerate(links) if link.column == index - 1
        ]
        self.leaving = [
            (f"x{number}", link) for number, link in enumerate(links) if link.column == index
        ]
        self.wiring = wiring(
            boxes,
            [a for a in diagram.arrows if a.tail in names and a.head in names],
            {cluster.id: cluster for cluster in self.clusters},
            [(point, link.arrows) for point, link in self.entering],
            [(point, link.arrows[0]) for point, link in self.leaving],
        )
        self.source = source(boxes, self.clusters, sizes, self.wiring)
        self.points: dict[str, Point] = {}
        self.starts: dict[str, Point] = {}
        self.frames: dict[str, Frame] = {}
        self.cluster_frames: list[tuple[Cluster, Frame]] = []
        self.lines: list[Line] = []
        self.width = self.height = 0.0

    def read(self, found: Mapping[str, Any]) -> None:
        """Take the coordinates from Graphviz's json0."""
        left, bottom, right, top = map(float, found["bb"].split(","))
        self.width, self.height = right - left, top - bottom
        names: dict[int, str] = {}
        for thing in found.get("objects", ()):
            name = thing["name"]
            if name.startswith("cluster_"):
                self._cluster(int(name[8:]), thing["bb"], left, top)
            elif "pos" in thing:
                names[thing["_gvid"]] = name
                x, y = map(float, thing["pos"].split(","))
                self._node(name, x - left, top - y)
        order = {cluster.id: index for index, cluster in enumerate(self.clusters)}
        self.cluster_frames.sort(key=lambda held: order[held[0].id])
        self._edges(found.get("edges", ()), names, left, top)

    def _cluster(self, index: int, box: str, left: float, top: float) -> None:
        x0, y0, x1, y1 = map(float, box.split(","))
        frame = Frame(x0 - left, top - y1, x1 - x0, y1 - y0)
        self.cluster_frames.append((self.clusters[index], frame))

    def _node(self, name: str, x: float, y: float) -> None:
        if name[0] != "n":
            self.points[name] = (x, y)
            return
        box = self.boxes[int(name[1:])]
        size = self.sizes[box.id]
        self.frames[box.id] = Frame(
            x - size.width / 2, y - size.height / 2, size.width, size.height
        )

    def _edges(
        self, edges: Sequence[Mapping[str, Any]], names: Mapping[int, str], left: float, top: float
    ) -> None:
        ways: dict[tuple[str, str], list[tuple[tuple[Point, ...], Point | None]]] = defaultdict(
            list
        )
        for edge in edges:
            points, tip = _spline(edge["pos"], left, top)
            ways[names[edge["tail"]], names[edge["head"]]].append((points, tip))
        for held in ways.values():  # Graphviz lists things in an order that varies from run to run
            held.sort(key=lambda way: way[0])
        for wire in self.wiring.wires:
            points, tip = ways[wire.tail, wire.head].pop()
            self.starts.setdefault(wire.tail, points[0])
            self.starts.setdefault(wire.head, points[-1])
            self.lines.append(
                Line(wire.arrow, points, tip if wire.pointed else None, wire.tail[0] == "n")
            )


def _spline(text: str, left: float, top: float) -> tuple[tuple[Point, ...], Point | None]:
    """Graphviz's ``e,x,y x,y x,y ...`` as points and the tip of the arrow head."""
    tip: Point | None = None
    points: list[Point] = []
    for part in text.split():
        words = part.split(",")
        point = (float(words[-2]) - left, top - float(words[-1]))
        if words[0] == "e":
            tip = point
        elif words[0] != "s":
            points.append(point)
    return tuple(points), tip


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
