"""Where a picture says the shapes of tensors: on arrows where they change, or in every box."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from graphlens.errors import unknown_name
from graphlens.view.diagram import Arrow, Box, Diagram, Face, Row

SHAPES = ("changed", "all", "none")
"""What may be said of them."""
_NAMED = 3
"""Tensors of a box that are said one by one; of more than that, how many there are."""


def checked(shapes: str) -> str:
    """The choice as it was given.

    Raises:
        UsageError: If there is no such choice.
    """
    if shapes not in SHAPES:
        raise unknown_name("choice of shapes", shapes, SHAPES)
    return shapes


def in_boxes(diagram: Diagram) -> Diagram:
    """The diagram with the shapes that each box reads and gives in a last line of it.

    Where it gives what it reads, that is one shape.
    """
    panes = range(len(diagram.panes))
    reads, gives = (_labels(diagram.arrows, end, panes) for end in ("head", "tail"))
    return diagram.having([_said(box, reads, gives) for box in diagram.boxes])


def where_new(diagram: Diagram) -> Diagram:
    """The diagram with shapes only on arrows from boxes that give another than they read."""
    reads: dict[str, set[str]] = defaultdict(set)
    for arrow in diagram.arrows:
        reads[arrow.head].add(arrow.label)
    ends = {box.id for box in diagram.boxes if box.face.kind == "input"}
    last = {box.id for box in diagram.boxes if box.face.kind == "output"}
    arrows = [
        replace(arrow, label="")
        if arrow.tail in ends or arrow.head in last or arrow.label in reads[arrow.tail]
        else arrow
        for arrow in diagram.arrows
    ]
    return diagram.having(arrows=arrows)


def nowhere(diagram: Diagram) -> Diagram:
    """The diagram with no shape on any arrow."""
    return diagram.having(arrows=[replace(arrow, label="") for arrow in diagram.arrows])


_Labels = Mapping[tuple[str, int], Mapping[str, None]]
"""The shapes at a box in a pane, each once, in their order."""


def _labels(arrows: Iterable[Arrow], end: str, panes: Sequence[int]) -> _Labels:
    found: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
    for arrow in arrows:
        for pane in arrow.panes or panes:
            found[getattr(arrow, end), pane][arrow.label] = None
    return found


def _said(box: Box, reads: _Labels, gives: _Labels) -> Box:
    if box.face.kind in ("input", "output"):
        return box
    faces = tuple(
        face and _with(face, reads.get((box.id, pane), {}), gives.get((box.id, pane), {}))
        for pane, face in enumerate(box.faces)
    )
    return replace(box, faces=faces)


def _with(face: Face, reads: Mapping[str, None], gives: Mapping[str, None]) -> Face:
    words = _listed(gives) if reads == gives else f"{_listed(reads)} → {_listed(gives)}".strip()
    if not reads and not gives:
        return face
    return replace(face, rows=(*face.rows, Row("", words, style="summary")))


def _listed(labels: Mapping[str, None]) -> str:
    if len(labels) > _NAMED:
        return f"{len(labels)} shapes"
    return ", ".join(labels)
