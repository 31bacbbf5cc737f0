"""Every layer of Keras by itself: its configuration and the shapes that it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from graphlens.sweep.subject import CannotBuildError, Subject

_LINE, _IMAGE, _VOLUME = (2, 8, 4), (2, 8, 8, 4), (2, 6, 6, 6, 2)
_PHOTO = (2, 16, 16, 3)
_RANKS = {"1D": _LINE, "2D": _IMAGE, "3D": _VOLUME}

Case = tuple[Mapping[str, Any], tuple[Any, ...]]
"""Arguments of the layer's class, and the shape (or array, or list of shapes) of each input."""


def _whole(*shape: int, top: int = 10) -> np.ndarray:
    return np.random.default_rng(0).integers(0, top, shape)


_CONV = {"filters": 4, "kernel_size": 3}
_CASES: Mapping[str, Case] = {
    **dict.fromkeys(("AlphaDropout", "Dropout", "GaussianDropout"), ({"rate": 0.5}, (_LINE,))),
    "GaussianNoise": ({"stddev": 1.0}, (_LINE,)),
    "Activation": ({"activation": "gelu"}, (_LINE,)),
    "AdditiveAttention": ({}, ([(2, 4, 8), (2, 6, 8)],)),
    "Attention": ({}, ([(2, 4, 8), (2, 6, 8)],)),
    "BatchNormalization": ({}, (_IMAGE,)),
    "CategoryEncoding": ({"num_tokens": 10, "output_mode": "one_hot"}, (_whole(6),)),
    "CenterCrop": ({"height": 4, "width": 6}, (_PHOTO,)),
    "Concatenate": ({}, ([_LINE, _LINE],)),
    "Dense": ({"units": 5, "activation": "relu"}, (_LINE,)),
    "Discretization": ({"bin_boundaries": [-0.5, 0.0, 0.5]}, (_LINE,)),
    "Dot": ({"axes": 1}, ([(2, 5), (2, 5)],)),
    "EinsumDense": ({"equation": "abc,cd->abd", "output_shape": (8, 5), "bias_axes": "d"},
                    (_LINE,)),
    "Embedding": ({"input_dim": 10, "output_dim": 4}, (_whole(2, 6),)),
    "GroupNormalization": ({"groups": 2}, (_IMAGE,)),
    "GroupQueryAttention": ({"head_dim": 4, "num_query_heads": 4, "num_key_value_heads": 2},
                            ((2, 4, 8), (2, 6, 8))),
    "GRU": ({"units": 5, "return_sequences": True}, (_LINE,)),
    "GRUCell": ({"units": 5}, ((2, 4), (2, 5))),
    "HashedCrossing": ({"num_bins": 5}, ([_whole(4), _whole(4)],)),
    "Hashing": ({"num_bins": 5}, (_whole(4),)),
    "LSTM": ({"units": 5, "return_sequences": True}, (_LINE,)),
    "LSTMCell": ({"units": 5}, ((2, 4), [(2, 5), (2, 5)])),
    "LayerNormalization": ({}, (_LINE,)),
    "Masking": ({}, (_LINE,)),
    "MelSpectrogram": ({"num_mel_bins": 8, "sampling_rate": 8000, "sequence_stride": 64,
                        "fft_length": 128}, ((2, 1024),)),
    "MultiHeadAttention": ({"num_heads": 2, "key_dim": 4}, ((2, 4, 8), (2, 6, 8))),
    "Normalization": ({"mean": 0.5, "variance": 2.0}, (_LINE,)),
    "Permute": ({"dims": (2, 1)}, (_LINE,)),
    "RepeatVector": ({"n": 3}, ((2, 5),)),
    "Rescaling": ({"scale": 0.5, "offset": 1.0}, (_PHOTO,)),
    "Reshape": ({"target_shape": (4, 8)}, (_LINE,)),
    "Resizing": ({"height": 12, "width": 10}, (_PHOTO,)),
    "ReversibleEmbedding": ({"input_dim": 10, "output_dim": 4}, (_whole(2, 6),)),
    "SimpleRNN": ({"units": 5, "return_sequences": True}, (_LINE,)),
    "SimpleRNNCell": ({"units": 5}, ((2, 4), (2, 5))),
    "Solarization": ({"value_range": (0, 1)}, (_PHOTO,)),
    "STFTSpectrogram": ({"mode": "log", "frame_length": 64, "frame_step": 32, "fft_length": 64},
                        ((2, 512, 1),)),
    "UnitNormalization": ({}, (_LINE,)),
    "ConvLSTM1D": (_CONV, ((2, 3, 8, 4),)),
    "ConvLSTM2D": (_CONV, ((2, 3, 8, 8, 2),)),
    "ConvLSTM3D": (_CONV, ((1, 2, 5, 5, 5, 2),)),
    "RandomCrop": ({"height": 8, "width": 8}, (_PHOTO,)),
}  # fmt: skip

