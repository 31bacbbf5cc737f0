"""A laid out diagram as a scene: title, panes, clusters, arrows, boxes, legend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from graphlens.render.frame import (
    LEAD,
    badge,
    header,
    in_one_line,
    title_fitted,
    title_needs,
    title_room,
)
from graphlens.render.head import (
    MARGIN,
    heading,
    legend_shapes,
    outline,
    pane_head,
)
from graphlens.render.labels import labels
from graphlens.render.layout import Layout, layout
from graphlens.render.measure import Size, height, shapes
from graphlens.render.metrics import width
from graphlens.render.part import Frame, Line
from graphlens.render.passing import MANY
from graphlens.render.scene import Group, Path, Point, Rect, Scene, Shape, Text, straight
from graphlens.view import Cluster, Diagram


def draw(diagram: Diagram) -> Scene:
    """The scene of a diagram."""
    placed = layout(diagram)
    around = outline(placed.diagram, placed.width, placed.height)
    found: list[Shape] = list(heading(diagram.title, diagram.subtitle, around.wide))
    top, heads, each, between = around.top, around.heads, around.each, around.between
    start = MARGIN + (around.wide - around.content) / 2
    places = [start + index * (each + between) for index in range(len(diagram.panes))]
    lefts = [x + (each - placed.width) / 2 for x in places]
    for index, (pane, x) in enumerate(zip(diagram.panes, places, strict=True)):
        if index:
            found.append(_divider(x - between / 2, top + 8.0, heads + placed.height))
        found += pane_head(pane, x if len(diagram.panes) > 1 else MARGIN, top, each)
        found += _ground(placed, index, lefts[index], top + heads)
    if diagram.threads:
        found += _threads(placed, lefts, top + heads)
    for index, x in enumerate(lefts):
        found += _boxes(placed, index, x, top + heads)
    bottom = top + heads + placed.height + 18.0
    found += legend_shapes(around.legend, bottom, around.wide)[0]
    return Scene(around.width, around.height, tuple(found), diagram.title, diagram.subtitle)


def _threads(placed: Layout, lefts: Sequence[float], y: float) -> Iterator[Group]:
    """From each group back to its members in the pane before, where it is drawn as a group."""
    for box in placed.diagram.boxes:
        frame = placed.frames[box.id]
        for pane, (was, face) in enumerate(pairwise(box.faces)):
            if was is None or face is None or face.kind != "group" or was.kind == "group":
                continue
            start = (lefts[pane] + frame.x + frame.width, y + frame.y + height(was, box.tags) / 2)
            end = (lefts[pane + 1] + frame.x, y + frame.y + height(face, box.tags) / 2)
            lean = 0.4 * (end[0] - start[0])
            way = (start, (start[0] + lean, start[1]), (end[0] - lean, end[1]), end)
            title = f"{len(face.rows)} operations run as one kernel"
            yield Group((Path(way, "strong", line=0.8, dash="1.5 3"),), title, "thread")


def _divider(x: float, y: float, high: float) -> Path:
    return Path(straight((x, y), (x, y + high)), "hair", line=1.0)


def _ground(placed: Layout, pane: int, x: float, y: float) -> Iterator[Shape]:
    """The frames and the lines of a pane, over which boxes and words stand."""
    depth = {"": -1}
    for cluster, frame, goes_on in placed.clusters:
        depth[cluster.id] = depth.get(cluster.parent, -1) + 1
        near = placed.lines if len(placed.lines) < MANY else ()
        crossed = [at + x for at in _crossed(near, frame.y + LEAD + 12.0)]
        yield _cluster(cluster, _shifted(frame, x, y), depth[cluster.id], goes_on, crossed)
    for line in placed.lines:
        if not line.arrow.panes or pane in line.arrow.panes:
            yield _arrow(line, x, y)
            yield from _stub(placed, line, pane, x, y)
    for px, py in placed.forks:
        yield Rect(px + x - 2.0, py + y - 2.0, 4.0, 4.0, 2.0, "line")


def _boxes(placed: Layout, pane: int, x: float, y: float) -> Iterator[Shape]:
    """The boxes of a pane and the words beside its lines."""
    for box in placed.diagram.boxes:
        frame = placed.frames[box.id]
        drawn = shapes(box, pane, frame.x + x, frame.y + y, Size(frame.width, frame.height))
        if drawn is not None:
            yield drawn
    yield from labels(placed, pane, x, y)


def _shifted(frame: Frame, x: float, y: float) -> Frame:
    return frame._replace(x=frame.x + x, y=frame.y + y)


def _cluster(
    cluster: Cluster, frame: Frame, depth: int, goes_on: bool, crossed: list[float]
) -> Group:
    """A cluster's frame, its title beside what comes in through the top, its repetitions."""
    found: list[Shape] = []
    x, y, wide, high = frame
    y, high = y + LEAD, high - LEAD
    if cluster.is_run:
        for step in (6.0, 3.0):
            found.append(Rect(x + step, y + step, wide, high, 9.0, "cluster0", "frame", 1.0))
    found.append(Rect(x, y, wide, high, 9.0, f"cluster{min(depth, 2)}", "frame", 1.0))
    times, span = badge(cluster)
    if times:
        right = x + wide - span - 7.0
        found.append(Rect(right, y + 4.5, span, 17.0, 8.5, "changed" if cluster.was else "badge"))
        found.append(Text(right + span / 2, y + 16.9, times, 11.0, "on_badge", True, "middle"))
    needed = title_needs(cluster)
    left, room = title_room(cluster, wide, [at - x for at in crossed])
    left += x
    base = y + 15.0
    words = header(cluster)
    last = sum(bold for *_, bold in words) - 1
    for index, (text, size, tone, bold) in enumerate(words):
        longer = f"{text} …"
        if goes_on and index == last and width(longer, size, bold) <= min(room, needed + 14.0):
            text = longer
        word = title_fitted(text, size, room, bold)
        if word != text and not bold and in_one_line(cluster):
            break  # half a class's name says nothing; the whole is in the title
        found.append(Text(left, base, word, size, tone, bold))
        if in_one_line(cluster):
            span = width(word, size, bold) + 5.0
            left, room = left + span, room - span
        else:
            base += 12.5
    return Group(tuple(found), cluster.title, "cluster")


