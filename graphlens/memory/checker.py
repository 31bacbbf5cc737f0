"""Whether a memory plan is sound, worked out independently of the code that made it."""

from __future__ import annotations

import bisect
import heapq
import itertools
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from graphlens.errors import GraphError
from graphlens.ir.node import Value


class Span(NamedTuple):
    """Bytes [start, end) that a tensor holds during steps [first, last], both counted."""

    value: Value
    start: int
    end: int
    first: int
    last: int


def check_spans(
    spans: Iterable[Span], arena_bytes: int, inplace: Mapping[Value, Value], alignment: int = 1
) -> None:
    """See that no two tensors that are needed in one step share a byte.

    A sweep over the steps with the live tensors kept in order of where they start, so that a new
    one is held against its neighbours only. A tensor written in place over an operand shares
    exactly that operand's bytes, in the one step that reads the operand last.

    Args:
        spans: Every tensor.
        arena_bytes: Size of the arena: nothing may reach beyond it.
        inplace: Each tensor written over another, and that other.
        alignment: Every start must be a multiple of it.

    Raises:
        GraphError: Naming the first two tensors at fault.
    """
    starting: dict[int, list[Span]] = {}
    by_value: dict[Value, Span] = {}
    for span in spans:
        by_value[span.value] = span
        starting.setdefault(span.first, []).append(span)
        _within(span, arena_bytes, alignment)
    live = _Live()
    for step in sorted(starting):
        live.expire(step)
        arriving = starting[step]
        for span in arriving:
            replaced = _overwritten(span, by_value, inplace, step)
            if replaced is not None:
                live.drop(replaced)
            live.arrive(span)
        if not live.settle(arriving):
            _disjoint(live.spans.values(), step)


class _Live:
    """The tensors that are needed at a step.

    Attributes:
        spans: Each by its value.
    """

    def __init__(self) -> None:
        self.spans: dict[Value, Span] = {}
        self._settled: list[Span] = []
        self._ends: list[tuple[int, int, Span]] = []
        self._number = itertools.count()

    def expire(self, step: int) -> None:
        """Drop those that are not needed at the step any more."""
        while self._ends and self._ends[0][0] < step:
            span = heapq.heappop(self._ends)[-1]
            if self.spans.get(span.value) is span:
                self.drop(span.value)

    def arrive(self, span: Span) -> None:
        """Take up a tensor, which has no place among the others before `settle`."""
        self.drop(span.value)
        self.spans[span.value] = span
        heapq.heappush(self._ends, (span.last, next(self._number), span))

    def drop(self, value: Value) -> None:
        """Drop a tensor, if it is there."""
        span = self.spans.pop(value, None)
        if span is None:
            return
        index = bisect.bisect_left(self._settled, _place(span), key=_place)
        if index < len(self._settled) and self._settled[index] is span:
            del self._settled[index]

    def settle(self, arrived: Iterable[Span]) -> bool:
        """Put those that arrived in their places; False if one overlaps another.

        Those that take no bytes overlap none.
        """
        for span in arrived:
            if span.end <= span.start or self.spans.get(span.value) is not span:
                continue
            index = bisect.bisect_left(self._settled, _place(span), key=_place)
            if index and self._settled[index - 1].end > span.start:
                return False
            if index < len(self._settled) and self._settled[index].start < span.end:
                return False
            self._settled.insert(index, span)
        return True


def _place(span: Span) -> int:
    return span.start


def _within(span: Span, arena_bytes: int, alignment: int) -> None:
    if span.start < 0 or span.end > arena_bytes or span.start % alignment or span.last < span.first:
        raise GraphError(
            f"{span.value} at bytes [{span.start}, {span.end}) in steps [{span.first}, "
            f"{span.last}] does not fit an arena of {arena_bytes} bytes aligned to {alignment}"
        )


def _overwritten(
    span: Span, by_value: Mapping[Value, Span], inplace: Mapping[Value, Value], step: int
) -> Value | None:
    """The tensor that this one is written over, which must end here and have the same bytes."""
    old = inplace.get(span.value)
    if old is None:
        return None
    under = by_value.get(old)
    if under is None or under[1:3] != span[1:3] or under.last != step:
        raise GraphError(
            f"step {step}: {span.value} is written over {old}, which is needed longer "
            f"or lies elsewhere: {under} against {span}"
        )
    return old


def _disjoint(live: Iterable[Span], step: int) -> None:
    """Sorted by start, each must end before the next begins; empty tensors take no bytes."""
    held = sorted((span for span in live if span.end > span.start), key=lambda span: span.start)
    for below, above in itertools.pairwise(held):
        if above.start < below.end:
            raise GraphError(
                f"step {step}: {below.value} at bytes [{below.start}, {below.end}) and "
                f"{above.value} at [{above.start}, {above.end}) are both needed and overlap"
            )
