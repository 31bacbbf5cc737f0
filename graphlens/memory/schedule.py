"""An order of execution that lowers the largest live set."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from graphlens.analysis.footprint import Footprint
from graphlens.analysis.lifetimes import lifetimes_of
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value


def schedule(graph: Graph, held: Footprint, *, inplace: bool = True) -> tuple[str, ...]:
    """All nodes in the order with the smallest largest live set among a few candidates.

    The graph's own order wins ties, so that a graph that gains nothing stays as it is, and it is
    not compared with others if one node by itself needs as much as its largest live set. The
    others: greedy list scheduling, the node first that frees the most; and depth first, the
    branch first whose own peak exceeds what it leaves by the most (Sethi and Ullman's numbering
    of expression trees, generalised by Liu, SIAM J. Algebraic Discrete Methods 8 (1987), here on
    a DAG and so without its guarantee).

    Args:
        graph: The graph.
        held: Its footprint.
        inplace: Whether results may be written over operands.
    """
    best = held.order
    least = largest_live_set(held, best, inplace=inplace)
    for candidate in (_greedy, _depth_first):
        if least <= _largest_node(held, inplace=inplace):
            break
        order = candidate(graph, held)
        peak = largest_live_set(held, order, inplace=inplace)
        if peak < least:
            best, least = order, peak
    return best


def largest_live_set(held: Footprint, order: Sequence[str], *, inplace: bool = True) -> int:
    """The most bytes needed in any one step of an order of all nodes."""
    return lifetimes_of(held, order, inplace=inplace).peak


def _largest_node(held: Footprint, *, inplace: bool) -> int:
    """The most bytes that a node by itself reads and makes: needed in every order."""
    most = 0
    for name, made in held.makes.items():
        over = held.over if inplace else {}
        kept = [*held.reads[name], *(value for value in made if value not in over)]
        inner = held.inner.get(name, 0)
        most = max(
            most, inner + sum(held.sizes[value] for value in kept if value not in held.homes)
        )
    return most


class _Growth:
    """By how much the live set grows once a node has run, as the run goes on."""

    def __init__(self, held: Footprint) -> None:
        self._held = held
        self._readers: dict[Value, set[str]] = {}
        for name, read in held.reads.items():
            for value in read:
                if value not in held.outputs:
                    self._readers.setdefault(value, set()).add(name)

    def of(self, name: str) -> int:
        """What the node makes, less what nobody reads after it."""
        sizes = self._held.sizes
        made = sum(sizes[value] for value in self._held.makes.get(name, ()))
        read = self._held.reads.get(name, ())
        return made - sum(sizes[v] for v in read if len(self._readers.get(v, ())) == 1)

    def ran(self, name: str) -> list[str]:
        """Note that a node has run; returns those that became the last reader of something."""
        last: list[str] = []
        for value in self._held.reads.get(name, ()):
            left = self._readers.get(value)
            if left is not None:
                left.discard(name)
                last += left if len(left) == 1 else ()
        return last


def _greedy(graph: Graph, held: Footprint) -> tuple[str, ...]:
    """List scheduling: of the nodes that could run, the one after which the least is live."""
    growth = _Growth(held)
    position = {name: index for index, name in enumerate(held.order)}
    waiting = {name: len(graph.pred[name]) for name in held.order}
    ready = [(growth.of(name), position[name], name) for name, n in waiting.items() if not n]
    heapq.heapify(ready)
    done: dict[str, None] = {}
    while ready:
        name = heapq.heappop(ready)[2]
        if name in done:
            continue
        done[name] = None
        for reader in graph.succ[name]:
            waiting[reader] -= 1
        cheaper = [*graph.succ[name], *growth.ran(name)]
        for other in cheaper:
            if not waiting[other] and other not in done:
                heapq.heappush(ready, (growth.of(other), position[other], other))
    return tuple(done)


def _depth_first(graph: Graph, held: Footprint) -> tuple[str, ...]:
    """What the Output needs, the branch that needs the most above what it leaves first."""
    wanted = _branch_order(graph, held)
    done: dict[str, None] = {}
    stack = [*reversed(held.order), graph.output]
    while stack:
        name = stack[-1]
        missing = [producer for producer in wanted[name] if producer not in done]
        if name in done or not missing:
            done.setdefault(stack.pop())
        else:
            stack += reversed(missing)
    return tuple(done)


def _branch_order(graph: Graph, held: Footprint) -> dict[str, list[str]]:
    """Each node's producers, in the order in which to compute them."""
    peak: dict[str, int] = {}
    leaves: dict[str, int] = {}
    wanted: dict[str, list[str]] = {}
    for name in held.order:
        spare = {producer: leaves[producer] - peak[producer] for producer in graph.pred[name]}
        branches = sorted(spare, key=spare.__getitem__)
        live = most = 0
        for producer in branches:
            most = max(most, live + peak[producer])
            live += leaves[producer]
        made = sum(held.sizes[value] for value in held.makes.get(name, ()))
        leaves[name] = made if made or name not in held.makes else live
        peak[name] = max(most, live + made)
        wanted[name] = branches
    return wanted
