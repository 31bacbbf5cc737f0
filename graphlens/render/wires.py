"""What runs between the boxes of a column: arrows, forks inside clusters, ends at its edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from graphlens.view import Arrow, Box, Cluster

_ABREAST = 9
"""Operands that stand side by side."""


@dataclass(frozen=True, slots=True)
class Wire:
    """One line to be routed: from a box or point to a box or point, by their DOT ids.

    Attributes:
        tail: DOT id of where it starts.
        head: DOT id of where it ends.
        arrow: What it carries.
        pointed: Whether it ends in an arrow head.
        weight: How much it should be straight and short.
        place: Of the operands of its head, the less come first.
    """

    tail: str
    head: str
    arrow: Arrow
    pointed: bool = True
    weight: int = 2
    place: int = -1


@dataclass(frozen=True, slots=True)
class Fork:
    """A point in a cluster where a tensor that came in goes to several boxes."""

    id: str
    cluster: str


@dataclass(frozen=True, slots=True)
class Wiring:
    """The wires of a column, its forks and the points at its edges."""

    wires: tuple[Wire, ...]
    forks: tuple[Fork, ...]
    entries: tuple[str, ...]
    exits: tuple[str, ...]


def wiring(
    boxes: Sequence[Box],
    arrows: Sequence[Arrow],
    clusters: Mapping[str, Cluster],
    entries: Sequence[tuple[str, Sequence[Arrow]]] = (),
    exits: Sequence[tuple[str, Arrow]] = (),
    places: Mapping[Arrow, int] | None = None,
) -> Wiring:
    """Work out the wires of a column; a tensor enters a cluster once and forks inside.

    Args:
        boxes: The boxes, whose DOT ids are ``n0``, ``n1`` ...
        arrows: The arrows between them.
        clusters: All clusters by id.
        entries: Points at the top with the arrows that come through them.
        exits: Points at the bottom with the arrow that goes through them.
        places: Of each arrow among all of the diagram, in whose order operands are.
    """
    places = places or {}
    ids = {box.id: f"n{index}" for index, box in enumerate(boxes)}
    homes = {box.id: _around(box.cluster, clusters) for box in boxes}
    streams: dict[tuple[str, str], list[Arrow]] = defaultdict(list)
    for arrow in arrows:
        streams[ids[arrow.tail], arrow.value].append(arrow)
    for point, coming in entries:
        streams[point, ""] += coming
    wires: list[Wire] = []
    forks: list[Fork] = []
    for (tail, _), held in streams.items():
        inside = homes.get(held[0].tail, ()) if tail[0] == "n" else ()
        for group in _groups(held, inside, homes):
            shared = _shared(group, inside, homes)
            start = tail
            if shared and len(group) > 1:
                start = f"f{len(forks)}"
                forks.append(Fork(start, shared))
                wires.append(Wire(tail, start, _joined(group), False))
            wires += [Wire(start, ids[a.head], a, place=places.get(a, -1)) for a in group]
    wires += [Wire(ids[arrow.tail], point, arrow, False) for point, arrow in exits]
    trunk = _critical(wires)
    weighed = tuple(replace(wire, weight=12) if wire in trunk else wire for wire in wires)
    return Wiring(weighed, tuple(forks), tuple(p for p, _ in entries), tuple(p for p, _ in exits))


def _around(cluster: str, clusters: Mapping[str, Cluster]) -> tuple[str, ...]:
    """The clusters around a box, outermost first."""
    found: list[str] = []
    while cluster:
        found.append(cluster)
        cluster = clusters[cluster].parent
    return tuple(reversed(found))


def _groups(
    arrows: Sequence[Arrow], inside: tuple[str, ...], homes: Mapping[str, tuple[str, ...]]
) -> list[list[Arrow]]:
    """Arrows of one tensor by the outermost cluster that they enter, each alone if none."""
    found: dict[str, list[Arrow]] = defaultdict(list)
    for arrow in arrows:
        entered = [cluster for cluster in homes[arrow.head] if cluster not in inside]
        found[entered[0] if entered else f"\0{arrow.head}"].append(arrow)
    return list(found.values())


def _shared(
    group: Sequence[Arrow], inside: tuple[str, ...], homes: Mapping[str, tuple[str, ...]]
) -> str:
    """The innermost cluster around the heads of all of a group and not around its tail."""
    shared = ""
    for depth in zip(*(homes[arrow.head] for arrow in group), strict=False):
        if len(set(depth)) > 1:
            break
        shared = depth[0] if depth[0] not in inside else shared
    return shared


def _joined(group: Sequence[Arrow]) -> Arrow:
    panes = (
        ()
        if any(not a.panes for a in group)
        else tuple(sorted({p for a in group for p in a.panes}))
    )
    return replace(group[0], panes=panes, mark=marked(group))


def marked(arrows: Sequence[Arrow]) -> str:
    """What happened to all of some arrows; nothing where that is not the same."""
    marks = {arrow.mark for arrow in arrows}
    return marks.pop() if len(marks) == 1 else ""


def _critical(wires: Sequence[Wire]) -> set[Wire]:
    """The wires of the longest chain: the trunk of the picture, which is to be straight."""
    into: dict[str, list[Wire]] = defaultdict(list)
    out: dict[str, list[Wire]] = defaultdict(list)
    waiting: dict[str, int] = defaultdict(int)
    for wire in wires:
        into[wire.head].append(wire)
        out[wire.tail].append(wire)
        waiting[wire.head] += 1
        waiting[wire.tail] += 0
    length = dict.fromkeys(waiting, 0)
    ready = [name for name, count in waiting.items() if not count]
    for name in ready:
        for wire in out[name]:
            length[wire.head] = max(length[wire.head], length[name] + 1)
            waiting[wire.head] -= 1
            if not waiting[wire.head]:
                ready.append(wire.head)
    trunk: set[Wire] = set()
    name = max(length, key=lambda held: length[held], default="")
    while name and length[name]:
        longest = [wire for wire in into[name] if length[wire.tail] == length[name] - 1]
        if not longest:
            break
        wire = _middle(longest)
        trunk.add(wire)
        name = wire.tail
    return trunk


def _middle(wires: Sequence[Wire]) -> Wire:
    """The middle one of some operands, around which the others stand.

    Of two it is the one made first, and of many: they stand in rows, and there is no middle.
    """
    if not 3 <= len(wires) <= _ABREAST:
        return wires[0]
    return sorted(wires, key=lambda wire: wire.place)[(len(wires) - 1) // 2]
