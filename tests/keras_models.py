"""Keras models that captures are tested on, seeded, with weights that keep every layer alive."""

from __future__ import annotations

import keras
import numpy as np

APPLICATIONS = ("ResNet50", "MobileNetV2", "EfficientNetB0")


def application(name: str) -> keras.Model:
    """A model of ``keras.applications`` with random weights, as it would be after training.

    With Keras's own initial weights the signal dies out on the way, so that each class gets the
    same probability whatever goes wrong: weights are drawn to keep its size.
    """
    model = getattr(keras.applications, name)(weights=None)
    redraw(model)
    return model


def redraw(model: keras.Model, seed: int = 0) -> None:
    """Draw all weights anew: filters by He et al. (arXiv:1502.01852), norms around identity."""
    draw = np.random.default_rng(seed)
    for variable in model.variables:
        shape, name = variable.shape, variable.name
        if "seed" in name or variable.dtype != "float32":
            continue
        if name in ("kernel", "depthwise_kernel") or len(shape) > 1:
            fan_in = np.prod(shape[:2]) if name == "depthwise_kernel" else np.prod(shape[:-1])
            variable.assign(draw.normal(0, np.sqrt(2 / max(fan_in, 1)), shape))
        elif name in ("gamma", "moving_variance", "variance"):
            variable.assign(draw.uniform(0.7, 1.3, shape))
        else:
            variable.assign(draw.normal(0, 0.1, shape))


def image(model: keras.Model, seed: int = 0) -> np.ndarray:
    """A batch of one for a model of images."""
    shape = [1, *(size or 224 for size in model.inputs[0].shape[1:])]
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def classifier() -> keras.Model:
    """A small convolutional classifier without a name of its own anywhere."""
    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    y = keras.layers.BatchNormalization()(y)
    y = keras.layers.Conv2D(4, 3, strides=2, use_bias=False)(y)
    y = keras.layers.MaxPooling2D()(y) + 1.0
    y = keras.layers.Dropout(0.5)(keras.layers.Flatten()(y))
    return keras.Model(x, keras.layers.Dense(3, activation="softmax")(y))


def transformer_block() -> keras.Model:
    """Attention, LayerNorm and a GELU, with a residual around each half."""
    x = keras.Input((6, 16), name="tokens")
    attended = keras.layers.MultiHeadAttention(2, 8, name="attention")(x, x)
    y = keras.layers.LayerNormalization(name="norm1")(x + attended)
    hidden = keras.layers.Dense(32, activation="gelu", name="up")(y)
    y = keras.layers.LayerNormalization(name="norm2")(y + keras.layers.Dense(16)(hidden))
    return keras.Model(x, y, name="block")


def two_inputs() -> keras.Model:
    """Two named inputs, two outputs, one layer used twice, a model inside the model."""
    left, right = keras.Input((5,), name="left"), keras.Input((5,), name="right")
    shared = keras.layers.Dense(4, name="shared")
    inner_in = keras.Input((4,))
    inner = keras.Model(inner_in, keras.layers.Dense(2, name="head")(inner_in), name="inner")
    joined = keras.layers.Concatenate()([shared(left), shared(right)])
    return keras.Model([left, right], [inner(shared(left)), joined], name="pair")


@keras.saving.register_keras_serializable("graphlens_tests")
class Subclassed(keras.Model):
    """A model written as a class, that says nothing of its inputs."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(4, activation="silu")
        self.second = keras.layers.Dense(2)

    def call(self, features: object, scale: float = 1.0) -> dict[str, object]:
        hidden = self.first(features)
        return {"score": self.second(hidden) * scale, "hidden": hidden}
