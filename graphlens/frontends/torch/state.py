"""What a capture sets while it runs a model, and puts back after it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from operator import is_
from typing import Any

import torch


@contextlib.contextmanager
def tracing(exporting: bool = True) -> Iterator[None]:
    """What every way in that traces a model has on while it runs it: `compiling`, no gradients."""
    with compiling(exporting), torch.no_grad():
        yield


@contextlib.contextmanager
def compiling(exporting: bool = True) -> Iterator[None]:
    """What every way in has on while it runs a model.

    The fused fast path of transformer layers off, which would hide what is computed; and torch's
    own sign of being exported on, so that a library that asks takes the same branch for all.

    Args:
        exporting: Whether that sign is on.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    asked = [name for name in _FLAGS if exporting and hasattr(torch.compiler, name)]
    before = {name: getattr(torch.compiler, name) for name in asked}
    torch.backends.mha.set_fastpath_enabled(False)
    for name in asked:
        setattr(torch.compiler, name, True)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for name, held in before.items():
            setattr(torch.compiler, name, held)


@contextlib.contextmanager
def uncompiled() -> Iterator[None]:
    """Run what was to be compiled (``torch.compile``, torch.cond's branches) as it is."""
    compiler = torch.compile
    loaded = "torch._dynamo" in sys.modules
    stance = torch.compiler.set_stance("force_eager") if loaded else contextlib.nullcontext()
    torch.compile = _as_it_is  # type: ignore[assignment]
    try:
        with stance:
            yield
    finally:
        torch.compile = compiler


def _as_it_is(model: Any = None, **_: Any) -> Any:
    return _as_it_is if model is None else model


@contextlib.contextmanager
def as_before(model: Any) -> Iterator[None]:
    """Put back what running a model sets as attributes of its modules (a table made when needed).

    They would be fake tensors, which nothing can be computed with.
    """
    modules = model.modules() if isinstance(model, torch.nn.Module) else ()
    tables = [
        fields
        for held in modules
        if not isinstance(held, torch.jit.ScriptModule)
        for fields in (vars(held), held._buffers, held._parameters)
    ]
    kept = [(fields, tuple(fields), tuple(fields.values())) for fields in tables]
    try:
        yield
    finally:
        for fields, keys, before in kept:
            if tuple(fields) != keys or not all(map(is_, fields.values(), before)):
                fields.clear()
                fields.update(zip(keys, before, strict=True))


@contextlib.contextmanager
def unwritten(model: torch.nn.Module) -> Iterator[None]:
    """Undo what running the model writes into its buffers (the statistics of batch norms)."""
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, held in before:
            buffer.copy_(held)


_FLAGS = ("_is_compiling_flag", "_is_exporting_flag")


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers by qualified name, tied ones under their first."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}
