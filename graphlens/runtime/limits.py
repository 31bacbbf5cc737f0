"""Refusing to run what cannot be run to its end: a file from strangers may fill any memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphlens.ir.graph import Graph, walk
from graphlens.ir.node import OURS, Node, Value
from graphlens.ops.infer import infer
from graphlens.runtime.session import NoKernelError
from graphlens.tensor import UNKNOWN, TensorType


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


def must_fit(graph: Graph, arrays: Sequence[Any]) -> None:
    """Refuse inputs from which a graph of symbolic sizes makes a tensor too large.

    Raises:
        NoKernelError: Naming the node.
    """
    if all(each.nbytes is not None for f in graph.nodes.values() for each in f["results"]):
        return
    given = dict(zip(graph.inputs, arrays, strict=True))
    types: dict[Value, TensorType] = {}
    for name in graph.in_order():
        node = graph.node(name)
        for index, made in enumerate(_made(graph, name, node, types, given)):
            types[Value(name, index)] = made
            if (made.nbytes or 0) > LARGEST:
                raise NoKernelError(
                    f"{name} ({graph.op(name)}) makes {made.nbytes} bytes of these inputs, "
                    f"more than half of this machine's memory ({LARGEST} bytes)"
                )


def _made(
    graph: Graph,
    name: str,
    node: Node,
    types: Mapping[Value, TensorType],
    given: Mapping[str, Any],
) -> tuple[TensorType, ...]:
    """The types of a node's results, once the sizes of the inputs are known."""
    if isinstance(given.get(name), np.ndarray):
        return (TensorType(node.results[0].dtype, given[name].shape),)
    if node.domain == OURS or node.regions or all(r.nbytes is not None for r in node.results):
        return node.results
    operands = graph.operands(name)
    held = [None if each is None else types.get(each, UNKNOWN) for each in operands]
    values = [None if each is None else graph.value_of(each) for each in operands]
    return infer(node, held, values, len(node.results))


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
