"""The nodes of an ONNX graph in an order in which they can run."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence

import onnx

from graphlens.errors import FormatError
from graphlens.ops.proto import reads


def in_order(nodes: Sequence[onnx.NodeProto], given: Collection[str]) -> Iterable[onnx.NodeProto]:
    """The nodes, operands first: as they are in a well formed file.

    Args:
        nodes: The nodes of one graph.
        given: Names of the values that are there before any node runs.

    Raises:
        FormatError: If there is a cycle, naming values on it, or a value that nothing makes.
    """
    made = set(given)
    for node in nodes:
        if any(name not in made for name in reads(node)):
            return _sorted(nodes, given)
        made.update(node.output)
    return nodes


def _sorted(nodes: Sequence[onnx.NodeProto], given: Collection[str]) -> Iterable[onnx.NodeProto]:
    producer = {name: i for i, node in enumerate(nodes) for name in node.output if name}
    waiting: list[int] = []
    readers: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        before = {producer[name] for name in reads(node) if name in producer and name not in given}
        waiting.append(len(before))
        for number in before:
            readers.setdefault(number, []).append(index)
    ready = [index for index, count in enumerate(waiting) if not count]
    done: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        done.append(index)
        for reader in readers.get(index, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    if len(done) < len(nodes):
        left = [title_of(nodes[index]) for index, count in enumerate(waiting) if count]
        raise FormatError(f"the graph has a cycle, through or before {left[:6]}")
    return [nodes[index] for index in done]


def title_of(node: onnx.NodeProto) -> str:
    """A name for a node that has none: its first result's."""
    return next((name for name in node.output if name), node.op_type.lower())
