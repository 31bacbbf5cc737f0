"""Whether two lowered graphs are the same computation, so that running one says what both give."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import onnx

from graphlens.runtime.lowering import Lowered


def fingerprint(lowered: Lowered) -> bytes | None:
    """The same bytes for the same ops on the same weights, whatever their names and order.

    A Merkle hash (Merkle 1987): of each node, from its op, attributes and what it reads, to the
    outputs. Weights outside of the model count by the identity of their arrays, so the fingerprint
    holds while these live. None where a node has subgraphs, whose inner names are not looked at.
    """
    graph = lowered.model.graph
    held: dict[str, bytes] = {}
    for index, entry in enumerate(graph.input):
        array = lowered.outside.get(entry.name)
        own = f"input {index}" if array is None else f"array {id(array)}"
        held[entry.name] = _hash([own.encode(), entry.type.SerializeToString()])
    for tensor in graph.initializer:
        content = [str(tensor.data_type), str(list(tensor.dims))]
        raw = tensor.raw_data or b"".join(tensor.string_data)
        held[tensor.name] = _hash([*(it.encode() for it in content), raw])
    for node in graph.node:
        if any(entry.type == onnx.AttributeProto.GRAPH for entry in node.attribute):
            return None
        own = _hash(
            [
                f"{node.domain}.{node.op_type}".encode(),
                *sorted(entry.SerializeToString() for entry in node.attribute),
                *(held.get(name, b"") for name in node.input),
            ]
        )
        for index, name in enumerate(node.output):
            held[name] = _hash([own, str(index).encode()])
    return _hash(held[entry.name] for entry in graph.output)


def _hash(parts: Iterable[bytes]) -> bytes:
    made = hashlib.blake2b(digest_size=20)
    for part in parts:
        made.update(len(part).to_bytes(8, "little"))
        made.update(part)
    return made.digest()
