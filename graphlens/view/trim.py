"""Less of each box: fewer lines, fewer tags, for pictures that would not fit a page otherwise."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from graphlens.view.build import rolled
from graphlens.view.diagram import Box, Diagram, Face, Row, Tag
from graphlens.view.worth import worth

_TAGS = 3
_LETTERS = 30
"""Letters of the line that names what a box leaves out."""
_BARE = 2
"""Lines of a box from which on folded scopes are a name and a strip of colours."""


def trimmed(diagram: Diagram, lines: int) -> Diagram:
    """The diagram with at most ``lines`` lines in each box, the last one naming what is left.

    Where that is next to nothing, folded scopes do without the list of what they hold, too, but
    for what changed in them. The same object if no box has more.
    """
    boxes = [_shorter(box, lines) for box in diagram.boxes]
    same = all(box is was for box, was in zip(boxes, diagram.boxes, strict=True))
    return diagram if same else diagram.having(boxes)


def _shorter(box: Box, lines: int) -> Box:
    faces = tuple(face and _cut(face, lines) for face in box.faces)
    same = all(face is was for face, was in zip(faces, box.faces, strict=True))
    return box if same else replace(box, faces=faces)


def _cut(face: Face, lines: int) -> Face:
    if len(face.rows) <= lines or face.kind in ("input", "output"):
        return face
    if face.kind != "module":
        least = sorted((worth(row.style) for row in face.rows), reverse=True)[lines - 2]
        ordered = sorted(face.rows, key=lambda row: worth(row.style) < least)
        *kept, more = rolled(ordered, lines)
        more = _left_out(more, [row for row in ordered[lines - 1 :] if row.text])
        return replace(face, rows=(*kept, more), inside=face.contents)
    told = [row for row in face.rows[1:] if row.mark]
    told = told or [row for row in face.rows if row.strip]
    return replace(face, rows=(face.rows[0], *told)) if told and lines <= _BARE else face


def _left_out(more: Row, left: list[Row]) -> Row:
    """The line that names what is left out: first what is gone after, then what stays."""
    gone = _named([row.text for row in left if row.mark == "removed"], _LETTERS)
    room = _LETTERS - len(gone) - 3 if gone else _LETTERS
    rest = _named([row.text for row in left if row.mark != "removed"], room)
    if not gone:
        return replace(more, text="", detail=rest, style="summary")
    detail = f"· {rest}" if rest else ""
    return replace(more, text=gone, detail=detail, style="summary", mark="removed")


def _named(names: list[str], letters: int) -> str:
    """Each kind of operation, with its number if it is not alone; nothing of none."""
    if not names:
        return ""
    counts = Counter(names)
    words = [f"{number} {name}" if number > 1 else name for name, number in counts.items()]
    for shown in range(len(words), 0, -1):
        left = len(words) - shown
        said = " · ".join([*words[:shown], f"… {left} more"] if left else words)
        if len(said) <= letters:
            return said
    return f"… {len(names)} more"


def few_tags(diagram: Diagram, most: int = _TAGS) -> Diagram:
    """The diagram with at most ``most`` tags at the head and at the foot of each box."""
    return diagram.having([_tagged(box, most) for box in diagram.boxes])


def _tagged(box: Box, most: int) -> Box:
    coming = [tag for tag in box.tags if not tag.outgoing]
    going = [tag for tag in box.tags if tag.outgoing]
    if len(coming) <= most and len(going) <= most:
        return box
    return replace(box, tags=(*_few(coming, most), *_few(going, most)))


def _few(tags: list[Tag], most: int) -> list[Tag]:
    if len(tags) <= most:
        return tags
    left = tags[most - 1 :]
    titles = "\n".join(f"{tag.text}  {tag.title}" for tag in left[:200])
    return [*tags[: most - 1], Tag(f"… {len(left)} more", left[0].outgoing, titles)]
