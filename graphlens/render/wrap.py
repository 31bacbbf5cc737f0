"""Lines that are too long for their box go on in a line below it, rather than lose letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from graphlens.render.metrics import width
from graphlens.render.room import GAP, NOTE, SMALL, TITLE, inner, room
from graphlens.view import Box, Diagram, Face, Row

_LINES = 3
"""Lines that a name or a detail may take; the last of them is cut if that is too few."""
_PLACES = re.compile(r"[^\s_./:-]*[\s_./:-]+|[A-Z]?[^\sA-Z_./:-]+|[A-Z]+(?![a-z])|.")
"""Pieces between which a name may be broken: after a sign, before a capital."""
_WORDS = re.compile(r"… \d+ more|\d+ [A-Z]\w*(?: ·)?\s*|\S+\s*")
"""Words that stay together: a number and what it counts."""
_LONGEST = 300
"""Letters of a name from which on nobody reads it, and it is cut."""


def wrapped(diagram: Diagram, share: float = 1.0) -> Diagram:
    """The diagram with lines that are too long for their boxes in several.

    Args:
        diagram: Any diagram.
        share: How much of the width that boxes may have their lines may take.
    """
    boxes = [_wrapped(box, share) for box in diagram.boxes]
    same = all(box is was for box, was in zip(boxes, diagram.boxes, strict=True))
    return diagram if same else diagram.having(boxes)


def _wrapped(box: Box, share: float) -> Box:
    wide = inner(share * room(box))
    faces = tuple(face and _face(face, wide) for face in box.faces)
    same = all(face is was for face, was in zip(faces, box.faces, strict=True))
    return box if same else replace(box, faces=faces)


def _face(face: Face, wide: float) -> Face:
    rows = [line for row in face.rows for line in _lines(row, wide)]
    return face if len(rows) == len(face.rows) else replace(face, rows=tuple(rows))


def _lines(row: Row, wide: float) -> Iterator[Row]:
    """A line as it is where it fits; else its name, and below that what is said of it."""
    if row.strip or row.style == "measure" or row.goes_on:
        yield row
        return
    if row.style in SMALL:
        yield from _small(row, wide)
        return
    taken = width(row.note, NOTE) + GAP if row.note else 0.0
    named = width(row.text, TITLE, True)
    said = width(row.detail, NOTE) + GAP if row.detail else 0.0
    if named + said + taken <= wide:
        yield row
        return
    parts = broken(row.text, TITLE, wide - taken, bold=True)
    if len(parts) > 1 and taken and named <= wide:  # rather the figure below than half a name
        parts, taken = [row.text], -1.0
    plain = replace(row, detail="", bar=-1.0, goes_on=True, note="")
    for index, part in enumerate(parts):
        head = replace(row, text=part, detail="", note=row.note if taken >= 0.0 else "")
        yield replace(plain, text=part) if index else head
    note = row.note if taken < 0.0 else ""
    left = width(note, NOTE) + GAP if note else 0.0
    classes = row.style == "module"
    details = broken(row.detail, NOTE, wide - left, names=classes) if row.detail else []
    for index, part in enumerate(details or [""] * bool(note)):
        yield replace(plain, text="", detail=part, note="" if index else note)


def _small(row: Row, wide: float) -> Iterator[Row]:
    """A line in small type: what is gone after and what stays, one below the other if need be."""
    if row.text and width(row.text, NOTE) + GAP + width(row.detail, NOTE) <= wide:
        yield row
        return
    if row.text:
        yield replace(row, detail="")
        row = replace(row, text="", mark="", detail=row.detail.removeprefix("· "))
        if not row.detail:
            return
    for text in broken(row.detail, NOTE, wide, names=False):
        yield replace(row, detail=text)


def broken(
    text: str, size: float, wide: float, *, bold: bool = False, names: bool = True
) -> list[str]:
    """A text in lines of at most ``wide`` points; what does not fit is left in the last one.

    Args:
        text: A name, or words.
        size: Type size.
        wide: Points.
        bold: Whether the type is bold.
        names: Whether to break names too, and not only between words.
    """
    if width(text, size, bold) <= wide or len(text) > _LONGEST:
        return [text]
    lines = [""]
    for piece in (_PLACES if names else _WORDS).findall(text):
        longer = lines[-1] + piece
        if width(longer.rstrip(), size, bold) <= wide or not lines[-1] or len(lines) == _LINES:
            lines[-1] = longer
        else:
            lines.append(piece)
    return [line.rstrip(" ·") for line in lines]
