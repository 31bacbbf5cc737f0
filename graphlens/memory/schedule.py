"""An order of execution that lowers the largest live set."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from graphlens.analysis.dataflow import Dataflow
from graphlens.analysis.lifetimes import lifetimes_of, live_bytes
from graphlens.ir.graph import Graph
from graphlens.ir.node import INPUT, OURS, Value


def schedule(
    graph: Graph, flow: Dataflow, sizes: Mapping[Value, int], *, inplace: bool = True
) -> tuple[str, ...]:
    """All nodes in the order with the smallest largest live set among a few candidates.

    The graph's own order wins ties, so that a graph that gains nothing stays as it is. The
    others: greedy list scheduling, the node first that frees the most; and depth first, the
    branch first whose own peak exceeds what it leaves by the most (Sethi and Ullman's numbering
    of expression trees, generalised by Liu 1987, here on a DAG and so without its guarantee).

    Args:
        graph: The graph.
        flow: Its dataflow.
        sizes: Bytes of every value.
        inplace: Whether results may be written over operands.
    """
    best = flow.order
    least = _peak(graph, flow, sizes, best, inplace)
    for made in (_greedy(graph, flow, sizes), _depth_first(graph, flow, sizes)):
        peak = _peak(graph, flow, sizes, made, inplace)
        if peak < least:
            best, least = made, peak
    return best


def _peak(
    graph: Graph, flow: Dataflow, sizes: Mapping[Value, int], order: Sequence[str], inplace: bool
) -> int:
    held = lifetimes_of(graph, flow, sizes, order, inplace=inplace)
    return max(live_bytes(held.buffers(), len(held.order)), default=0)


class _Demand:
    """Which memory each node takes and which it could free."""

    def __init__(self, graph: Graph, flow: Dataflow, sizes: Mapping[Value, int]) -> None:
        pinned = {flow.storage(value) for value in graph.outputs}
        self.takes: dict[str, int] = {}
        self.reads: dict[str, tuple[Value, ...]] = {}
        self.readers: dict[Value, set[str]] = {}
        self.sizes = sizes
        for name in flow.order:
            results = [Value(name, i) for i in range(len(graph.nodes[name]["results"]))]
            own = [v for v in results if v in sizes and v not in flow.root]
            is_input = graph.op(name) == f"{OURS}.{INPUT}"
            self.takes[name] = 0 if is_input else sum(sizes[value] for value in own)
            read = {flow.storage(v) for v in flow.operands[name] if v is not None}
            is_view = Value(name) in flow.root
            kept = [] if is_view else [v for v in read if v in sizes and v not in pinned]
            self.reads[name] = tuple(sorted(kept))
            for value in kept:
                self.readers.setdefault(value, set()).add(name)

    def growth(self, name: str) -> int:
        """Bytes by which the live set grows once the node has run, its dead operands freed."""
        freed = sum(self.sizes[v] for v in self.reads[name] if len(self.readers[v]) == 1)
        return self.takes[name] - freed


def _greedy(graph: Graph, flow: Dataflow, sizes: Mapping[Value, int]) -> tuple[str, ...]:
    """List scheduling: of the nodes that could run, the one after which the least is live."""
    demand = _Demand(graph, flow, sizes)
    position = {name: index for index, name in enumerate(flow.order)}
    waiting = {name: len(graph.pred[name]) for name in flow.order}
    ready = [(demand.growth(n), position[n], n) for n, count in waiting.items() if not count]
    heapq.heapify(ready)
    done: dict[str, None] = {}
    while ready:
        name = heapq.heappop(ready)[2]
        if name in done:
            continue
        done[name] = None
        for reader in graph.succ[name]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, (demand.growth(reader), position[reader], reader))
        for value in demand.reads[name]:
            left = demand.readers[value]
            left.discard(name)
            if len(left) == 1:
                (last,) = left
                if not waiting[last]:
                    heapq.heappush(ready, (demand.growth(last), position[last], last))
    return tuple(done)


def _depth_first(graph: Graph, flow: Dataflow, sizes: Mapping[Value, int]) -> tuple[str, ...]:
    """What the Output needs, the branch that needs the most above what it leaves first."""
    wanted = _branch_order(graph, flow, sizes)
    done: dict[str, None] = {}
    stack = [*reversed(flow.order), graph.output]
    while stack:
        name = stack[-1]
        missing = [p for p in wanted[name] if p not in done]
        if name in done or not missing:
            done.setdefault(stack.pop())
        else:
            stack += reversed(missing)
    return tuple(done)


def _branch_order(graph: Graph, flow: Dataflow, sizes: Mapping[Value, int]) -> dict[str, list[str]]:
    """Each node's producers, in the order in which to compute them."""
    peak: dict[str, int] = {}
    leaves: dict[str, int] = {}
    wanted: dict[str, list[str]] = {}
    for name in flow.order:
        branches = sorted(graph.pred[name], key=lambda p: leaves[p] - peak[p])
        held = most = 0
        for producer in branches:
            most = max(most, held + peak[producer])
            held += leaves[producer]
        results = range(len(graph.nodes[name]["results"]))
        made = sum(sizes.get(Value(name, i), 0) for i in results if Value(name, i) not in flow.root)
        leaves[name] = held if Value(name) in flow.root else made
        peak[name] = max(most, held + made)
        wanted[name] = branches
    return wanted