_LAZY: Mapping[str, Callable[[], Case]] = {
    "Bidirectional": lambda: ({"layer": keras.layers.LSTM(4, return_sequences=True)}, (_LINE,)),
    "Lambda": lambda: ({"function": keras.ops.sin}, (_LINE,)),
    "RNN": lambda: ({"cell": keras.layers.GRUCell(4)}, (_LINE,)),
    "StackedRNNCells": lambda: (
        {"cells": [keras.layers.GRUCell(4), keras.layers.GRUCell(5)]},
        ((2, 4), [(2, 4), (2, 5)]),
    ),
    "SpectralNormalization": lambda: ({"layer": keras.layers.Dense(4)}, (_LINE,)),
    "TimeDistributed": lambda: ({"layer": keras.layers.Dense(4)}, (_LINE,)),
    "Pipeline": lambda: (
        {"layers": [keras.layers.Rescaling(0.5), keras.layers.CenterCrop(4, 4)]},
        (_PHOTO,),
    ),
}

_KINDS: Mapping[str, Mapping[str, Any]] = {
    "Separable": _CONV, "Depthwise": {"kernel_size": 3}, "Conv": _CONV,
    "Adaptive": {"output_size": 2}, "Cropping": {"cropping": 1}, "Average": {"pool_size": 2},
    "Spatial": {"rate": 0.5},
}  # fmt: skip
"""Arguments of those that are numbered by rank, by how they are called."""

_PAIRS = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")
_PLAIN = (
    "ActivityRegularization", "ELU", "Flatten", "Identity", "LeakyReLU", "PReLU", "ReLU",
    "RMSNormalization", "Softmax",
)  # fmt: skip
_PHOTOS = (
    "AugMix", "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix",
    "Equalization", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration",
    "RandomColorJitter", "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip",
    "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective",
    "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear",
    "RandomTranslation", "RandomZoom",
)  # fmt: skip
_BY_FACTOR = frozenset(
    """
    RandomBrightness RandomColorDegeneration RandomContrast RandomHue RandomRotation
    RandomSaturation RandomSharpness
    """.split()  # noqa: SIM905
)
_FACTORS: Mapping[str, Mapping[str, Any]] = {
    **{name: {"factor": 0.2} for name in sorted(_BY_FACTOR)},
    "RandomPosterization": {"factor": 4},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2},
    "RandomZoom": {"height_factor": 0.2},
}
_NOT_SWEPT = frozenset(
    """
    FlaxLayer InputLayer InputSpec IntegerLookup JaxLayer Layer MaxNumBoundingBoxes StringLookup
    TFSMLayer TextVectorization TorchModuleWrapper Wrapper
    """.split()  # noqa: SIM905
)
"""Bases, wrappers of other frameworks, and layers of strings, which no tensor goes through."""


def names() -> list[str]:
    """Every layer that is one, under its first name; it is the table's task to know them all."""
    found: dict[type, str] = {}
    for name, kind in sorted(vars(keras.layers).items()):
        if isinstance(kind, type) and name not in _NOT_SWEPT:
            found.setdefault(kind, name)
    return list(found.values())


def build(name: str) -> Subject:
    """The layer, and arrays of the shapes that its case has.

    Raises:
        CannotBuildError: If the table has no case for it.
    """
    keras.utils.set_random_seed(0)
    options, shapes = _case(name)
    layer = getattr(keras.layers, name)(**options)
    draw = np.random.default_rng(0)
    inputs = tuple(_filled(shape, draw) for shape in shapes)
    return Subject(layer, inputs, about=str(dict(options)) if name in _CASES else "")


def _case(name: str) -> Case:
    if name in _CASES:
        return _CASES[name]
    if name in _LAZY:
        return _LAZY[name]()
    if name in _PLAIN:
        return {}, (_LINE,)
    if name in _PAIRS:
        return {}, ([_LINE, _LINE],)
    if name in _PHOTOS:
        return _FACTORS.get(name, {}), (_PHOTO,)
    for rank, shape in _RANKS.items():
        if rank in name:
            kind = next((key for key in _KINDS if name.startswith(key)), "")
            return _KINDS.get(kind, {}), (shape,)
    raise CannotBuildError(f"no example is known for the layer {name!r}")


def _filled(shape: Any, draw: np.random.Generator) -> Any:
    """Tensors in the place of shapes."""
    if isinstance(shape, list):
        return [_filled(each, draw) for each in shape]
    array = shape if isinstance(shape, np.ndarray) else draw.random(shape, np.float32)
    return keras.ops.convert_to_tensor(array)
