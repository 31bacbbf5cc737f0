"""What stands around a picture: its title, the figures of its panes, its legend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from graphlens.render import theme
from graphlens.render.metrics import fitted, width
from graphlens.render.room import NOTE
from graphlens.render.scene import Rect, Shape, Text
from graphlens.view import Diagram, Fact, Pane

MARGIN = 22.0
_BETWEEN = 36.0
_SAID = 680.0
"""Points up to which a picture is made wide enough for the line under its title."""
_LEGIBLE = 1077.0
"""Points that the panes of a picture may take if its smallest type is to be legible on a page."""
_FACTS, _APART = 34.0, 20.0
"""The height of a row of figures, and the space between two."""
_TITLE, _SUBTITLE, _VALUE = 18.0, 11.0, 13.0
_MARKS = {"removed": "gone after", "added": "new after", "changed": "changed"}
_MERGED = {"removed": "removed", "added": "added", "changed": "changed"}


class Outline(NamedTuple):
    """What stands around the panes of a picture, and how large it is with it, in points.

    Attributes:
        legend: Style and word of each entry.
        each: Width of a pane.
        between: Space between two panes.
        content: Width of all panes.
        wide: Width within the margins.
        top: Where the panes' heads begin.
        heads: Their height.
        width: Of the whole.
        height: Of the whole.
    """

    legend: list[tuple[str, str]]
    each: float
    between: float
    content: float
    wide: float
    top: float
    heads: float
    width: float
    height: float


def outline(diagram: Diagram, inner: float, height: float) -> Outline:
    """What stands around a diagram that takes ``inner`` by ``height`` points in each pane."""
    legend, panes = entries(diagram), diagram.panes
    between = _BETWEEN if len(panes) < 3 else _BETWEEN / 2
    room = (_LEGIBLE - (len(panes) - 1) * between) / len(panes)
    each = max(inner, min(room, max(facts_width(pane.facts) for pane in panes)))
    content = len(panes) * each + (len(panes) - 1) * between
    said = min(_SAID, width(diagram.subtitle, _SUBTITLE))
    wide = max(content, 400.0, legend_width(legend), said)
    top = MARGIN + (46.0 if diagram.subtitle else 30.0)
    heads = max(_pane_height(pane, each) for pane in panes)
    _, rows = legend_shapes(legend, 0.0, wide)
    high = top + heads + height + 18.0 + 18.0 * rows + MARGIN - 8.0
    return Outline(legend, each, between, content, wide, top, heads, wide + 2 * MARGIN, high)


def heading(title: str, subtitle: str, wide: float) -> Iterator[Shape]:
    """The title of a picture and the line under it."""
    yield Text(MARGIN, MARGIN + 12.0, fitted(title, _TITLE, wide, True), _TITLE, "ink", True)
    if subtitle:
        said = fitted(subtitle, _SUBTITLE, wide)
        yield Text(MARGIN, MARGIN + 30.0, said, _SUBTITLE, "soft")


def _pane_height(pane: Pane, room: float) -> float:
    """The height of a pane's head."""
    rows = len(_rows(pane.facts, room))
    return (26.0 if pane.title else 0.0) + (10.0 + _FACTS * rows if rows else 0.0)


def _fact_width(fact: Fact) -> float:
    value = width(fact.value, _VALUE, True)
    value += width(fact.change, NOTE) + 5.0 if fact.change else 0.0
    return max(width(fact.name, NOTE), value) + _APART


def facts_width(facts: Sequence[Fact]) -> float:
    """The width of some figures in a row."""
    return sum(map(_fact_width, facts))


def pane_head(pane: Pane, x: float, top: float, room: float) -> Iterator[Shape]:
    """What a pane shows, and its figures."""
    y = top + 18.0
    if pane.title:
        title = fitted(pane.title.upper(), 11.0, (0.6 if pane.subtitle else 1.0) * room, True)
        yield Text(x, y, title, 11.0, "ink", True)
        left = width(title, 11.0, True) + 10.0
        yield Text(x + left, y, fitted(pane.subtitle, NOTE, room - left), NOTE, "soft")
        y += 20.0
    for index, row in enumerate(_rows(pane.facts, room)):
        yield from figures(row, x, y + _FACTS * index)


