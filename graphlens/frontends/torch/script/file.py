"""TorchScript files (the ``.pt`` that libtorch loads), read without executing anything in them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from graphlens.errors import CaptureError, FormatError, UsageError
from graphlens.frontends.pickle_read import Built
from graphlens.frontends.torch.archive import Archive, paths_of, read_archive
from graphlens.frontends.torch.errors import cannot_capture
from graphlens.frontends.torch.inputs import Arguments, arguments
from graphlens.frontends.torch.regions import ScriptRecorder
from graphlens.frontends.torch.scopes import Scopes
from graphlens.frontends.torch.script.source import Program
from graphlens.frontends.torch.translate import Translator
from graphlens.ir.graph import Graph


def capture(
    model: str | Path,
    *inputs: Any,
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> Graph:
    """Capture a TorchScript file as a Graph.

    Its pickles are read as data, its source is parsed and followed statement by statement, its
    weights are mapped into memory.

    Args:
        model: The file's path.
        inputs: Tensors, numpy arrays or TensorTypes: a file does not say what it takes.
        kwargs: More of them by name.
        dynamic_shapes: Not taken.

    Raises:
        CaptureError: If the program does what a graph cannot say, or raises.
        FormatError: If the file holds no TorchScript.
        UsageError: If dynamic shapes are given, or no inputs where some are needed.
    """
    if dynamic_shapes:
        raise UsageError(
            "a TorchScript file is followed with fixed shapes; use via='torch.fx' on the module"
        )
    path = Path(model)
    if not path.is_file():
        raise FormatError(f"{str(path)!r}: no such file")
    return follow(read_archive(path), inputs, kwargs, str(path))


def follow(
    archive: Archive, inputs: Iterable[Any], kwargs: Mapping[str, Any] | None, where: str
) -> Graph:
    """The Graph of an archive's ``forward`` on such inputs."""
    code = archive.functions.get(f"{archive.root.kind}.forward")
    if code is None:
        raise FormatError(f"{where} has no method forward: nothing says what it computes")
    paths = paths_of(archive.root)
    classes = {paths[id(held)]: _class(held.kind) for held in _modules(archive.root)}
    given = _arguments(code.node, list(inputs), kwargs)
    name = _class(archive.root.kind)
    recorder = ScriptRecorder(Translator(name, "torchscript", Scopes(classes)), _weights(archive))
    program = Program(recorder, archive, paths)
    try:
        args, named = recorder.inputs(given)
        result = recorder.run(program.call, (code, [archive.root, *args], named), {})
    except Exception as error:
        raise cannot_capture("torchscript", archive.root, error) from error
    return recorder.output(result)


def _arguments(node: Any, inputs: list[Any], kwargs: Mapping[str, Any] | None) -> Arguments:
    formals = [one.arg for one in node.args.args[1:]]
    needed = len(formals) - len(node.args.defaults)
    if len(inputs) + len(kwargs or {}) < needed:
        raise UsageError(
            f"the file's forward takes {', '.join(formals)}, and does not say of which types: "
            "give inputs (--input 1x3x224x224)"
        )
    if len(inputs) > len(formals):
        raise CaptureError(
            f"the model takes {len(formals)} inputs ({', '.join(formals)}), {len(inputs)} given"
        )
    return arguments(_named(formals), inputs, kwargs)


def _named(formals: list[str]) -> Any:
    """A function whose signature has those names."""

    def forward(*_: Any) -> None:
        return None

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    forward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind) for name in formals]
    )
    return forward


def _modules(root: Built) -> list[Built]:
    found, waiting = [], [root]
    while waiting:
        held = waiting.pop()
        if any(held is one for one in found):
            continue
        found.append(held)
        waiting += [one for one in held.state.values() if isinstance(one, Built)]
    return found


def _weights(archive: Archive) -> dict[str, torch.Tensor]:
    """Parameters and buffers by qualified name, tied ones under their first."""
    found: dict[str, torch.Tensor] = {}
    paths = paths_of(archive.root)
    for held in sorted(_modules(archive.root), key=lambda one: paths[id(one)].count(".")):
        path = paths[id(held)]
        for name, one in held.state.items():
            if isinstance(one, torch.Tensor):
                found[f"{path}.{name}" if path else name] = one
    return found


def _class(kind: str) -> str:
    return kind.rpartition(".")[2]
