"""A Graph as an ONNX model, in memory or as a file that is written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
import onnx

from graphlens.errors import GraphError
from graphlens.files import atomic
from graphlens.ir.graph import Graph
from graphlens.ops.proto import tensor_type, type_proto
from graphlens.runtime.lowering import lower
from graphlens.runtime.origin import put
from graphlens.tensor import TensorType

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
                _write_beside(lowered.model, lowered.outside, file, f"{target.name}.data")
        else:
            _put_inside(lowered.model, lowered.outside)
        draft = stack.enter_context(atomic(target))
        draft.write_bytes(lowered.model.SerializeToString())


def _check(model: onnx.ModelProto, graph: Graph) -> None:
    """ONNX's own check of all but the weights, which are as they were."""
    light = onnx.ModelProto()
    light.CopyFrom(model)
    kept = [entry for entry in light.graph.initializer if not entry.external_data]
    for entry in light.graph.initializer:
        if entry.external_data:
            held = onnx.TypeProto()
            held.tensor_type.elem_type = entry.data_type
            shaped = TensorType(tensor_type(held).dtype, tuple(entry.dims))
            light.graph.input.add(name=entry.name).type.CopyFrom(type_proto(shaped))
    del light.graph.initializer[:]
    light.graph.initializer.extend(kept)
    try:
        onnx.checker.check_model(light)
    except (onnx.checker.ValidationError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise GraphError(f"{graph!r} makes no valid ONNX model: {first}") from error


def _put_inside(model: onnx.ModelProto, arrays: Mapping[str, np.ndarray]) -> None:
    for entry in model.graph.initializer:
        array = arrays.get(entry.name)
        if array is not None:
            entry.ClearField("external_data")
            entry.ClearField("data_location")
            entry.raw_data = _little_endian(array).tobytes()


def _write_beside(
    model: onnx.ModelProto, arrays: Mapping[str, np.ndarray], file: BinaryIO, location: str
) -> None:
    for entry in model.graph.initializer:
        array = arrays.get(entry.name)
        if array is None:
            continue
        file.write(b"\0" * (-file.tell() % _PAGE))
        entry.ClearField("external_data")
        for key, value in (("location", location), ("offset", file.tell())):
            put(entry.external_data, key, str(value))
        put(entry.external_data, "length", str(array.nbytes))
        file.write(np.ascontiguousarray(_little_endian(array)).view(np.uint8).data)


def _little_endian(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)
