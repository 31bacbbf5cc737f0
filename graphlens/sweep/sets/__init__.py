"""The sets of models that a sweep knows, by name, and the process that each is swept in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphlens import registry
from graphlens.errors import unknown_name
from graphlens.sweep.spec import Spec
from graphlens.sweep.subject import Subject


@dataclass(frozen=True, slots=True)
class ModelSet:
    """A library of models, or a part of one.

    Attributes:
        module: The module that lists (``names``) and makes (``build``) them.
        preload: What is imported once, in the process from which the models' own are forked.
        environ: Environment variables of that process.
        about: What it holds, in a few words.
    """

    module: str
    preload: tuple[str, ...]
    about: str
    environ: Mapping[str, str] = field(default_factory=dict[str, str])


_TORCH = ("graphlens.sweep.warm",)
_KERAS = (
    "graphlens.sweep.keras_side",
    "graphlens.frontends.keras.model",
    "graphlens.frontends.tf.graph",
)
_ON_TORCH = {"KERAS_BACKEND": "torch"}
_ON_TF = {"KERAS_BACKEND": "tensorflow"}
_HERE = "graphlens.sweep.sets"

SETS: Mapping[str, ModelSet] = {
    "torchvision": ModelSet(
        f"{_HERE}.torchvision", (*_TORCH, f"{_HERE}.torchvision"), "all of list_models()"
    ),
    "timm": ModelSet(
        f"{_HERE}.timm", (*_TORCH, f"{_HERE}.timm"), "the smallest model of every family"
    ),
    "transformers": ModelSet(
        f"{_HERE}.transformers",
        (
            *_TORCH,
            f"{_HERE}.transformers",
            "transformers.modeling_utils",
            "transformers.generation",
        ),
        "every type that can be made small",
    ),
    "keras": ModelSet(f"{_HERE}.keras", _KERAS, "keras.applications on TensorFlow", _ON_TF),
    "keras-layers": ModelSet(
        f"{_HERE}.keras_layers", _KERAS, "every Keras layer on TensorFlow", _ON_TF
    ),
    "keras-torch": ModelSet(f"{_HERE}.keras", _TORCH, "keras.applications on torch", _ON_TORCH),
    "keras-layers-torch": ModelSet(
        f"{_HERE}.keras_layers", _TORCH, "every Keras layer on torch", _ON_TORCH
    ),
    "file": ModelSet(f"{_HERE}.model", ("graphlens.sweep.onnx_side",), "ONNX files"),
    "model": ModelSet(
        f"{_HERE}.model", ("graphlens.sweep.torch_side",), "models that are named one by one"
    ),
}


SINGLE = ("file", "model")
"""The sets whose models are named one by one."""


def named(name: str) -> ModelSet:
    """The set of that name.

    Raises:
        UsageError: If there is none.
    """
    if name not in SETS:
        raise unknown_name("set of models", name, [each for each in SETS if each not in SINGLE])
    return SETS[name]


def specs(name: str) -> list[Spec]:
    """Every model of a set, small ones first where the set knows their sizes.

    Raises:
        MissingDependencyError: If its library is not installed.
        UsageError: If there is no such set.
    """
    names: Sequence[str] = registry.load(f"{named(name).module}:names")()
    return [Spec(name, each) for each in names]


def build(spec: Spec) -> Subject:
    """The model, made here and now; whatever its library raises comes through."""
    made: Any = registry.load(f"{named(spec.set).module}:build")
    return made(spec.model)
