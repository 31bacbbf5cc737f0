"""PyTorch by torch.export: an ExportedProgram, a .pt2 file, or a module and inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from graphlens.errors import CaptureError, FormatError
from graphlens.frontends.torch_errors import cannot_capture
from graphlens.frontends.torch_inputs import Arguments, arguments
from graphlens.frontends.torch_program import read
from graphlens.frontends.torch_record import tracing
from graphlens.ir.graph import Graph
from graphlens.tensor import TensorType


def capture(
    model: Any,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> Graph:
    """Capture an exported program as a Graph.

    Args:
        model: An ``ExportedProgram``, the path of a ``.pt2`` file, or a ``torch.nn.Module``,
            which is exported with the given inputs in the mode that it is in (train or eval).
        inputs: Tensors, numpy arrays or TensorTypes; a symbol in a type's shape makes that
            dimension dynamic. Not needed for a program or a file.
        kwargs: More of them by name.
        dynamic_shapes: As ``torch.export.export`` takes it; symbols keep the names of its Dims.

    Raises:
        CaptureError: If torch.export cannot export the model.
        FormatError: If the file is no exported program.
    """
    if isinstance(model, str | Path):
        return read(_loaded(Path(model)), (), Path(model).stem)
    if isinstance(model, ExportedProgram):
        return read(model, _dim_names(dynamic_shapes))
    if not isinstance(model, torch.nn.Module):
        raise CaptureError(f"torch.export captures a torch.nn.Module, not a {type(model).__name__}")
    given = arguments(model.forward, inputs, kwargs)
    dynamic = dynamic_shapes or _from_types(inputs, kwargs or {}, given)
    return read(_exported(model, given, dynamic), _dim_names(dynamic), type(model).__name__)


def _exported(model: torch.nn.Module, given: Arguments, dynamic: Any) -> ExportedProgram:
    try:
        with tracing():
            return torch.export.export(
                model, given.args, given.kwargs, dynamic_shapes=dynamic, strict=False
            )
    except Exception as error:
        raise cannot_capture("torch.export", model, error) from error


def _loaded(path: Path) -> ExportedProgram:
    if not path.is_file():
        raise FormatError(f"{str(path)!r}: no such file")
    try:
        return torch.export.load(path)
    except Exception as error:
        raise FormatError(
            f"{str(path)!r} is not an exported program ({type(error).__name__}: {error}); "
            "expected a .pt2 file made by torch.export.save"
        ) from error


def _from_types(inputs: Any, kwargs: Mapping[str, Any], given: Arguments) -> Any:
    """Dynamic dimensions that the shapes of TensorTypes name, as torch.export takes them."""
    every = [*inputs, *kwargs.values()]
    if not any(isinstance(one, TensorType) and not one.is_static for one in every):
        return None
    dims: dict[str, Any] = {}

    def spelt(one: Any) -> Any:
        if not isinstance(one, TensorType):
            return pytree.tree_map(lambda _: None, one)
        named = {i: dim for i, dim in enumerate(one.shape or ()) if isinstance(dim, str)}
        return {i: dims.setdefault(n, torch.export.Dim(n)) for i, n in named.items()}

    return (*map(spelt, inputs), *map(spelt, kwargs.values())) if not kwargs else {
        name: spelt(one)
        for name, one in zip([*_names(given, inputs), *kwargs], every, strict=True)
    }  # fmt: skip


def _names(given: Arguments, inputs: Any) -> list[str]:
    return [name.partition(".")[0] for name in given.names[: len(inputs)]]


def _dim_names(dynamic: Any) -> list[dict[int, str]]:
    """The names of the Dims of each tensor input, in order."""
    found: list[dict[int, str]] = []

    def visit(one: Any) -> None:
        if isinstance(one, Mapping) and all(isinstance(key, int) for key in one):
            found.append({axis: getattr(dim, "__name__", "") for axis, dim in one.items()})
        elif isinstance(one, Mapping):
            for part in one.values():
                visit(part)
        elif isinstance(one, list | tuple) and any(_is_dim(part) for part in one):
            found.append({axis: getattr(dim, "__name__", "") for axis, dim in enumerate(one)})
        elif isinstance(one, list | tuple):
            for part in one:
                visit(part)
        else:
            found.append({})

    if dynamic is not None:
        visit(dynamic)
    return found


def _is_dim(one: Any) -> bool:
    return one is not None and not isinstance(one, Mapping | list | tuple)
