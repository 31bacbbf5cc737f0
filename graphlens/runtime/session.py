"""Running ONNX models: ONNX Runtime where it can, ONNX's reference evaluator where it cannot."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from graphlens.errors import RunError
from graphlens.ops.proto import DTYPES, NUMBERS
from graphlens.runtime.feeds import is_plain
from graphlens.runtime.widen import older, widened

onnxruntime: Any = None  # the package without its runtime extra runs on the reference evaluator
with contextlib.suppress(ImportError):
    import onnxruntime

_PACKED = frozenset({"int4", "uint4", "int2", "uint2", "float4_e2m1fn"})
"""Dtypes that ONNX Runtime stores several to a byte and numpy does not."""


class NoKernelError(RunError):
    """Nothing here can run the operation: no kernel, a foreign op, no weights."""


class Session:
    """An ONNX Runtime session with graph optimisations off, on arrays shared with it.

    Raises:
        NoKernelError: If ONNX Runtime cannot run the model, or is not there.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        outside: Mapping[str, np.ndarray] | None = None,
        threads: int = 0,
        *,
        arena: bool = True,
    ) -> None:
        """A session of a model.

        Args:
            model: What to run.
            outside: Inputs that are the same in every run.
            threads: How many may work on one op; 0 is one a core.
            arena: Whether memory once used is kept for the next run.
        """
        if onnxruntime is None:
            raise NoKernelError("onnxruntime is not installed")
        options: Any = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        options.enable_cpu_mem_arena = arena
        options.add_session_config_entry("session.disable_prepacking", "1")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._takes_values = True
        self._outside = dict(outside or {})
        self._held = {name: _ort_value(array) for name, array in self._outside.items()}
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise NoKernelError(f"ONNX Runtime does not take it: {_first_line(error)}") from error
        outputs: Any = self._session.get_outputs()
        self._takes_values = all(output.type.startswith("tensor") for output in outputs)

    def __call__(self, feeds: Mapping[str, Any]) -> list[Any]:
        """The model's outputs on the given inputs.

        Raises:
            NoKernelError: If the inputs' types cannot be handed over.
            RunError: If the run fails.
        """
        arrays = [value for value in feeds.values() if isinstance(value, np.ndarray)]
        if any(str(array.dtype) in _PACKED for array in arrays):
            raise NoKernelError("ONNX Runtime has no inputs of less than 8 bits here")
        try:
            if not self._takes_values or not all(map(is_plain, feeds.values())):
                return self._session.run(None, {**feeds, **self._outside})
            values = {name: _ort_value(array) for name, array in feeds.items()} | self._held
            return [_array(value) for value in self._session.run_with_ort_values(None, values)]
        except Exception as error:
            raise RunError(f"ONNX Runtime failed: {_first_line(error)}") from error


class Reference:
    """ONNX's reference evaluator behind the same call as `Session`: slow, and it knows every op.

    Raises:
        NoKernelError: If an op has no reference implementation.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        """An evaluator of ``model``, which must hold its weights itself."""
        try:
            self._evaluator = ReferenceEvaluator(model)
        except Exception as error:
            raise NoKernelError(f"no reference kernel: {_first_line(error)}") from error

    def __call__(self, feeds: Mapping[str, Any]) -> list[Any]:
        """The model's outputs on the given inputs.

        Raises:
            RunError: If the run fails.
        """
        try:
            with np.errstate(all="ignore"):
                results: Any = self._evaluator.run(None, dict(feeds))
        except NotImplementedError as error:
            raise NoKernelError(f"no reference kernel: {_first_line(error)}") from error
        except Exception as error:
            raise RunError(f"the reference evaluator failed: {_first_line(error)}") from error
        return [r if isinstance(r, list | dict | None) else np.asarray(r) for r in results]


@lru_cache(maxsize=512)
def compiled(serialized: bytes) -> tuple[Session | None, Reference | None, str]:
    """What runs a small model, kept for the next time.

    Returns:
        ONNX Runtime's session if it takes the model, the reference evaluator if that does, and
        why there is none of the first.
    """
    model = onnx.ModelProto.FromString(serialized)
    reason = ""
    for form in (model, older(model), widened(model)):
        if form is None:
            continue
        try:
            # hundreds are kept, each with its threads and memory
            return Session(form, threads=1, arena=False), None, ""
        except NoKernelError as error:
            reason = reason or str(error)
    try:
        return None, Reference(model), reason
    except NoKernelError as error:
        return None, None, f"{reason}; {error}"


def _ort_value(array: np.ndarray) -> Any:
    """An array as ONNX Runtime's value over the same memory."""
    array = np.require(array, requirements=["C", "A"])  # a mapped file may not be aligned
    number = NUMBERS[str(array.dtype)]
    if array.dtype.isbuiltin == 2:  # registered by ml_dtypes; 0 is one that was unpickled
        array = array.view({1: np.uint8, 2: np.uint16}[array.dtype.itemsize])
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(array, number)


def _array(value: Any) -> np.ndarray:
    """ONNX Runtime's value as an array; numpy does not know bfloat16, so its bytes are read."""
    if not value.is_tensor():
        raise RunError(f"an output is a {value.data_type()}, not a tensor")
    dtype = DTYPES[value.element_type()]
    if dtype == "string" or np.dtype(dtype).isbuiltin == 1:
        return value.numpy()
    if dtype in _PACKED:
        raise NoKernelError(f"ONNX Runtime's {dtype} is not read here")
    raw = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    return np.frombuffer(bytearray(raw), np.dtype(dtype)).reshape(value.shape())


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
