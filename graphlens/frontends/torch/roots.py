"""The modules and weights that a callable works with, and which of them is running."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch

from graphlens.frontends.torch.inputs import Arguments, flattened
from graphlens.frontends.torch.scopes import followed
from graphlens.frontends.torch.state import as_before


class Roots:
    """The modules that a callable was found to use, each under a path of its own.

    Attributes:
        classes: The class name of the module at each path.
        weights: Parameters and buffers with their qualified names, tied ones under their first.
    """

    def __init__(self) -> None:
        """No modules yet."""
        self.classes: dict[str, str] = {"": ""}
        self.weights: dict[int, tuple[str, torch.Tensor]] = {}
        self._paths: dict[int, str] = {}
        self._held: list[torch.nn.Module] = []
        self._optimisers: list[torch.optim.Optimizer] = []

    @classmethod
    def of(cls, model: Callable[..., Any], given: Arguments) -> Roots:
        """Those of a module, or those that a function refers to or is given."""
        found = cls()
        if isinstance(model, torch.nn.Module):
            found.add("", model)
            return found
        more = [*zip(given.formals, given.args, strict=True), *given.kwargs.items()]
        leaves = [leaf for name, one in more for leaf in flattened(one, name)]
        for name, held in [*_referred(model), *leaves]:
            if isinstance(held, torch.nn.Module):
                found.add(name, held)
            elif isinstance(held, torch.nn.Parameter):
                found.weights.setdefault(id(held), (name, held))
            elif isinstance(held, torch.optim.Optimizer):
                found._optimisers.append(held)
        return found

    def add(self, name: str, module: torch.nn.Module) -> None:
        """Put a module and all that is in it under a path."""
        if id(module) in self._paths:
            return
        self._held.append(module)
        for path, inner in module.named_modules():
            whole = ".".join(part for part in (name, path) if part)
            self._paths.setdefault(id(inner), whole)
            self.classes[whole] = type(inner).__name__
        weights = [*module.named_parameters(), *module.named_buffers()]
        for path, tensor in weights:
            whole = ".".join(part for part in (name, path) if part)
            self.weights.setdefault(id(tensor), (whole, tensor))

    @contextlib.contextmanager
    def as_before(self) -> Iterator[None]:
        """Put back the modules' attributes, the weights' gradients and the optimisers' state."""
        grads = [(tensor, tensor.grad) for _, tensor in self.weights.values() if tensor.is_leaf]
        states = [
            (one, {key: dict(held) for key, held in one.state.items()}) for one in self._optimisers
        ]
        try:
            with contextlib.ExitStack() as stack:
                for module in self._held:
                    stack.enter_context(as_before(module))
                yield
        finally:
            for tensor, held in grads:
                tensor.grad = held
            for one, state in states:
                one.state.clear()
                one.state.update(state)

    def followed(self, scope: list[str]) -> AbstractContextManager[None]:
        """Keep the path of the module that is running on top of ``scope``."""
        return followed(self._paths, scope)


def _referred(model: Any) -> list[tuple[str, Any]]:
    """What a function refers to by name: variables around it, globals, its object's attributes."""
    if isinstance(model, functools.partial):
        bound = [(f"input_{index}", one) for index, one in enumerate(model.args)]
        return [*_referred(model.func), *bound, *model.keywords.items()]
    owner = getattr(model, "__self__", None)
    if isinstance(owner, torch.nn.Module):
        return [("", owner)]
    function = inspect.unwrap(model) if inspect.isroutine(model) else model
    attributes = list(vars(owner).items()) if hasattr(owner, "__dict__") else []
    if not inspect.isfunction(function) and not inspect.ismethod(function):
        called = vars(type(model)).get("__call__")
        held = list(vars(model).items()) if hasattr(model, "__dict__") else []
        return [*held, *(_referred(called) if inspect.isfunction(called) else [])]
    seen = inspect.getclosurevars(function)
    return [*attributes, *seen.nonlocals.items(), *seen.globals.items()]
