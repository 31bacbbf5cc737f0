"""The order of the things on each rank of a layered picture, so that few lines cross.

Barycentre sweeps (Sugiyama, doi:10.1109/TSMC.1981.4308636), then neighbours change places while
that takes away crossings ("transpose" of dot, doi:10.1109/32.221135).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Tie = tuple[int, float, float, float]
"""Of a knot to another: which, where at this one, where at that one (from the left), how much."""
Ties = Mapping[int, Sequence[Tie]]
_SWEEPS, _ROUNDS = 6, 8
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
        fixed: Whether the first rank stays in its order.
    """

    rank: Sequence[int]
    width: Sequence[float]
    up: Ties
    down: Ties
    items: int
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
        self.rank, self.width, self.up, self.down, self.items, fixed = knots
        self.place = [0.0] * len(knots.rank)
        self.layers: list[list[int]] = [[] for _ in range(max(knots.rank, default=-1) + 1)]
        for knot, its in enumerate(knots.rank):
            self.layers[its].append(knot)
        for layer in self.layers:
            self._number(layer)
        self.first = 1 if fixed else 0

    def result(self, chains: Sequence[Sequence[int]]) -> tuple[list[list[int]], int]:
        """Swept, then with neighbours exchanged, then with lines on the other side."""
        best, fewest = [*map(list, self.layers)], self._crossings()
        first = True
        for sweep in range(_SWEEPS):
            downward = sweep % 2 == 0
            free = self.layers[self.first :]
            for layer in free if downward else free[::-1]:
                self._sort(layer, self.up if downward else self.down)
            crossings = self._crossings()
            if crossings < fewest or first:
                best, fewest, first = [*map(list, self.layers)], crossings, False
            if not fewest:
                break
        if not fewest or len(self.place) > _MANY:
            return best, fewest
        self.layers = best
        for layer in best:
            self._number(layer)
        for _ in range(_ROUNDS):
            changed = [self._exchange(layer) for layer in best[self.first :]]
            if not any(changed):
                break
        return best, self._sided(chains)

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

    def _sort(self, layer: list[int], ties: Ties) -> None:
        """By the mean place of the neighbours; lines that pass by go to the right of boxes."""
        wanted: dict[int, tuple[float, bool, float]] = {}
        for knot in layer:
            held = ties.get(knot, ())
            mean = sum(self._end(other, its) - 0.45 for other, _, its, _ in held)
            place = mean / len(held) if held else self.place[knot]
            wanted[knot] = (round(place, 3), knot >= self.items, self.place[knot])
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
                ends = sorted(self._end(head, enters) for head, _, enters, _ in held)
                total += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
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
