"""The order of the things on each rank of a layered picture, so that few lines cross.

Barycentre sweeps (Sugiyama, doi:10.1109/TSMC.1981.4308636), then neighbours change places while
that takes away crossings ("transpose" of dot, doi:10.1109/32.221135). Of orders with as few
crossings that one is looked for in which what a box reads stands in the order of its operands.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

Tie = tuple[int, float, float, float]
"""Of a knot to another: which, where at this one, where at that one (from the left), how much."""
Ties = Mapping[int, Sequence[Tie]]
_SWEEPS, _ROUNDS, _TURNS = 6, 8, 4
_LAST = 1 << 30
_MANY = 1500
"""Knots from which on neighbours do not change places: it would take too long."""


class Knots(NamedTuple):
    """What stands on the ranks: items, and after them the bends of lines.

    Attributes:
        rank: Of each knot.
        width: Of each knot.
        up: What each knot is tied to on the rank above.
        down: And on the rank below.
        items: How many knots are items.
        reads: The items just above one that it reads, in the order of its operands.
        fixed: Whether the first rank stays in its order.
    """

    rank: Sequence[int]
    width: Sequence[float]
    up: Ties
    down: Ties
    items: int
    reads: Mapping[int, Sequence[int]]
    fixed: bool = False


def ordered(knots: Knots, chains: Sequence[Sequence[int]] = ()) -> tuple[list[list[int]], int]:
    """The knots of each rank from left to right, and how many pairs of lines cross.

    Args:
        knots: What is put in order.
        chains: The bends of lines that may change sides as a whole, where that helps.
    """
    return _Order(knots).result(chains)


class _Order:
    def __init__(self, knots: Knots) -> None:
        self.rank, self.width, self.up, self.down, self.items, self.reads, fixed = knots
        self.turn = _turns(knots)
        self.place = [0.0] * len(knots.rank)
        self.layers: list[list[int]] = [[] for _ in range(max(knots.rank, default=-1) + 1)]
        for knot, its in enumerate(knots.rank):
            self.layers[its].append(knot)
        for layer in self.layers:
            self._number(layer)
        self.first = 1 if fixed else 0

    def result(self, chains: Sequence[Sequence[int]]) -> tuple[list[list[int]], int]:
        """Swept, with neighbours exchanged, lines on the other side and operands in their order."""
        fewest = self._swept()
        if len(self.place) > _MANY:
            return self.layers, fewest
        for _ in range(_ROUNDS if fewest else 0):
            changed = [self._exchange(layer) for layer in self.layers[self.first :]]
            if not any(changed):
                break
        fewest = self._in_turn(self._sided(chains) if fewest else 0)
        return self.layers, fewest

    def _swept(self) -> int:
        """Sort by the neighbours above and below, in turns; how many lines cross then at least."""
        best, fewest = [*map(list, self.layers)], self._crossings()
        first = True
        for sweep in range(_SWEEPS):
            downward = sweep % 2 == 0
            free = self.layers[self.first :]
            for layer in free if downward else free[::-1]:
                self._sort(layer, self.up if downward else self.down, self.place)
            crossings = self._crossings()
            if crossings < fewest or first:
                best, fewest, first = [*map(list, self.layers)], crossings, False
            if not fewest:
                break
        self._stand(best)
        return fewest

    def _in_turn(self, fewest: int) -> int:
        """Let operands stand in their order from left to right, where no more lines cross then."""
        best, least = [*map(list, self.layers)], self._turned()
        for sweep in range(_TURNS):
            if not least:
                break
            upward = sweep % 2 == 0
            late = [turn * _MANY + at for turn, at in zip(self.turn, self.place, strict=True)]
            free = self.layers[self.first :]
            for layer in free[::-1] if upward else free:
                self._sort(layer, self.down if upward else self.up, late if upward else self.place)
            crossings, turned = self._crossings(), self._turned()
            if crossings <= fewest and turned < least:
                best, fewest, least = [*map(list, self.layers)], crossings, turned
        self._stand(best)
        return fewest

    def _turned(self) -> int:
        """How many operands stand to the left of the one before them."""
        return sum(
            self.place[one] > self.place[other]
            for held in self.reads.values()
            for one, other in pairwise(held)
        )

    def _stand(self, layers: list[list[int]]) -> None:
        self.layers = layers
        for layer in layers:
            self._number(layer)

    def _sided(self, chains: Sequence[Sequence[int]]) -> int:
        """Lead lines that pass by on the far left or right instead, where fewer cross then."""
        fewest = self._crossings()
        for chain in chains:
            touched = [self.layers[self.rank[knot]] for knot in chain]
            for place in (0, _LAST):
                if not fewest:
                    return 0
                before = [*map(list, touched)]
                for knot, layer in zip(chain, touched, strict=True):
                    layer.remove(knot)
                    layer.insert(place, knot)
                    self._number(layer)
                crossings = self._crossings()
                if crossings < fewest:
                    fewest = crossings
                    continue
                for layer, held in zip(touched, before, strict=True):
                    layer[:] = held
                    self._number(layer)
        return fewest

    def _number(self, layer: list[int]) -> None:
        for place, knot in enumerate(layer):
            self.place[knot] = float(place)

    def _sort(self, layer: list[int], ties: Ties, late: Sequence[float]) -> None:
        """By the mean place of the neighbours; lines that pass by go to the right of boxes.

        ``late`` tells what comes later of what has one place.
        """
        wanted: dict[int, tuple[float, bool, float]] = {}
        for knot in layer:
            held = ties.get(knot, ())
            mean = sum(self._end(other, its) - 0.45 for other, _, its, _ in held)
            place = mean / len(held) if held else self.place[knot]
            wanted[knot] = (round(place, 3), knot >= self.items, late[knot])
        layer.sort(key=wanted.__getitem__)
        self._number(layer)

    def _end(self, knot: int, pin: float) -> float:
        """The place of a pin of a knot among the knots of its rank."""
        return self.place[knot] + 0.9 * pin / self.width[knot]

    def _crossings(self) -> int:
        """How many pairs of lines cross between ranks (merge sort inversions by bisection)."""
        total = 0
        for layer in self.layers[:-1]:
            seen: list[float] = []
            for knot in layer:
                held = self.down.get(knot, ())
                ends = [(leaves, self._end(head, enters)) for head, leaves, enters, _ in held]
                for _, end in sorted(ends):
                    total += len(seen) - bisect_right(seen, end)
                    insort(seen, end)
        return total

    def _exchange(self, layer: list[int]) -> bool:
        """Let neighbours change places where fewer lines cross then; whether any did."""
        changed = False
        for left in range(len(layer) - 1):
            one, other = layer[left : left + 2]
            if self._between(other, one) < self._between(one, other):
                layer[left], layer[left + 1] = other, one
                self.place[one], self.place[other] = float(left + 1), float(left)
                changed = True
        return changed

    def _between(self, left: int, right: int) -> int:
        """How many lines of two neighbours cross each other."""
        found = 0
        for ties in (self.up, self.down):
            ends = [self._end(knot, pin) for knot, _, pin, _ in ties.get(right, ())]
            for knot, _, pin, _ in ties.get(left, ()):
                end = self._end(knot, pin)
                found += sum(other < end for other in ends)
        return found


def _turns(knots: Knots) -> list[int]:
    """Which operand each knot is of what reads it first beside others; 0 for what is none."""
    found: dict[int, int] = {}
    for held in knots.reads.values():
        for turn, knot in enumerate(held):
            found.setdefault(knot, turn)
    return [found.get(knot, 0) for knot in range(len(knots.rank))]
