"""Chains of light ops join the box of what they follow: Conv, BatchNormalization, Relu in one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from graphlens.view.build import rolled
from graphlens.view.control import FRAMES
from graphlens.view.diagram import Box, Diagram, Face, moved, tags_of
from graphlens.view.quotient import Tree, quotient
from graphlens.view.tidy import tidied

_PLAIN = ("op", "stack")
_ROWS = 7
"""Lines that a stack may have."""


def stack(diagram: Diagram, chains: bool = True) -> Diagram:
    """The diagram with chains in one box each, and without clusters that hold but one box.

    A box joins that of its only producer if it is light and the producer has no other reader,
    within one cluster. A cluster whose boxes have become one is gone: a Linear module is drawn
    as a box, not as a frame around one.

    Args:
        diagram: Any diagram.
        chains: Whether chains join at all; else only the clusters are tidied.
    """
    return _Stacker(diagram, chains).result()


class _Stacker:
    def __init__(self, diagram: Diagram, chains: bool) -> None:
        self.diagram, self.chains = diagram, chains
        self.tree = Tree(diagram)
        self.home = {box.id: box.cluster for box in diagram.boxes}
        self.chain: dict[str, list[str]] = {box.id: [box.id] for box in diagram.boxes}
        self.owner: dict[str, str] = {}
        self.producers: dict[str, set[str]] = defaultdict(set)
        self.readers: dict[str, set[str]] = defaultdict(set)
        for arrow in diagram.arrows:
            self.producers[arrow.head].add(arrow.tail)
            self.readers[arrow.tail].add(arrow.head)
        self.gone: set[str] = set()
        self.place = {box.id: index for index, box in enumerate(diagram.boxes)}

    def result(self) -> Diagram:
        members: dict[str, list[str]] = defaultdict(list)
        for box in self.diagram.boxes:
            members[box.cluster].append(box.id)
        inner: dict[str, int] = defaultdict(int)
        for cluster in self.tree.clusters.values():
            inner[cluster.parent] += 1
        for cluster in self.tree.deepest_first():
            if self.chains:
                members[cluster] = self._join(members[cluster])
            kept = cluster and self.tree.clusters[cluster].kind in FRAMES
            if cluster and len(members[cluster]) <= 1 and not inner[cluster] and not kept:
                parent = self.tree.clusters[cluster].parent
                for box in members.pop(cluster):
                    self.home[box] = parent
                    members[parent].append(box)
                self.gone.add(cluster)
                inner[parent] -= 1
        made = {head: self._made(head) for head in self.chain}
        kept = [cluster for cluster in self.diagram.clusters if cluster.id not in self.gone]
        return tidied(quotient(self.diagram, self.owner, made, kept, alike=True))

    def _join(self, names: list[str]) -> list[str]:
        kept: list[str] = []
        held = set(names)
        for name in sorted(names, key=self.place.__getitem__):
            head = self._head(name, held)
            if head is None:
                kept.append(name)
                continue
            members = self.chain.pop(name)
            self.chain[head] += members
            for member in members:
                self.owner[member] = head
        return kept

    def _head(self, name: str, held: set[str]) -> str | None:
        """The box that ``name`` joins, or None."""
        first = self.tree.boxes[name]
        if not first.light or len(self.producers[name]) != 1:
            return None
        producer = next(iter(self.producers[name]))
        head = self.owner.get(producer, producer)
        chain = self.chain[head]
        fits = len(chain) + len(self.chain[name]) <= _ROWS and chain[-1] == producer
        if head not in held or not fits or len(self.readers[producer]) != 1:
            return None
        return head if _alike(first, self.tree.boxes[head]) else None

    def _made(self, head: str) -> Box:
        return joined([self.tree.boxes[name] for name in self.chain[head]], self.home[head])


def _alike(one: Box, other: Box) -> bool:
    """Whether both boxes are in the same panes, as plain operations."""
    pairs = list(zip(one.faces, other.faces, strict=True))
    plain = all(face is None or face.kind in _PLAIN for pair in pairs for face in pair)
    return plain and all((a is None) == (b is None) for a, b in pairs)


def joined(chain: list[Box], cluster: str) -> Box:
    """One box for several, listing their lines."""
    first, last = chain[0], chain[-1]
    if len(chain) == 1:
        return moved(first, cluster)
    faces: list[Face | None] = []
    for pane in range(len(first.faces)):
        held = [face for box in chain if (face := box.faces[pane]) is not None]
        if not held:
            faces.append(None)
            continue
        rows = rolled([row for face in held for row in face.rows])
        inside = tuple(part for face in held for part in face.contents)
        kind = held[0].kind if len(held) == 1 else "stack"
        ops, params = sum(face.ops for face in held), sum(face.params for face in held)
        had = [face.had for face in held if face.had is not None]
        face = Face(rows, kind, ops, params, inside, had=sum(had) if had else None)
        faces.append(weighed(face, [(face, 1) for face in held]))
    return Box(
        id=first.id,
        faces=tuple(faces),
        name=last.name,
        cluster=cluster,
        tags=tags_of(chain),
        light=all(box.light for box in chain),
        signature="\n".join(box.signature for box in chain),
        changed=any(box.changed for box in chain),
        sides=tuple(map(_in_turn, zip(*(box.sides for box in chain), strict=True))),
    )


def _in_turn(signatures: Sequence[str | None]) -> str | None:
    """The signature of several boxes in one model; None where it has none of them."""
    held = [signature for signature in signatures if signature is not None]
    return "\n".join(held) if held else None


def weighed(face: Face, members: Sequence[tuple[Face, int]]) -> Face:
    """A face with the measure and the sort of those it stands for, each so many times."""
    known = [held.measure * times for held, times in members if held.measure is not None]
    sorts = {held.sort for held, _ in members if held.sort}
    if not known and not sorts:
        return face
    sort = f"{len(sorts)} sorts" if len(sorts) > 1 else "".join(sorts)
    return replace(face, measure=sum(known) if known else None, sort=sort)
