"""Blocks that one of two models has more of than the other are one run: ``× 6 for × 4``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from graphlens.view.diagram import Arrow, Box, Cluster, Diagram, moved
from graphlens.view.quotient import Tree, quotient
from graphlens.view.runs import root, span, starts_like, used
from graphlens.view.tidy import tidied

Member = tuple[bool, str]
_MARKS = ("removed", "added")
_LONGEST, _SWEEPS, _DRAWN = 400, 8, 400
"""Boxes of the longest block that is looked for; how often a cluster is gone through, and how many
blocks of it are drawn as others then."""


class _Block(NamedTuple):
    """Members of a cluster that stand for some equal blocks, or for one."""

    members: tuple[Member, ...]
    boxes: tuple[str, ...]
    cluster: Cluster | None
    """The only member, where that is a cluster."""


class _Line(NamedTuple):
    """The boxes of some members one after the other.

    Attributes:
        starts: The place of the first box of each member; the last is that after all.
        edges: The same, to look places up in.
        does: For each of the two models, what each box does in it; None where it is not in it.
        sides: For each member, the only model that has it.
    """

    starts: list[int]
    edges: frozenset[int]
    does: tuple[list[str | None], list[str | None]]
    sides: list[int | None]

    def may_be_like(self, index: int, size: int, side: int, step: int) -> bool:
        """Whether as many boxes before or after those from a member on do the same."""
        does, first = self.does[side], self.starts[index]
        other = first + step * size
        if other not in self.edges or other + size not in self.edges:
            return False
        same = does[other] == does[first] is not None
        return same and does[other : other + size] == does[first : first + size]


def counted(diagram: Diagram) -> Diagram:
    """A rolled diagram of two models, with what only one has drawn as the equal blocks beside it.

    Blocks that are new or gone are the same as those beside them where their operations do the
    same in the model that has them, one by one, and where they are wired alike in it.
    """
    if not any(None in box.sides for box in diagram.boxes):
        return diagram
    counter = _Counter(diagram)
    for cluster in counter.tree.deepest_first():
        for _ in range(_SWEEPS):
            if not counter.sweep(cluster):
                break
    return counter.result()


class _Counter:
    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.tree = Tree(diagram)
        self.into: dict[str, list[Arrow]] = defaultdict(list)
        for arrow in diagram.arrows:
            self.into[arrow.head].append(arrow)
        self.owner: dict[str, str] = {}
        self.between: set[tuple[str, str]] = set()
        self.made: dict[str, tuple[Member, ...]] = {}

    # -- which blocks are the same --------------------------------------------------------------

    def sweep(self, cluster: str) -> bool:
        """Draw new or gone blocks of a cluster as those beside them; whether there was any."""
        members = self.tree.members[cluster]
        drawn, index = 0, 0
        line = self._line(members)
        while index < len(members) and drawn < _DRAWN:
            if self._visit(cluster, members, index, line):
                line = self._line(members)
                drawn, index = drawn + 1, max(0, index - 1)
            else:
                index += 1
        return drawn > 0

    def _line(self, members: Sequence[Member]) -> _Line:
        starts = [0]
        does: tuple[list[str | None], list[str | None]] = ([], [])
        for is_cluster, name in members:
            inside = self.tree.inside(name) if is_cluster else [name]
            starts.append(starts[-1] + len(inside))
            for box in inside:
                sides = self.tree.boxes[box].sides or (None, None)
                for held, said in zip(does, sides, strict=False):
                    held.append(said or None)
        return _Line(starts, frozenset(starts), does, [self._side(member) for member in members])

    def _visit(self, cluster: str, members: Sequence[Member], index: int, line: _Line) -> bool:
        """Draw a block that begins at a member as one beside it, if it is new or gone and alike."""
        side = line.sides[index]
        if side is None:
            return False
        for stop in range(index + 1, len(members) + 1):
            size = line.starts[stop] - line.starts[index]
            if line.sides[stop - 1] != side or size > _LONGEST:
                return False
            for step in (-1, 1):
                if not line.may_be_like(index, size, side, step):
                    continue
                found = (b for b in self._from(members, index, 1) if len(b.boxes) == size)
                block = next(found, None)
                like = block and self._like(members, index - 1 if step < 0 else stop, step, block)
                if block and like and self._alike(like, block, side, step):
                    self._draw_as(cluster, like, block, side, step)
                    return True
        return False

    def _from(self, members: Sequence[Member], start: int, step: int) -> Iterator[_Block]:
        """The blocks that begin or end at a member, ever longer ones; a run is one alone."""
        held: list[Member] = []
        boxes: list[str] = []
        while 0 <= start < len(members):
            member = members[start]
            cluster = self.tree.clusters[member[1]] if member[0] else None
            run = cluster is not None and cluster.is_run
            if run and held:
                return
            inside = self.tree.inside(member[1]) if member[0] else [member[1]]
            held = [*held, member] if step > 0 else [member, *held]
            boxes = [*boxes, *inside] if step > 0 else [*inside, *boxes]
            yield _Block(tuple(held), tuple(boxes), cluster if len(held) == 1 else None)
            if run:
                return
            start += step

    def _like(
        self, members: Sequence[Member], start: int, step: int, block: _Block
    ) -> _Block | None:
        """The block beside one that has as many boxes."""
        for found in self._from(members, start, step):
            if len(found.boxes) >= len(block.boxes):
                return found if len(found.boxes) == len(block.boxes) else None
        return None

    def _side(self, member: Member) -> int | None:
        """The only model that has a member: 0 for the one before, 1 for the one after."""
        names = self.tree.inside(member[1]) if member[0] else [member[1]]
        held = [self.tree.boxes[name].sides for name in names]
        for side in (0, 1):
            if all(len(each) == 2 and each[1 - side] is None for each in held):
                return side
        return None

    def _alike(self, like: _Block, block: _Block, side: int, step: int) -> bool:
        """Whether two blocks do the same in the model that has both, one after the other."""
        pairs = zip(like.boxes, block.boxes, strict=True)
        boxes = [(self.tree.boxes[one], self.tree.boxes[other]) for one, other in pairs]
        if len(boxes) < 2 and like.cluster is None and block.cluster is None:
            return False
        if not all(a.sides and a.sides[side] == b.sides[side] != "" for a, b in boxes):
            return False
        first, then = (like, block) if step < 0 else (block, like)
        reads = self._reads(first, None, side), self._reads(then, first, side)
        return any(role == "prev" for _, role, _ in reads[1]) and starts_like(*reads)

    def _reads(
        self, block: _Block, before: _Block | None, side: int
    ) -> list[tuple[int, str, object]]:
        """What a block reads in one model: from itself, from the block before, from elsewhere."""
        place = {name: index for index, name in enumerate(block.boxes)}
        earlier = {name: index for index, name in enumerate(before.boxes if before else ())}
        found: list[tuple[int, str, object]] = []
        for name, index in place.items():
            for arrow in self.into[name]:
                if arrow.mark == _MARKS[1 - side]:
                    continue
                tail = root(self.owner, arrow.tail)
                if tail in place:
                    if (arrow.tail, name) not in self.between:
                        found.append((index, "self", (place[tail], arrow.value)))
                elif tail in earlier:
                    found.append((index, "prev", (earlier[tail], arrow.value)))
                else:
                    found.append((index, "else", (tail, arrow.value)))
        return sorted(found, key=repr)

    # -- drawing one as the other ---------------------------------------------------------------

    def _draw_as(self, cluster: str, like: _Block, block: _Block, side: int, step: int) -> None:
        """Draw a block as the one beside it."""
        times = block.cluster.repeat if block.cluster else 1
        run = like.cluster or self._wrapped(cluster, like)
        was, now = run.was or run.repeat, run.repeat
        counts = (was + times, now) if side == 0 else (was, now + times)
        ends = [run.path, block.cluster.path if block.cluster else ""]
        path = _spanned(*(ends if step < 0 else ends[::-1])) if all(ends) else run.path
        held = replace(run, repeat=counts[1], was=counts[0], path=path)
        self.tree.clusters[run.id] = held
        names = {*like.boxes, *block.boxes}
        twin = dict(zip(block.boxes, like.boxes, strict=True))
        for name in names:
            for arrow in self.into[name]:
                tail = root(self.owner, arrow.tail)
                if tail in names and (tail in twin) != (name in twin):
                    self.between.add((arrow.tail, arrow.head))
        for name, other in twin.items():
            self.into[other] += self.into.pop(name, [])
        self.owner.update(twin)
        members = self.tree.members[cluster]
        members[:] = [member for member in members if member not in block.members]

    def _wrapped(self, cluster: str, block: _Block) -> Cluster:
        """A cluster of our own around a block of several members."""
        name = f"{cluster}/{'/'.join(block.members[0][1:])}……"
        first = self.tree.boxes[block.boxes[0]]
        made = Cluster(name, "", "", cluster, 1, f"{first.name or first.id}: equal blocks in a row")
        members = self.tree.members[cluster]
        start = members.index(block.members[0])
        members[start : start + len(block.members)] = [(True, name)]
        self.tree.members[name] = list(block.members)
        self.tree.clusters[name] = made
        self.made[name] = block.members
        return made

    def result(self) -> Diagram:
        """The diagram with each such block drawn once."""
        if not self.owner:
            return self.diagram
        home = {member: name for name, members in self.made.items() for member in members}
        between = frozenset(self.between)
        owner = {name: root(self.owner, name) for name in self.owner}
        small = quotient(self.diagram, owner, {}, [], between, alike=True)
        boxes: list[Box] = [
            moved(box, home.get((False, box.id), box.cluster)) for box in small.boxes
        ]
        clusters = [
            replace(cluster, parent=home.get((True, cluster.id), cluster.parent))
            for cluster in self.tree.clusters.values()
        ]
        return tidied(small.having(boxes, clusters=used(boxes, clusters)))


def _spanned(first: str, last: str) -> str:
    """``'layer.0–5'`` for ``'layer.0–3'`` and ``'layer.4–5'``."""
    stem, dot, number = last.rpartition(".")
    return span(first.partition("–")[0], f"{stem}{dot}{number.rpartition('–')[2]}")
