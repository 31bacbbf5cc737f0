"""Which rank each thing of a layered picture stands on, and how things are kept apart in a row."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

WIDEST = 1100.0
"""Points across from which on what could stand on a rank goes below it."""
_TOGETHER = 24
"""Items that at most stay together."""


@dataclass(slots=True)
class Item:
    """Something to be placed: a box, a cluster already laid out, or a point.

    Attributes:
        width: In points.
        height: In points.
        pins: Where lines must enter at the top and leave at the bottom, from the left edge, by
            `Link.out` or `Link.into`; others are free to choose.
        edge: ``'top'`` or ``'bottom'`` if it has to be on the first or the last rank, alone with
            others like it.
    """

    width: float
    height: float
    pins: Mapping[str, float] = field(default_factory=dict[str, float])
    edge: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A line from the bottom of an item to the top of another, by their indices.

    Attributes:
        tail: Where it starts.
        head: Where it ends.
        out: What it carries: lines from one item with one ``out`` start as one.
        into: Its pin at the head.
        weight: How much it should be straight.
        said: Whether something is written beside it where it starts.
        place: Of the operands of its head, the less come first; below 0 for no order.
    """

    tail: int
    head: int
    out: str
    into: str = ""
    weight: int = 2
    said: bool = False
    place: int = -1


def spread(wanted: Sequence[float], gaps: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The places nearest to those wanted (least squares) that keep their order and gaps.

    Pool adjacent violators: O(n).

    Args:
        wanted: Where each would like to be.
        gaps: How far each has to be from the next.
        weights: How much each would like it.
    """
    offset = 0.0
    offsets: list[float] = []
    blocks: list[tuple[float, float, int]] = []
    for index, (place, weight) in enumerate(zip(wanted, weights, strict=True)):
        offsets.append(offset)
        total, heavy, count = (place - offset) * weight, weight, 1
        while blocks and blocks[-1][0] * heavy > total * blocks[-1][1]:
            before = blocks.pop()
            total, heavy, count = total + before[0], heavy + before[1], count + before[2]
        blocks.append((total, heavy, count))
        offset += gaps[index] if index < len(gaps) else 0.0
    places = [total / heavy for total, heavy, count in blocks for _ in range(count)]
    return [place + offset for place, offset in zip(places, offsets, strict=True)]


class Rows:
    """Ranks that are filled up to a width, from the top.

    Attributes:
        taken: How wide what stands on each rank is.
    """

    def __init__(self, widest: float) -> None:
        """Ranks on which nothing stands yet."""
        self.widest = widest
        self.taken: dict[int, float] = defaultdict(float)
        self._ends: dict[int, int] = {}
        self._below: dict[tuple[tuple[float, ...], int], int] = {}

    def put(self, rank: int, chain: tuple[float, ...]) -> int:
        """Put things one below the other where all of them have room, or are alone.

        Several go below all of the chains that they have no room beside.

        Args:
            rank: The first rank that may be.
            chain: How wide each of them is.

        Returns:
            The rank of the first.
        """
        passed: list[int] = []
        while (further := self._further(rank, chain)) > rank:
            passed.append(rank)
            rank = further
        # A rank never gets room again: the next such chain goes past all of these at once.
        self._below.update(((chain, each), rank) for each in passed)
        for each, width in enumerate(chain, rank):
            self.taken[each] += width
            self._ends[each] = max(self._ends.get(each, 0), rank + len(chain))
        return rank

    def _further(self, rank: int, chain: tuple[float, ...]) -> int:
        """Where a chain is tried next; where it is tried, if it has room there."""
        known = self._below.get((chain, rank))
        if known is not None:
            return known
        for each, width in enumerate(chain, rank):
            taken = self.taken[each]
            if taken and taken + width > self.widest:
                return self._ends[each] if len(chain) > 1 else rank + 1
        return rank


def ranks(items: Sequence[Item], links: Sequence[Link], widest: float) -> list[int]:
    """The rank of each item: below all that it reads, and as near to its reader as can be.

    Where items read each other in a circle, the first of them goes first.

    Args:
        items: What stands on the ranks.
        links: What reads what.
        widest: Points across from which on things that do not depend on each other go one below
            the other.
    """
    order = _ordered(len(items), links)
    place = {index: number for number, index in enumerate(order)}
    into: dict[int, list[int]] = defaultdict(list)
    out: dict[int, list[int]] = defaultdict(list)
    for link in links:
        if place[link.tail] < place[link.head]:
            into[link.head].append(link.tail)
            out[link.tail].append(link.head)
    found = [0] * len(items)
    rows = Rows(widest)
    taken = rows.taken
    first = 1 if any(item.edge == "top" for item in items) else 0
    done: set[int] = set()
    for index in order:
        if items[index].edge == "top" or index in done:
            continue
        chain = _chain(index, items, into, out)
        rank = max((found[tail] + 1 for tail in into[index]), default=first)
        rank = rows.put(max(rank, first), tuple(items[each].width for each in chain))
        for each in chain:
            found[each] = rank
            rank += 1
        done.update(chain)
    for index in reversed(order):  # what reads less than it is read goes down
        below = [found[head] for head in out[index] if items[head].edge != "bottom"]
        if below and items[index].edge != "top" and len(into[index]) < len(below):
            rank = min(below) - 1
            if taken[rank] + items[index].width <= widest or rank == found[index]:
                taken[found[index]] -= items[index].width
                taken[rank] += items[index].width
                found[index] = max(found[index], rank)
    last = max((rank for rank, item in zip(found, items, strict=True) if not item.edge), default=0)
    return [
        last + 1 if item.edge == "bottom" else rank for rank, item in zip(found, items, strict=True)
    ]


def _chain(
    index: int,
    items: Sequence[Item],
    into: Mapping[int, Sequence[int]],
    out: Mapping[int, Sequence[int]],
) -> list[int]:
    """An item and those below it that read nothing else and that nothing else reads with them.

    They stay together where they have to go below others: branches side by side, too many for a
    rank, stand in rows of whole branches.
    """
    found = [index]
    while len(found) < _TOGETHER:
        readers = set(out.get(found[-1], ()))
        reader = readers.pop() if len(readers) == 1 else index
        if reader == index or items[reader].edge or set(into[reader]) != {found[-1]}:
            break
        found.append(reader)
    return found


def _ordered(count: int, links: Sequence[Link]) -> list[int]:
    """The items, tails before heads, ties as given."""
    heads: dict[int, list[int]] = defaultdict(list)
    waiting = [0] * count
    for link in links:
        heads[link.tail].append(link.head)
        waiting[link.head] += 1
    ready = [index for index in range(count) if not waiting[index]]
    done: dict[int, None] = {}
    left = iter(range(count))
    while len(done) < count:
        index = heapq.heappop(ready) if ready else next(left)
        if index in done:
            continue
        done[index] = None
        for head in heads[index]:
            waiting[head] -= 1
            if not waiting[head]:
                heapq.heappush(ready, head)
    return list(done)
