"""PyTorch by torch.export: an ExportedProgram, a .pt2 file, or a module and inputs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from graphlens.errors import CaptureError, FormatError
from graphlens.frontends.torch.dynamic import dims_of, export_dims
from graphlens.frontends.torch.errors import cannot_capture
from graphlens.frontends.torch.inputs import Arguments, arguments, device_of
from graphlens.frontends.torch.program import read
from graphlens.frontends.torch.pt2_check import refuse_code
from graphlens.frontends.torch.state import as_before, compiling, tracing
from graphlens.frontends.torch.translate import ASKED
from graphlens.ir.graph import Graph

_TRANSFORMS = {"torch._functorch.predispatch"}


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
        dynamic_shapes: As ``torch.export.export`` takes it, or with names in place of Dims;
            a program that is exported already has its own.

    Raises:
        CaptureError: If torch.export cannot export the model.
        FormatError: If the file is no exported program.
    """
    if isinstance(model, str | Path):
        return read(_without_transforms(_loaded(Path(model))), (), Path(model).stem)
    if isinstance(model, ExportedProgram):
        return read(_without_transforms(model))
    if not isinstance(model, torch.nn.Module):
        raise CaptureError(f"torch.export captures a torch.nn.Module, not a {type(model).__name__}")
    given = arguments(model.forward, inputs, kwargs, device=device_of(model))
    dims = dims_of(given, dynamic_shapes)
    dynamic = export_dims(given, dims) if _is_plain(dynamic_shapes) else dynamic_shapes
    with as_before(model):
        program = _exported(model, given, dynamic)
    try:
        return read(program, dims, type(model).__name__)
    except Exception as error:
        raise cannot_capture("torch.export", model, error) from error


def _is_plain(dynamic: Any) -> bool:
    """Whether every dynamic dimension is only a name: torch is then given Dims made of them."""
    leaves = pytree.tree_leaves(dynamic, is_leaf=lambda one: isinstance(one, str))
    return all(one is None or isinstance(one, str) for one in leaves)


def _exported(model: torch.nn.Module, given: Arguments, dynamic: Any) -> ExportedProgram:
    try:
        with tracing():
            return _program(model, given, dynamic)
    except (Exception, SystemExit) as error:
        program = _with_gradients(model, given, dynamic) if type(error).__name__ == ASKED else None
        if program is None:
            raise cannot_capture("torch.export", model, error) from error
        return program


def _with_gradients(
    model: torch.nn.Module, given: Arguments, dynamic: Any
) -> ExportedProgram | None:
    """The program as torch exports it where gradients are on; None if it cannot.

    Some ops (attention with a mask) ask sizes that depend on data for their values without them.
    """
    try:
        with compiling(), torch.enable_grad():
            return _program(model, given, dynamic)
    except (Exception, SystemExit):
        return None  # the error of the first attempt is the one to tell


def _program(model: torch.nn.Module, given: Arguments, dynamic: Any) -> ExportedProgram:
    with warnings.catch_warnings():
        # of attributes that the model sets as it runs, which are put back
        warnings.filterwarnings("ignore", "The tensor attribute")
        program = torch.export.export(
            model, given.args, given.kwargs, dynamic_shapes=dynamic, strict=False
        )
        return _without_transforms(program)


def _without_transforms(program: ExportedProgram) -> ExportedProgram:
    """The program with torch.func's transforms (vmap) applied, if it has any.

    Exported for training, a program has their steps as calls, which only mean something when run.
    """
    calls = {getattr(node.target, "__module__", "") for node in program.graph.nodes}
    return program.run_decompositions({}) if _TRANSFORMS & calls else program


def _loaded(path: Path) -> ExportedProgram:
    if not path.is_file():
        raise FormatError(f"{str(path)!r}: no such file")
    try:
        refuse_code(path)
        return torch.export.load(path)
    except FormatError:
        raise
    except Exception as error:
        raise FormatError(
            f"{str(path)!r} is not an exported program ({type(error).__name__}: {error}); "
            "expected a .pt2 file made by torch.export.save"
        ) from error
