"""Where a box stands that one of two graphs has no more: in the box beside it, or by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence

from graphlens.view.diagram import Arrow, Box


def left(
    boxes: Mapping[str, Box], arrows: Sequence[Arrow], kept: Container[str], alone: bool
) -> dict[str, str]:
    """The box that each box stands in that became nothing after.

    With ``alone``, light ones behind one that is kept only, where no other does so: what is of a
    block that is gone as a whole stands by itself.
    """
    beside = {name: other for name, other in _neighbours(boxes, arrows).items() if name not in kept}
    if not alone:
        return beside
    sharing = Counter(beside.values())
    held = [box.cluster for name, box in boxes.items() if name in kept]
    scopes = {each for scope in held for each in _around(scope)}
    found: dict[str, str] = {}
    for name in boxes:
        box, other = boxes[name], beside.get(name)
        if other is None or not box.light or sharing[other] > 1:
            continue
        if other not in kept and other not in found:
            continue
        shared = common([box.cluster, boxes[other].cluster])
        inner = box.cluster[len(shared) :].lstrip(".")
        block = ".".join(filter(None, (shared, inner.partition(".")[0])))
        if "." not in inner or block in scopes:
            found[name] = other
    return found


def _neighbours(boxes: Mapping[str, Box], arrows: Sequence[Arrow]) -> dict[str, str]:
    """The box that each box would stand in if it were gone after: its only tail, else only head."""
    tails: dict[str, set[str]] = {}
    heads: dict[str, set[str]] = {}
    for arrow in arrows:
        tails.setdefault(arrow.head, set()).add(arrow.tail)
        heads.setdefault(arrow.tail, set()).add(arrow.head)
    ends = {name for name, held in boxes.items() if held.face.kind in ("input", "output")}
    found: dict[str, str] = {}
    for name in boxes:
        for others in (tails.get(name, set()), heads.get(name, set())):
            if name not in ends and name not in found and len(others) == 1 and not others & ends:
                found[name] = next(iter(others))
    return found


def _around(scope: str) -> list[str]:
    """A scope and those around it."""
    parts = scope.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def common(scopes: Sequence[str]) -> str:
    """The innermost scope around all of some scopes."""
    parts = [scope.split(".") if scope else [] for scope in scopes]
    shared: list[str] = []
    for words in zip(*parts, strict=False):
        if len(set(words)) > 1:
            break
        shared.append(words[0])
    return ".".join(shared)
