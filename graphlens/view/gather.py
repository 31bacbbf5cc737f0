"""Many inputs of the same reader are one box: caches of every layer, a Concat of 20,000."""

from __future__ import annotations

from collections import defaultdict

from graphlens.view.diagram import Box, Diagram, Face, Row
from graphlens.view.quotient import quotient

_MANY, _LISTED = 8, 3


def gather_inputs(diagram: Diagram) -> Diagram:
    """The diagram with inputs that the same boxes read in one box, where they are many."""
    heads: dict[str, set[str]] = defaultdict(set)
    for arrow in diagram.arrows:
        heads[arrow.tail].add(arrow.head)
    alike: dict[frozenset[str], list[Box]] = defaultdict(list)
    for box in diagram.boxes:
        if box.face.kind == "input":
            alike[frozenset(heads[box.id])].append(box)
    owner: dict[str, str] = {}
    made: dict[str, Box] = {}
    for boxes in alike.values():
        if len(boxes) >= _MANY:
            owner.update((box.id, boxes[0].id) for box in boxes)
            made[boxes[0].id] = _gathered(boxes)
    return quotient(diagram, owner, made, alike=True) if made else diagram


def _gathered(boxes: list[Box]) -> Box:
    faces: list[Face | None] = []
    for pane in range(len(boxes[0].faces)):
        rows = [row for box in boxes if (face := box.faces[pane]) for row in face.rows]
        titles = "\n".join(row.title for row in rows[_LISTED:300])
        more = Row(f"… {len(rows) - _LISTED:,} more inputs", style="input", title=titles)
        faces.append(Face((*rows[:_LISTED], more), "input", 0) if len(rows) > _LISTED else None)
    return Box(boxes[0].id, tuple(faces), name=boxes[0].name, cluster=boxes[0].cluster)
