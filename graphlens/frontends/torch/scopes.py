"""Where an op comes from: module paths, readable names, the user's line."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch

from graphlens.frontends.stdlib import is_standard
from graphlens.ir.graph import Graph
from graphlens.ir.node import Source

_TORCH = Path(torch.__file__).parent
_LIBRARY = (
    *(str(folder) + os.sep for folder in (_TORCH, _TORCH.with_name("sympy"))),
    "<frozen",
    "<eval_with_key>",
    "<string>",
)
HERE = str(Path(__file__).parents[2])
"""The folder of our own code."""
_LINE = re.compile(r'File "([^"]+)", line (\d+)')


class Scopes:
    """The modules of a model by path, and the names of nodes that follow from them.

    A module without children (a layer of the library) gives its own path to its op:
    ``layer1.0.conv1``; an op that runs in a larger module is named after both: ``layer1.0.add``.
    """

    def __init__(self, classes: Mapping[str, str]) -> None:
        """The class name of the module at each path."""
        self._classes = dict(classes)
        self._parents = {path.rpartition(".")[0] for path in self._classes if path}

    @classmethod
    def of(cls, module: torch.nn.Module) -> Scopes:
        """The scopes of an eager module."""
        return cls({path: type(held).__name__ for path, held in module.named_modules()})

    def name(self, scope: str, op: str) -> str:
        """The wanted name of a node for ``op`` in ``scope``."""
        if scope and scope not in self._parents:
            return scope
        word = op.strip("_") or op
        return f"{scope}.{word}" if scope else word

    def widen(self, path: str) -> None:
        """Name what runs in a layer after both from now on: it is not the layer's own op alone."""
        self._parents.add(path)

    def classes(self, graph: Graph) -> dict[str, str]:
        """The class names of the scopes that a graph's nodes are in, and of those around them."""
        found: dict[str, str] = {}
        for fields in graph.nodes.values():
            path = fields["scope"]
            while path and path not in found:
                found[path] = self._classes.get(path, "")
                path = path.rpartition(".")[0]
        return {path: found[path] for path in sorted(found)}


@cache
def is_users(file: str) -> bool:
    """Whether a file is neither torch's, nor Python's, nor ours, nor made up."""
    return not file.startswith((*_LIBRARY, HERE)) and not is_standard(file)


def user_line() -> tuple[str, int]:
    """File and line of the innermost frame that is neither torch's nor ours."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if is_users(file):
            return file, frame.f_lineno
        frame = frame.f_back
    return "", 0


def line_in(trace: str | None) -> tuple[str, int]:
    """File and line of the innermost user's frame in the text of a stack trace."""
    found = _LINE.findall(trace or "")
    for file, line in reversed(found):
        if is_users(file):
            return file, int(line)
    return "", 0


def source_of(trace: str | None) -> Source:
    """The same as a Source without an op."""
    return Source("", *line_in(trace))


@contextlib.contextmanager
def followed(paths: Mapping[int, str], scope: list[str]) -> Iterator[None]:
    """Keep the path of the module that is running on top of ``scope``.

    Args:
        paths: The path of each module, by its id; others are at the path around them.
        scope: The paths of what is running, the innermost last.
    """

    def enter(module: torch.nn.Module, _: Any) -> None:
        scope.append(paths.get(id(module), scope[-1]))

    def leave(*_: Any) -> None:
        scope.pop()

    hooks = torch.nn.modules.module
    held = [
        hooks.register_module_forward_pre_hook(enter),
        hooks.register_module_forward_hook(leave, always_call=True),
    ]
    try:
        yield
    finally:
        for hook in held:
            hook.remove()
