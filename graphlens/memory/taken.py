"""Which bytes of an arena are taken in which steps, where very many buffers are live at once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class Taken:
    """The bytes that are taken in each stretch of steps, as unions of intervals.

    A segment tree over the steps (Bentley, "Solutions to Klee's rectangle problems", 1977): a
    buffer is entered at the O(log steps) nodes that make up its lifetime. Buffers that lie side
    by side are one interval, so that a thousand of one time are looked at as one.

    A union is a list of bytes: the start of its first interval, its end, the next one's start ...
    """

    def __init__(self, steps: int) -> None:
        """Nothing is taken in any of the ``steps``."""
        self._leaves = 1 << max(0, steps - 1).bit_length()
        self._throughout: list[list[int]] = [[] for _ in range(2 * self._leaves)]
        self._ever: list[list[int]] = [[] for _ in range(2 * self._leaves)]

    def take(self, first: int, last: int, start: int, end: int) -> None:
        """Take the bytes [start, end) in the steps [first, last], both counted."""
        for node in self._parts(first, last):
            cover(self._throughout[node], start, end)
            while node and cover(self._ever[node], start, end):
                node >>= 1  # what is taken in a part already is taken in those around it too

    def during(self, first: int, last: int) -> list[tuple[int, int]]:
        """Intervals (start, end) that are taken in some of the steps; they may overlap."""
        held = [self._ever[node] for node in self._parts(first, last)]
        low, high = first + self._leaves, last + self._leaves
        while low:
            held.append(self._throughout[low])
            if high != low:
                held.append(self._throughout[high])
            low, high = low >> 1, high >> 1
        unions = [union for union in held if union]
        if not unions:
            return []
        longest = max(unions, key=_first_length)
        start, end = longest[:2]
        found = list(zip(longest[::2], longest[1::2], strict=True))
        for union in unions:
            if union[0] < start or union[-1] > end:
                found += zip(union[::2], union[1::2], strict=True)
        return found

    def _parts(self, first: int, last: int) -> list[int]:
        """The nodes that together are the steps [first, last]; node n is 2n and 2n + 1."""
        low, high = first + self._leaves, last + self._leaves + 1
        found: list[int] = []
        while low < high:
            if low & 1:
                found.append(low)
                low += 1
            if high & 1:
                high -= 1
                found.append(high)
            low, high = low >> 1, high >> 1
        return found


def cover(union: list[int], start: int, end: int) -> bool:
    """Add the bytes [start, end) to a union, in place; whether some of them are new in it."""
    within = bisect_right(union, start)
    if within & 1 and union[within] >= end:
        return False
    left = bisect_left(union, start)
    right = bisect_right(union, end, left)
    edges = [] if left & 1 else [start]
    if not right & 1:
        edges.append(end)
    union[left:right] = edges
    return True


def _first_length(union: list[int]) -> int:
    return union[1] - union[0]
