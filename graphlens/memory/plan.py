"""A memory plan: when each tensor lives, where it lies in one arena, and how good that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from graphlens.analysis.footprint import Footprint, footprint
from graphlens.analysis.frame import NO_FRAME, Frame
from graphlens.analysis.lifetimes import Lifetime, Lifetimes, bodies, lifetimes_of
from graphlens.display import Shown
from graphlens.errors import UsageError
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.memory.arena import Buffer, arena_size, place
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
        live: Bytes needed at each step, those of the bodies that run in it included.
        bodies: The plan of each region of an If, Loop or Scan, by node and name of the region:
            what it holds while the node runs, in the same arena; one iteration's tensors lie
            where the last one's lay, and the branches of an If where one another's do. Its
            ``arena_bytes`` are the bytes of that part of the arena.
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
    bodies: Mapping[str, Mapping[str, MemoryPlan]] = field(default_factory=dict)
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
        return f"{'; '.join(held)} ({self.tensors} tensors)"

    @property
    def tensors(self) -> int:
        """How many tensors have memory of their own, those of one run of each body included."""
        inner = (body for held in self.bodies.values() for body in held.values())
        return len(self.lifetimes) + sum(body.tensors for body in inner)

    def spans(self) -> list[Span]:
        """Where and when each tensor of this graph, bodies apart, keeps its bytes."""
        return [
            Span(value, start := self.offsets[value], start + held.nbytes, held.first, held.last)
            for value, held in self.lifetimes.items()
        ]

    def check(self) -> MemoryPlan:
        """The plan itself, if an independent sweep finds it sound.

        Raises:
            GraphError: Naming the first two tensors that share a byte while both are needed.
        """
        _check(self, (), self.arena_bytes)
        return self


def _check(plan: MemoryPlan, around: Sequence[Span], arena_bytes: int) -> None:
    """See that a plan is sound beside tensors that are needed as long as it runs."""
    end = max(len(plan.order) - 1, 0)
    spans = plan.spans()
    beside = [span._replace(first=0, last=end) for span in around]
    check_spans([*spans, *beside], arena_bytes, plan.inplace, plan.alignment)
    for name, regions in plan.bodies.items():
        step = plan.order.index(name)
        needed = [span for span in spans if span.first <= step <= span.last]
        for body in regions.values():
            shared = _shared(plan, name, body)
            held = [
                span._replace(value=Value(f"{span.value.node} outside {name}", span.value.result))
                for span in needed
                if span.value not in shared
            ]
            _check(body, [*around, *held], arena_bytes)


def _shared(plan: MemoryPlan, name: str, body: MemoryPlan) -> set[Value]:
    """Results of a node whose very bytes its body works in, and what they are written over."""
    places = {span[1:3] for span in body.spans()}
    found = {v for v in plan.lifetimes if v.node == name}
    found = {
        value
        for value in found
        if (start := plan.offsets[value], start + plan.lifetimes[value].nbytes) in places
    }
    return found | {plan.inplace[value] for value in found if value in plan.inplace}


@dataclass(frozen=True, slots=True)
class _Options:
    """What a plan is made by, in bodies too."""

    inplace: bool
    schedule: bool
    alignment: int
    symbols: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A plan whose offsets count from its own start, for where that will be is not known yet."""

    graph: Graph
    needs: Footprint
    held: Lifetimes
    placed: Mapping[Value, int]
    rooms: Mapping[str, int]
    bodies: Mapping[str, Mapping[str, _Draft]]
    size: int
    eager: int


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
    options = _Options(inplace, schedule, alignment, symbols)
    return _settled(_drafted(graph, NO_FRAME, options), 0, {}, alignment)


def _drafted(graph: Graph, around: Frame, options: _Options) -> _Draft:
    """The plan of a graph or body, those of its bodies made first."""
    needs = footprint(graph, options.symbols, around)
    inner = {
        name: {key: _drafted(body, each, options) for key, body, each in found}
        for name, found in bodies(graph, needs, options.symbols).items()
    }
    eager = {name: max(body.eager for body in held.values()) for name, held in inner.items()}
    live = {name: max(body.held.peak for body in held.values()) for name, held in inner.items()}
    eager_needs, needs = replace(needs, inner=eager), replace(needs, inner=live)
    order = needs.order
    if options.schedule:
        order = best_order(graph, needs, inplace=options.inplace)
    held = lifetimes_of(needs, order, inplace=options.inplace)
    wanted = {v: Buffer(span.first, span.last, span.nbytes) for v, span in held.buffers().items()}
    steps = {name: step for step, name in enumerate(held.order)}
    rooms = {
        name: Buffer(steps[name], steps[name], max(body.size for body in found.values()))
        for name, found in inner.items()
    }
    every = [*wanted.values(), *rooms.values()]
    placed = place(every, alignment=options.alignment)
    return _Draft(
        graph,
        needs,
        held,
        dict(zip(wanted, placed, strict=False)),
        dict(zip(rooms, placed[len(wanted) :], strict=True)),
        inner,
        arena_size(every, placed),
        largest_live_set(eager_needs, needs.order, inplace=False),
    )


def _settled(draft: _Draft, base: int, homes: Mapping[int, int], alignment: int) -> MemoryPlan:
    """The plan of a draft that starts at ``base``, its node's results at the offsets ``homes``."""
    held = draft.held
    live = held.live()
    offsets = _offsets(draft, base, homes)
    inner = {
        name: {
            key: _settled(
                body,
                base + draft.rooms[name],
                {value.result: at for value, at in offsets.items() if value.node == name},
                alignment,
            )
            for key, body in found.items()
        }
        for name, found in draft.bodies.items()
    }
    apart = sum(body.total_bytes for found in inner.values() for body in found.values())
    return MemoryPlan(
        arena_bytes=draft.size,
        peak_live_bytes=held.peak,
        total_bytes=apart + sum(span.nbytes for span in held.tensors.values()),
        eager_bytes=draft.eager,
        peak_step=live.index(held.peak) if live else 0,
        offsets=offsets,
        lifetimes=held.tensors,
        inplace=held.inplace,
        order=held.order,
        live=tuple(live),
        alignment=alignment,
        bodies=inner,
        graph=draft.graph,
    )


def _offsets(draft: _Draft, base: int, homes: Mapping[int, int]) -> dict[Value, int]:
    """The offset of every value, from those of the buffers; views lie where their tensor lies."""
    held = draft.held
    found: dict[Value, int] = {}
    for value in held.tensors:
        if value in held.inplace:
            found[value] = found[held.inplace[value]]
        elif value in held.homes:
            found[value] = homes[held.homes[value]]
        else:
            found[value] = base + draft.placed[value]
    return found | {view: found[root] for view, root in draft.needs.storage.items()}
