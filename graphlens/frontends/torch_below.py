"""What lies below the ops that a recorder sees: torch.func's transforms and higher-order ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Below(TorchDispatchMode):
    """Records the calls that torch.func's transforms (vmap, grad) make of those above.

    Above them the tensors are wrappers, which mean nothing in a graph.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        """A mode that hands every call to ``call``."""
        super().__init__()
        self._call = call

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Not to be wrapped against torch's compiler: it takes seconds to load, and is not on."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Record one call."""
        return self._call(func, args, kwargs or {})


def take_higher_order(mode: type[Any], does: Callable[..., Any]) -> None:
    """Let higher-order ops, which ask for a rule for every mode, be done under a recorder.

    Args:
        mode: The recorder's type.
        does: Of the recorder, the op and its arguments.
    """
    for op in list(torch._ops._higher_order_ops.values()):
        if mode not in op.python_key_table:
            op.py_impl(mode)(_handler(op, does))


def _handler(op: Any, does: Callable[..., Any]) -> Callable[..., Any]:
    def handle(recorder: Any, *args: Any, **kwargs: Any) -> Any:
        with recorder:
            return does(recorder, op, *args, **kwargs)

    return handle


def unrolled(op: Any, *args: Any, **kwargs: Any) -> Any:
    """Do a higher-order op step by step, as torch does without a compiler."""
    if str(op) == "scan":
        return _scanned(*args)
    return op.py_kernels[torch._C.DispatchKey.CompositeExplicitAutograd](*args, **kwargs)


def _scanned(step: Any, start: Any, parts: Any, more: Any) -> list[Any]:
    """A scan in steps; torch's own writes into memory that a graph has not."""
    carried, made = list(start), []
    for index in range(parts[0].shape[0]):
        results = list(step(*carried, *(one[index] for one in parts), *more))
        carried = results[: len(carried)]
        made.append(results[len(carried) :])
    return [*carried, *(torch.stack(column) for column in zip(*made, strict=True))]
