"""Where everything stands: the columns of a diagram laid out by Graphviz and put side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphlens.render.columns import GUTTER, columns, fits
from graphlens.render.dot import source
from graphlens.render.engine import lay_out
from graphlens.render.measure import NOTE, Size, evened
from graphlens.render.scene import Point, rounded
from graphlens.render.wires import wiring
from graphlens.view import Arrow, Box, Cluster, Diagram
from graphlens.view.tag import tag

LANE = 7.0
LEGIBLE = 7.0 / NOTE
"""The scale at which the smallest type is 7 pt."""
_LANES, _NEAR, _COMPARED = 2, 14, 0.8


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


@dataclass(slots=True)
class Layout:
    """A diagram with coordinates, its top left corner at (0, 0).

    Attributes:
        diagram: What is laid out, with tags where arrows gave way to them.
        frames: Where each box stands.
        clusters: Where each cluster stands; one that is cut stands in several columns.
        lines: The arrows' ways.
        forks: Where one line becomes several.
        width: Of the whole.
        height: Of the whole.
    """

    diagram: Diagram
    frames: dict[str, Frame] = field(default_factory=dict)
    clusters: list[tuple[Cluster, Frame, bool]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    forks: list[Point] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


def layout(diagram: Diagram) -> Layout:
    """Lay out a diagram in as many columns as make it fit a page best.

    Where the diagram has coarser ones behind it, the finest is taken whose smallest type is
    legible on a page.
    """
    wanted = LEGIBLE if len(diagram.panes) == 1 else _COMPARED * LEGIBLE
    while True:
        cut = columns(diagram, evened(diagram.boxes), len(diagram.panes))
        if diagram.coarser is None or cut.scale > 0.9 * wanted:
            placed = _laid_out(diagram, cut.columns)
            panes = len(diagram.panes)
            scale = fits(panes * (placed.width + 50.0), placed.height + 110.0)
            if diagram.coarser is None or scale >= wanted:
                return placed
        diagram = diagram.coarser


def _laid_out(diagram: Diagram, pieces: Sequence[Sequence[Box]]) -> Layout:
    diagram, links = _links(diagram, pieces)
    sizes = evened(diagram.boxes)
    held = {box.id: box for box in diagram.boxes}
    parts = [
        _Part(index, [held[box.id] for box in piece], diagram, sizes, links)
        for index, piece in enumerate(pieces)
        if piece
    ]
    placed = Layout(diagram)
    for part, found in zip(parts, lay_out([part.source for part in parts]), strict=True):
        part.read(found)
    _place(placed, parts, links)
    return placed


class _Link(NamedTuple):
    """A tensor that goes on in the next column."""

    tail: str
    value: str
    column: int
    arrows: tuple[Arrow, ...]

    @property
    def exit(self) -> str:
        return f"exit_{self.column}"


def _links(diagram: Diagram, pieces: Sequence[Sequence[Box]]) -> tuple[Diagram, list[_Link]]:
    """The tensors that are led from a column to the next, and the diagram with tags for the others."""
    column = {box.id: index for index, piece in enumerate(pieces) for box in piece}
    crossing: dict[tuple[str, str], list[Arrow]] = defaultdict(list)
    for arrow in diagram.arrows:
        if column[arrow.tail] != column[arrow.head]:
            crossing[arrow.tail, arrow.value].append(arrow)
    led: dict[int, list[_Link]] = defaultdict(list)
    place = {box.id: index for index, box in enumerate(diagram.boxes)}
    tagged: set[Arrow] = set()
    for (tail, value), arrows in sorted(crossing.items(), key=lambda item: -place[item[0][0]]):
        home = column[tail]
        near = [arrow for arrow in arrows if column[arrow.head] == home + 1]
        last = max((place[arrow.head] for arrow in near), default=0)
        if near and last - place[tail] <= _NEAR and len(led[home]) < _LANES:
            led[home].append(_Link(tail, value, home, tuple(near)))
        else:
            near = []
        tagged.update(arrow for arrow in arrows if arrow not in near)
    links = [link for home in sorted(led) for link in led[home]]
    left = {arrow for link in links for arrow in link.arrows}
    diagram = tag(diagram, tagged.__contains__)
    return diagram.having(arrows=[arrow for arrow in diagram.arrows if arrow not in left]), links


class _Part:
    """One column: its DOT text, then what Graphviz made of it, y downward."""

    def __init__(
        self,
        index: int,
        boxes: Sequence[Box],
        diagram: Diagram,
        sizes: Mapping[str, Size],
        links: Sequence[_Link],
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


def _place(placed: Layout, parts: Sequence[_Part], links: Sequence[_Link]) -> None:
    """Put the columns side by side and lead the tensors between them."""
    high = max((part.height for part in parts), default=0.0)
    above = LANE * _LANES + 8.0 if len(parts) > 1 and links else 0.0
    seen: set[str] = set()
    x = 0.0
    gutters: list[tuple[float, float]] = []
    shift: list[float] = []
    for index, part in enumerate(parts):
        shift.append(x)
        for name, frame in part.frames.items():
            placed.frames[name] = frame._replace(x=frame.x + x, y=frame.y + above)
        for cluster, frame in part.cluster_frames:
            moved = frame._replace(x=frame.x + x, y=frame.y + above)
            placed.clusters.append((cluster, moved, cluster.id in seen))
        seen.update(cluster.id for cluster, _ in part.cluster_frames)
        placed.lines += [_moved(line, x, above) for line in part.lines]
        forks = [part.points[fork.id] for fork in part.wiring.forks]
        placed.forks += [(px + x, py + above) for px, py in forks]
        leaving = len(part.leaving)
        gutters.append((x + part.width, leaving))
        x += part.width + (GUTTER + LANE * max(0, leaving - 1) if index < len(parts) - 1 else 0.0)
    for index, part in enumerate(parts[:-1]):
        _lead(placed, part, parts[index + 1], shift[index : index + 2], above, high + above)
    placed.width = x
    placed.height = high + above + (above if links else 0.0)


def _moved(line: Line, x: float, y: float) -> Line:
    points = tuple((px + x, py + y) for px, py in line.points)
    tip = None if line.tip is None else (line.tip[0] + x, line.tip[1] + y)
    return Line(line.arrow, points, tip, line.leaves)


def _lead(
    placed: Layout,
    part: _Part,
    following: _Part,
    shift: Sequence[float],
    above: float,
    bottom: float,
) -> None:
    """Lines from the bottom of a column, up the gutter, to the top of the next."""
    ends = {link.exit + link.tail + link.value: point for point, link in following.entering}
    ordered = sorted(part.leaving, key=lambda item: -part.points[item[0]][0])
    gutter = (
        shift[0] + part.width + (shift[1] - shift[0] - part.width - LANE * (len(ordered) - 1)) / 2
    )
    for lane, (point, link) in enumerate(ordered):
        x0, y0 = part.starts[point]
        x1, y1 = following.starts[ends[link.exit + link.tail + link.value]]
        low, high = part.height + above + 8.0 + LANE * lane, above - 8.0 - LANE * lane
        middle = gutter + LANE * lane
        way = [
            (x0 + shift[0], y0 + above),
            (x0 + shift[0], low),
            (middle, low),
            (middle, high),
            (x1 + shift[1], high),
            (x1 + shift[1], y1 + above),
        ]
        placed.lines.append(Line(link.arrows[0], rounded(way), None))
