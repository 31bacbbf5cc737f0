"""What is read off a node of a TorchScript graph: its values, its line, the op that it calls.

torch's bindings end every loop over a node's values by a C++ exception, which takes longer than
the node does: here they are asked for by number.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from graphlens.frontends.torch.regions import is_unknown
from graphlens.frontends.torch.scopes import is_users
from graphlens.frontends.torch.script.ops import dtype_of

_LINE = re.compile(r'File "([^"]+)", line (\d+)|^\s*(\S[^\n(]*)\((\d+)\): ', re.MULTILINE)
_AS_IT_IS: dict[str, tuple[type, ...]] = {
    "Tensor": (torch.Tensor, torch.nn.Parameter),
    "int": (int,),
    "float": (float,),
    "bool": (bool,),
    "str": (str,),
    "number": (bool, int, float),
    "List[int]": (list,),
    "List[float]": (list,),
    "List[Tensor]": (list,),
    "List[Optional[Tensor]]": (list,),
    "Device": (torch.device,),
}
"""The types of what torch's dispatcher hands on as it was given it, by the kind in the schema."""


def operands(node: Any) -> list[str]:
    """The names of what a node reads."""
    return [node.inputsAt(index).debugName() for index in range(node.inputsSize())]


def results(node: Any) -> list[str]:
    """The names of what a node makes."""
    return [node.outputsAt(index).debugName() for index in range(node.outputsSize())]


def bind(node: Any, made: Any, env: dict[str, Any]) -> None:
    """Put what a node makes into ``env``: one result, or a sequence of them, or none."""
    if node.outputsSize() == 1:
        env[node.output().debugName()] = made
    else:
        env.update(zip(results(node), made or (), strict=False))


def line_of(node: Any) -> tuple[str, int]:
    """The user's line of a node, innermost first in a trace's text."""
    return _line(node.sourceRange())


@cache
def _line(text: str) -> tuple[str, int]:
    for found in _LINE.finditer(text):
        file, number, traced, at = found.groups()
        if is_users(file or traced):
            return file or traced, int(number or at)
    return "", 0


_TENSORS = ("Tensor", "Optional[Tensor]")
"""Types of arguments for which a trace may hold a number: the size of something, say."""


class Called:
    """An op overload as nodes of TorchScript call it: all arguments by position.

    Attributes:
        func: The overload.
    """

    def __init__(self, schema: str) -> None:
        """The op of a node with that schema."""
        domain, _, rest = schema.partition("(")[0].partition("::")
        base, _, overload = rest.partition(".")
        self._packet = getattr(getattr(torch.ops, domain), base)
        self.func = getattr(self._packet, overload or "default")
        arguments = self.func._schema.arguments
        self._named = [one.name for one in arguments if one.kwarg_only]
        self._plain = len(arguments) - len(self._named)
        self._names = [one.name for one in arguments]
        self._kinds = [str(one.type) for one in arguments]
        self._real = [str(one.real_type) for one in arguments]

    def call(self, args: list[Any], take: Callable[..., Any]) -> Any:
        """What the op gives.

        Args:
            args: Its arguments.
            take: Given the overload, the arguments by position and those by name, if they are as
                torch's dispatcher hands them on; else the dispatcher is called.
        """
        found = self._odd(args)
        if found is not NotImplemented:
            return found
        given = [_handed(kind, one) for kind, one in zip(self._real, args, strict=False)]
        if _UNLIKE not in map(type, given):
            words = dict(zip(self._named, given[self._plain :], strict=False))
            return take(self.func, tuple(given[: self._plain]), words)
        held = [
            torch.tensor(one) if kind in _TENSORS and _is_plain(one) else one
            for kind, one in zip(self._kinds, args, strict=False)
        ]
        words = dict(zip(self._named, args[self._plain :], strict=False))
        return self.func(*held[: self._plain], **words)

    def _odd(self, args: list[Any]) -> Any:
        """What it gives where an argument is not what the schema says; else NotImplemented.

        It is a size that a trace made a tensor of, or a number that depends on data.
        """
        own = 1 if self._kinds[:1] == ["Tensor"] else 0
        if any(map(_is_odd, self._kinds[own:], args[own:])):
            words = dict(zip(self._named, args[self._plain :], strict=False))
            rest = dict(zip(self._names[2 : self._plain], args[2 : self._plain], strict=False))
            for places, more in ((args[: self._plain], words), (args[:2], {**rest, **words})):
                with contextlib.suppress(RuntimeError):
                    return self._packet(*places, **more)
        return NotImplemented


@cache
def called(schema: str) -> Called:
    """The op that nodes with that schema call."""
    return Called(schema)


class _UnlikeType:
    """The type of the sign that an argument must go through torch's dispatcher."""


_UNLIKE, _SIGN = _UnlikeType, _UnlikeType()


def _handed(kind: str, one: Any) -> Any:
    """An argument as torch's dispatcher hands it on; a sign if only the dispatcher knows."""
    if kind.startswith("Optional["):
        if one is None:
            return None
        kind = kind[9:-1]
    if kind == "ScalarType":
        return dtype_of(one)
    if isinstance(one, torch.Tensor):
        return one if kind == "Tensor" else _SIGN
    if type(one) not in _AS_IT_IS.get(kind, ()):
        return _SIGN
    return one


def _is_plain(one: Any) -> bool:
    return isinstance(one, bool | int | float)


def _is_odd(kind: str, one: Any) -> bool:
    """Whether a number is given for a tensor, or a tensor for a number."""
    return _is_plain(one) if kind == "Tensor" else "Tensor" not in kind and is_unknown(one)
