"""All of keras.applications, with seeded random weights, on images as small as each takes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from graphlens.sweep.subject import Subject

_SIDES = {"NASNet": 224, "InceptionResNetV2": 96, "InceptionV3": 96, "Xception": 72}
_SMALL = 64
_ORDER = ("MobileNet", "NASNetMobile", "EfficientNetB0", "EfficientNetV2B", "DenseNet", "ResNet50")
"""Those with few weights, which come first."""


def names() -> list[str]:
    """Every model that it has."""
    found = [
        name
        for name, maker in vars(keras.applications).items()
        if name[:1].isupper() and callable(maker)
    ]
    return sorted(found, key=lambda name: (_place(name), name))


def _place(name: str) -> int:
    return next((i for i, start in enumerate(_ORDER) if name.startswith(start)), len(_ORDER))


def build(name: str) -> Subject:
    """The model, without its classifier where that fixes the size of the image, and an image."""
    keras.utils.set_random_seed(0)
    side = next((size for key, size in _SIDES.items() if name.startswith(key)), _SMALL)
    maker: Any = getattr(keras.applications, name)
    if name == "NASNetLarge":
        side = 331
    model = maker(weights=None, input_shape=(side, side, 3))
    image = np.random.default_rng(0).random((1, side, side, 3), np.float32)
    return Subject(model, (keras.ops.convert_to_tensor(image),), about=f"{side} px")
