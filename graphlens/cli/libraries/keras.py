"""``keras:NAME``: a model of keras.applications with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from graphlens.cli.libraries.named import made, unknown


def model(name: str, options: Mapping[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The model; a Keras model knows its inputs.

    Raises:
        UsageError: If there is no model of that name, or it takes no such option.
    """
    makers = {
        key: value
        for key, value in vars(keras.applications).items()
        if key[:1].isupper() and callable(value)
    }
    if name not in makers:
        raise unknown("keras", name, makers)
    keras.utils.set_random_seed(0)
    return made("keras", name, makers[name], {"weights": None, **options}), (), {}
