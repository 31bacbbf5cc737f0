"""One call of a Keras model: the model, and the flat inputs that it is called with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from graphlens.tensor import TensorType


@dataclass(frozen=True)
class Call:
    """How a model is called.

    Attributes:
        model: The model or layer.
        struct: The structure of its arguments, of which the inputs are the leaves.
        names: Names of the inputs.
        types: Types of the inputs.
        words: Further arguments, as they are.
    """

    model: Any
    struct: list[Any]
    names: tuple[str, ...]
    types: tuple[TensorType, ...]
    words: Mapping[str, Any]

    def __call__(self, *tensors: Any) -> Any:
        """What the model returns in inference."""
        training = {"training": False} if self.model._call_has_training_arg else {}
        arguments: Sequence[Any] = keras.tree.pack_sequence_as(self.struct, list(tensors))
        return self.model(*arguments, **{**training, **self.words})
