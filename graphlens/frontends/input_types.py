"""Types of the inputs given to a model, and symbols of the sizes that they leave open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphlens.errors import CaptureError
from graphlens.tensor import Dim, TensorType

DynamicShapes = Mapping[str, Any] | Sequence[Any] | None
"""Symbols of the axes of each input, by name or by place: ``{'x': {0: 'N'}}``, ``[{0: 'N'}]``."""


def type_given(value: Any) -> TensorType:
    """The type of an input given: an array, a tensor, a TensorSpec or a TensorType.

    Raises:
        CaptureError: If it is none of those.
    """
    if isinstance(value, TensorType):
        return value
    if type(value).__name__.removesuffix("Spec") in _COMPOSITE:
        raise CaptureError(
            f"an input is a {type(value).__name__}, which is several tensors: give the model its "
            "parts (values and row splits, or indices), and put them together inside"
        )
    if hasattr(getattr(value, "shape", None), "rank"):  # TF's TensorSpec or Tensor
        dims = None if value.shape.rank is None else value.shape.as_list()
        shape = None if dims is None else tuple("?" if dim is None else dim for dim in dims)
        return TensorType(value.dtype.name, shape)
    kind = type(value).__name__
    if not hasattr(value, "shape"):
        value = np.asarray(value)
    dtype = getattr(value.dtype, "name", None) or str(value.dtype).removeprefix("torch.")
    if dtype == "object" and not _is_text(value):
        raise CaptureError(
            f"an input of type {kind} is no tensor: give arrays, tensors or TensorTypes"
        )
    if dtype.startswith(("object", "str", "bytes")):
        dtype = "string"
    return TensorType(dtype, tuple(int(dim) for dim in value.shape))


_COMPOSITE = frozenset({"RaggedTensor", "SparseTensor", "IndexedSlices", "EagerRaggedTensor"})


def _is_text(value: Any) -> bool:
    return all(isinstance(item, str | bytes) for item in np.asarray(value, object).ravel())


def symbols(dynamic: DynamicShapes, index: int, name: str) -> dict[int, str]:
    """The symbols asked for the axes of one input, by axis."""
    if dynamic is None:
        return {}
    if isinstance(dynamic, Mapping):
        asked = dynamic.get(name)
    else:
        asked = dynamic[index] if index < len(dynamic) else None
    if asked is None:
        return {}
    pairs = asked.items() if isinstance(asked, Mapping) else enumerate(asked)
    return {axis: _symbol(symbol) for axis, symbol in pairs if symbol is not None}


def _symbol(symbol: Any) -> str:
    return symbol if isinstance(symbol, str) else getattr(symbol, "__name__", str(symbol))


def with_symbols(held: TensorType, asked: Mapping[int, str]) -> TensorType:
    """The type with symbols for some axes.

    Raises:
        CaptureError: If there is no such axis.
    """
    if not asked:
        return held
    rank = held.rank or 0
    wrong = [axis for axis in asked if not -rank <= axis < rank]
    if wrong:
        raise CaptureError(f"dynamic_shapes names axes {wrong} of an input of type {held}")
    named = {axis % rank: symbol for axis, symbol in asked.items()}
    shape: tuple[Dim, ...] = held.shape or ()
    return held.with_shape(tuple(named.get(axis, dim) for axis, dim in enumerate(shape)))


def named_sizes(held: TensorType, name: str) -> TensorType:
    """Symbols for sizes left open: ``'N'`` for the first axis (TF's batch), else name and axis."""
    if held.shape is None:
        return held
    return held.with_shape(
        tuple(
            dim if dim != "?" else ("N" if axis == 0 else f"{name.replace('.', '_')}_{axis}")
            for axis, dim in enumerate(held.shape)
        )
    )
