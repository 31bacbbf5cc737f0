"""ONNX files as a sweep sees them: ONNX Runtime by itself is the framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import onnx
import onnxruntime

from graphlens import api
from graphlens.runtime.inputs import example_inputs
from graphlens.sweep.subject import Subject


class _Onnx:
    """See `graphlens.sweep.sides.Side`."""

    def warm(self) -> None:
        """Nothing is loaded late."""

    def settle(self, subject: Subject) -> Subject:
        inputs = example_inputs(api.capture(subject.model))
        return Subject(subject.model, tuple(inputs))

    def examples(self, subject: Subject) -> list[np.ndarray]:
        return list(subject.inputs)

    def reference(self, subject: Subject, seed: int) -> list[np.ndarray]:
        onnxruntime.set_seed(seed)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            str(subject.model), options, providers=["CPUExecutionProvider"]
        )
        names = [each.name for each in session.get_inputs()]
        made: Any = session.run(None, dict(zip(names, subject.inputs, strict=True)))
        return list(made)

    def wide(self, subject: Subject) -> Subject | None:
        del subject
        return None

    def vias(self, subject: Subject) -> Sequence[str]:
        del subject
        return ("onnx",)

    def given(self, subject: Subject, via: str) -> Subject:
        del via
        return Subject(subject.model)

    def bare(self, subject: Subject, via: str) -> Callable[[], Any] | None:
        del via
        return lambda: onnx.load(subject.model)

    def parameters(self, subject: Subject) -> int:
        return sum(prod(each.dims) for each in onnx.load(subject.model).graph.initializer)


SIDE = _Onnx()
