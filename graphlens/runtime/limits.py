"""Refusing to run what cannot be run to its end: a file from strangers may fill any memory."""

from __future__ import annotations

import os

import numpy as np

from graphlens.ir.graph import Graph, walk
from graphlens.ir.node import Value
from graphlens.runtime.session import NoKernelError


def must_end(graph: Graph) -> None:
    """Refuse a graph with a tensor too large for this machine, or a Loop that never ends.

    Raises:
        NoKernelError: Naming the node.
    """
    for path, held in walk(graph):
        for name, fields in held.nodes.items():
            needed = max((result.nbytes or 0 for result in fields["results"]), default=0)
            if needed > LARGEST:
                raise NoKernelError(
                    f"{path}{name} ({held.op(name)}) makes {needed} bytes, "
                    f"more than half of this machine's memory ({LARGEST} bytes)"
                )
            if fields["op"] == "Loop" and not fields["domain"]:
                _loop_must_end(held, name, f"{path}{name} (Loop)")


def _loop_must_end(graph: Graph, name: str, where: str) -> None:
    most, goes_on = graph.operands(name)[:2]
    trips = graph.value_of(most)
    if trips is not None and trips.size == 1 and trips.item() > _MOST_TRIPS:
        raise NoKernelError(f"{where} goes round {trips.item()} times")
    first = graph.value_of(goes_on)
    if most is None and not (first is not None and not np.any(first)):
        body = graph.nodes[name]["regions"]["body"]
        if _never_false(body):
            raise NoKernelError(f"{where} has no end: it has no count, and its condition stays")


def _never_false(body: Graph) -> bool:
    """Whether a body hands on the condition that it is given, or one that is always true."""
    value = body.outputs[0]
    while body.op(value.node) == "Identity":
        inner = body.operands(value.node)[0]
        if inner is None:
            return False
        value = inner
    held = body.value_of(value)
    return value == Value(body.inputs[1]) or (held is not None and bool(np.all(held)))


def _memory() -> int:
    """Bytes of memory of this machine; on systems that do not tell, what a model may ask for."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**35


LARGEST = _memory() // 2
"""Bytes up to which one tensor may be made."""

_MOST_TRIPS = 10**7
"""Rounds of a Loop, of a number that stands in the graph, up to which it is run."""
