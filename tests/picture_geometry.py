"""What can be measured of a picture, whoever drew it: read from its SVG, ours or Graphviz's."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from math import atan2, dist, tau
from xml.etree import ElementTree

from graphlens.render.metrics import width

PAGE = (785.0, 538.0)
"""An A4 page in landscape less a centimetre all around, in points."""
Point = tuple[float, float]
Frame = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_FIGURE = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")
_STEP = re.compile(r"([MLCZ])([^MLCZ]*)")
_SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Drawn:
    """What stands where in a picture."""

    wide: float
    high: float
    boxes: list[Frame] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    lines: list[list[Point]] = field(default_factory=list)
    texts: list[tuple[str, float, Frame]] = field(default_factory=list)
    loose: list[tuple[str, Frame]] = field(default_factory=list)
    bytes: int = 0


def read(svg: str) -> Drawn:
    """The boxes, arrows and texts of an SVG."""
    root = ElementTree.fromstring(svg)
    view = [float(word) for word in root.attrib["viewBox"].split()]
    found = Drawn(view[2], view[3], bytes=len(svg.encode()))
    _walk(root, (0.0, 0.0), "", found)
    return found


def type_size(drawn: Drawn, page: Frame | tuple[float, float] = PAGE) -> float:
    """The smallest type in points when the picture is fitted to a page in landscape."""
    scale = min(page[0] / drawn.wide, page[1] / drawn.high)
    return min((size for _, size, _ in drawn.texts), default=0.0) * min(scale, 1.5)


def aspect(drawn: Drawn) -> float:
    """Width over height."""
    return drawn.wide / drawn.high


def over_boxes(drawn: Drawn) -> int:
    """How many arrows pass through a box in which they neither start nor end."""
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, (left, top, right, bottom) in enumerate(drawn.boxes):
        for cell in _cells((left, top), (right, bottom)):
            cells[cell].append(index)

    def near(line: list[Point]) -> set[int]:
        return {b for a, c in pairwise(line) for cell in _cells(a, c) for b in cells[cell]}

    return sum(any(_passes(line, drawn.boxes[at]) for at in near(line)) for line in drawn.lines)


def crossings(drawn: Drawn) -> int:
    """How often arrows cross; where several leave or meet one place together they do not."""
    pieces = [
        (number, at) for number, line in enumerate(drawn.lines) for at in range(len(line) - 1)
    ]
    cells: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for number, at in pieces:
        for cell in _cells(*drawn.lines[number][at : at + 2]):
            cells[cell].append((number, at))
    met = {
        (one[0], other[0], round(at[0]), round(at[1]))
        for held in cells.values()
        for one, other in combinations(held, 2)
        if one[0] != other[0]
        and (at := _crossing(drawn.lines[one[0]], one[1], drawn.lines[other[0]], other[1]))
    }
    return len(met)


def _crossing(one: list[Point], first: int, other: list[Point], second: int) -> Point | None:
    """Where a piece of a line passes a piece of another, at a bend of either too."""
    at = _meet(*one[first : first + 2], *other[second : second + 2])
    if at is None:
        return None
    rays = [*_rays(one, first, at), *_rays(other, second, at)]
    if len(rays) < 4:  # at the end of one
        return None
    order = sorted(range(4), key=lambda ray: rays[ray])
    turns = [(rays[b] - rays[a]) % tau for a, b in pairwise([*order, order[0]])]
    between = {order[(order.index(0) + step) % 4] for step in (1, 3)} == {2, 3}
    return at if between and min(turns) > 0.02 else None


def _rays(line: list[Point], piece: int, at: Point) -> list[float]:
    """The directions in which a line goes from a point of a piece of it, but where it ends."""
    before = next((point for point in line[piece::-1] if dist(point, at) > 0.5), None)
    after = next((point for point in line[piece + 1 :] if dist(point, at) > 0.5), None)
    return [atan2(p[1] - at[1], p[0] - at[0]) for p in (before, after) if p is not None]


def overlapping_texts(drawn: Drawn) -> list[tuple[str, str]]:
    """The pairs of texts of which one lies over the other."""
    rows: dict[int, list[tuple[str, Frame]]] = defaultdict(list)
    for text, _, frame in drawn.texts:
        for row in range(int(frame[1] // 20), int(frame[3] // 20) + 1):
            rows[row].append((text, frame))
    return sorted(
        {
            (one[0], other[0])
            for held in rows.values()
            for one, other in combinations(held, 2)
            if _overlap(one[1], other[1])
        }
    )


def texts_over_boxes(drawn: Drawn) -> list[str]:
    """The texts that are not of a box and lie over one."""
    return [text for text, frame in drawn.loose if any(_overlap(frame, box) for box in drawn.boxes)]


def texts_over_lines(drawn: Drawn) -> list[str]:
    """The texts beside arrows that lie over one."""
    return [
        text
        for text, frame in drawn.loose
        if any(
            _inside((a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t), frame, -1.0)
            for line in drawn.lines
            for a, b in pairwise(line)
            for t in (0.0, 0.25, 0.5, 0.75, 1.0)
        )
    ]


def texts_over_frames(drawn: Drawn) -> list[str]:
    """The texts beside arrows through which the edge of a cluster's frame runs."""
    return [
        text
        for text, room in drawn.loose
        if any(_overlap(room, frame) and not _within(room, frame) for frame in drawn.frames)
    ]


