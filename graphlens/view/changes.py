"""What changed in a folded scope, in a line: ``4 Conv 64 → 128 · − Tanh``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from graphlens.view import words
from graphlens.view.diagram import Face, Row

_NAMED = 3
"""Changes that are named, the most frequent ones."""
_LETTERS = 64
"""Letters that they may have together."""

Changes = tuple[tuple[str, int], ...]


def changes(held: Iterable[tuple[Face, int]]) -> Changes:
    """What is removed, added and changed in some faces that each run so often, and how often."""
    found: Counter[str] = Counter()
    for face, times in held:
        if face.changes:
            found.update({said: number * times for said, number in face.changes})
        for row in face.rows if face.kind != "module" else ():
            if row.mark and row.style not in ("summary", "more"):
                found[_said(row)] += times
    return tuple(found.items())


def changed_in(found: Changes) -> str:
    """The most frequent changes in words; nothing where all is gone, or all is new."""
    signs = {said[:1] if said[:1] in "−+" else "" for said, _ in found}
    if not found or signs in ({"+"}, {"−"}):
        return ""
    named = [pair for pair in found if pair[0]] or [("other sizes", 1)]
    listed: list[str] = []
    for said, number in sorted(named, key=lambda pair: -pair[1])[:_NAMED]:
        word = _counted(said, number)
        if listed and len(" · ".join([*listed, word])) > _LETTERS:
            break
        listed.append(word)
    left = len(named) - len(listed)
    return " · ".join([*listed, f"… {left} more"] if left else listed)


def _counted(said: str, number: int) -> str:
    """``'3 × Conv 64 → 128'``, ``'+ 3 Conv'``."""
    if number == 1:
        return said
    return f"{said[0]} {number}{said[1:]}" if said[0] in "−+" else f"{number} × {said}"


def follows(row: Row) -> bool:
    """Whether a changed line only tells of sizes that follow from what others do."""
    return row.mark == "changed" and (not row.news or row.news.startswith(words.AIM))


def _said(row: Row) -> str:
    """One operation's change; nothing where it is one of sizes that follow from others."""
    if row.mark == "removed":
        return f"− {row.text}"
    if row.mark == "added":
        return f"+ {row.text}"
    return "" if follows(row) else f"{row.text} {row.news}"
