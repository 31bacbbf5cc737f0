"""MODEL on the command line: a file, Python code that makes a model, or a library's model."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from graphlens import api, formats, options, registry
from graphlens.cli import inputs
from graphlens.cli.progress import Progress
from graphlens.errors import CaptureError, MissingDependencyError, UsageError, unknown_name

if TYPE_CHECKING:
    from graphlens.ir.graph import Graph


@dataclass(frozen=True, slots=True)
class Model:
    """A model and what to call it with.

    Attributes:
        model: The framework's object, or a path.
        inputs: Positional arguments of the call.
        kwargs: Keyword arguments of the call.
    """

    model: Any
    inputs: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])


def capture(text: str, arguments: argparse.Namespace, progress: Progress) -> Graph:
    """The graph of the model that ``text`` names, on the inputs that the arguments give.

    Raises:
        CaptureError: If the model's code fails, or it cannot be captured.
        UsageError: If the text names no model.
    """
    by_place, by_name = inputs.parse(arguments.input)
    progress.say(f"loading {text}")
    found = read(text)
    progress.say(f"capturing {text}")
    if not by_place and not by_name:
        by_place, by_name = found.inputs, dict(found.kwargs)
    via, choices = _way_in(arguments.via)
    try:
        with _here_on_path():
            return api.capture(
                found.model,
                *by_place,
                via=via,
                kwargs=by_name or None,
                trust=arguments.trust,
                **choices,
            )
    except CaptureError as error:
        if by_place or by_name or not _is_model(found.model):
            raise
        raise CaptureError(
            f"{error}\n  no inputs were given: if it needs some, say them with --input, such as "
            "--input 1x3x224x224:float32"
        ) from error


def after_passes(arguments: argparse.Namespace, progress: Progress) -> Graph:
    """The graph of a command's model once the passes that it names were run, without proof."""
    graph = capture(arguments.model, arguments, progress)
    if not arguments.passes:
        return graph
    progress.say(f"running {arguments.passes}")
    return api.optimize(graph, [arguments.passes], prove=False).after


def _way_in(text: str | None) -> tuple[str | None, dict[str, Any]]:
    """The front end that ``--via`` names, and its options."""
    if text is None:
        return None, {}
    named = options.parse(text)
    if len(named) != 1:
        raise UsageError(f"--via {text!r} names {len(named)} front ends: expected one")
    known = registry.entries(registry.FRONTENDS)
    if named[0][0] not in known:
        raise unknown_name("front end", named[0][0], known)
    for option in named[0][1]:
        if option in _NOT_OPTIONS:
            raise UsageError(f"--via {text!r}: {option!r} is no option of a front end")
    return named[0]


_NOT_OPTIONS = ("model", "inputs", "via", "kwargs", "trust")
"""What else `api.capture` takes, which the command's other arguments say."""


def read(text: str) -> Model:
    """The model that a MODEL argument names.

    Raises:
        CaptureError: If the code that makes it fails.
        MissingDependencyError: If its library is not installed.
        UsageError: If it names nothing.
    """
    head, colon, name = text.partition(":")
    if colon and head in registry.entries(registry.LIBRARIES):
        return _of_library(head, name)
    if text and formats.looks_like_path(text):
        return Model(Path(text))
    source, colon, name = text.rpartition(":")
    if not colon or not name.isidentifier():
        raise UsageError(
            f"no model {text!r}: expected a file ({', '.join(formats.SUFFIXES)}), "
            f"package.module:NAME, file.py:NAME, or NAME of a library "
            f"({', '.join(f'{each}:' for each in registry.entries(registry.LIBRARIES))})"
        )
    return _of_code(_imported(source), source, name)


def _of_library(library: str, text: str) -> Model:
    parsed = options.parse(text)
    if len(parsed) != 1:
        raise UsageError(f"expected one name after '{library}:', found {text!r}")
    name, choices = parsed[0]
    model, by_place, by_name = registry.find(registry.LIBRARIES, library)(name, choices)
    return Model(model, by_place, by_name)


@contextlib.contextmanager
def _here_on_path(folder: str = "") -> Generator[None]:
    """Let what is imported, by us or by a trusted pickle, be found in a folder, as Python does."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _imported(source: str) -> ModuleType:
    is_file = source.endswith(".py")
    try:
        with _here_on_path(str(Path(source).parent) if is_file else ""):
            return _from_file(Path(source)) if is_file else _from_package(source)
    except (UsageError, MissingDependencyError):
        raise
    except Exception as error:
        raise CaptureError(
            f"{source} failed while it was imported: {type(error).__name__}: {error}"
        ) from error


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"no such file: {str(path)!r}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"cannot import {str(path)!r}")
    module = importlib.util.module_from_spec(spec)
    # TorchScript and pickle look a class's module up by name.
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def _from_package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(f"no module {name!r} on the path or in this folder") from error
        raise MissingDependencyError(
            f"{name} needs the package {error.name!r}, which is not installed"
        ) from error


def _of_code(module: ModuleType, source: str, name: str) -> Model:
    try:
        found = getattr(module, name)
    except AttributeError:
        public = [each for each in vars(module) if not each.startswith("_")]
        raise UsageError(f"no {name!r} in {source} (it has {sorted(public)})") from None
    if _is_model(found):
        return Model(found)
    if not callable(found):
        raise UsageError(
            f"{source}:{name} is a {type(found).__name__}: expected a model, or a callable giving "
            "a model or (model, inputs)"
        )
    try:
        made = found()
    except Exception as error:
        raise CaptureError(f"{source}:{name}() raised {type(error).__name__}: {error}") from error
    return _unpacked(made)


def _is_model(thing: object) -> bool:
    try:
        return registry.is_graph(thing) or bool(registry.detect(thing))
    except CaptureError:
        return False


def _unpacked(made: Any) -> Model:
    """A model, or ``(model, inputs)`` where inputs is a tensor, a sequence or a mapping."""
    if not isinstance(made, tuple) or len(made) != 2:
        return Model(made)
    model, given = made
    if isinstance(given, Mapping):
        return Model(model, (), given)
    return Model(model, tuple(given) if isinstance(given, tuple | list) else (given,))
