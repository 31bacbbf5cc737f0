"""Running TorchScript's source statement by statement, so that a recorder sees its aten calls."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from graphlens.errors import CaptureError, FormatError
from graphlens.frontends.pickle_read import Built
from graphlens.frontends.torch.archive import Archive, Code
from graphlens.frontends.torch.regions import ScriptRecorder
from graphlens.frontends.torch.script.frame import Frame, Function

_DEEPEST = 60
"""Calls inside of calls that are followed."""
_LONGEST = 10**6
"""Statements that are followed: a file from strangers may go round for ever."""


class Program:
    """Runs functions of an archive on fake tensors.

    Attributes:
        recorder: What sees the aten calls; told of the scope and line of each.
    """

    def __init__(
        self, recorder: ScriptRecorder, archive: Archive, paths: Mapping[int, str]
    ) -> None:
        """A runner of an archive whose modules have these paths."""
        self.recorder = recorder
        self._archive = archive
        self._paths = paths
        self._places: list[tuple[str, int]] = []
        self._done = 0

    def call(self, code: Code, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run a function.

        Raises:
            CaptureError: If it raises, or does what a graph cannot say.
        """
        if len(self._places) > _DEEPEST:
            raise CaptureError(f"{code.name} calls itself without end")
        path = self._paths.get(id(args[0])) if args and isinstance(args[0], Built) else None
        recorder = self.recorder
        recorder.scope.append(recorder.scope[-1] if path is None else path)
        self._places.append(recorder.line or ("", 0))
        try:
            frame = Frame(self, code, self._bound(code, args, kwargs))
            return frame.run()
        finally:
            self._places.pop()
            recorder.scope.pop()

    def _bound(self, code: Code, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        formals = code.node.args
        names = [one.arg for one in (*formals.args, *formals.kwonlyargs)]
        given = dict(zip(names, args, strict=False)) | dict(kwargs)
        defaults = [None] * (len(formals.args) - len(formals.defaults)) + list(formals.defaults)
        constants = Frame(self, code, {})
        for name, default in zip(names, [*defaults, *formals.kw_defaults], strict=True):
            if name not in given:
                if default is None:
                    raise CaptureError(f"{code.name}: input {name!r} is missing")
                given[name] = constants.value(default)
        return given

    def step(self, code: Code) -> None:
        """Count a statement.

        Raises:
            CaptureError: If there have been too many.
        """
        self._done += 1
        if self._done > _LONGEST:
            raise CaptureError(f"{code.name} goes on for more than {_LONGEST} statements")

    def outer_place(self) -> tuple[str, int]:
        """The line of the innermost caller that is the user's."""
        return next((one for one in reversed(self._places) if one[0]), ("", 0))

    def named(self, name: str) -> Any:
        """What a qualified name of the archive stands for: a function or a class."""
        found = self._archive.functions.get(name)
        if found is not None:
            return Function(found)
        if name in self._archive.fields:
            return name
        raise FormatError(f"the archive has no code of {name!r}")

    def constant(self, name: str) -> Any:
        """A tensor that the source names (``'c0'``)."""
        return self._archive.constants[int(name.removeprefix("c"))]

    def method(self, owner: Built, name: str) -> Function:
        """A method of an object."""
        found = self._archive.functions.get(f"{owner.kind}.{name}")
        if found is None:
            raise FormatError(f"the archive has no code of {owner.kind}.{name}")
        return Function(found, owner)

    def attribute(self, owner: Built, name: str) -> Any:
        """An attribute of an object: saved with it, or a constant of its class."""
        if name in owner.state:
            return owner.state[name]
        constant = self._archive.fields.get(owner.kind, {}).get(name)
        if constant is not None:
            return ast.literal_eval(constant)
        raise FormatError(f"{owner.kind} has no attribute {name!r}")

    def made(self, kind: str, args: Sequence[Any]) -> Any:
        """An object of a class of the archive: a named tuple, or what its initialiser makes."""
        initialiser = self._archive.functions.get(f"{kind}.__init__")
        if initialiser is None:
            return tuple(args)
        held = Built(kind)
        self.call(initialiser, [held, *args], {})
        return held
