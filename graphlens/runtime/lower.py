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
from graphlens.ops.proto import NUMBERS
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
    lowered = lower(graph, outside=True)
    _check(lowered.model, graph)
    total = sum(array.nbytes for array in lowered.outside.values())
    with ExitStack() as stack:
        if total > _INLINE_LIMIT:
            beside = stack.enter_context(atomic(target.with_name(f"{target.name}.data")))
            with beside.open("wb") as file:
                _write_beside(lowered, file, f"{target.name}.data")
        else:
            _put_inside(lowered)
        draft = stack.enter_context(atomic(target))
        draft.write_bytes(lowered.model.SerializeToString())


def _check(model: onnx.ModelProto, graph: Graph) -> None:
    """ONNX's own check of all but the weights, which are as they were."""
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise GraphError(f"{graph!r} makes no valid ONNX model: {first}") from error


def _stored(lowered: Lowered) -> list[onnx.TensorProto]:
    """Turn the inputs that stand for weights into initializers, and return these, still empty.

    All initializers end up in the order of the graph's nodes, so that a load gives them back so.
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
    graph.initializer.extend(sorted(tensors, key=lambda it: place.get(it.name, len(place))))
    return [tensor for tensor in graph.initializer if tensor.name in outside]


def _put_inside(lowered: Lowered) -> None:
    for tensor in _stored(lowered):
        tensor.raw_data = _little_endian(lowered.outside[tensor.name]).tobytes()


def _write_beside(lowered: Lowered, file: BinaryIO, location: str) -> None:
    for tensor in _stored(lowered):
        array = lowered.outside[tensor.name]
        file.write(b"\0" * (-file.tell() % _PAGE))
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", file.tell())):
            put(tensor.external_data, key, str(value))
        put(tensor.external_data, "length", str(array.nbytes))
        file.write(np.ascontiguousarray(_little_endian(array)).reshape(-1).view(np.uint8).data)


def _little_endian(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)
