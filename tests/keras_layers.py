"""Every layer of Keras by itself: how it is made, and what it is called on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

L = keras.layers
DRAW = np.random.default_rng(0)


def image(*shape: int) -> np.ndarray:
    """Floats of both signs."""
    return DRAW.standard_normal(shape, np.float32)


def pixels(*shape: int) -> np.ndarray:
    """Floats from 0 to 255."""
    return DRAW.uniform(0, 255, shape).astype(np.float32)


def tokens(*shape: int) -> np.ndarray:
    """Whole numbers from 0 to 6."""
    return DRAW.integers(0, 7, shape).astype(np.int32)


WORDS = np.array(["a", "b", "zz", "c"])
SIGNAL = image(2, 9, 4)
PLANE = image(2, 8, 7, 4)
SPACE = image(2, 5, 6, 7, 4)
PAIR = [image(2, 5, 4), image(2, 5, 4)]


def _adapted(layer: Any, *given: Any) -> Any:
    layer.adapt(*given)
    return layer


LAYERS: dict[str, tuple[Callable[[], Any], tuple[Any, ...]]] = {
    "Activation": (lambda: L.Activation("gelu"), (SIGNAL,)),
    "ActivityRegularization": (lambda: L.ActivityRegularization(0.1), (SIGNAL,)),
    "AdaptiveAveragePooling1D": (lambda: L.AdaptiveAveragePooling1D(4), (SIGNAL,)),
    "AdaptiveAveragePooling2D": (lambda: L.AdaptiveAveragePooling2D((3, 2)), (PLANE,)),
    "AdaptiveAveragePooling3D": (lambda: L.AdaptiveAveragePooling3D((2, 3, 4)), (SPACE,)),
    "AdaptiveMaxPooling1D": (lambda: L.AdaptiveMaxPooling1D(4), (SIGNAL,)),
    "AdaptiveMaxPooling2D": (lambda: L.AdaptiveMaxPooling2D((3, 2)), (PLANE,)),
    "AdaptiveMaxPooling3D": (lambda: L.AdaptiveMaxPooling3D((2, 3, 4)), (SPACE,)),
    "Add": (L.Add, (PAIR,)),
    "AdditiveAttention": (L.AdditiveAttention, (PAIR,)),
    "AlphaDropout": (lambda: L.AlphaDropout(0.5), (SIGNAL,)),
    "Attention": (lambda: L.Attention(use_scale=True), (PAIR,)),
    "AugMix": (L.AugMix, (pixels(2, 8, 8, 3),)),
    "AutoContrast": (L.AutoContrast, (pixels(2, 8, 8, 3),)),
    "Average": (L.Average, (PAIR,)),
    "AveragePooling1D": (lambda: L.AveragePooling1D(3, padding="same"), (SIGNAL,)),
    "AveragePooling2D": (lambda: L.AveragePooling2D(3, 2, padding="same"), (PLANE,)),
    "AveragePooling3D": (lambda: L.AveragePooling3D(2), (SPACE,)),
    "BatchNormalization": (L.BatchNormalization, (PLANE,)),
    "Bidirectional": (lambda: L.Bidirectional(L.LSTM(3, return_sequences=True)), (SIGNAL,)),
    "CategoryEncoding": (lambda: L.CategoryEncoding(7, output_mode="count"), (tokens(3, 4),)),
    "CenterCrop": (lambda: L.CenterCrop(4, 5), (PLANE,)),
    "Concatenate": (lambda: L.Concatenate(1), (PAIR,)),
    "ContrastLimitedAdaptiveHistogramEqualization": (
        L.ContrastLimitedAdaptiveHistogramEqualization,
        (pixels(1, 16, 16, 3),),
    ),
    "Conv1D": (lambda: L.Conv1D(4, 3, padding="causal", dilation_rate=2), (SIGNAL,)),
    "Conv1DTranspose": (lambda: L.Conv1DTranspose(3, 3, 2), (SIGNAL,)),
    "Conv2D": (lambda: L.Conv2D(6, 3, 2, padding="same", groups=2), (PLANE,)),
    "Conv2DTranspose": (lambda: L.Conv2DTranspose(3, 3, 2, padding="same"), (PLANE,)),
    "Conv3D": (lambda: L.Conv3D(3, 2, padding="same"), (SPACE,)),
    "Conv3DTranspose": (lambda: L.Conv3DTranspose(3, 2, 2), (SPACE,)),
    "ConvLSTM1D": (lambda: L.ConvLSTM1D(2, 3), (image(2, 3, 8, 2),)),
    "ConvLSTM2D": (lambda: L.ConvLSTM2D(2, 3, padding="same"), (image(2, 3, 5, 5, 2),)),
    "ConvLSTM3D": (lambda: L.ConvLSTM3D(2, 2), (image(1, 2, 3, 4, 5, 2),)),
    "Cropping1D": (lambda: L.Cropping1D((1, 2)), (SIGNAL,)),
    "Cropping2D": (lambda: L.Cropping2D(1), (PLANE,)),
    "Cropping3D": (lambda: L.Cropping3D(1), (SPACE,)),
    "CutMix": (L.CutMix, (pixels(2, 8, 8, 3),)),
    "Dense": (lambda: L.Dense(5, activation="selu"), (SIGNAL,)),
    "DepthwiseConv1D": (lambda: L.DepthwiseConv1D(3, depth_multiplier=2), (SIGNAL,)),
    "DepthwiseConv2D": (lambda: L.DepthwiseConv2D(3, depth_multiplier=2), (PLANE,)),
    "Discretization": (lambda: L.Discretization([-0.5, 0.0, 0.5]), (SIGNAL,)),
    "Dot": (lambda: L.Dot(axes=(2, 2), normalize=True), (PAIR,)),
    "Dropout": (lambda: L.Dropout(0.5), (SIGNAL,)),
    "ELU": (lambda: L.ELU(0.7), (SIGNAL,)),
    "EinsumDense": (lambda: L.EinsumDense("abc,cd->abd", (None, 6), bias_axes="d"), (SIGNAL,)),
    "Embedding": (lambda: L.Embedding(7, 3), (tokens(2, 5),)),
    "Equalization": (L.Equalization, (pixels(1, 8, 8, 3),)),
    "Flatten": (L.Flatten, (PLANE,)),
    "GRU": (lambda: L.GRU(3, return_sequences=True, go_backwards=True), (SIGNAL,)),
    "GRUCell": (lambda: L.GRUCell(3), (image(2, 4), [image(2, 3)])),
    "GaussianDropout": (lambda: L.GaussianDropout(0.5), (SIGNAL,)),
    "GaussianNoise": (lambda: L.GaussianNoise(0.5), (SIGNAL,)),
    "GlobalAveragePooling1D": (L.GlobalAveragePooling1D, (SIGNAL,)),
    "GlobalAveragePooling2D": (lambda: L.GlobalAveragePooling2D(keepdims=True), (PLANE,)),
    "GlobalAveragePooling3D": (L.GlobalAveragePooling3D, (SPACE,)),
    "GlobalMaxPooling1D": (L.GlobalMaxPooling1D, (SIGNAL,)),
    "GlobalMaxPooling2D": (L.GlobalMaxPooling2D, (PLANE,)),
    "GlobalMaxPooling3D": (L.GlobalMaxPooling3D, (SPACE,)),
    "GroupNormalization": (lambda: L.GroupNormalization(2), (PLANE,)),
    "GroupedQueryAttention": (lambda: L.GroupQueryAttention(4, 4, 2), (SIGNAL, SIGNAL)),
    "HashedCrossing": (lambda: L.HashedCrossing(5), ((WORDS, tokens(4)),)),
    "Hashing": (lambda: L.Hashing(3), (WORDS[:, None],)),
    "Identity": (L.Identity, (SIGNAL,)),
    "IntegerLookup": (lambda: L.IntegerLookup(vocabulary=[3, 5, 1]), (tokens(3, 4),)),
    "LSTM": (lambda: L.LSTM(3, return_state=True), (SIGNAL,)),
    "LSTMCell": (lambda: L.LSTMCell(3), (image(2, 4), [image(2, 3), image(2, 3)])),
    "Lambda": (lambda: L.Lambda(lambda x: x * 2 + 1), (SIGNAL,)),
    "LayerNormalization": (L.LayerNormalization, (SIGNAL,)),
    "LeakyReLU": (lambda: L.LeakyReLU(0.2), (SIGNAL,)),
    "Masking": (L.Masking, (SIGNAL * (SIGNAL > 0),)),
    "MaxNumBoundingBoxes": (
        lambda: L.MaxNumBoundingBoxes(3, bounding_box_format="xyxy"),
        (
            {
                "images": pixels(2, 8, 8, 3),
                "bounding_boxes": {"boxes": pixels(2, 5, 4), "labels": tokens(2, 5)},
            },
        ),
    ),
    "MaxPooling1D": (lambda: L.MaxPooling1D(3, padding="same"), (SIGNAL,)),
    "MaxPooling2D": (lambda: L.MaxPooling2D(3, 2), (PLANE,)),
    "MaxPooling3D": (lambda: L.MaxPooling3D(2, padding="same"), (SPACE,)),
    "Maximum": (L.Maximum, (PAIR,)),
    "MelSpectrogram": (
        lambda: L.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8),
        (image(2, 256),),
    ),
    "Minimum": (L.Minimum, (PAIR,)),
    "MixUp": (L.MixUp, (pixels(2, 8, 8, 3),)),
    "MultiHeadAttention": (lambda: L.MultiHeadAttention(2, 4), (SIGNAL, SIGNAL)),
    "Multiply": (L.Multiply, (PAIR,)),
    "Normalization": (lambda: _adapted(L.Normalization(), SIGNAL), (SIGNAL,)),
    "PReLU": (lambda: L.PReLU(shared_axes=[1], alpha_initializer="ones"), (SIGNAL,)),
    "Permute": (lambda: L.Permute((2, 1)), (SIGNAL,)),
    "Pipeline": (lambda: L.Pipeline([L.Rescaling(0.5), L.CenterCrop(4, 4)]), (PLANE,)),
    "RMSNormalization": (L.RMSNormalization, (SIGNAL,)),
    "RNN": (lambda: L.RNN([L.LSTMCell(3), L.GRUCell(2)]), (SIGNAL,)),
    "RandAugment": (L.RandAugment, (pixels(2, 8, 8, 3),)),
    "RandomBrightness": (lambda: L.RandomBrightness(0.2), (pixels(2, 8, 8, 3),)),
    "RandomColorDegeneration": (lambda: L.RandomColorDegeneration(0.5), (pixels(2, 8, 8, 3),)),
    "RandomColorJitter": (L.RandomColorJitter, (pixels(2, 8, 8, 3),)),
    "RandomContrast": (lambda: L.RandomContrast(0.2), (pixels(2, 8, 8, 3),)),
    "RandomCrop": (lambda: L.RandomCrop(5, 6), (pixels(2, 8, 8, 3),)),
    "RandomElasticTransform": (L.RandomElasticTransform, (pixels(2, 8, 8, 3),)),
    "RandomErasing": (L.RandomErasing, (pixels(2, 8, 8, 3),)),
    "RandomFlip": (L.RandomFlip, (pixels(2, 8, 8, 3),)),
    "RandomGaussianBlur": (L.RandomGaussianBlur, (pixels(2, 8, 8, 3),)),
    "RandomGrayscale": (L.RandomGrayscale, (pixels(2, 8, 8, 3),)),
    "RandomHue": (lambda: L.RandomHue(0.3), (pixels(2, 8, 8, 3),)),
    "RandomInvert": (L.RandomInvert, (pixels(2, 8, 8, 3),)),
    "RandomPerspective": (L.RandomPerspective, (pixels(2, 8, 8, 3),)),
    "RandomPosterization": (lambda: L.RandomPosterization(4), (pixels(2, 8, 8, 3),)),
    "RandomRotation": (lambda: L.RandomRotation(0.2), (pixels(2, 8, 8, 3),)),
    "RandomSaturation": (lambda: L.RandomSaturation(0.3), (pixels(2, 8, 8, 3),)),
    "RandomSharpness": (lambda: L.RandomSharpness(0.3), (pixels(2, 8, 8, 3),)),
    "RandomShear": (lambda: L.RandomShear(0.2, 0.2), (pixels(2, 8, 8, 3),)),
    "RandomTranslation": (lambda: L.RandomTranslation(0.2, 0.2), (pixels(2, 8, 8, 3),)),
    "RandomZoom": (lambda: L.RandomZoom(0.2), (pixels(2, 8, 8, 3),)),
    "ReLU": (lambda: L.ReLU(4, 0.1, 0.5), (SIGNAL,)),
    "RepeatVector": (lambda: L.RepeatVector(3), (image(2, 4),)),
    "Rescaling": (lambda: L.Rescaling(1 / 127.5, -1), (pixels(2, 4, 4, 3),)),
    "Reshape": (lambda: L.Reshape((-1, 2)), (SIGNAL,)),
    "Resizing": (lambda: L.Resizing(5, 9, interpolation="bicubic"), (PLANE,)),
    "ReversibleEmbedding": (lambda: L.ReversibleEmbedding(7, 3), (tokens(2, 5),)),
    "STFTSpectrogram": (lambda: L.STFTSpectrogram(frame_length=16, fft_length=16),
                        (image(2, 64, 1),)),
    "SeparableConv1D": (lambda: L.SeparableConv1D(5, 3), (SIGNAL,)),
    "SeparableConv2D": (lambda: L.SeparableConv2D(5, 3, padding="same"), (PLANE,)),
    "SimpleRNN": (lambda: L.SimpleRNN(3), (SIGNAL,)),
    "SimpleRNNCell": (lambda: L.SimpleRNNCell(3), (image(2, 4), [image(2, 3)])),
    "Softmax": (lambda: L.Softmax(1), (SIGNAL,)),
    "Solarization": (lambda: L.Solarization(0.5, 0.5), (pixels(2, 8, 8, 3),)),
    "SpatialDropout1D": (lambda: L.SpatialDropout1D(0.5), (SIGNAL,)),
    "SpatialDropout2D": (lambda: L.SpatialDropout2D(0.5), (PLANE,)),
    "SpatialDropout3D": (lambda: L.SpatialDropout3D(0.5), (SPACE,)),
    "SpectralNormalization": (lambda: L.SpectralNormalization(L.Dense(3)), (SIGNAL,)),
    "StackedRNNCells": (lambda: L.StackedRNNCells([L.GRUCell(3), L.GRUCell(2)]),
                        (image(2, 4), [image(2, 3), image(2, 2)])),
    "StringLookup": (lambda: L.StringLookup(vocabulary=["a", "b", "c"]), (WORDS,)),
    "Subtract": (L.Subtract, (PAIR,)),
    "TextVectorization": (
        lambda: L.TextVectorization(vocabulary=["a", "b", "c"]),
        (np.array(["a b! d", "C"]),),
    ),
    "TimeDistributed": (lambda: L.TimeDistributed(L.Conv1D(3, 2)), (image(2, 3, 6, 4),)),
    "UnitNormalization": (L.UnitNormalization, (SIGNAL,)),
    "UpSampling1D": (lambda: L.UpSampling1D(2), (SIGNAL,)),
    "UpSampling2D": (lambda: L.UpSampling2D(2, interpolation="bilinear"), (PLANE,)),
    "UpSampling3D": (lambda: L.UpSampling3D(2), (SPACE,)),
    "ZeroPadding1D": (lambda: L.ZeroPadding1D((1, 2)), (SIGNAL,)),
    "ZeroPadding2D": (lambda: L.ZeroPadding2D(((1, 0), (0, 2))), (PLANE,)),
    "ZeroPadding3D": (lambda: L.ZeroPadding3D(1), (SPACE,)),
}  # fmt: skip
"""By class name: what makes the layer, and the arguments of a call."""

NOT_BY_THEMSELVES = {
    "FlaxLayer": "holds a model of Flax",
    "InputLayer": "stands for an input and cannot be called",
    "JaxLayer": "holds a function of JAX",
    "Layer": "the base of all",
    "TFSMLayer": "holds a SavedModel",
    "TorchModuleWrapper": "holds a model of PyTorch",
    "Wrapper": "the base of layers around a layer",
}
"""Classes that compute nothing of their own, with the reason."""

TENSORFLOW_ONLY = frozenset(
    {"HashedCrossing", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization"}
)
"""Layers that Keras runs by TensorFlow whatever its backend is."""


def every() -> set[str]:
    """The name of each layer class of Keras, once (Convolution2D is Conv2D)."""
    return {
        kind.__name__
        for _, kind in inspect.getmembers(L, inspect.isclass)
        if issubclass(kind, keras.Layer)
    }
