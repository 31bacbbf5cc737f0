"""A model's own functions, inlined; refused where they have no end."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import onnx
from onnx import inliner

from graphlens.errors import FormatError
from graphlens.ops.schema import OPSET, schema

_MOST_NODES = 2_000_000
"""Nodes that a model's functions may unfold to: 40 bytes of nested functions can make 2**40."""


def inline(proto: onnx.ModelProto) -> None:
    """Inline the model's own functions, in place; the weights stay out of it.

    Of ONNX, those of newer opsets than ours are inlined, too: as ONNX defines them.
    """
    newer = newer_ops(proto)
    if not proto.functions and not newer:
        return
    _must_unfold(proto)
    _mark_versions(proto)
    weights = list(proto.graph.initializer)
    del proto.graph.initializer[:]
    try:
        flat = inliner.inline_local_functions(proto) if proto.functions else proto
    except (RuntimeError, ValueError) as error:
        raise FormatError(f"its functions cannot be inlined: {error}") from error
    if newer:
        # what the inliner does not take (an optional operand left out) stays a node of that name
        with contextlib.suppress(RuntimeError, ValueError):
            flat = inliner.inline_selected_functions(flat, newer, inline_schema_functions=True)
    graph = onnx.GraphProto()
    graph.CopyFrom(flat.graph)
    del proto.functions[:]
    proto.graph.CopyFrom(graph)
    proto.graph.initializer.extend(weights)


def newer_ops(proto: onnx.ModelProto) -> list[tuple[str, str]]:
    """Ops of the model that ONNX has at a newer opset only, and defines by other ops."""
    if all(entry.version <= OPSET for entry in proto.opset_import if not entry.domain):
        return []
    found: dict[tuple[str, str], None] = {}
    for node in all_nodes([*proto.graph.node, *(n for f in proto.functions for n in f.node)]):
        if not node.domain and schema(node.op_type) is None:
            found[node.domain, node.op_type] = None
    return list(found)


VERSION = "opset of its function"
"""The metadata key of a node that was written for another opset than its model."""


def _mark_versions(proto: onnx.ModelProto) -> None:
    """Let functions of another opset be inlined: their nodes say which they are written for."""
    spoken = {entry.domain: entry.version for entry in proto.opset_import}
    for function in proto.functions:
        for entry in function.opset_import:
            if entry.version == spoken.setdefault(entry.domain, entry.version):
                continue
            if entry.domain in ("", "ai.onnx"):
                for node in all_nodes(function.node):
                    node.metadata_props.add(key=VERSION, value=str(entry.version))
            entry.version = spoken[entry.domain]


def version_of(node: onnx.NodeProto, usual: int) -> int:
    """The opset that a node was written for; that of its model, unless it was inlined."""
    for entry in node.metadata_props:
        if entry.key == VERSION and entry.value.isdecimal():
            return int(entry.value)
    return usual


def _must_unfold(proto: onnx.ModelProto) -> None:
    """Refuse functions that call themselves or unfold to more nodes than anyone can look at."""
    bodies = {(function.domain, function.name): function for function in proto.functions}
    sizes: dict[tuple[str, str], int] = {}
    waiting = list(bodies)
    opened: set[tuple[str, str]] = set()
    while waiting:
        key = waiting[-1]
        called = [(node.domain, node.op_type) for node in all_nodes(bodies[key].node)]
        missing = [name for name in called if name in bodies and name not in sizes]
        if missing and key in opened:
            raise FormatError(f"the function {key[1]!r} calls itself")
        if missing:
            opened.add(key)
            waiting += missing
            continue
        sizes[key] = sum(sizes.get(name, 1) for name in called)
        waiting.pop()
    total = sum(sizes.get((n.domain, n.op_type), 1) for n in all_nodes(proto.graph.node))
    if total > _MOST_NODES:
        raise FormatError(f"its functions unfold to {total} nodes, more than {_MOST_NODES}")


def all_nodes(nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The nodes and those of their subgraphs."""
    found: list[onnx.NodeProto] = []
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        found.append(node)
        for entry in node.attribute:
            if entry.type == onnx.AttributeProto.GRAPH:
                waiting += list(entry.g.node)
    return found
