"""Placing buffers of known lifetimes in one arena: the offline dynamic storage allocation problem.

The problem is NP-hard. Greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep
Neural Net Inference", arXiv:2001.03288, 2020; also TFLite's planner) reaches the largest live
set, which nothing can beat, on almost every inference graph. Where it does not, other orders are
tried, and then the buffers at the top of the arena are placed earlier and earlier, in the spirit
of the preprocessing of MiniMalloc (Moffitt, ASPLOS 2023, doi:10.1145/3623278.3624752).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphlens.memory.taken import Taken


@dataclass(frozen=True, slots=True)
class Buffer:
    """A piece of memory wanted: steps [first, last], both ends counted, and its size in bytes."""

    first: int
    last: int
    nbytes: int


_ATTEMPTS = 200
_LARGE = 2000
"""Buffers up to which more than one order of each kind is tried."""
_MANY = 128
"""Buffers live at once above which the bytes that they take are kept as unions."""

_ORDERS: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
    lambda b: (-b.nbytes, b.first - b.last, b.first),
    lambda b: (-b.nbytes * (b.last - b.first + 1), -b.nbytes, b.first),
    lambda b: (b.first - b.last, -b.nbytes, b.first),
    lambda b: (b.first, -b.nbytes),
)


def place(buffers: Sequence[Buffer], *, alignment: int = 1) -> list[int]:
    """An offset for each buffer, no two that are needed in one step overlapping.

    Args:
        buffers: What to place.
        alignment: Every offset is a multiple of it.

    Returns:
        Offsets in bytes, in the order of ``buffers``.
    """
    wanted = [_padded(buffer, alignment) for buffer in buffers]
    bound = largest_live_set(wanted)
    crowded = _most_at_once(wanted) > _MANY
    best: list[int] = []
    least = -1
    for key in _ORDERS:
        order = sorted(range(len(wanted)), key=lambda i, key=key: (*key(wanted[i]), i))
        offsets = _greedy(wanted, order, crowded)
        height = arena_size(wanted, offsets)
        if least < 0 or height < least:
            best, least = offsets, height
        if least <= bound:
            return best
    if len(wanted) <= _LARGE:
        best = _improved(wanted, best, bound, crowded)
    return best


def largest_live_set(buffers: Sequence[Buffer]) -> int:
    """The most bytes needed in any one step: no arena can be smaller."""
    change: dict[int, int] = {}
    for buffer in buffers:
        change[buffer.first] = change.get(buffer.first, 0) + buffer.nbytes
        change[buffer.last + 1] = change.get(buffer.last + 1, 0) - buffer.nbytes
    live = most = 0
    for step in sorted(change):
        live += change[step]
        most = max(most, live)
    return most


def arena_size(buffers: Sequence[Buffer], offsets: Sequence[int]) -> int:
    """Bytes from the start of the arena to the end of the highest buffer."""
    return max((o + b.nbytes for o, b in zip(offsets, buffers, strict=True)), default=0)


def _padded(buffer: Buffer, alignment: int) -> Buffer:
    return Buffer(buffer.first, buffer.last, -(-buffer.nbytes // alignment) * alignment)


def _greedy(buffers: Sequence[Buffer], order: Sequence[int], crowded: bool) -> list[int]:
    """Each buffer in turn into the smallest gap that holds it among those placed before."""
    offsets = [0] * len(buffers)
    steps = max((buffer.last for buffer in buffers), default=0) + 1
    index = _Crowd(steps) if crowded else _Index(steps)
    for i in order:
        buffer = buffers[i]
        if buffer.nbytes:
            offsets[i] = _best_gap(index.overlapping(buffer), buffer.nbytes)
            index.insert(buffer, offsets[i])
    return offsets


def _best_gap(taken: list[tuple[int, int]], nbytes: int) -> int:
    """The start of the smallest gap between ``taken`` (start, end) that holds ``nbytes``."""
    taken.sort()
    free, best, narrowest = 0, -1, -1
    for start, end in taken:
        gap = start - free
        if gap >= nbytes and (best < 0 or gap < narrowest):
            best, narrowest = free, gap
        free = max(free, end)
    return free if best < 0 else best


def _most_at_once(buffers: Sequence[Buffer]) -> int:
    """The most buffers needed in any one step."""
    return largest_live_set([Buffer(buffer.first, buffer.last, 1) for buffer in buffers])


class _Crowd:
    """Placed buffers where so many are live at once that a look at each would take too long."""

    def __init__(self, steps: int) -> None:
        self._taken = Taken(steps)

    def insert(self, buffer: Buffer, offset: int) -> None:
        """Remember a placed buffer."""
        self._taken.take(buffer.first, buffer.last, offset, offset + buffer.nbytes)

    def overlapping(self, buffer: Buffer) -> list[tuple[int, int]]:
        """(start, end) of what is taken in a step of ``buffer``'s."""
        return self._taken.during(buffer.first, buffer.last)


class _Index:
    """Placed buffers by the blocks of steps that they touch, so that overlaps are found fast."""

    def __init__(self, steps: int) -> None:
        self._block = max(1, int(steps**0.5) // 4)
        self._held: list[list[tuple[int, int, int, int, int]]] = [
            [] for _ in range(steps // self._block + 1)
        ]
        self._all: list[tuple[int, int, int, int, int]] = []

    def insert(self, buffer: Buffer, offset: int) -> None:
        """Remember a placed buffer."""
        entry = (buffer.first, buffer.last, offset, offset + buffer.nbytes, len(self._all))
        self._all.append(entry)
        for block in range(buffer.first // self._block, buffer.last // self._block + 1):
            self._held[block].append(entry)

    def overlapping(self, buffer: Buffer) -> list[tuple[int, int]]:
        """(start, end) of every placed buffer that is needed in a step of ``buffer``'s."""
        first, last = buffer.first, buffer.last
        low, high = first // self._block, last // self._block
        if low == high:
            return [e[2:4] for e in self._held[low] if e[0] <= last and first <= e[1]]
        blocks = self._held[low : high + 1]
        if sum(map(len, blocks)) > len(self._all):  # of buffers so long that they are in many
            return [e[2:4] for e in self._all if e[0] <= last and first <= e[1]]
        found = {e[4]: e[2:4] for block in blocks for e in block if e[0] <= last and first <= e[1]}
        return list(found.values())


def _improved(
    buffers: Sequence[Buffer], offsets: list[int], bound: int, crowded: bool
) -> list[int]:
    """Place what tops the arena earlier, again and again, and keep the best."""
    order = sorted(range(len(buffers)), key=lambda i: (-buffers[i].nbytes, i))
    best, least = offsets, arena_size(buffers, offsets)
    current = best
    for _ in range(_ATTEMPTS):
        if least <= bound or not order:
            break
        ends = [o + b.nbytes for o, b in zip(current, buffers, strict=True)]
        top = max(range(len(ends)), key=ends.__getitem__)
        order.remove(top)
        order.insert(0, top)
        current = _greedy(buffers, order, crowded)
        height = arena_size(buffers, current)
        if height < least:
            best, least = current, height
    return best
