"""A memory plan: when each tensor lives, where it lies in one arena, and how good that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphlens.analysis.footprint import Footprint, footprint
from graphlens.analysis.lifetimes import Lifetime, Lifetimes, lifetimes_of, live_bytes
from graphlens.display import Shown
from graphlens.errors import UsageError
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.memory.arena import Buffer, place
from graphlens.memory.checker import Span, check_spans
from graphlens.memory.schedule import largest_live_set
from graphlens.memory.schedule import schedule as best_order


@dataclass(frozen=True, slots=True)
class MemoryPlan(Shown):
    """Where each tensor of a run lies in one arena. All sizes in bytes; weights apart.

    Attributes:
        arena_bytes: Size of the arena.
        peak_live_bytes: The largest live set of this order: no arena can be smaller.
        total_bytes: The sum of all tensors: what it would take without any reuse.
        eager_bytes: The largest live set in the graph's own order with nothing written in place:
            what a framework holds that frees each tensor after its last use.
        peak_step: The first step at which the largest live set is live.
        offsets: Offset of every value, views and values written in place included.
        lifetimes: Steps of every tensor that has memory of its own (views apart).
        inplace: Each tensor that is written over an operand, and that operand's tensor.
        order: The nodes that run, in order; a step is an index in it.
        live: Bytes needed at each step.
        alignment: Every offset is a multiple of it.
        graph: The graph that it was made for, so that it can be drawn.
    """

    arena_bytes: int
    peak_live_bytes: int
    total_bytes: int
    eager_bytes: int
    peak_step: int
    offsets: Mapping[Value, int]
    lifetimes: Mapping[Value, Lifetime]
    inplace: Mapping[Value, Value]
    order: tuple[str, ...]
    live: tuple[int, ...]
    alignment: int = 1
    graph: Graph | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        """``arena 5.2 MB; largest live set 5.2 MB; ...`` (MB = 10^6 bytes)."""
        sizes = {
            "arena": self.arena_bytes,
            "largest live set": self.peak_live_bytes,
            "without writing in place or reordering": self.eager_bytes,
            "all tensors": self.total_bytes,
        }
        held = (f"{what} {size / 1e6:.2f} MB" for what, size in sizes.items())
        return f"{'; '.join(held)} ({len(self.lifetimes)} tensors)"

    def check(self) -> MemoryPlan:
        """The plan itself, if an independent sweep finds it sound.

        Raises:
            GraphError: Naming the first two tensors that share a byte while both are needed.
        """
        spans = [
            Span(value, start := self.offsets[value], start + held.nbytes, held.first, held.last)
            for value, held in self.lifetimes.items()
        ]
        check_spans(spans, self.arena_bytes, self.inplace, self.alignment)
        return self


def plan_memory(
    graph: Graph,
    *,
    inplace: bool = True,
    schedule: bool = True,
    alignment: int = 1,
    symbols: Mapping[str, int] | None = None,
) -> MemoryPlan:
    """Lifetimes, order and offsets of every tensor that a run of ``graph`` holds, weights apart.

    Args:
        graph: The graph, which stays as it is.
        inplace: Whether results may be written over operands that nobody reads any more.
        schedule: Whether to look for an order with a smaller largest live set than the graph's
            own, which is kept if there is none.
        alignment: Every offset becomes a multiple of it (64 suits SIMD loads).
        symbols: Sizes of symbolic dimensions (``{'N': 1}``).

    Raises:
        GraphError: Naming the values whose size is not known.
        UsageError: If the alignment is not a positive number.
    """
    if alignment < 1:
        raise UsageError(f"alignment must be a positive number of bytes, found {alignment!r}")
    needs = footprint(graph, symbols)
    order = best_order(graph, needs, inplace=inplace) if schedule else needs.order
    return _planned(graph, needs, lifetimes_of(needs, order, inplace=inplace), alignment)


def _planned(graph: Graph, needs: Footprint, held: Lifetimes, alignment: int) -> MemoryPlan:
    """The plan of given lifetimes."""
    buffers = held.buffers()
    wanted = [Buffer(span.first, span.last, span.nbytes) for span in buffers.values()]
    placed = dict(zip(buffers, place(wanted, alignment=alignment), strict=True))
    live = live_bytes(buffers, len(held.order))
    peak = max(live, default=sum(span.nbytes for span in buffers.values()))
    return MemoryPlan(
        arena_bytes=max((placed[v] + span.nbytes for v, span in buffers.items()), default=0),
        peak_live_bytes=peak,
        total_bytes=sum(span.nbytes for span in held.tensors.values()),
        eager_bytes=largest_live_set(needs, needs.order, inplace=False) if live else peak,
        peak_step=live.index(peak) if live else 0,
        offsets=_offsets(held, needs.storage, placed),
        lifetimes=held.tensors,
        inplace=held.inplace,
        order=held.order,
        live=tuple(live),
        alignment=alignment,
        graph=graph,
    )


def _offsets(
    held: Lifetimes, storage: Mapping[Value, Value], placed: Mapping[Value, int]
) -> dict[Value, int]:
    """The offset of every value, from those of the buffers; views lie where their tensor lies."""
    found: dict[Value, int] = {}
    for value in held.tensors:
        over = held.inplace.get(value)
        found[value] = placed[value] if over is None else found[over]
    return found | {view: found[root] for view, root in storage.items()}
