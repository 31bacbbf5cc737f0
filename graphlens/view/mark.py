"""What happened to each line of a box, seen from the pane beside: removed, added, changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphlens.view.diagram import Box, Face, Row


def marked(faces: Sequence[Face | None]) -> tuple[Face | None, ...]:
    """The faces, their lines marked: new against the one before, or gone in the one after."""
    found = list(faces)
    for index in range(1, len(faces)):
        found[index] = _counterparts(found[index], faces[index - 1], "added")
    for index in range(len(faces) - 1):
        found[index] = _counterparts(found[index], faces[index + 1], "removed")
    return tuple(found)


def _counterparts(face: Face | None, other: Face | None, mark: str) -> Face | None:
    if face is None or face.kind in ("input", "output"):
        return face
    left = [text for text, _, _ in other.contents] if other is not None else []
    rows: list[Row] = []
    for row in face.rows:
        if row.text in left:
            left.remove(row.text)
            rows.append(row)
        else:
            rows.append(row if row.style == "more" else replace(row, mark=mark))
    return replace(face, rows=tuple(rows))


def told_apart(cell: Box) -> Box:
    """A cell with what differs in the details of its operations marked as changed."""
    before, after = cell.faces
    if before is not None and after is not None:
        mine: dict[str, list[Row]] = {}
        for row in before.rows:
            mine.setdefault(row.text, []).append(row)
        rows = [_changed(row, mine.get(row.text, [])) for row in after.rows]
        after = replace(after, rows=tuple(rows))
    marks = {row.mark for face in (before, after) if face is not None for row in face.rows}
    alone = before is None or after is None
    return replace(cell, faces=(before, after), changed=alone or marks != {""})


def _changed(row: Row, counterparts: list[Row]) -> Row:
    if row.mark or not counterparts:
        return row
    was = counterparts.pop(0)
    same = (was.detail, was.note) == (row.detail, row.note)
    return row if same else replace(row, mark="changed")
