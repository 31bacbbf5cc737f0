"""The frameworks as a sweep sees them: run a model, and capture it by the framework's own means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from graphlens import registry
from graphlens.errors import UsageError
from graphlens.sweep.subject import Subject


class Side(Protocol):
    """One framework."""

    def warm(self) -> None:
        """Load what its ways of capture load when first used, unless that was done."""
        ...

    def settle(self, subject: Subject) -> Subject:
        """The model with inputs that are there, where only types were given."""
        ...

    def examples(self, subject: Subject) -> list[np.ndarray]:
        """The arrays that a captured graph is run on, in the order of its Inputs."""
        ...

    def reference(self, subject: Subject, seed: int) -> list[np.ndarray]:
        """What the framework itself computes, with its random numbers from that seed."""
        ...

    def wide(self, subject: Subject) -> Subject | None:
        """The model and its inputs in float64; None if the framework does not widen a model."""
        ...

    def vias(self, subject: Subject) -> Sequence[str]:
        """The front ends that may take the model, the cheapest first."""
        ...

    def given(self, subject: Subject, via: str) -> Subject:
        """The model as that front end takes it."""
        ...

    def bare(self, subject: Subject, via: str) -> Callable[[], Any] | None:
        """The framework's own capture by that means, to be called; None if it has none."""
        ...

    def parameters(self, subject: Subject) -> int:
        """Elements of the weights."""
        ...


_SIDES = {
    "torch": "graphlens.sweep.torch_side:SIDE",
    "keras": "graphlens.sweep.keras_side:SIDE",
    "tf": "graphlens.sweep.keras_side:SIDE",
    ".onnx": "graphlens.sweep.onnx_side:SIDE",
}


def side_of(model: Any) -> Side:
    """The framework of a model, by its type; a Keras model on torch is a torch module.

    Raises:
        CaptureError: If no front end is known for its type.
        UsageError: If it is a file that no framework is asked to run.
    """
    if isinstance(model, Path):
        if model.suffix not in _SIDES:
            raise UsageError(
                f"{str(model)!r} cannot be swept: of files, .onnx is, since ONNX Runtime says what "
                "is right; name the code that makes the model instead (file.py:NAME)"
            )
        return registry.load(_SIDES[model.suffix])
    if any(base.__module__.startswith("torch.nn.") for base in type(model).__mro__):
        return registry.load(_SIDES["torch"])
    return registry.load(_SIDES[registry.detect(model).partition(".")[0]])
