"""Keras and TensorFlow as a sweep sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from graphlens import api
from graphlens.frontends.input_types import type_given
from graphlens.frontends.tf.function import spec_of
from graphlens.sweep.keras_wide import is_keras, widened
from graphlens.sweep.subject import Subject


class _Keras:
    """See `graphlens.sweep.sides.Side`."""

    def warm(self) -> None:
        """Trace one small function: TensorFlow starts its threads, which no fork would survive."""
        spec = tf.TensorSpec((1,), "float32")
        api.capture(tf.function(keras.ops.sin), spec, via="tf")

    def settle(self, subject: Subject) -> Subject:
        if not subject.inputs and not subject.kwargs:
            own = [
                keras.ops.zeros([dim or 1 for dim in held.shape], held.dtype)
                for held in getattr(subject.model, "inputs", None) or ()
            ]
            return Subject(subject.model, tuple(own), {}, subject.about)
        return subject

    def examples(self, subject: Subject) -> list[np.ndarray]:
        return [np.asarray(one) for one in _leaves((subject.inputs, dict(subject.kwargs)))]

    def reference(self, subject: Subject, seed: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(seed)
        made = _call(subject)(*subject.inputs)
        return [np.asarray(one) for one in _leaves(made)]

    def wide(self, subject: Subject) -> Subject | None:
        if not is_keras(subject.model):
            return None
        args, kwargs = tf.nest.map_structure(_wide, (subject.inputs, dict(subject.kwargs)))
        return Subject(widened(subject.model), args, kwargs, subject.about)

    def vias(self, subject: Subject) -> Sequence[str]:
        return ("keras", "tf") if isinstance(subject.model, keras.Layer) else ("tf",)

    def given(self, subject: Subject, via: str) -> Subject:
        if via == "tf" and isinstance(subject.model, keras.Layer):
            inputs = tuple(
                tf.nest.map_structure(tf.convert_to_tensor, each) for each in subject.inputs
            )
            return Subject(tf.function(_call(subject)), inputs)
        return subject

    def bare(self, subject: Subject, via: str) -> Callable[[], Any] | None:
        del via
        specs = tf.nest.map_structure(_spec, list(subject.inputs))
        function: Any = tf.function(_call(subject))
        trace: Callable[[], Any] = partial(function.get_concrete_function, *specs)
        return trace

    def parameters(self, subject: Subject) -> int:
        return sum(int(np.prod(each.shape)) for each in getattr(subject.model, "variables", ()))


def _call(subject: Subject) -> Callable[..., Any]:
    """The model's call in inference."""
    model = subject.model
    training = {"training": False} if getattr(model, "_call_has_training_arg", False) else {}

    def call(*tensors: Any) -> Any:
        return model(*tensors, **training, **subject.kwargs)

    return call


def _leaves(nest: Any) -> list[Any]:
    return [one for one in tf.nest.flatten(nest) if one is not None]


def _wide(one: Any) -> Any:
    array = None if one is None else np.asarray(one)
    is_real = array is not None and array.dtype.kind == "f"
    return keras.ops.convert_to_tensor(array, "float64") if is_real else one


def _spec(one: Any) -> tf.TensorSpec:
    return spec_of(type_given(one))


SIDE = _Keras()
