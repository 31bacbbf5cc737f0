"""What a TensorFlow graph is fed, by place and by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from graphlens.errors import CaptureError
from graphlens.frontends.input_types import DynamicShapes, named_sizes, type_given, with_symbols
from graphlens.frontends.tf_types import type_of
from graphlens.tensor import TensorType


@dataclass(frozen=True)
class Feeds:
    """What a model is fed, as `tf_graph.capture` takes it.

    Attributes:
        inputs: Values or types by place.
        named: The same by name.
        dynamic: Symbols for axes of the inputs.
    """

    inputs: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    dynamic: DynamicShapes = None


def spec_of(held: TensorType, name: str | None = None) -> tf.TensorSpec:
    """A TF TensorSpec of that type; symbols become sizes left open."""
    shape = held.shape
    dims = None if shape is None else [dim if isinstance(dim, int) else None for dim in shape]
    return tf.TensorSpec(dims, held.dtype, name=name)


def fitted(tensor: tf.Tensor, given: Any | None, name: str, asked: Mapping[int, str]) -> TensorType:
    """The type of a graph's input: that of the input given for it, or its own with symbols.

    Raises:
        CaptureError: If what is given does not fit.
    """
    own = type_of(tensor)
    if given is None:
        return named_sizes(with_symbols(own, asked), name)
    held = type_given(given)
    if held.dtype != own.dtype or not tensor.shape.is_compatible_with(spec_of(held).shape):
        raise CaptureError(f"input {name!r} takes {own}, not the {held} given")
    return with_symbols(held, asked)
