"""A model run as a whole where ONNX Runtime takes it, node by node where it does not."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx

from graphlens.errors import RunError
from graphlens.runtime.session import NoKernelError, Session
from graphlens.runtime.stepwise import run_stepwise


class Whole:
    """A model made ready to run many times; its session is opened when first needed."""

    def __init__(self, model: onnx.ModelProto, outside: Mapping[str, np.ndarray]) -> None:
        """A model and those of its inputs that are its weights."""
        self._model = model
        self._outside = outside
        self._session: Session | None = None
        self._takes = True

    def __call__(self, feeds: Mapping[str, Any]) -> list[Any]:
        """The outputs on the inputs given by name.

        Raises:
            RunError: If the run fails; the message names the node.
        """
        if self._takes:
            # a failure inside the whole model is told again, and better, node by node
            with contextlib.suppress(RunError):
                return self._opened()(feeds)
        return run_stepwise(self._model, self._outside, feeds)

    def _opened(self) -> Session:
        if self._session is None:
            try:
                self._session = Session(self._model, self._outside)
            except NoKernelError:
                self._takes = False
                raise
        return self._session
