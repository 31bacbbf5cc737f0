"""What changed in a folded scope, in a line: ``4 Conv 64 → 128 · − Tanh``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod

from graphlens.view import words
from graphlens.view.diagram import Box, Cluster, Face, Row

_NAMED = 3
"""Changes that are named, the most frequent ones."""
_LETTERS = 64
"""Letters that they may have together."""

_WHOLE = ({"added"}, {"removed"})
"""Marks of a module that is new, or gone, as a whole."""

Changes = tuple[tuple[str, int], ...]


def changes(
    cluster: Cluster, boxes: Sequence[Box], clusters: Iterable[Cluster], times: Callable[[Box], int]
) -> Changes:
    """What is removed, added and changed in a scope, and how often.

    A module that is gone or new as a whole is one change.

    Args:
        cluster: The scope.
        boxes: The boxes in it, of one face each.
        clusters: All clusters.
        times: How often a box runs in it.
    """
    known = {held.id: held for held in clusters}
    around = {box.id: _around(box, cluster, known) for box in boxes}
    marks: dict[str, set[str]] = {}
    for box in boxes:
        for held in around[box.id]:
            marks.setdefault(held.id, set()).update(row.mark for row in box.face.rows)
    found: Counter[str] = Counter()
    told: set[str] = set()
    for box in boxes:
        whole = next((held for held in around[box.id] if marks[held.id] in _WHOLE), None)
        if whole is None:
            found.update(_changes(box.face, times(box)))
        elif whole.id not in told:
            told.add(whole.id)
            outer = around[box.id][: around[box.id].index(whole) + 1]
            sign = "+" if marks[whole.id] == {"added"} else "−"
            found[f"{sign} {whole.kind}"] += prod(held.repeat for held in outer)
    return tuple(found.items())


def _around(box: Box, cluster: Cluster, known: Mapping[str, Cluster]) -> list[Cluster]:
    """The clusters around a box inside of one, the outermost first."""
    found: list[Cluster] = []
    name = box.cluster
    while name in known and name != cluster.id:
        found.insert(0, known[name])
        name = known[name].parent
    return [held for held in found if held.kind]


def _changes(face: Face, times: int) -> Counter[str]:
    found = Counter({said: number * times for said, number in face.changes})
    for row in face.rows if face.kind != "module" else ():
        if row.mark and row.style not in ("summary", "more"):
            found[_said(row)] += times
    return found


def changed_in(found: Changes) -> str:
    """The changes that tell most, in words."""
    if not found:
        return ""
    named = [pair for pair in found if pair[0]] or [("other sizes", 1)]
    listed: list[str] = []
    for said, number in sorted(named, key=_turn)[:_NAMED]:
        word = _counted(said, number)
        if listed and len(" · ".join([*listed, word])) > _LETTERS:
            break
        listed.append(word)
    left = len(named) - len(listed)
    return " · ".join([*listed, f"… {left} more"] if left else listed)


def _turn(change: tuple[str, int]) -> tuple[bool, int]:
    """What sorts first is named first: other numbers of blocks, then what is most frequent."""
    said, number = change
    return (not said.startswith("×"), -number)


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


def recounted(cluster: Cluster, clusters: Iterable[Cluster]) -> Changes:
    """The runs in a cluster of which one of two models has more blocks than the other."""
    inside = {cluster.id}
    found: list[tuple[str, int]] = []
    for held in clusters:
        if held.parent in inside:
            inside.add(held.id)
            found += [(f"{held.times} {held.kind or 'blocks'}", 1)] if held.was else []
    return tuple(found)


def weights(
    boxes: Sequence[Box],
    held: Sequence[tuple[Face, int]],
    before: Callable[[Box], int],
    mark: str,
) -> str:
    """How many parameters a folded scope has; of one that changed how many it had, too."""
    if mark != "changed" or any(face.had is None for face, _ in held):
        params = sum(face.params * times for face, times in held)
        return words.count(params) if params else ""
    had = sum((box.face.had or 0) * before(box) for box in boxes)
    params = sum(
        face.params * times
        for box, (face, times) in zip(boxes, held, strict=True)
        if not box.is_gone
    )
    one, other = words.count(had), words.count(params)
    return (other if params else "") if one == other else words.became(one, other)


def repeats(
    boxes: list[Box], clusters: Iterable[Cluster], within: Cluster, before: bool = False
) -> Callable[[Box], int]:
    """How often each box runs for one run of ``within``: the product of the runs it is in.

    With ``before`` in the first of two models.
    """
    known = {cluster.id: cluster for cluster in clusters}

    def times(box: Box) -> int:
        number, inner = 1, box.cluster
        while inner and inner in known and inner != within.id:
            number *= (known[inner].was if before else 0) or known[inner].repeat
            inner = known[inner].parent
        return number

    return times