def cut_texts(drawn: Drawn) -> list[str]:
    """The texts that lost letters: those with an ellipsis at a letter; others stand for a list."""
    return [text for text, _, _ in drawn.texts if re.search(r"\w…|…\w", text)]


def _walk(element: ElementTree.Element, shift: Point, role: str, found: Drawn) -> None:
    moved = re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", element.get("transform", ""))
    if moved:
        shift = (shift[0] + float(moved[1]), shift[1] + float(moved[2]))
    role = (element.get("class", "") if element.tag == f"{_SVG}g" else "") or role
    kind = role.partition(" ")[0]
    if kind in ("box", "node") and element.tag == f"{_SVG}g":
        frame = _around(element, shift)
        if frame is not None:
            found.boxes.append(frame)
    if kind == "cluster" and element.tag in (f"{_SVG}rect", f"{_SVG}polygon"):
        found.frames += filter(None, [_around(element, shift)])
    if element.tag == f"{_SVG}text":
        found.texts.append(_text(element, shift))
        if kind not in ("box", "node", "cluster"):
            found.loose.append((found.texts[-1][0], found.texts[-1][2]))
    if element.tag == f"{_SVG}path" and kind in ("arrow", "edge"):
        found.lines.append(list(_along(element.get("d", ""), shift)))
    for inner in element:
        _walk(inner, shift, role, found)


def _around(group: ElementTree.Element, shift: Point) -> Frame | None:
    corners: list[Point] = []
    for shape in group.iter():
        if shape.tag == f"{_SVG}rect":
            x, y, wide, high = (float(shape.get(key, 0)) for key in ("x", "y", "width", "height"))
            corners += [(x, y), (x + wide, y + high)]
        elif shape.tag == f"{_SVG}polygon":
            corners += _points(shape.get("points", ""))
    if not corners:
        return None
    xs, ys = [x + shift[0] for x, _ in corners], [y + shift[1] for _, y in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _points(text: str) -> list[Point]:
    numbers = [float(word) for word in _FIGURE.findall(text)]
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _text(element: ElementTree.Element, shift: Point) -> tuple[str, float, Frame]:
    text = "".join(element.itertext())
    size = float(element.get("font-size", 14))
    bold = element.get("font-weight", "") in ("600", "bold")
    wide = width(text, size, bold) / 1.04  # the table allows for other fonts
    x, y = float(element.get("x", 0)) + shift[0], float(element.get("y", 0)) + shift[1]
    left = x - wide * {"middle": 0.5, "end": 1.0}.get(element.get("text-anchor", ""), 0.0)
    return text, size, (left, y - 0.72 * size, left + wide, y + 0.2 * size)


def _along(path: str, shift: Point, steps: int = 10) -> Iterator[Point]:
    """Points on a path of straight lines and cubic curves."""
    last: Point = (0.0, 0.0)
    for letter, rest in _STEP.findall(path):
        points = [(x + shift[0], y + shift[1]) for x, y in _points(rest)]
        if letter in "ML":
            yield from points
        for start in range(0, len(points) - 2, 3) if letter == "C" else ():
            a, b, c, d = last, *points[start : start + 3]
            for step in range(1, steps + 1):
                t, u = step / steps, 1 - step / steps
                yield (
                    u**3 * a[0] + 3 * u * u * t * b[0] + 3 * u * t * t * c[0] + t**3 * d[0],
                    u**3 * a[1] + 3 * u * u * t * b[1] + 3 * u * t * t * c[1] + t**3 * d[1],
                )
            last = d
        last = points[-1] if points else last


def _passes(line: list[Point], box: Frame) -> bool:
    """Whether a line goes through a box, and not only into it or out of it."""
    if len(line) < 2 or _near(line[0], box) or _near(line[-1], box):
        return False
    return any(
        _inside((a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t), box, -2.0)
        for a, b in pairwise(line)
        for t in (0.0, 0.25, 0.5, 0.75, 1.0)
    )


def _near(point: Point, box: Frame) -> bool:
    return _inside(point, box, 9.0)


def _inside(point: Point, box: Frame, more: float) -> bool:
    across = box[0] - more < point[0] < box[2] + more
    return across and box[1] - more < point[1] < box[3] + more


def _cells(a: Point, b: Point, size: float = 60.0) -> Iterator[tuple[int, int]]:
    left, right = sorted((a[0], b[0]))
    top, bottom = sorted((a[1], b[1]))
    for column in range(int(left // size), int(right // size) + 1):
        for row in range(int(top // size), int(bottom // size) + 1):
            yield column, row


def _meet(a: Point, b: Point, c: Point, d: Point) -> Point | None:
    """Where two pieces of lines meet."""
    r, s = (b[0] - a[0], b[1] - a[1]), (d[0] - c[0], d[1] - c[1])
    across = r[0] * s[1] - r[1] * s[0]
    if abs(across) < 1e-9:
        return None
    t = ((c[0] - a[0]) * s[1] - (c[1] - a[1]) * s[0]) / across
    u = ((c[0] - a[0]) * r[1] - (c[1] - a[1]) * r[0]) / across
    if not (0.0 <= t <= 1.0 and 0.0 <= u <= 1.0):
        return None
    return (a[0] + t * r[0], a[1] + t * r[1])


def _within(one: Frame, other: Frame) -> bool:
    corners = (one[0], one[1]), (one[2], one[3])
    return all(_inside(corner, other, 0.0) for corner in corners)


def _overlap(one: Frame, other: Frame, slack: float = 0.8) -> bool:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across > slack and down > slack
