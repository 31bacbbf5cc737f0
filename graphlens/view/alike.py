"""What tells boxes apart: a block from the one like it before, operations by their modules.

``like layer2: 128 → 256``; ``MatMul  query, 768 → 768`` beside ``MatMul  key, 768 → 768``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from graphlens.view import words
from graphlens.view.diagram import Arrow, Box, Diagram, Face, Row

_PAIRS, _KINDS, _LETTERS = 2, 3, 30
"""Differences that are named, and the letters that one may have where there are shorter ones."""
_SIBLINGS, _LONGEST = 4, 12
"""Operations that are told apart by their modules, and the letters of such a name."""
_SEGMENT = re.compile(r"[./]")
"""What stands between the modules of a path."""
_NUMBER = re.compile(r"\d+")
_FOLLOWS = frozenset({words.AIM, "["})
"""What the shape that a view makes and the range that a slice takes begin with."""


def told_apart(diagram: Diagram) -> Diagram:
    """The diagram with what is different written on folded blocks of one class.

    Each is compared with the block of its class before it in the same cluster; one that does the
    same to other shapes says so.
    """
    if len(diagram.panes) > 1:
        return diagram
    around = {each.id: each.parent for each in diagram.clusters if each.is_run}
    latest: dict[tuple[str, object], Box] = {}
    boxes: list[Box] = []
    for box in diagram.boxes:
        face = box.face
        if face.kind != "module" or box.changed:
            boxes.append(box)
            continue
        ops = tuple(each.partition(" ")[0] for each in face.details)
        kind = face.rows[0].detail
        same = kind if kind and not kind[0].isdigit() else ops  # '6 Bottleneck' is no class
        key = (around.get(box.cluster, box.cluster), same)
        before = latest.get(key)
        said = _difference(before, box) if before is not None else ""
        boxes.append(replace(box, faces=(_with(face, said),)) if said else box)
        latest[key] = box
    return diagram.having(_named(boxes, diagram.arrows))


def _named(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> list[Box]:
    """The boxes; operations side by side that look alike are called by their modules.

    So are the projections of an attention, of which it matters which is which.
    """
    reads: dict[str, set[tuple[str, str]]] = {}
    for arrow in arrows:
        reads.setdefault(arrow.head, set()).add((arrow.tail, arrow.value))
    alike: dict[object, list[Box]] = {}
    for box in boxes:
        first = box.face.rows[0]
        if first.scope and first.scope != box.cluster and first.detail:
            read = frozenset(reads.get(box.id, ()))
            alike.setdefault((box.cluster, first.text, first.detail, read), []).append(box)
    names: dict[str, str] = {}
    for held in alike.values():
        said = [_SEGMENT.split(box.face.rows[0].scope)[-1] for box in held]
        if len(held) <= _SIBLINGS and len(set(said)) == len(held) > 1 and _are_words(said):
            names |= {box.id: name for box, name in zip(held, said, strict=True)}
    return [_called(box, names[box.id]) if box.id in names else box for box in boxes]


def _are_words(names: Sequence[str]) -> bool:
    """Whether names are short, and no mere numbers."""
    return all(len(name) <= _LONGEST and not name[-1:].isdigit() for name in names)


def _called(box: Box, name: str) -> Box:
    first, *rest = box.face.rows
    first = replace(first, detail=f"{name}, {first.detail}")
    return replace(box, faces=(replace(box.face, rows=(first, *rest)),))


def _difference(one: Box, other: Box) -> str:
    before, face = one.face, other.face
    name = before.rows[0].text
    if one.signature == other.signature:
        return f"like {name}"
    if len(before.details) == len(face.details):
        pairs = zip(before.details, face.details, strict=True)
        ops = [(a.partition(" "), b.partition(" ")) for a, b in pairs]
        if all(a[0] == b[0] for a, b in ops):
            return _changes(name, [(a[2], b[2]) for a, b in ops])
    mine, theirs = (Counter(said for said, _, _ in f.contents if said) for f in (face, before))
    more, less = mine - theirs, theirs - mine
    if 0 < len(more) + len(less) <= _KINDS:
        signs = [*(f"+ {_times(more[op], op)}" for op in more)]
        signs += [f"− {_times(less[op], op)}" for op in less]
        return f"like {name} {', '.join(signs)}"
    return ""


def _changes(name: str, ops: list[tuple[str, str]]) -> str:
    """What differs in the details of operations that are the same, the most frequent first."""
    pairs: Counter[tuple[str, str]] = Counter()
    for old, new in ops:
        one, two = old.split(", "), new.split(", ")
        if len(one) == len(two):
            pairs.update((a, b) for a, b in zip(one, two, strict=True) if a != b)
        elif old != new:
            pairs[old or "—", new or "—"] += 1
    for pair in list(pairs):  # what views and slices make of it follows from what the others do
        if {pair[0][:1], pair[1][:1]} & _FOLLOWS:
            del pairs[pair]
    if not pairs:
        return f"like {name}, other shapes"
    times = (
        _scaled(pairs) if len(pairs) > _PAIRS or any(words.AIM in old for old, _ in pairs) else None
    )
    if times:
        return f"like {name}, {words.as_wide(times)}"
    told = [words.became(old, new) for (old, new), _ in pairs.most_common()]
    said = ([each for each in told if len(each) <= _LETTERS] or told)[:_PAIRS]
    return f"like {name}: {', '.join(said)}" + (", …" if len(told) > len(said) else "")


def _scaled(pairs: Iterable[tuple[str, str]]) -> Fraction | None:
    """By how much all numbers of what differs are multiplied; None where not all are by one."""
    found: set[Fraction] = set()
    for old, new in pairs:
        if _NUMBER.split(old) != _NUMBER.split(new):
            return None
        numbers = zip(_NUMBER.findall(old), _NUMBER.findall(new), strict=True)
        found.update(Fraction(int(b), int(a) or 1) for a, b in numbers)
    return found.pop() if len(found) == 1 else None


def _times(number: int, op: str) -> str:
    return f"{number} {op}" if number > 1 else op


def _with(face: Face, said: str) -> Face:
    """A folded block with a line for what is different, in place of its second line of ops."""
    head, *lines = face.rows
    ops = [row for row in lines if not row.strip][:1]
    strips = [row for row in lines if row.strip]
    return replace(face, rows=(head, *ops, Row("", said, style="summary"), *strips))
