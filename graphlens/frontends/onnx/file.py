"""Capture from an ONNX file, or from a model in memory."""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from graphlens.errors import CaptureError, FormatError, UsageError
from graphlens.frontends.onnx.functions import all_nodes, inline, newer_ops
from graphlens.frontends.onnx.read import Reader
from graphlens.frontends.onnx.weights import Weights
from graphlens.frontends.onnx.wire import without_weights
from graphlens.ir.graph import Graph
from graphlens.ops.proto import tensor_type
from graphlens.tensor import UNDEFINED, TensorType


def capture(
    model: str | Path | bytes | onnx.ModelProto,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> Graph:
    """The graph in an ONNX model.

    Nodes of older opsets are brought up to date, functions inlined. Weights are shared with the
    file (external data is mapped, not read). Module paths, source lines and classes that torch's
    exporter or graphlens wrote are kept.

    Args:
        model: A path, the bytes of a file, or a model.
        inputs: Arrays or `TensorType`s that the inputs are to be like: all or none; they fix
            symbolic dimensions.
        kwargs: The same by the inputs' names, any of them.
        dynamic_shapes: Not supported: the file says which dimensions are symbols.

    Raises:
        FormatError: If it is no ONNX model, is broken, or refers to a file outside of its folder.
        CaptureError: If the inputs given do not fit.
        UsageError: If the file does not exist.
    """
    if dynamic_shapes is not None:
        raise UsageError(
            "an ONNX model says itself which sizes are open: dynamic_shapes has no use here"
        )
    proto, weights, title = _read(model)
    versions = _versions(proto, title)
    try:
        _must_be_text(proto)
        inline(proto)
        graph = Graph()
        _about(proto, graph)
        reader = Reader(versions, weights)
        return _named(
            reader.main(proto.graph, _given(proto, inputs, kwargs or {}), graph), proto, title
        )
    except FormatError as error:
        raise FormatError(f"{title}: {error}") from error


def _read(model: str | Path | bytes | onnx.ModelProto) -> tuple[onnx.ModelProto, Weights, str]:
    """The model, what reads its tensors, and its name for messages."""
    if isinstance(model, onnx.ModelProto):
        proto = model
        if model.functions or newer_ops(model):  # they are inlined in place
            proto = onnx.ModelProto()
            proto.CopyFrom(model)
        return proto, Weights(None), model.graph.name or "model"
    if isinstance(model, bytes):
        return _parsed(memoryview(model), None, "model")
    path = Path(model)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    return _parsed(memoryview(content), path.parent, str(path))


def _parsed(
    content: memoryview, folder: Path | None, title: str
) -> tuple[onnx.ModelProto, Weights, str]:
    if not content:
        raise FormatError(f"{title}: the file is empty, expected an ONNX model")
    proto = onnx.ModelProto()
    try:
        light, places = without_weights(content)
        proto.ParseFromString(light)
    except (ValueError, DecodeError):
        places = {}
        try:
            proto.ParseFromString(bytes(content))
        except (DecodeError, RuntimeError) as error:
            raise FormatError(
                f"{title}: not an ONNX model, or truncated: it does not parse ({error})"
            ) from error
    return proto, Weights(folder, content, places), title


def _must_be_text(proto: onnx.ModelProto) -> None:
    """Refuse names that are no UTF-8: protobuf gives them as bytes, and nothing expects that."""
    functions = [node for function in proto.functions for node in function.node]
    nodes = all_nodes([*proto.graph.node, *functions])
    graphs = [proto.graph]
    graphs += [e.g for node in nodes for e in node.attribute if e.type == onnx.AttributeProto.GRAPH]
    names = {entry.domain for entry in proto.opset_import}
    names |= {name for f in proto.functions for name in (f.name, f.domain, *f.input, *f.output)}
    for node in nodes:
        names |= {node.name, node.op_type, node.domain, *node.input, *node.output}
        names.update(entry.name for entry in node.attribute)
        names.update(text for entry in node.metadata_props for text in (entry.key, entry.value))
    for graph in graphs:
        names.add(graph.name)
        for entry in (*graph.input, *graph.output, *graph.value_info):
            names.add(entry.name)
            names.update(dim.dim_param for dim in entry.type.tensor_type.shape.dim)
        for tensor in graph.initializer:
            names.add(tensor.name)
            names.update(text for e in tensor.external_data for text in (e.key, e.value))
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise FormatError(f"a name in it is no text: {min(wrong)!r}")


def _versions(proto: onnx.ModelProto, title: str) -> dict[str, int]:
    if not proto.HasField("graph") or not (proto.graph.node or proto.graph.output):
        raise FormatError(f"{title}: not an ONNX model: it has no graph")
    versions = {
        "" if entry.domain == "ai.onnx" else entry.domain: entry.version
        for entry in proto.opset_import
    }
    newest = onnx.defs.onnx_opset_version()
    if not versions and proto.ir_version < 3:
        versions[""] = 1
    if "" not in versions and not _speaks_onnx(proto):
        versions[""] = newest
    if not 1 <= versions.get("", 0) <= newest:
        raise FormatError(
            f"{title}: it is written for opset {versions.get('', 'none')} of ONNX, "
            f"and opsets 1 to {newest} are known here: a newer onnx package may know it"
        )
    return versions


def _speaks_onnx(proto: onnx.ModelProto) -> bool:
    return any(node.domain in ("", "ai.onnx") for node in proto.graph.node)


def _about(proto: onnx.ModelProto, graph: Graph) -> None:
    """What the file says of the graph as a whole."""
    held = {entry.key: entry.value for entry in proto.metadata_props}
    if "graphlens" in held:
        try:
            about = json.loads(held["graphlens"])
        except (ValueError, RecursionError):
            about = None
        if isinstance(about, dict):
            graph.graph.update(about)
    graph.graph.setdefault("capture", "onnx")


def _named(graph: Graph, proto: onnx.ModelProto, title: str) -> Graph:
    """The graph with a name to show, and with its Params in the scopes of their modules."""
    scopes = graph.scopes
    name = proto.graph.name
    if name in _ANONYMOUS:
        name = scopes.get("", "") or Path(title).stem
    graph.graph.setdefault("name", name)
    for param in graph.params:
        path = param.rpartition(".")[0]
        if path and path in scopes:
            graph.update_node(param, scope=path)
    return graph


_ANONYMOUS = frozenset({"", "main_graph", "torch_jit", "torch-jit-export"})
"""What exporters call every graph."""


def _given(
    proto: onnx.ModelProto, inputs: Sequence[Any], named: Mapping[str, Any]
) -> list[TensorType] | None:
    """The types of the inputs, where any is given."""
    if not inputs and not named:
        return None
    weights = {tensor.name for tensor in proto.graph.initializer}
    entries = {entry.name: entry for entry in proto.graph.input if entry.name not in weights}
    names = list(entries)
    if (inputs and len(names) != len(inputs)) or any(name not in entries for name in named):
        found = [*(f"{len(inputs)} by place" for _ in inputs[:1]), *map(repr, named)]
        raise CaptureError(f"the model takes {len(names)} inputs {names}, given {', '.join(found)}")
    given = dict(zip(names, inputs, strict=False))  # all of them, or none
    twice = [name for name in named if name in given]
    if twice:
        raise CaptureError(f"inputs {twice} are given by place and by name")
    given |= named
    return [_fitted(entry, given.get(name)) for name, entry in entries.items()]


def _fitted(entry: onnx.ValueInfoProto, given: Any | None) -> TensorType:
    """The type of an input: that of what is given for it, else what the model states."""
    stated = tensor_type(entry.type)
    held = stated if given is None else _type_of(given)
    if not _fits(held, stated):
        raise CaptureError(f"input {entry.name!r} of the model is {stated}, given {held}")
    return held


def _fits(given: TensorType, stated: TensorType) -> bool:
    """Whether a type is the stated one with symbols and unknown parts made definite."""
    if stated.dtype not in (UNDEFINED, given.dtype):
        return False
    if stated.shape is None or given.shape is None:
        return True
    return len(stated.shape) == len(given.shape) and all(
        isinstance(dim, str) or dim == other
        for dim, other in zip(stated.shape, given.shape, strict=True)
    )


def _type_of(given: Any) -> TensorType:
    if isinstance(given, TensorType):
        return given
    array = np.asarray(given)
    return TensorType(str(array.dtype), tuple(array.shape))
