"""One level of a layered picture: ranks, order within ranks, coordinates, the ways of its lines.

The method is Sugiyama's (doi:10.1109/TSMC.1981.4308636): longest-path ranks, chains of bends for
lines over several ranks, barycentre sweeps. Coordinates come from sweeps that put each thing where
its neighbours want it, in order and apart, by pooling adjacent violators. Lines that carry one
value share one chain of bends. A line bends between ranks only, so none passes through a box.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from graphlens.render.order import Knots, Tie, ordered
from graphlens.render.ranks import WIDEST, Item, Link, ranks, spread
from graphlens.render.scene import Point

BEND = 9.0
"""The room that a line takes beside a box."""
_SETTLING = 12
_FREE, _FIRMLY = 0.4, 6
_FOOT, _SAID_FOOT = 12.0, 17.0
"""Space above the points on the last rank, and where something is written beside a line there."""
_NEAR = 14.0
"""How near to a corner a line may leave or enter a box."""


@dataclass(slots=True)
class Level:
    """What came out: the left and top of each item, the way of each link, the size of the whole.

    And how many pairs of links cross.
    """

    lefts: list[float]
    tops: list[float]
    ways: list[list[Point]]
    width: float
    height: float
    crossings: int = 0


@dataclass(frozen=True, slots=True)
class Spacing:
    """How far things stand apart, in points.

    Attributes:
        gap: Between ranks.
        beside: Between the items of a rank.
        head: Below the points on the first rank, or above everything if there are none.
        widest: How wide a rank may be before what could stand on it goes below.
        bare: Between ranks where nothing is written beside a line, if less than ``gap``.
    """

    gap: float
    beside: float
    head: float = 0.0
    widest: float = WIDEST
    bare: float = float("inf")


def arrange(
    items: Sequence[Item],
    links: Sequence[Link],
    spacing: Spacing,
    patient: bool = False,
    *,
    fixed: bool = False,
) -> Level:
    """Place items and lead lines between them.

    Args:
        items: What to place, in order of execution.
        links: The lines between them.
        spacing: How far they stand apart.
        patient: Whether to take time for lines that cross.
        fixed: Whether the items at the top stand in this order.
    """
    return _Leveller(items, links, spacing, patient, fixed).result()


_Pull = tuple[Sequence[tuple[int, float, float]], float]
"""The knots that one is tied to most, each with where at this one and at that one; how firmly."""
_UNTIED: _Pull = ((), _FREE**_FIRMLY)


def _pulls(ties: Mapping[int, Sequence[Tie]]) -> dict[int, _Pull]:
    """What pulls each knot that is tied to any."""
    found: dict[int, _Pull] = {}
    for knot, held in ties.items():
        most = max(weight for *_, weight in held)
        near = [(other, mine, its) for other, mine, its, weight in held if weight == most]
        found[knot] = (near, most**_FIRMLY)
    return found


class _Leveller:
    """The knots of a level: items first, then the bends of lines over several ranks."""

    def __init__(
        self,
        items: Sequence[Item],
        links: Sequence[Link],
        spacing: Spacing,
        patient: bool,
        fixed: bool,
    ) -> None:
        self.items, self.links, self.spacing = items, links, spacing
        self.rank = ranks(items, links, spacing.widest)
        self.width = [item.width for item in items]
        self.up: dict[int, list[Tie]] = defaultdict(list)
        self.down: dict[int, list[Tie]] = defaultdict(list)
        self.chain: list[list[int]] = []
        bends = self._chains()
        held = fixed and any(item.edge == "top" for item in items)
        reads = self._reads()
        knots = Knots(self.rank, self.width, self.up, self.down, len(items), reads, held)
        self.layers, self.crossings = ordered(knots, bends if patient else ())
        self.x = [0.0] * len(self.rank)

    def _chains(self) -> list[list[int]]:
        """The bends of each link, and who is tied to whom: neighbour, own pin, its pin, weight.

        Returns:
            The bends of each value that passes any rank.
        """
        shared: dict[tuple[int, str], list[int]] = defaultdict(list)
        tied: set[tuple[int, int, str]] = set()
        for link in self.links:
            bends = shared[link.tail, link.out]
            first, last = self.rank[link.tail] + 1, self.rank[link.head]
            for rank in range(first + len(bends), last):
                bends.append(len(self.rank))
                self.rank.append(rank)
                self.width.append(BEND)
            way = [link.tail, *bends[: max(0, last - first)], link.head]
            self.chain.append(way)
            if last < first:
                continue
            for tail, end in pairwise(way):
                key = link.into if end == link.head else link.out
                if (tail, end, key) not in tied:
                    tied.add((tail, end, key))
                    self._tie(tail, end, link)
        return [bends for bends in shared.values() if bends]

    def _reads(self) -> dict[int, list[int]]:
        """What each item reads just above it, in the order of its operands, if that is two things.

        An item with pins has an order of its own.
        """
        found: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for link, way in zip(self.links, self.chain, strict=True):
            if len(way) == 2 and link.place >= 0 and not self.items[link.head].pins:
                found[link.head].append((link.place, link.tail))
        return {
            head: [tail for _, tail in sorted(held)] for head, held in found.items() if held[1:]
        }

    def _tie(self, tail: int, head: int, link: Link) -> None:
        count = len(self.items)
        weight = link.weight + (4.0 if tail >= count and head >= count else 0.0)
        leaves = self._pin(tail, link.out)
        enters = self._pin(head, link.into if head == link.head else link.out)
        self.down[tail].append((head, leaves, enters, weight))
        self.up[head].append((tail, enters, leaves, weight))

    def _pin(self, knot: int, key: str) -> float:
        """Where a line is tied to a knot, from its left edge."""
        half = self.width[knot] / 2
        return self.items[knot].pins.get(key, half) if knot < len(self.items) else half

    # -- coordinates --------------------------------------------------------------------------

    def result(self) -> Level:
        """Everything placed."""
        if not self.items:
            return Level([], [], [], 0.0, self.spacing.head)
        self._settle()
        tops, bottoms = self._heights()
        least = min(self.x)
        self.x = [place - least for place in self.x]
        wide = max(place + span for place, span in zip(self.x, self.width, strict=True))
        heights = [
            bottoms[self.rank[index]] if item.edge == "bottom" else tops[self.rank[index]]
            for index, item in enumerate(self.items)
        ]
        ways = self._ways(tops, bottoms, heights)
        return Level(self.x[: len(self.items)], heights, ways, wide, bottoms[-1], self.crossings)

    def _settle(self) -> None:
        for layer in self.layers:
            left = -sum(self.width[knot] for knot in layer) / 2
            for knot in layer:
                self.x[knot] = left
                left += self.width[knot] + self.spacing.beside
        gaps = [
            [self.width[one] + self._apart(one, other) for one, other in pairwise(layer)]
            for layer in self.layers
        ]
        rows = list(zip(self.layers, gaps, strict=True))
        above, below = _pulls(self.up), _pulls(self.down)
        for sweep in range(_SETTLING):
            downward = sweep % 2 == 1
            for layer, apart in rows if downward else rows[::-1]:
                self._shift(layer, apart, above if downward else below)

    def _shift(
        self, layer: Sequence[int], gaps: Sequence[float], pulls: Mapping[int, _Pull]
    ) -> None:
        """Put the knots of a rank where those that they are tied to most want them."""
        wanted: list[float] = []
        weights: list[float] = []
        for knot in layer:
            near, weight = pulls.get(knot, _UNTIED)
            places = [self.x[other] + its - mine for other, mine, its in near]
            wanted.append(sum(places) / len(places) if places else self.x[knot])
            weights.append(weight)
        for knot, place in zip(layer, spread(wanted, gaps, weights), strict=True):
            self.x[knot] = place

    def _apart(self, one: int, other: int) -> float:
        count = len(self.items)
        bends = (one >= count) + (other >= count)
        return (self.spacing.beside, 0.6 * self.spacing.beside, 0.0)[bends]

    def _heights(self) -> tuple[list[float], list[float]]:
        """The top and the bottom of each rank."""
        lean = [0.0] * (len(self.layers) + 1)
        for knot, held in self.down.items():
            for other, leaves, enters, _ in held:
                across = abs(self.x[other] + enters - self.x[knot] - leaves)
                lean[self.rank[knot]] = max(lean[self.rank[knot]], across)
        written = {self.rank[link.tail] for link in self.links if link.said}
        bare = min(self.spacing.bare, self.spacing.gap)
        tops: list[float] = []
        bottoms: list[float] = []
        top = 0.0 if any(item.edge == "top" for item in self.items) else self.spacing.head
        for rank, layer in enumerate(self.layers):
            high = max((self.items[k].height for k in layer if k < len(self.items)), default=0.0)
            tops.append(top)
            bottoms.append(top + high)
            first = rank == 0 and self._is_edge(0, "top")
            foot = rank + 1 < len(self.layers) and self._is_edge(rank + 1, "bottom")
            said = rank in written
            plain = self.spacing.gap if said else bare
            if foot:
                plain = _SAID_FOOT if said else _FOOT
            gap = self.spacing.head if first else plain
            top += high + gap + min(20.0, lean[rank] / 14)
        return tops, bottoms

    def _is_edge(self, rank: int, edge: str) -> bool:
        layer = self.layers[rank]
        return bool(layer) and layer[0] < len(self.items) and self.items[layer[0]].edge == edge

    # -- ways ---------------------------------------------------------------------------------

    def _ways(
        self, tops: Sequence[float], bottoms: Sequence[float], heights: Sequence[float]
    ) -> list[list[Point]]:
        leaves = self._leaving()
        enters = self._entering(leaves)
        found: list[list[Point]] = []
        for index, (link, way) in enumerate(zip(self.links, self.chain, strict=True)):
            tail, head = link.tail, link.head
            x = self.x[tail] + leaves[tail, link.out]
            points = [(x, heights[tail] + self.items[tail].height), (x, bottoms[self.rank[tail]])]
            for bend in way[1:-1]:
                middle = self.x[bend] + BEND / 2
                points += [(middle, tops[self.rank[bend]]), (middle, bottoms[self.rank[bend]])]
            points.append((self.x[head] + enters[index], heights[head]))
            found.append(points)
        return found

    def _leaving(self) -> dict[tuple[int, str], float]:
        """Where each value leaves its item: straight above what reads it, if it can."""
        heaviest: dict[tuple[int, str], tuple[float, float]] = {}
        for link, way in zip(self.links, self.chain, strict=True):
            pin = self._pin(way[1], link.into if len(way) == 2 else link.out)
            ahead = (float(link.weight), self.x[way[1]] + pin - self.x[link.tail])
            key = (link.tail, link.out)
            heaviest[key] = max(heaviest.get(key, ahead), ahead)
        by_item: dict[int, list[tuple[str, float]]] = defaultdict(list)
        for (tail, out), (_, ahead) in heaviest.items():
            by_item[tail].append((out, ahead))
        return {
            (tail, out): place
            for tail, held in by_item.items()
            for out, place in zip(
                [out for out, _ in sorted(held, key=lambda end: end[1])],
                self._ends(tail, sorted(held, key=lambda end: end[1])),
                strict=True,
            )
        }

    def _entering(self, leaves: Mapping[tuple[int, str], float]) -> list[float]:
        """Where each link enters its head."""
        by_item: dict[int, list[tuple[str, float, int]]] = defaultdict(list)
        for index, (link, way) in enumerate(zip(self.links, self.chain, strict=True)):
            tail = way[-2]
            x = self.x[tail] + (leaves[tail, link.out] if tail == link.tail else BEND / 2)
            by_item[link.head].append((link.into, x - self.x[link.head], index))
        found = [0.0] * len(self.links)
        for head, held in by_item.items():
            held.sort(key=lambda end: (end[1], end[2]))
            places = self._ends(head, [(into, x) for into, x, _ in held])
            for (_, _, index), place in zip(held, places, strict=True):
                found[index] = place
        return found

    def _ends(self, knot: int, ends: Sequence[tuple[str, float]]) -> list[float]:
        """Where lines that come from some places, left to right, are tied to an item."""
        pins, wide = self.items[knot].pins, self.width[knot]
        if pins:
            return [pins.get(key, wide / 2) for key, _ in ends]
        near = min(_NEAR, wide / 2)
        if wide < 2 * BEND:
            return [wide / 2] * len(ends)
        apart = min(11.0, (wide - 2 * near) / max(1, len(ends) - 1))
        wanted = [min(max(x, near), wide - near) for _, x in ends]
        places = spread(wanted, [apart] * (len(ends) - 1), [1.0] * len(ends))
        last = len(places) - 1
        return [
            max(near + apart * index, min(place, wide - near - apart * (last - index)))
            for index, place in enumerate(places)
        ]
