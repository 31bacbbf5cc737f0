"""What a model is given and what it returns, as flat lists of tensors with names."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from graphlens.errors import CaptureError
from graphlens.frontends.torch.types import DTYPES, tensor_of
from graphlens.tensor import TensorType

_SYMBOLIC_SIZE = 2
"""The size that a symbolic dimension has in an example made up for it."""


class Arguments(NamedTuple):
    """The arguments of a model's call.

    Attributes:
        args: By position, tensors real or on the meta device.
        kwargs: By name.
        names: The name of each tensor in them, in order.
        tensors: Those tensors.
        dims: For each of them, the names of the symbolic axes of the type that it was given as.
        formals: The names of the arguments given by position.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    names: list[str]
    tensors: list[torch.Tensor]
    dims: list[dict[int, str]]
    formals: list[str]

    def mapped(
        self, replace: Callable[[torch.Tensor], Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with every tensor replaced."""
        args = tuple(_mapped(one, replace) for one in self.args)
        return args, {key: _mapped(one, replace) for key, one in self.kwargs.items()}


def arguments(
    forward: Callable[..., Any],
    inputs: Sequence[Any],
    kwargs: Mapping[str, Any] | None,
    anything: bool = False,
    device: torch.device | None = None,
) -> Arguments:
    """The arguments of a call of ``forward``, each given as a tensor, an array or a type.

    Args:
        forward: What is called.
        inputs: Its arguments by position.
        kwargs: More of them by name.
        anything: Whether other objects are passed on as they are.
        device: Where the tensors are put, if not left where they are.

    Raises:
        CaptureError: If one is none of these, nor a number, a string, None or a container; or if
            it is a nested tensor.
    """
    formals = _formals(forward, len(inputs))
    named = [*zip(formals, inputs, strict=True), *(kwargs or {}).items()]
    made = {name: _made(name, one, anything) for name, one in named}
    if device is not None:
        made = {name: _mapped(one, lambda tensor: tensor.to(device)) for name, one in made.items()}
    leaves = [leaf for name, one in made.items() for leaf in flattened(one, name)]
    asked = [leaf for name, one in named for leaf in flattened(one, name)]
    kept = [
        (path, leaf, _symbolic_axes(wanted))
        for (path, leaf), (_, wanted) in zip(leaves, asked, strict=True)
        if isinstance(leaf, torch.Tensor)
    ]
    return Arguments(
        tuple(made[name] for name in formals),
        {key: made[key] for key in kwargs or {}},
        [path for path, _, _ in kept],
        [leaf for _, leaf, _ in kept],
        [axes for _, _, axes in kept],
        formals,
    )


def device_of(model: Any) -> torch.device | None:
    """Where the inputs of a model must be, if its weights have no memory: where those are not."""
    if not isinstance(model, torch.nn.Module):
        return None
    first = next(model.parameters(), None)
    return torch.device("meta") if first is not None and first.is_meta else None


def _symbolic_axes(wanted: Any) -> dict[int, str]:
    shape = wanted.shape or () if isinstance(wanted, TensorType) else ()
    return {axis: dim for axis, dim in enumerate(shape) if isinstance(dim, str)}


def _formals(forward: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = list(inspect.signature(forward).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [
        one.name
        for one in parameters
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    if any(one.kind == one.VAR_POSITIONAL for one in parameters) or not parameters:
        rest = next((one.name for one in parameters if one.kind == one.VAR_POSITIONAL), "input")
        names += [f"{rest}_{index}" for index in range(count - len(names))]
    if len(names) < count:
        raise CaptureError(
            f"the model takes {len(names)} inputs ({', '.join(names) or 'none'}), "
            f"{count} were given"
        )
    return names[:count]


def _made(name: str, one: Any, anything: bool) -> Any:
    """An argument with arrays and types made into tensors."""
    if isinstance(one, torch.Tensor):
        if one.is_nested:
            raise CaptureError(
                f"input {name!r} is a nested tensor, which has no one shape: give the model a "
                "padded one (to_padded_tensor)"
            )
        # an object of its own, so that one tensor can be given twice
        return one.detach().requires_grad_(one.requires_grad)
    if one is None or isinstance(one, bool | int | float | complex | str | torch.dtype):
        return one
    if isinstance(one, np.ndarray | np.generic):
        return tensor_of(np.asarray(one))
    if isinstance(one, TensorType):
        return example(name, one)
    parts = parts_of(one)
    if parts is not None:
        return _rebuilt(one, [_made(f"{name}.{key}", held, anything) for key, held in parts])
    if anything or isinstance(one, torch.device | torch.layout | torch.memory_format):
        return one
    raise CaptureError(
        f"input {name!r} is a {type(one).__name__}; expected a tensor, a numpy array, a "
        "TensorType, a number, or a list, tuple, dict or dataclass of them"
    )


LARGEST_EXAMPLE = 2**30
"""Bytes of an example that is made of a type."""


def example(name: str, held: TensorType) -> torch.Tensor:
    """A tensor of a type: zeros of integers, seeded values in [-1, 1) of floats.

    Raises:
        CaptureError: If the type has no shape or no torch dtype, or is too large.
    """
    if held.shape is None or held.dtype not in DTYPES:
        raise CaptureError(f"input {name!r}: no example can be made of the type {held}")
    if (held.nbytes or 0) > LARGEST_EXAMPLE:
        raise CaptureError(
            f"input {name!r} of type {held} takes {held.nbytes:,} bytes, more than the "
            f"{LARGEST_EXAMPLE:,} that an example may: ask for a smaller one, or give a tensor"
        )
    shape = [dim if isinstance(dim, int) else _SYMBOLIC_SIZE for dim in held.shape]
    dtype = DTYPES[held.dtype]
    if not dtype.is_floating_point:
        return torch.zeros(shape, dtype=dtype)
    seeded = torch.Generator().manual_seed(0)
    return (torch.rand(shape, generator=seeded) * 2 - 1).to(dtype)


def parts_of(one: Any) -> list[tuple[Any, Any]] | None:
    """What is in a container, by key, field or index; None if it is not one."""
    if isinstance(one, Mapping):
        return list(one.items())
    if isinstance(one, list | tuple):
        return list(zip(getattr(one, "_fields", range(len(one))), one, strict=True))
    if dataclasses.is_dataclass(one) and not isinstance(one, type | TensorType):
        return [(field.name, getattr(one, field.name)) for field in dataclasses.fields(one)]
    return None


def _rebuilt(one: Any, held: list[Any]) -> Any:
    """A container of the same kind, holding other things."""
    if isinstance(one, Mapping):
        pairs = zip(one, held, strict=True)
        if dataclasses.is_dataclass(one):  # transformers' outputs are both
            return type(one)(**dict(pairs))  # type: ignore[call-overload]
        return type(one)(pairs)  # type: ignore[call-arg]
    if isinstance(one, list | tuple):
        return type(one)(*held) if hasattr(one, "_fields") else type(one)(held)
    names = [field.name for field in dataclasses.fields(one)]
    made = copy.copy(one)
    for name, value in zip(names, held, strict=True):
        object.__setattr__(made, name, value)
    return made


def flattened(one: Any, name: str) -> list[tuple[str, Any]]:
    """The leaves of nested containers in order, each with its path; None is no leaf."""
    if one is None:
        return []
    parts = parts_of(one)
    if parts is None:
        return [(name, one)]
    return [
        leaf
        for key, held in parts
        for leaf in flattened(held, f"{name}.{key}" if name else str(key))
    ]


def _mapped(one: Any, replace: Callable[[torch.Tensor], Any]) -> Any:
    if isinstance(one, torch.Tensor):
        return replace(one)
    parts = parts_of(one)
    return one if parts is None else _rebuilt(one, [_mapped(held, replace) for _, held in parts])


def returned(result: Any, others: bool = False) -> tuple[list[Any], list[str]]:
    """What a model returned as a flat list, with names where it has any (keys, fields).

    Args:
        result: What it returned.
        others: Whether it may hold other objects: of those only the tensors in them are kept.

    Raises:
        CaptureError: If it returned something that is not a tensor or a number.
    """
    leaves = flattened(result, "")
    if others:
        leaves = [leaf for path, one in leaves for leaf in _tensors_in(one, path, set())]
    for path, leaf in leaves:
        if not isinstance(leaf, torch.Tensor | bool | int | float):
            raise no_tensor(path, leaf)
    if not any(isinstance(leaf, torch.Tensor) for _, leaf in leaves):
        raise CaptureError(
            f"it returned no tensor but a {type(result).__name__}: there is no graph to show; "
            "return what it computes"
        )
    paths = [path for path, _ in leaves]
    named = any(part and not part.isdigit() for path in paths for part in path.split("."))
    return [leaf for _, leaf in leaves], paths if named else []


def no_tensor(path: str, leaf: Any) -> CaptureError:
    """The error for a model that returned something else."""
    return CaptureError(
        f"output {path or 0} is a {type(leaf).__name__}, not a tensor; a cache can often be "
        "switched off (use_cache=False), else wrap the model to return tensors only"
    )


def _tensors_in(one: Any, path: str, seen: set[int]) -> list[tuple[str, Any]]:
    """A tensor or number as it is; the tensors that an object's attributes hold."""
    if isinstance(one, torch.Tensor | bool | int | float):
        return [(path, one)]
    if id(one) in seen or not hasattr(one, "__dict__") or isinstance(one, torch.nn.Module | type):
        return []
    seen.add(id(one))
    held = [leaf for key, part in vars(one).items() for leaf in flattened(part, f"{path}.{key}")]
    found = [leaf for key, part in held for leaf in _tensors_in(part, key, seen)]
    return [(key, leaf) for key, leaf in found if isinstance(leaf, torch.Tensor)]