def _crossed(lines: Sequence[Line], y: float) -> list[float]:
    """Where the lines of a picture are at a height."""
    found: list[float] = []
    for line in lines:
        ends = line.points[::3] if line.tip is None else (*line.points[::3], line.tip)
        for (x0, y0), (x1, y1) in pairwise(ends):
            if min(y0, y1) <= y <= max(y0, y1):
                found.append(x0 + (x1 - x0) * ((y - y0) / (y1 - y0) if y1 != y0 else 0.5))
    return found


def _arrow(line: Line, x: float, y: float) -> Group:
    points = tuple((px + x, py + y) for px, py in line.points)
    tone = line.arrow.mark or "line"
    found: list[Shape] = [Path(points, tone, dash="4 3" if line.arrow.mark == "removed" else "")]
    if line.tip is not None:
        found.append(_tip(points[-1], (line.tip[0] + x, line.tip[1] + y), tone))
    return Group(tuple(found), line.arrow.title, "arrow")


def _stub(placed: Layout, line: Line, pane: int, x: float, y: float) -> Iterator[Path]:
    """What joins a line to its box where that is shorter in this pane than in another."""
    if not line.leaves:
        return
    box, frame = placed.boxes[line.arrow.tail], placed.frames[line.arrow.tail]
    face = box.faces[pane]
    left, bottom = line.points[0]
    if face is not None and bottom >= frame.y + frame.height - 1.0:
        end = frame.y + height(face, box.tags)
        if end < bottom - 1.0:
            yield Path(straight((left + x, end + y), (left + x, bottom + y)))


def _tip(base: Point, tip: Point, tone: str) -> Path:
    """A slim arrow head from ``base`` to ``tip``."""
    across = (0.42 * (tip[1] - base[1]), 0.42 * (base[0] - tip[0]))
    left, right = (
        (base[0] + across[0], base[1] + across[1]),
        (base[0] - across[0], base[1] - across[1]),
    )
    return Path(straight(tip, left, right, tip), "none", tone, closed=True)
