"""Whether what is given to a graph fits its Inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphlens.errors import RunError
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.proto import NUMBERS, is_container
from graphlens.runtime.feeds import dtype_of
from graphlens.tensor import UNDEFINED, TensorType


def check_inputs(graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    """The inputs as arrays (a sequence as a list of them) that fit the graph's Inputs.

    Raises:
        RunError: Saying which input does not fit, what it is and what was expected.
    """
    names = graph.inputs
    if len(inputs) != len(names):
        wanted = ", ".join(f"{name}: {graph.type_of(Value(name))}" for name in names)
        raise RunError(f"{graph!r} takes {len(names)} inputs ({wanted}), given {len(inputs)}")
    sizes: dict[str, int] = {}
    return [
        _fitting(name, graph.type_of(Value(name)), given, sizes)
        for name, given in zip(names, inputs, strict=True)
    ]


def _fitting(name: str, held: TensorType, given: Any, sizes: dict[str, int]) -> Any:
    if is_container(held):
        return _container(name, held, given)
    array = _as_array(name, held, given)
    dtype = dtype_of(array)
    found = f"{dtype}{list(array.shape)}"
    if (held.dtype != UNDEFINED and dtype != held.dtype) or dtype not in NUMBERS:
        raise RunError(f"input {name!r} is {found}, expected {held}")
    if held.shape is None:
        return array
    if len(held.shape) != array.ndim:
        raise RunError(f"input {name!r} is {found}, expected {held}: another number of axes")
    for axis, (dim, size) in enumerate(zip(held.shape, array.shape, strict=True)):
        known = dim if isinstance(dim, int) else sizes.setdefault(dim, size)
        if known != size and dim != "?" and (isinstance(dim, int) or dim.isidentifier()):
            told = "" if isinstance(dim, int) else f" ({dim} is {known} in another input)"
            raise RunError(f"input {name!r} is {found}, expected {held}: axis {axis}{told}")
    return array


def _as_array(name: str, held: TensorType, given: Any) -> np.ndarray:
    """Anything array-like as an array; only what has no dtype of its own is converted."""
    try:
        array = np.asarray(given)
        if not hasattr(given, "dtype") and held.dtype not in (UNDEFINED, "string"):
            array = array.astype(held.dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"input {name!r}: {type(given).__name__} is no array: {error}") from error
    return array


def _container(name: str, held: TensorType, given: Any) -> Any:
    """A sequence, optional or map: its elements are arrays of the type that it says."""
    kind, _, inner = held.dtype.partition("_of_")
    element = held.with_dtype(inner)
    if kind == "optional":
        if given is None:
            return None
        return _fitting(name, element, given, {})
    if kind == "sequence" and isinstance(given, list | tuple):
        return [_fitting(f"{name}[{i}]", element, each, {}) for i, each in enumerate(given)]
    if kind == "map" and isinstance(given, dict):
        return given
    raise RunError(f"input {name!r} is a {type(given).__name__}, expected {held}")
