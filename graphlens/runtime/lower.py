"""A Graph as an ONNX model, in memory or as a file that is written whole or not at all."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
import onnx

from graphlens.errors import GraphError
from graphlens.files import atomic
from graphlens.ir.graph import Graph
from graphlens.ops.proto import NUMBERS, field_header
from graphlens.runtime.entries import put
from graphlens.runtime.lowering import Lowered, lower

_INLINE_LIMIT = 2**31 - 2**26
"""Bytes of weights up to which they are written into the file itself; a protobuf ends at 2 GiB."""

_PAGE = 4096
"""Where a tensor may start in the file beside: then a reader can map it."""


def to_onnx(graph: Graph) -> onnx.ModelProto:
    """The graph as a self-contained ONNX model at `ops.schema.OPSET`.

    A value is named as its node, or ``node:1`` for result 1 and so on. Regions are inlined; a
    Param without a value becomes a graph input, so that nothing is made up. Module paths, sources
    and origins go along as metadata.

    Raises:
        GraphError: If the weights do not fit into one protobuf (2 GiB; `save_onnx` has no such
            limit), or a node has no ONNX form.
    """
    total = sum(array.nbytes for array in graph.weights.values())
    if total > _INLINE_LIMIT:
        raise GraphError(
            f"{graph!r}: {total} bytes of weights do not fit into one ONNX model in memory, "
            "which holds 2 GiB; save it to a file instead"
        )
    return lower(graph).model


def save_onnx(graph: Graph, path: str | Path) -> None:
    """Write the graph as an ONNX file; weights of more than 2 GB go into ``<path>.data`` beside.

    Raises:
        GraphError: If a node has no ONNX form, or ONNX's checker refuses what was made.
        UsageError: If the file cannot be written.
    """
    target = Path(path)
    try:
        lowered = lower(graph, outside=True)
    except UnicodeEncodeError as error:
        raise GraphError(
            f"{graph!r} makes no ONNX file: its name {error.object!r} is no text in UTF-8; "
            "rename it, or save the graph as .json"
        ) from error
    _check(lowered.model, graph)
    total = sum(array.nbytes for array in lowered.outside.values())
    with ExitStack() as stack:
        if total > _INLINE_LIMIT:
            beside = stack.enter_context(atomic(target.with_name(f"{target.name}.data")))
            with beside.open("wb") as file:
                _write_beside(lowered, file, f"{target.name}.data")
        draft = stack.enter_context(atomic(target))
        with draft.open("wb") as file:
            if total > _INLINE_LIMIT:
                file.write(lowered.model.SerializeToString())
            else:
                _write_whole(lowered, file)


def _check(model: onnx.ModelProto, graph: Graph) -> None:
    """ONNX's own check of all but the weights, which are as they were."""
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise GraphError(f"{graph!r} makes no valid ONNX model: {first}") from error


def _take_tensors(lowered: Lowered) -> list[onnx.TensorProto]:
    """Take all initializers out of the model, those that stand as inputs among them, still empty.

    They are in the order of the graph's nodes, so that a load gives them back so.
    """
    graph, outside = lowered.model.graph, lowered.outside
    place = {name: index for index, name in enumerate(lowered.names.values())}
    tensors = list(graph.initializer)
    for entry in [entry for entry in graph.input if entry.name in outside]:
        array = outside[entry.name]
        tensors.append(
            onnx.TensorProto(
                name=entry.name,
                data_type=NUMBERS[str(array.dtype)],
                dims=array.shape,
                metadata_props=entry.metadata_props,
            )
        )
    kept = [entry for entry in graph.input if entry.name not in outside]
    del graph.input[:], graph.initializer[:]
    graph.input.extend(kept)
    return sorted(tensors, key=lambda tensor: place.get(tensor.name, len(place)))


def _write_whole(lowered: Lowered, file: BinaryIO) -> None:
    """Write the model, its weights straight from their arrays.

    Setting ``raw_data`` and serializing would copy them twice. A message is a list of fields, and
    a field is a tag, a length and the content (protobuf.dev/programming-guides/encoding): here come
    the model's fields but for the graph, and then the graph, its initializers last.
    """
    tensors = _take_tensors(lowered)
    graph = lowered.model.graph.SerializeToString()
    lowered.model.ClearField("graph")
    heads: list[tuple[bytes, np.ndarray | None]] = []
    for tensor in tensors:
        array = lowered.outside.get(tensor.name)
        head = tensor.SerializeToString()
        size = 0 if array is None else array.nbytes
        if array is not None:
            head += field_header(_RAW_DATA, size)
        heads.append((field_header(_INITIALIZER, len(head) + size) + head, array))
    length = sum(len(head) + (0 if array is None else array.nbytes) for head, array in heads)
    file.write(lowered.model.SerializeToString())
    file.write(field_header(_GRAPH, len(graph) + length) + graph)
    for head, array in heads:
        file.write(head)
        if array is not None:
            file.write(_bytes_of(array))


_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
"""Numbers of ModelProto.graph, GraphProto.initializer and TensorProto.raw_data."""


def _write_beside(lowered: Lowered, file: BinaryIO, location: str) -> None:
    tensors = _take_tensors(lowered)
    for tensor in tensors:
        array = lowered.outside.get(tensor.name)
        if array is None:
            continue
        file.write(b"\0" * (-file.tell() % _PAGE))
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", file.tell())):
            put(tensor.external_data, key, str(value))
        put(tensor.external_data, "length", str(array.nbytes))
        file.write(_bytes_of(array))
    lowered.model.graph.initializer.extend(tensors)


def _bytes_of(array: np.ndarray) -> memoryview:
    """An array's bytes, little end first; copied only if they are not so already."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8).data
