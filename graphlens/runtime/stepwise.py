"""Running a model node by node, for models that ONNX Runtime does not take as a whole.

Each node runs in ONNX Runtime if that has a kernel for it and in ONNX's reference evaluator if
not, so that one op without a kernel does not make the whole model slow. The ops on integers that
the former rounds run in the latter.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import onnx

from graphlens.errors import RunError
from graphlens.ops.proto import array_of, reads, tensor_type
from graphlens.runtime.control import run_control
from graphlens.runtime.feeds import told, type_of_feed
from graphlens.runtime.rounding import ROUNDED
from graphlens.runtime.session import NoKernelError, Reference, compiled


def run_stepwise(
    model: onnx.ModelProto, outside: Mapping[str, np.ndarray], feeds: Mapping[str, Any]
) -> list[Any]:
    """The outputs of a model, its nodes run one at a time and dead values let go.

    Args:
        model: What to run.
        outside: Inputs that are its weights.
        feeds: Its inputs by name.

    Raises:
        NoKernelError: If no evaluator knows a node.
        RunError: If a node fails; the message names it.
    """
    graph = model.graph
    held: dict[str, Any] = {**feeds, **outside}
    for tensor in graph.initializer:
        if tensor.name not in held:
            held[tensor.name] = array_of(tensor)
    wanted = [entry.name for entry in graph.output]
    last = {name: index for index, node in enumerate(graph.node) for name in reads(node)}
    for index, node in enumerate(graph.node):
        held.update(step(model, node, held))
        for name in reads(node):
            if last[name] == index and name not in wanted:
                held.pop(name, None)
    return [held[name] for name in wanted]


def step(model: onnx.ModelProto, node: onnx.NodeProto, held: Mapping[str, Any]) -> dict[str, Any]:
    """The results of one node by name.

    Args:
        model: Where the node is from: its opsets count.
        node: What to run.
        held: At least the values that it reads, by name.

    Raises:
        NoKernelError: If no evaluator knows the node.
        RunError: If it fails.
    """
    given = reads(node)
    alias = {name: f"i{index}" for index, name in enumerate(given)}
    small = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    copy = small.graph.node.add()
    copy.CopyFrom(node)
    copy.ClearField("name")
    copy.ClearField("metadata_props")
    small.graph.name = "step"
    closed = not any(entry.type == onnx.AttributeProto.GRAPH for entry in node.attribute)
    if closed:  # then equal nodes are one session, whatever their values are called
        copy.input[:] = [alias.get(name, "") for name in node.input]
        copy.output[:] = [f"o{i}" if name else "" for i, name in enumerate(node.output)]
    feeds = {alias[name] if closed else name: held[name] for name in given}
    for name, array in feeds.items():
        small.graph.input.add(name=name).type.CopyFrom(type_of_feed(array))
    small.graph.output.extend(onnx.ValueInfoProto(name=name) for name in copy.output if name)
    try:
        made = _evaluate(node, small.SerializeToString(deterministic=True), feeds)
    except RunError:
        if closed:
            raise
        made = _controlled(model, node, held)  # the bodies' own nodes can be run one by one too
    return dict(zip((name for name in node.output if name), made, strict=True))


def _controlled(model: onnx.ModelProto, node: onnx.NodeProto, held: Mapping[str, Any]) -> list[Any]:
    """The results of an If, Loop or Scan, its bodies run node by node."""
    bodies = {e.name: e.g for e in node.attribute if e.type == onnx.AttributeProto.GRAPH}
    operands = [held[name] if name else None for name in node.input]
    *_, last = bodies.values()
    returned = [tensor_type(entry.type) for entry in last.output][node.op_type == "Loop" :]
    runs = {key: partial(_run_body, model, body, held) for key, body in bodies.items()}
    return run_control(node, operands, runs, returned)


def _run_body(
    model: onnx.ModelProto, body: onnx.GraphProto, outer: Mapping[str, Any], given: Sequence[Any]
) -> list[Any]:
    inner = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    inner.graph.CopyFrom(body)
    formals = zip((entry.name for entry in body.input), map(np.asarray, given), strict=True)
    return run_stepwise(inner, {}, {**outer, **dict(formals)})


def _evaluate(node: onnx.NodeProto, serialized: bytes, feeds: Mapping[str, Any]) -> list[Any]:
    where = f"{node.name!r} ({node.domain}{'.' if node.domain else ''}{node.op_type})"
    session, reference, reason = compiled(serialized)
    if session is None and reference is None:
        raise NoKernelError(f"{where}: {reason}")
    kind, failure = RunError, ""
    if node.op_type == "DFT" or (
        node.op_type in ROUNDED and all(np.asarray(v).dtype.kind in "iu" for v in feeds.values())
    ):
        with contextlib.suppress(RunError):  # negative exponents: those ONNX Runtime knows
            return _exactly(serialized, feeds)
    if session is not None:
        try:
            return session(feeds)
        except RunError as error:  # some kernels refuse cases that the standard allows
            kind, failure = type(error), str(error)  # the error itself would hold all values
    try:
        reference = reference or Reference(onnx.ModelProto.FromString(serialized))
        return reference(feeds)
    except RunError as error:
        shapes = ", ".join(map(told, feeds.values()))
        kind = kind if failure else type(error)
        raise kind(f"{where} on {shapes}: {failure or error}") from error


def _exactly(serialized: bytes, feeds: Mapping[str, Any]) -> list[Any]:
    """By the reference evaluator, which makes some sums wider than the standard says."""
    dtype = next(iter(feeds.values())).dtype
    made = Reference(onnx.ModelProto.FromString(serialized))(feeds)
    return [result.astype(dtype, copy=False) for result in made]
