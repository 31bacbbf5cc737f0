"""How large each box is, and the shapes that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from graphlens.render.metrics import clean, fitted, path_fitted, width
from graphlens.render.room import DETAIL, GAP, NOTE, PAD, SMALL, TITLE, inner, room
from graphlens.render.scene import Group, Path, Rect, Shape, Text, straight
from graphlens.render.theme import edge, fill
from graphlens.view import Box, Face, Row, Tag

ROW, TAG, SUMMARY, STRIP = 18.5, 14.5, 13.5, 12.0
_STEP = 8.0
_NARROWEST, _EVEN = 88.0, 1.3
_NAME = 120
"""Letters of the name that a screen reader says."""
_SHORT = 30.0
"""Room in which a detail that has to be cut says nothing any more."""
_BAR = 44.0
"""The room for the bar of a measure."""


class Size(NamedTuple):
    """Width and height in points."""

    width: float
    height: float


def measured(box: Box) -> Size:
    """The size of a box that holds every one of its faces."""
    sizes = [_face(face, box.tags, room(box)) for face in box.faces if face is not None]
    wide = max(size.width for size in sizes)
    return Size(-(-wide // _STEP) * _STEP, max(size.height for size in sizes))


def evened(boxes: Sequence[Box]) -> dict[str, Size]:
    """The size of each box; those of one cluster that are nearly equally wide are made so."""
    sizes = {box.id: measured(box) for box in boxes}
    widest: dict[str, float] = {}
    for box in boxes:
        widest[box.cluster] = max(widest.get(box.cluster, 0.0), sizes[box.id].width)
    for box in boxes:
        size, wide = sizes[box.id], widest[box.cluster]
        if box.face.kind not in _ENDS and wide <= _EVEN * size.width:
            sizes[box.id] = size._replace(width=wide)
    return sizes


def _face(face: Face, tags: tuple[Tag, ...], room: float) -> Size:
    wide = [_row_width(row, room) for row in face.rows]
    wide += [width(tagged(tag, room), NOTE) + 2 * PAD + 12 for tag in tags]
    return Size(min(room, max(_NARROWEST, *wide)), height(face, tags))


def tagged(tag: Tag, room: float) -> str:
    """The name of a value, cut to what a box of some width has room for."""
    return fitted(tag.text, NOTE, room - 30.0)


def height(face: Face, tags: tuple[Tag, ...] = ()) -> float:
    """The height of a face with the tags of its box."""
    return sum(map(row_height, face.rows)) + TAG * len(tags) + 4.0 * (face.kind in _ENDS)


def row_height(row: Row) -> float:
    """The height of one line of a box."""
    if row.strip:
        return STRIP
    if row.goes_on:
        return ROW - 4.0 if row.text else SUMMARY
    return SUMMARY if row.style in SMALL else ROW


_ENDS = ("input", "output")
_SPACE = 3.0
"""Between the words of a line in small type that are struck out and the others."""


def _row_width(row: Row, room: float) -> float:
    text, detail, note = said(row, room)
    if row.style in SMALL:
        ahead = width(text, NOTE) + _SPACE if text else 0.0
        return ahead + width(detail, NOTE) + 2 * PAD + 3 + (_BAR if row.bar >= 0.0 else 0.0)
    parts = [width(text, TITLE, True)] if text else []
    parts += [width(detail, DETAIL)] if detail else []
    parts += [width(note, NOTE) + GAP] if note else []
    return sum(parts) + GAP * (len(parts) - 1) + 2 * PAD + 4


def said(row: Row, room: float) -> tuple[str, str, str]:
    """Name, detail and figure of a line, cut to what a box of some width has room for."""
    if row.style in SMALL:
        left = room - 2 * PAD - 3
        gone = fitted(row.text, NOTE, left) if row.mark == "removed" else ""
        left -= width(gone, NOTE) + _SPACE if gone else 0.0
        rest = fitted(row.detail, NOTE, left)
        return gone, "" if gone and rest != row.detail else rest, ""
    note = fitted(row.note, NOTE, 50.0 if row.mark != "changed" else 110.0)
    left = inner(room) - (width(note, NOTE) + GAP if note else 0.0)
    named = path_fitted if row.style == "module" else fitted
    text = named(row.text, TITLE, left, True)
    left -= width(text, TITLE, True) + GAP if text else 0.0
    detail = fitted(row.detail, DETAIL, left)
    return text, detail if detail == row.detail or left > _SHORT else "", note


def shapes(box: Box, pane: int, x: float, y: float, size: Size) -> Group | None:
    """What is drawn of a box in a pane, its top left corner at (x, y); None if it is not there."""
    face = box.faces[pane]
    if face is None:
        return None
    high = height(face, box.tags)
    whole = [row for row in face.rows if not row.goes_on or not row.title]
    title = "\n".join(row.title or f"{row.text} {row.detail}".strip() for row in whole)
    if face.kind in ("input", "output"):
        drawn = _ends(face, box.tags, x, y, size.width, high)
    else:
        drawn = _body(face, box.tags, x, y, size.width, high)
    link = next((row.link for row in face.rows if row.link), "")
    words = [f"{row.text} {row.detail}".strip() for row in face.rows if not row.strip]
    name = clean(", ".join(words)[:_NAME])
    return Group(tuple(drawn), title or name, f"box {face.kind}", link, name)


def _ends(
    face: Face, tags: tuple[Tag, ...], x: float, y: float, wide: float, high: float
) -> list[Shape]:
    """An Input or Output: a pill with its name and type."""
    changed = any(row.mark == "changed" for row in face.rows)
    tone = "changed" if changed else edge(face.kind)
    found: list[Shape] = [
        Rect(x, y, wide, high, min(12.0, high / 2), fill(face.kind), tone, 1.7 if changed else 1.3)
    ]
    top = y + 2.0
    for tag in tags:
        found += _tag(tag, x, top, wide)
        top += TAG
    for row in face.rows:
        found += _line(row, x, top, wide)
        top += row_height(row)
    return found


def _body(
    face: Face, tags: tuple[Tag, ...], x: float, y: float, wide: float, high: float
) -> list[Shape]:
    radius = 9.0 if face.kind == "group" else 5.0
    found: list[Shape] = [Rect(x, y, wide, high, radius, "paper")]
    coming = [tag for tag in tags if not tag.outgoing]
    top = y
    for tag in coming:
        found += _tag(tag, x, top, wide)
        top += TAG
    count = len(face.rows)
    for index, row in enumerate(face.rows):
        first, last = index == 0 and not coming, index == count - 1 and len(coming) == len(tags)
        found += _row(row, face, x, top, wide, radius, first, last)
        top += row_height(row)
    for tag in tags:
        if tag.outgoing:
            found += _tag(tag, x, top, wide)
            top += TAG
    strong = face.kind in ("group", "module")
    tone = "strong" if face.kind == "group" else edge(face.rows[0].style)
    marks = {row.mark for row in face.rows if row.style not in ("summary", "more")}
    if "changed" in marks:
        tone, strong = "changed", True
    elif marks in ({"added"}, {"removed"}) and face.kind == "module":
        tone = marks.pop()
    dash = "4 2.5" if face.rows[0].mark == "removed" and count == 1 else ""
    found.append(Rect(x, y, wide, high, radius, "none", tone, 1.7 if strong else 1.0, dash))
    return found


def _row(
    row: Row, face: Face, x: float, top: float, wide: float, radius: float, first: bool, last: bool
) -> Iterator[Shape]:
    high = row_height(row)
    inside = face.tint or ("paper" if row.mark == "removed" else fill(row.style))
    yield Rect(x, top, wide, high, radius, inside, square_top=not first, square_bottom=not last)
    if row.strip:
        yield from _strip(row.strip, x + PAD + 3, top + 1.0, wide - 2 * PAD - 3)
        return
    if row.style in SMALL:
        yield from _small(row, face, x + PAD + 3, top, wide - 2 * PAD - 3)
        return
    if face.kind != "module":
        on = 11.0 if row.goes_on else 0.0  # one mark for all lines of an operation
        yield Rect(x + 4, top + 4 - on, 3.0, high - 8 + on, 1.5, edge(row.style))
    if not first and not row.goes_on:
        yield Path(straight((x, top), (x + wide, top)), stroke="paper", line=1.0)
    yield from _line(row, x + 3, top, wide - 3, "ink" if face.tint else "")


def _small(row: Row, face: Face, x: float, top: float, wide: float) -> Iterator[Shape]:
    """A line in small type; that of a measure ends in a bar as long as its share."""
    gone, text, _ = said(row, wide + 2 * PAD + 3)
    if gone:
        yield Text(x, top + 8.5, gone, NOTE, "removed", struck=True)
        x += width(gone, NOTE) + _SPACE
    if text:
        tone = row.mark if row.mark == "changed" else "ink" if face.tint else "soft"
        yield Text(x, top + 8.5, text, NOTE, tone)
    if row.bar > 0.0:
        room = max(0.0, wide - width(text, NOTE) - GAP)
        yield Rect(x + wide - room, top + 2.5, max(1.0, room * row.bar), 5.0, 1.0, "bar")


def _strip(styles: tuple[str, ...], x: float, top: float, wide: float) -> Iterator[Shape]:
    """What a folded scope holds, as a strip of colours in order of execution, kernel by kernel."""
    ops = sum(style != "" for style in styles)
    step = min(7.0, (wide - 2.0 * (len(styles) - ops)) / max(ops, 1))
    gap = 2.0 if step > 2.0 else 0.0
    step = step if gap else wide / max(ops, 1)
    for index, style in enumerate(styles):
        if style:
            yield Rect(x, top, step, 6.0, 0.0, edge(style))
            x += step
        elif index + 1 < len(styles):
            x += gap


_TONES = {"removed": "removed", "added": "added", "changed": "changed"}


def _line(row: Row, x: float, top: float, wide: float, plain: str = "") -> Iterator[Text]:
    text, detail, note = said(row, wide + 3)
    base = top + (row_height(row) - 4.0 if row.goes_on else ROW / 2 + 3.7)
    strong = row.style != "more"
    left = x + PAD
    if text:
        tone = _TONES.get(row.mark, "ink" if strong else plain or "soft")
        ghost = row.mark == "removed"
        yield Text(left, base, text, TITLE, tone, strong, struck=ghost)
        left += width(text, TITLE, strong) + GAP
    if detail:
        tone = "changed" if row.mark == "changed" else plain or "soft"
        yield Text(left, base, detail, DETAIL, tone)
    if note:
        yield Text(x + wide - PAD, base, note, NOTE, plain or "faint", anchor="end")


def _tag(tag: Tag, x: float, top: float, wide: float) -> Iterator[Shape]:
    """A named value: a small arrow, then its name."""
    middle = top + TAG / 2 + 0.5
    tip = ((x + 9, middle - 3), (x + 14, middle), (x + 9, middle + 3))
    yield Path(straight(*tip, tip[0]), "none", "line", closed=True)
    word = tagged(tag, wide)
    yield Text(x + 18, top + TAG / 2 + 3.9, word, NOTE, "soft", italic=True)
