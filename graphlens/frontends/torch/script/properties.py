"""Properties of modules that raise when TorchScript asks for them, as it does for all."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch


@contextlib.contextmanager
def forgiven(model: torch.nn.Module) -> Iterator[None]:
    """Let properties that raise of a model's modules not be there, which TorchScript takes.

    It asks every module for all that its class has, used or not, and waits for AttributeErrors.
    """
    held: list[tuple[type, str, property]] = []
    try:
        for module in model.modules():
            for name in _raising(module):
                owner = next(kind for kind in type(module).__mro__ if name in vars(kind))
                own = vars(owner)[name]
                held.append((owner, name, own))
                setattr(owner, name, property(_absent(own.fget), own.fset, own.fdel))
        yield
    finally:
        for owner, name, own in reversed(held):
            setattr(owner, name, own)


def _absent(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A getter whose errors are AttributeErrors."""

    def got(module: Any) -> Any:
        try:
            return get(module)
        except Exception as error:  # strangers' code
            raise AttributeError(str(error)) from error

    return got


def _raising(module: torch.nn.Module) -> list[str]:
    """The properties of a module that raise what is no AttributeError."""
    found: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that what is asked for is deprecated
        for name in _properties(type(module)):
            try:
                getattr(module, name, None)
            except Exception:  # strangers' code
                found.append(name)
    return found


@cache
def _properties(kind: type) -> list[str]:
    return [name for name in dir(kind) if isinstance(getattr(kind, name, None), property)]
