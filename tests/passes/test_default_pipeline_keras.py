"""The default pipeline on what Keras spells out: norms over weights, attention by einsum, GELU."""

from __future__ import annotations

import importlib

import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

from graphlens.frontends.keras.model import capture  # noqa: E402
from graphlens.passes import DEFAULT  # noqa: E402
from graphlens.passes.history import History  # noqa: E402
from graphlens.passes.pipeline import run  # noqa: E402

pytestmark = [
    pytest.mark.tensorflow,
    # TensorFlow warns of its own deprecations when it is imported
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def optimised(model: object) -> History:
    modules = [importlib.import_module(f"graphlens.passes.{name}") for name in DEFAULT]
    return run(capture(model), [getattr(m, n) for m, n in zip(modules, DEFAULT, strict=True)])


def kernels(history: History) -> list[str]:
    after = history.after
    return [
        after.nodes[name]["attributes"].get("kind", after.op(name))
        for name in after
        if not after.node(name).is_structural and after.op(name) != "Reshape"
    ]


def test_attention_layer_norm_and_gelu_are_recognised() -> None:
    keras.utils.set_random_seed(0)
    tokens = keras.Input((6, 32))
    seen = keras.layers.MultiHeadAttention(4, 8)(tokens, tokens)
    normed = keras.layers.LayerNormalization()(seen + tokens)
    history = optimised(keras.Model(tokens, keras.layers.Dense(16, activation="gelu")(normed)))
    assert history.result.status == "proven"
    assert kernels(history) == [
        "(MatMul+Add+Transpose) x3",
        "Attention+Transpose",
        "MatMul+Add x2",
        "LayerNormalization",
        "MatMul+Add+Gelu",
    ]


def test_norms_fold_into_convolutions_of_either_kind() -> None:
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3))
    wide = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(image)
    wide = keras.layers.ReLU()(keras.layers.BatchNormalization()(wide))
    deep = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(wide)
    deep = keras.layers.Activation("silu")(keras.layers.BatchNormalization()(deep))
    flat = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()([wide, deep]))
    history = optimised(keras.Model(image, keras.layers.Dense(4)(flat)))
    assert history.result.status == "proven"
    assert kernels(history) == ["Conv+Relu", "Conv+Swish+Add", "ReduceMean", "MatMul+Add"]
