"""Which rank each thing of a layered picture stands on, and how things are kept apart in a row."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


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
    """

    tail: int
    head: int
    out: str
    into: str = ""
    weight: int = 2
    said: bool = False


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
    taken: dict[int, float] = defaultdict(float)
    first = 1 if any(item.edge == "top" for item in items) else 0
    for index in order:
        item = items[index]
        if item.edge == "top":
            continue
        rank = max((found[tail] + 1 for tail in into[index]), default=first)
        while taken[rank] and taken[rank] + item.width > widest:
            rank += 1
        found[index] = max(rank, first)
        taken[found[index]] += item.width
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
