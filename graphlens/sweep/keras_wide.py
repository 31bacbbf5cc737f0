"""A Keras model in float64, whatever its backend."""

from __future__ import annotations

import json
from typing import Any

_NARROW, _WIDE = '"float32"', '"float64"'


def is_keras(model: Any) -> bool:
    """Whether a model is Keras's, by its type."""
    return any(base.__module__.partition(".")[0] == "keras" for base in type(model).__mro__)


def widened(model: Any) -> Any:
    """The same model with each layer computing in float64, its weights those of the given one.

    Keras holds each layer to the dtype of its config, so that a cast of the weights alone would
    be undone.

    Raises:
        TypeError: (or whatever Keras raises) If its config cannot say all that it is.
    """
    config = json.loads(json.dumps(model.get_config()).replace(_NARROW, _WIDE))
    made = type(model).from_config(config)
    made.set_weights(model.get_weights())
    return made
