"""Less of each box: fewer lines, fewer tags, for pictures that would not fit a page otherwise."""

from __future__ import annotations

from dataclasses import replace

from graphlens.view.build import rolled
from graphlens.view.diagram import Box, Diagram, Tag

_TAGS = 3


def trimmed(diagram: Diagram, lines: int) -> Diagram:
    """The diagram with at most ``lines`` operations listed in each box, the others counted."""
    boxes = [_shorter(box, lines) for box in diagram.boxes]
    return diagram.having(boxes)


def _shorter(box: Box, lines: int) -> Box:
    if all(face is None or len(face.rows) <= lines or face.kind == "module" for face in box.faces):
        return box
    faces = tuple(
        face
        if face is None or face.kind in ("module", "input", "output")
        else replace(face, rows=rolled(face.rows, lines), inside=face.contents)
        for face in box.faces
    )
    return replace(box, faces=faces)


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
