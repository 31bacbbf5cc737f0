"""Runs of equal blocks are drawn once, with 'x 12'."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from graphlens.view.diagram import Arrow, Cluster, Diagram, moved
from graphlens.view.quotient import Tree, quotient
from graphlens.view.runs import Run, Wiring, root, span, starts_like, stretches, used
from graphlens.view.tidy import tidied

_LONGEST = 400
"""Members of the longest block that is looked for."""
_TRIED = 400
"""Runs that are looked at in full, those that save most first."""
_LEAST = 1.5
"""Boxes that a run has to save."""

Member = tuple[bool, str]


def roll(diagram: Diagram) -> Diagram:
    """The diagram with each run of equal blocks drawn as its first, marked with their number.

    Blocks are equal if their boxes are, one by one (ops, attributes, types), if they are wired
    alike inside, and if each reads the block before it, or the same things outside, in the same
    way. A block is a cluster, or several members of a cluster in order of execution, so graphs
    without scopes are rolled too.
    """
    roller = _Roller(diagram)
    for cluster in roller.tree.deepest_first():
        roller.visit(cluster)
    return roller.result()


def _runs(numbers: list[int], sizes: list[int]) -> Iterator[tuple[float, int, int, int]]:
    """Runs of members of equal classes: minus what each saves, its start, period and repeats.

    Args:
        numbers: The class of each member.
        sizes: How many boxes each is.
    """
    if len(set(numbers)) == len(numbers):
        return
    classes = np.array(numbers)
    before = [0, *itertools.accumulate(sizes)]
    for period in range(1, min(len(numbers) // 2, _LONGEST) + 1):
        for start, stop in stretches(classes, period):
            repeats = (stop - start) // period + 1
            saved = (before[start + period] - before[start]) * (repeats - 1) - 0.01 * period
            if saved >= _LEAST:
                for shift in range((stop - start) % period + 1):
                    yield (-saved, start + shift, period, repeats)


class _Roller:
    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.tree = Tree(diagram)
        self.into: dict[str, list[Arrow]] = defaultdict(list)
        self.out: dict[str, list[Arrow]] = defaultdict(list)
        for arrow in diagram.arrows:
            self.into[arrow.head].append(arrow)
            self.out[arrow.tail].append(arrow)
        self.owner: dict[str, str] = {}
        self.backward: set[tuple[str, str]] = set()
        self.repeat: dict[str, tuple[int, str]] = {}
        self.new: list[tuple[Cluster, list[Member]]] = []
        self._words: dict[object, int] = {}
        self._class: dict[Member, int] = {}
        self._inside: dict[Member, list[str]] = {}

    # -- what is equal ------------------------------------------------------------------------

    def inside(self, member: Member) -> list[str]:
        """The boxes of a member, as far as they are still drawn."""
        found = self._inside.get(member)
        if found is None:
            is_cluster, name = member
            held = (
                [name]
                if not is_cluster
                else [box for inner in self.tree.members[name] for box in self.inside(inner)]
            )
            found = self._inside[member] = held
        return found

    def classify(self, member: Member) -> int:
        """A number that members have in common if they compute the same."""
        if member not in self._class:
            is_cluster, name = member
            key: object
            if is_cluster:
                cluster = self.tree.clusters.get(name)
                inner = tuple(self.classify(held) for held in self.tree.members[name])
                kind = cluster.kind if cluster else ""
                key = (kind, self.repeat.get(name, (1, ""))[0], inner, self._wires([member]))
            else:
                key = self.tree.boxes[name].signature or name
            self._class[member] = self._words.setdefault(key, len(self._words))
        return self._class[member]

    def _wires(self, block: Sequence[Member]) -> tuple[tuple[int, int, str], ...]:
        """The arrows inside a block, as numbers of its boxes."""
        names = [name for member in block for name in self.inside(member)]
        place = {name: index for index, name in enumerate(names)}
        return tuple(
            sorted(
                (place[tail], place[name], arrow.value)
                for name in names
                for arrow in self.into[name]
                if (tail := root(self.owner, arrow.tail)) in place
            )
        )

    # -- runs ---------------------------------------------------------------------------------

    def visit(self, cluster: str) -> None:
        """Roll up the runs among the members of a cluster, longest gain first."""
        members = self.tree.members[cluster]
        numbers = [self.classify(member) for member in members]
        sizes = [len(self.inside(member)) for member in members]
        wiring = None
        for _ in range(200):
            runs = heapq.nsmallest(_TRIED, _runs(numbers, sizes))
            if not runs:
                return
            wiring = wiring or self._wiring(members)
            found = self._best(members, sizes, [Run(*place) for _, *place in runs], wiring)
            if not found:
                return
            for run in reversed(found):  # so that those before it stay where they are
                rolled = self._roll(cluster, members, run)
                wiring.roll(run)
                place = slice(run.start, run.start + run.period * run.repeats)
                members[place] = [rolled]
                numbers[place] = [self.classify(rolled)]
                sizes[place] = [len(self.inside(rolled))]

    def _best(
        self, members: list[Member], sizes: list[int], runs: Sequence[Run], wiring: Wiring
    ) -> list[Run]:
        """The parts of the first of some runs whose blocks are wired alike, the longest ones.

        ``sizes`` says how many boxes each member is. Chains of the same operations side by side
        are one run of many such parts.
        """
        for run in runs:
            verified = self._verified(members, run) if wiring.is_chain(run) else []
            if not verified:
                continue
            block = sizes[verified[0].start : verified[0].start + run.period]
            if (verified[0].repeats - 1) * sum(block) >= 2:
                return verified
        return []

    def _wiring(self, members: list[Member]) -> Wiring:
        place = {box: index for index, each in enumerate(members) for box in self.inside(each)}
        tails: list[int] = []
        heads: list[int] = []
        for box, head in place.items():
            for arrow in self.into[box]:
                tail = place.get(root(self.owner, arrow.tail), head)
                if tail != head:
                    tails.append(tail)
                    heads.append(head)
        return Wiring(tails, heads)

    def _verified(self, members: list[Member], run: Run) -> list[Run]:
        """The longest parts of a run whose blocks are wired alike, all of one length."""
        blocks = [
            [
                name
                for member in members[run.start + k * run.period : run.start + (k + 1) * run.period]
                for name in self.inside(member)
            ]
            for k in range(run.repeats)
        ]
        place = [{name: index for index, name in enumerate(block)} for block in blocks]
        reads = [self._reads(blocks, place, k) for k in range(run.repeats)]
        first, longest, free = 0, 1, 0
        found: list[Run] = []
        while first < run.repeats - 1:
            last = first + 1
            while last + 1 < run.repeats and reads[last + 1] == reads[first + 1]:
                last += 1
            if not any(role == "prev" for _, role, _ in reads[first + 1]):
                first = last  # side by side, not one after the other
                continue
            opens = starts_like(reads[first], reads[first + 1])
            start, repeats = (first, last - first + 1) if opens else (first + 1, last - first)
            if repeats > longest:
                longest, found, free = repeats, [], 0
            if repeats == longest > 1 and start >= free:  # a block may end one, and begin the next
                found.append(Run(run.start + start * run.period, run.period, repeats))
                free = start + repeats
            first = last
        return found

    def _reads(
        self, blocks: list[list[str]], place: list[dict[str, int]], k: int
    ) -> list[tuple[int, str, object]]:
        """What a block reads: from itself, from the two blocks before it, from elsewhere."""
        found: list[tuple[int, str, object]] = []
        for index, name in enumerate(blocks[k]):
            for arrow in self.into[name]:
                tail = root(self.owner, arrow.tail)
                if tail in place[k]:
                    found.append((index, "self", (place[k][tail], arrow.value)))
                elif k and tail in place[k - 1]:
                    found.append((index, "prev", (place[k - 1][tail], arrow.value)))
                elif k > 1 and tail in place[k - 2]:
                    found.append((index, "prev2", (place[k - 2][tail], arrow.value)))
                else:
                    found.append((index, "else", (tail, arrow.value)))
        return sorted(found, key=repr)

    def _roll(self, cluster: str, members: list[Member], run: Run) -> Member:
        """Draw the blocks of a run as its first; the member that stands for them all."""
        blocks = [
            members[run.start + k * run.period : run.start + (k + 1) * run.period]
            for k in range(run.repeats)
        ]
        first = [name for member in blocks[0] for name in self.inside(member)]
        earlier = set(first)
        for block in blocks[1:]:
            names = [name for member in block for name in self.inside(member)]
            self.backward.update(
                (arrow.tail, name)
                for name in names
                for arrow in self.into[name]
                if root(self.owner, arrow.tail) in earlier
            )
            earlier.update(names)
        for block in blocks[1:]:
            names = [name for member in block for name in self.inside(member)]
            self.owner.update(zip(names, first, strict=True))
        if run.period == 1 and blocks[0][0][0] and blocks[0][0][1] not in self.repeat:
            name = blocks[0][0][1]
            self.repeat[name] = (run.repeats, self.tree.clusters[blocks[-1][0][1]].path)
            self._class.pop(blocks[0][0], None)
            return blocks[0][0]
        return self._wrap(cluster, blocks)

    def _wrap(self, cluster: str, blocks: list[list[Member]]) -> Member:
        """A cluster of our own around the first of several blocks."""
        name = f"{cluster}/{'/'.join(blocks[0][0][1:])}…"
        while name in self.tree.clusters:
            name += "…"
        heads = [
            self.tree.clusters[b[0][1]].path if b[0][0] else "" for b in (blocks[0], blocks[-1])
        ]
        path = span(*heads) if len(blocks[0]) == 1 and all(heads) else ""
        first = self.tree.boxes[self.inside(blocks[0][0])[0]]
        title = f"{first.name or first.id}: {len(blocks)} equal blocks in a row"
        made = Cluster(name, path, "", cluster, len(blocks), title)
        self.tree.clusters[name] = made
        self.tree.members[name] = blocks[0]
        self.repeat[name] = (len(blocks), "")
        self.new.append((made, blocks[0]))
        return (True, name)

    # -- the result ---------------------------------------------------------------------------

    def result(self) -> Diagram:
        """The rolled diagram."""
        if not self.owner:
            return self.diagram
        home: dict[str, str] = {}
        parent: dict[str, str] = {}
        for made, block in self.new:
            for is_cluster, name in block:
                (parent if is_cluster else home)[name] = made.id
        owner = {name: root(self.owner, name) for name in self.owner}
        small = quotient(self.diagram, owner, {}, [], frozenset(self.backward), alike=True)
        boxes = [moved(box, home.get(box.id, box.cluster)) for box in small.boxes]
        clusters = [
            replace(self._counted(cluster), parent=parent.get(cluster.id, cluster.parent))
            for cluster in self.tree.clusters.values()
        ]
        return tidied(small.having(boxes, clusters=used(boxes, clusters)))

    def _counted(self, cluster: Cluster) -> Cluster:
        repeat, last = self.repeat.get(cluster.id, (1, ""))
        path = span(cluster.path, last) if last else cluster.path
        return replace(cluster, repeat=repeat, path=path)