def _rows(facts: Sequence[Fact], room: float) -> list[list[Fact]]:
    """Figures in as many rows as they need."""
    found: list[list[Fact]] = []
    left = 0.0
    for fact in facts:
        wide = _fact_width(fact)
        if not found or wide > left + _APART:
            found.append([])
            left = room
        found[-1].append(fact)
        left -= wide
    return found


def figures(facts: Sequence[Fact], x: float, y: float) -> Iterator[Shape]:
    """Figures in a row: the name of each, its value under it, what it was before."""
    for fact in facts:
        yield Text(x, y, fact.name, NOTE, "faint")
        tone = "good" if fact.good and not fact.change else "ink"
        yield Text(x, y + 16.0, fact.value, _VALUE, tone, True)
        if fact.change:
            left = x + width(fact.value, _VALUE, True) + 5.0
            yield Text(left, y + 16.0, fact.change, NOTE, "good" if fact.good else "bad")
        x += _fact_width(fact)


def entries(diagram: Diagram) -> list[tuple[str, str]]:
    """Style and word of each kind of row and box that a diagram has."""
    if diagram.scale is not None:
        return [("", f"{diagram.scale.title}:"), *diagram.scale.entries]
    faces = [face for box in diagram.boxes for face in box.faces if face is not None]
    styles = {row.style for face in faces for row in face.rows}
    styles |= {style for face in faces for row in face.rows for style in row.strip}
    found = styles_of(styles)
    if any(face.kind == "group" for face in faces):
        found.append(("group", "runs as one kernel"))
    marks = {row.mark for face in faces for row in face.rows}
    marks |= {"changed" for cluster in diagram.clusters if cluster.was}
    marks |= {arrow.mark for arrow in diagram.arrows}
    said = _MARKS if len(diagram.panes) > 1 else _MERGED
    found += [(mark, word) for mark, word in said.items() if mark in marks]
    return found


def styles_of(styles: set[str]) -> list[tuple[str, str]]:
    """The legend's entries for some styles."""
    return [(style, word) for style, word in theme.WORDS.items() if style in styles]


def _item_width(word: str) -> float:
    return 16.0 + (width(word, NOTE) + 14.0 if word else -2.0)


def legend_width(legend: list[tuple[str, str]]) -> float:
    """The width that a legend would like."""
    return min(520.0, sum(_item_width(word) for _, word in legend))


def legend_shapes(
    legend: list[tuple[str, str]], top: float, wide: float
) -> tuple[list[Shape], int]:
    """The shapes of a legend, and how many lines it takes."""
    x, row = MARGIN, 0
    found: list[Shape] = []
    for style, word in legend:
        span = _item_width(word)
        if x + span > MARGIN + wide + 14.0 and x > MARGIN:
            x, row = MARGIN, row + 1
        found += _key(style, x, top + 18.0 * row)
        left = x + 17.0 if style else x
        found.append(Text(left, top + 18.0 * row + 9.5, word, NOTE, "soft"))
        x += span
    return found, row + 1 if legend else 0


def _key(style: str, x: float, y: float) -> Iterator[Shape]:
    """The sample of a style in the legend."""
    if style[:4] in ("heat", "sort"):
        yield Rect(x, y, 12.0, 12.0, 2.0, style, "frame", 1.0)
    elif not style:
        return
    elif style in _MARKS:
        yield Text(x + 6.0, y + 10.0, "ab", 11.0, style, True, "middle", struck=style == "removed")
    elif style == "group":
        yield Rect(x, y, 12.0, 12.0, 3.0, "paper", "strong", 1.7)
    else:
        yield Rect(x, y, 12.0, 12.0, 3.0, theme.fill(style), theme.edge(style), 1.0)
        yield Rect(x + 2.5, y + 3.0, 2.5, 6.0, 1.2, theme.edge(style))
