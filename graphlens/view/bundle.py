"""Long lists of different members in bundles: what no page could show side by side is nested."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from graphlens.view.diagram import Cluster, Diagram, moved
from graphlens.view.quotient import Tree, in_order
from graphlens.view.worth import worth

Member = tuple[bool, str]
_TO = " … "
_LONG = 24
"""Letters that a box has room for."""
_WORDS = re.compile(r"([._])")


def bundle(diagram: Diagram, most: int = 22, pieces: int = 12) -> Diagram:
    """The diagram with at most ``most`` members in each cluster, and on the page itself.

    Where there are more (a graph without scopes, 200 layers that all differ), stretches of them,
    in order of execution, become some ``pieces`` clusters of their own, which can be folded; they
    are called by what they begin and end with. A module that says more of the model than such a
    stretch (a detector's backbone, before 2,000 operations on boxes) stays by itself.
    """
    tree = Tree(diagram)
    said = _worths(tree)
    into: dict[str, list[str]] = defaultdict(list)
    for arrow in diagram.arrows:
        into[arrow.head].append(arrow.tail)
    made: list[Cluster] = []
    home: dict[str, str] = {}
    parent: dict[str, str] = {}
    for cluster in ["", *tree.clusters]:
        waiting = [(cluster, _inner(tree, into, cluster, most))]
        while waiting:
            around, members = waiting.pop()
            if len(members) <= most:
                for is_cluster, name in members:
                    (parent if is_cluster else home)[name] = around
                continue
            for part in _parts(members, [said[member] for member in members], pieces):
                if len(part) == 1:
                    is_cluster, name = part[0]
                    (parent if is_cluster else home)[name] = around
                    continue
                held = _bundle(tree, part, around)
                made.append(held)
                waiting.append((held.id, part))
    if not made:
        return diagram
    boxes = [moved(box, home.get(box.id, box.cluster)) for box in diagram.boxes]
    kept = [replace(held, parent=parent.get(held.id, held.parent)) for held in diagram.clusters]
    return diagram.having(boxes, clusters=_outer_first([*kept, *made]))


def _worths(tree: Tree) -> dict[Member, float]:
    """How much each member says of what the model does."""
    found = {
        (False, name): sum(worth(style) * times for _, style, times in box.face.contents)
        for name, box in tree.boxes.items()
    }
    for cluster in tree.deepest_first():
        found[True, cluster] = sum(found[member] for member in tree.members[cluster])
    return found


def _parts(members: list[Member], worths: Sequence[float], pieces: int) -> list[list[Member]]:
    """The members cut into some ``pieces`` parts that say about as much as each other.

    A cluster that says more than its share is a part of its own.
    """
    share = sum(worths) / pieces or 1.0
    parts: list[list[Member]] = []
    before, last = 0.0, -1
    for member, held in zip(members, worths, strict=True):
        alone = member[0] and held > share
        slot = -2 if alone else int((before + held / 2) / share)
        if slot != last or alone:
            parts.append([])
        parts[-1].append(member)
        before, last = before + held, slot
    return parts


def _inner(tree: Tree, into: Mapping[str, Sequence[str]], cluster: str, most: int) -> list[Member]:
    """The members but for inputs and outputs; if they are many, each after all that it reads.

    ``into`` is what each box reads.
    """
    ends = ("input", "output")
    members = [m for m in tree.members[cluster] if m[0] or tree.boxes[m[1]].face.kind not in ends]
    if len(members) <= most:
        return members
    named = {("c" if held else "b") + name: (held, name) for held, name in members}
    home = {box: key for key, m in named.items() for box in (tree.inside(m[1]) if m[0] else m[1:])}
    links = [
        (tail, key)
        for box, key in home.items()
        for read in into.get(box, ())
        if (tail := home.get(read, key)) != key
    ]
    return [named[key] for key in in_order(named, links)]


def _bundle(tree: Tree, part: list[Member], around: str) -> Cluster:
    first, last = _called(tree, part[0])[0], _called(tree, part[-1])[-1]
    return Cluster(
        id=f"{around}//{part[0][1]}",
        path=stretch(first, last),
        parent=around,
        title=f"{first}{_TO}{last}",
    )


def _called(tree: Tree, member: Member) -> list[str]:
    """What a member is called: its module or layer; of a bundle those at its ends."""
    is_cluster, name = member
    said = tree.clusters[name].title if is_cluster else tree.boxes[name].name
    found = (said or name).partition(": ")[0].split(_TO)
    return [_layer(each) for each in found]


def _layer(name: str) -> str:
    """A layer without its op: Keras's layers are all on one level."""
    outer, dot, inner = name.rpartition(".")
    plain = outer.isdigit() or inner.isdigit()
    return outer if dot and "." not in outer and not plain else name


def stretch(first: str, last: str) -> str:
    """A stretch of modules in few words: ``'features.3–5'``, ``'conv1_bn … block2_add'``."""
    one, other = _WORDS.split(first), _WORDS.split(last)
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    if first == last or shared == len(one) or shared == len(other):
        return min(first, last, key=len)
    shared -= shared % 2  # an odd place is a mark between two words
    if shared:
        return f"{''.join(one[: shared + 1])}–{other[shared]}"
    said = f"{''.join(one[:3])}{_TO}{''.join(other[:3])}"
    return said if len(said) <= _LONG else f"{one[0]}{_TO}{other[0]}"


def _outer_first(clusters: list[Cluster]) -> list[Cluster]:
    parents = {cluster.id: cluster.parent for cluster in clusters}
    depth: dict[str, int] = {"": 0}
    for name in parents:
        chain = []
        while name not in depth:
            chain.append(name)
            name = parents[name]
        for step, inner in enumerate(reversed(chain), 1):
            depth[inner] = depth[name] + step
    return sorted(clusters, key=lambda cluster: depth[cluster.id])
