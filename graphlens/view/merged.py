"""What differs between two models in one picture: what is removed, added and changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import zip_longest

from graphlens.analysis.diff import Diff, diff
from graphlens.ir import Graph
from graphlens.view import words
from graphlens.view.before_after import laid
from graphlens.view.build import COSTED, figures, rolled
from graphlens.view.cells import union
from graphlens.view.changes import follows
from graphlens.view.control import opened
from graphlens.view.diagram import Arrow, Box, Diagram, Face, Fact, Pane, Row
from graphlens.view.differing import showing_changes
from graphlens.view.measure import measures, overlaid
from graphlens.view.own import By, checked
from graphlens.view.picture import Folding, folded

_ROWS = 9
_RELATED = 0.4
"""Share of the smaller graph that must be found in the other for the two to be drawn as one."""


def difference(
    found: Diff,
    *,
    depth: int | None = None,
    expand: Sequence[str] = (),
    flat: bool = False,
    color_by: By = "",
) -> Diagram:
    """Two graphs of any origin as one, and what differs between them.

    Where they have next to nothing in common they stand side by side, one removed and one added:
    single operations that happen to agree would only tie them together.

    Args:
        found: What is removed, added and changed.
        depth: How many scopes may stand inside one another, instead of as many as fit.
        expand: Scopes to leave open whatever the depth.
        flat: Every operation a box of its own, nothing folded or rolled.
        color_by: What boxes are coloured by instead of the kind of operation, as of a Graph: by
            what they are after, those that are gone by what they were.
    """
    facts = _facts(found.before, found.after)
    found = _opened(found)
    before, after = found.before, found.after
    color_by = checked(color_by, before, after)
    related = _related(found)
    matches = found.matches() if related else dict.fromkeys(found.matches(), ())
    boxes, arrows, kinds = union((before, after), (matches,), True, color_by)
    if not related:
        boxes = _named(boxes, (before.name or "before", after.name or "after"))
    title = before.name if before.name == after.name else f"{before.name} → {after.name}"
    whole = laid(
        [_merged(box) for box in boxes],
        [_marked(arrow) for arrow in arrows],
        kinds,
        (Pane("", facts=facts),),
        Diagram(title or "graph", ()),
    )
    how = Folding(depth, tuple(expand), flat)
    whole = replace(whole, subtitle=_counted(whole.boxes))
    drawn = folded(whole, how, showing_changes)
    if not color_by:
        return drawn
    return overlaid(drawn, (after,), color_by, measures(after, color_by))


def _opened(found: Diff) -> Diff:
    """The same difference inside the bodies of control flow too."""
    before, after = opened(found.before), opened(found.after)
    same = before is found.before and after is found.after
    return found if same else diff(before, after)


def _related(found: Diff) -> bool:
    """Whether enough operations of the smaller graph are the same in the other."""
    before, after = _ops(found.before), _ops(found.after)
    alike = len(found.fused)
    for change in (*found.kept, *found.changed):
        old, new = change.before[0], change.after
        same = old == new or not any(
            what.startswith(("attribute", "results")) for what in change.what
        )
        alike += same and old in before and before[old] == after.get(new)
    return alike >= _RELATED * min(len(before), len(after))


def _ops(graph: Graph) -> dict[str, str]:
    return {name: graph.op(name) for name in graph if not graph.node(name).is_structural}


def _named(boxes: Sequence[Box], names: tuple[str, str]) -> list[Box]:
    """The boxes, those of each model in a scope of its own."""
    words = [name.replace(".", "_") for name in names]
    if words[0] == words[1]:
        words = [f"{words[0]} before", f"{words[1]} after"]
    found: list[Box] = []
    for box in boxes:
        side = [pane for pane, face in enumerate(box.faces) if face is not None]
        scope = ".".join(filter(None, (words[side[0]], box.cluster)))
        found.append(replace(box, cluster=scope) if len(side) == 1 else box)
    return found


def _counted(boxes: Sequence[Box]) -> str:
    """How many operations differ: ``'operations: 1 removed, 3 of other sizes'``."""
    rows = [row for box in boxes for row in box.face.rows if row.style != "more"]
    found = Counter("of other sizes" if follows(row) else row.mark for row in rows)
    kinds = ("removed", "added", "changed", "of other sizes")
    said = ", ".join(f"{found[kind]:,} {kind}" for kind in kinds if found[kind])
    return f"operations: {said}" if said else "no difference"


def _facts(before: Graph, after: Graph) -> tuple[Fact, ...]:
    one, other = _sizes(before), _sizes(after)
    pairs = {name: (one.get(name, "?"), other.get(name, "?")) for name in {**one, **other}}
    return tuple(
        Fact(name, was if was == now else f"{was} → {now}") for name, (was, now) in pairs.items()
    )


def _sizes(graph: Graph) -> dict[str, str]:
    ops = sum(not graph.node(name).is_structural for name in graph)
    held = [graph.node(name).results[0] for name in graph.params]
    return {
        "operations": f"{ops:,}",
        "parameters": words.count(sum(kind.elements or 0 for kind in held)),
        "weights": words.size(sum(kind.nbytes or 0 for kind in held)),
        **(figures(graph) if len(graph) <= COSTED else {}),
    }


def _marked(arrow: Arrow) -> Arrow:
    mark = ("removed", "added")[arrow.panes[0]] if len(arrow.panes) == 1 else ""
    return replace(arrow, panes=(), mark=mark)


def _merged(box: Box) -> Box:
    """A box of two faces with one that shows both."""
    before, after = box.faces
    face = before if after is None else after
    if face is None:
        return box
    if before is None or after is None:
        mark = "added" if before is None else "removed"
        rows = tuple(replace(row, mark=row.mark or mark) for row in face.rows)
    else:
        rows = _rows(before, after)
    marks = {row.mark for row in rows} - {""}
    had = before.params if before is not None else 0
    face = replace(face, rows=rows, inside=face.contents, had=had)
    return replace(box, faces=(face,), changed=bool(marks))


def _rows(before: Face, after: Face) -> tuple[Row, ...]:
    """The lines after, each with what it was if that differs, and those that are gone.

    What is gone stands behind the line that it stood behind.
    """
    was = [row for row in before.rows if row.mark != "removed"]
    behind: dict[int, list[Row]] = {}
    kept = 0
    for row in before.rows:
        if row.mark == "removed":
            behind.setdefault(kept, []).append(row)
        else:
            kept += 1
    found = [*behind.pop(0, ())]
    kept = 0
    for row in after.rows:
        old = next((each for each in was if each.text == row.text), None)
        if old is not None:
            was.remove(old)
        found.append(_told(old, row) if old is not None and row.mark == "changed" else row)
        if row.mark != "added":
            kept += 1
            found += behind.pop(kept, ())
    return rolled([*found, *(row for held in behind.values() for row in held)], _ROWS)


def _told(old: Row, row: Row) -> Row:
    """A line with what changed in it: ``'3×3, 64 → 3×3, 128'``."""
    title = f"was {old.title}\nis {row.title}"
    note = row.note if old.note == row.note else words.became(old.note or "—", row.note or "—")
    if old.detail == row.detail:
        return replace(row, note=note, title=title)
    detail, news = _between(old.detail, row.detail)
    return replace(row, detail=detail, note=note, title=title, news=news)


def _between(old: str, new: str) -> tuple[str, str]:
    """Two lists of words as one, what differs as `words.became`; and what differs alone."""
    one, other = ([word for word in text.split(", ") if word] for text in (old, new))
    said: list[str] = []
    news: list[str] = []
    for tag, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            said += one[a:b]
            continue
        pairs = zip_longest(one[a:b], other[c:d], fillvalue="—")
        became = [_became(was, now) for was, now in pairs]
        said += became
        news += became
    return ", ".join(said), ", ".join(news)


def _became(old: str, new: str) -> str:
    """``'64 → 128'``; of what has an arrow of its own what differs: ``'128 → (128 → 32)'``."""
    if words.AIM not in old + new:
        return _shared(old, new)
    one, other = old.split(words.AIM), new.split(words.AIM)
    differ = [
        index for index, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1
    ]
    if len(one) != len(other) or len(one) < 2 or len(differ) > 1:
        return words.became(old, new)
    at = differ[0]
    was, now = one[at].strip(), other[at].strip()
    said = words.shapes(was, now)
    one[at] = one[at].replace(was, f"({said})" if said.startswith(was) else said)
    return words.AIM.join(one)


def _shared(old: str, new: str) -> str:
    """``'26 → 20 groups'`` for ``'26 groups'`` and ``'20 groups'``."""
    one, other = old.split(" "), new.split(" ")
    if one[1:] != other[1:]:
        return words.became(old, new)
    return " ".join([words.became(one[0], other[0]), *one[1:]])
