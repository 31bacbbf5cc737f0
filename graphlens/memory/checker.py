"""Whether a memory plan is sound, worked out independently of the code that made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
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

    A sweep over the steps with the live tensors kept as disjoint intervals. A tensor written in
    place over an operand shares exactly that operand's bytes, in the one step that reads the
    operand last.

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
    live: dict[Value, Span] = {}
    for step in sorted(starting):
        arriving = starting[step]
        live = {value: span for value, span in live.items() if span.last >= step}
        for span in arriving:
            replaced = _overwritten(span, by_value, inplace, step)
            if replaced is not None:
                live.pop(replaced, None)
            live[span.value] = span
        _disjoint(live.values(), step)


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
    for below, above in pairwise(held):
        if above.start < below.end:
            raise GraphError(
                f"step {step}: {below.value} at bytes [{below.start}, {below.end}) and "
                f"{above.value} at [{above.start}, {above.end}) are both needed and overlap"
            )
