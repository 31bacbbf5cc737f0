"""PyTorch as a sweep sees it."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.fx
import torch.onnx

from graphlens import api, registry
from graphlens.errors import GraphlensError
from graphlens.frontends.torch.inputs import arguments, returned
from graphlens.frontends.torch.types import array_of
from graphlens.sweep.keras_wide import is_keras, widened
from graphlens.sweep.subject import CannotBuildError, Subject
from graphlens.sweep.usual_layers import UsualLayers

_EXPORTER = "torch.onnx"
_VIAS = ("torch.fx", "torch.eager", "torch.jit", "torch.export")


class _Torch:
    """See `graphlens.sweep.sides.Side`."""

    def __init__(self) -> None:
        self._is_warm = False

    def warm(self) -> None:
        """Capture usual layers by every means: torch.export alone imports for seconds."""
        if self._is_warm:
            return
        self._is_warm = True
        torch.set_num_threads(1)
        model: Any = UsualLayers().eval()
        subject = Subject(model, (torch.zeros(1, 3, 8, 8),))
        for via in self.vias(subject)[:-1]:  # whoever wants the exporter waits for it anyway
            with contextlib.suppress(GraphlensError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                graph = api.capture(model, *subject.inputs, via=via)
                api.run(graph, *self.examples(subject))
                (self.bare(subject, via) or bool)()

    def settle(self, subject: Subject) -> Subject:
        given = arguments(subject.model.forward, subject.inputs, subject.kwargs)
        return Subject(subject.model, given.args, given.kwargs, subject.about)

    def examples(self, subject: Subject) -> list[np.ndarray]:
        given = arguments(subject.model.forward, subject.inputs, subject.kwargs)
        return [_array(one) for one in given.tensors]

    def reference(self, subject: Subject, seed: int) -> list[np.ndarray]:
        torch.manual_seed(seed)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            args, kwargs = _fresh(subject)
            leaves, _ = returned(subject.model(*args, **kwargs))
        return [_array(torch.as_tensor(one)) for one in leaves]

    def wide(self, subject: Subject) -> Subject | None:
        model = subject.model
        wide = widened(model) if is_keras(model) else copy.deepcopy(model).double()
        return Subject(wide, *_widened(subject))

    def vias(self, subject: Subject) -> Sequence[str]:
        del subject
        known = registry.entries(registry.FRONTENDS)
        return [*(via for via in _VIAS if via in known), _EXPORTER]

    def given(self, subject: Subject, via: str) -> Subject:
        args, kwargs = _fresh(subject)
        if via == _EXPORTER:
            return Subject(_exported(subject))
        return Subject(subject.model, args, kwargs, subject.about)

    def bare(self, subject: Subject, via: str) -> Callable[[], Any] | None:
        model = subject.model
        args, kwargs = _fresh(subject)
        if via == "torch.fx":
            return lambda: torch.fx.symbolic_trace(model)
        if via == "torch.jit":
            named = kwargs or None
            return lambda: _jit(model, args, named)
        if via == "torch.export":
            return lambda: torch.export.export(model, args, kwargs, strict=False)
        if via == _EXPORTER:
            return lambda: _exported(subject)
        return None

    def parameters(self, subject: Subject) -> int:
        return sum(each.numel() for each in subject.model.parameters())


def _exported(subject: Subject) -> Any:
    """The model as torch's own exporter writes it to ONNX."""
    args, kwargs = _fresh(subject)
    program = torch.onnx.export(subject.model, args, kwargs=kwargs, dynamo=True, verbose=False)
    if program is None:
        raise CannotBuildError("torch.onnx.export made nothing")
    return program.model_proto


def _jit(model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    named = None if kwargs is None else _all_named(model, args, kwargs)
    given = args if named is None else None
    return torch.jit.trace(
        model, given, strict=False, check_trace=False, example_kwarg_inputs=named
    )


def _array(tensor: torch.Tensor) -> np.ndarray:
    """The tensor's values, as the floats that it stands for where it is quantised.

    Raises:
        CannotBuildError: If it has no dense values.
    """
    array = array_of(tensor.dequantize() if tensor.is_quantized else tensor)
    if array is None:
        raise CannotBuildError(f"a {tensor.layout} tensor has no array to compare")
    return array


def _all_named(
    model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments by name alone: torch.jit.trace takes either kind, not both."""
    return {**dict(zip(arguments(model.forward, args, None).formals, args, strict=True)), **kwargs}


def _fresh(subject: Subject) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Copies of the inputs: a model may write to them."""
    return copy.deepcopy((tuple(subject.inputs), dict(subject.kwargs)))


def _widened(subject: Subject) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The inputs, those of floats in float64."""
    given = arguments(subject.model.forward, subject.inputs, subject.kwargs)
    return given.mapped(lambda one: one.double() if one.is_floating_point() else one)


SIDE = _Torch()
