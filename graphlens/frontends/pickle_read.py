"""Reading a pickle without running it: its opcodes interpreted, what it calls kept as data."""

from __future__ import annotations

import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphlens.errors import FormatError

_MARK = object()
_TORCHS = re.compile(r"torch\.\w+|torch\.storage\.\w+Storage")
"""Names that stand for types of tensors and of their memory."""
_LARGEST = 1 << 28
"""Bytes of a pickle up to which it is read: names and numbers, not weights."""


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle would import."""

    name: str


@dataclass(slots=True, eq=False)
class Built:
    """An object that the pickle would make.

    Attributes:
        kind: Its class.
        state: Its attributes.
    """

    kind: str
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Persistent:
    """Something that lies outside of the pickle: a storage of a tensor."""

    key: Any


Calls = dict[str, Callable[..., Any]]
"""What stands for the functions that a pickle may call: ``'module.name'`` to a function on data."""


def unpickled(content: bytes, calls: Calls, where: str, *, others: bool = True) -> Any:
    """What a pickle describes, as plain data.

    Args:
        content: The pickle.
        calls: The functions that it may call; an object of any other class is a `Built`.
        where: Its name, for messages.
        others: Whether it may name and make objects of other classes. Not where something else,
            which imports what is named and calls how it is made, is to read it next.

    Raises:
        FormatError: If it is damaged, too large, or calls anything else.
    """
    if len(content) > _LARGEST:
        raise FormatError(f"{where}: a pickle of {len(content)} bytes is not read")
    machine = _Machine(calls, where, others)
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "STOP":
                return machine.stack.pop()
            machine.step(opcode.name, argument)
    except FormatError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise FormatError(f"{where}: a damaged pickle ({error})") from error
    raise FormatError(f"{where}: a pickle without an end")


class _Machine:
    """The pickle machine, without the power to import or call."""

    def __init__(self, calls: Calls, where: str, others: bool) -> None:
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._calls = calls
        self._where = where
        self._others = others

    def step(self, name: str, argument: Any) -> None:
        """Do one opcode."""
        if name in _PLAIN:
            self.stack.append(argument)
        elif name in _FIXED:
            self.stack.append(_FIXED[name]())
        elif name in ("PROTO", "FRAME"):
            return
        else:
            handler = getattr(self, f"_{name.lower()}", None)
            if handler is None:
                raise FormatError(f"{self._where}: the pickle has the opcode {name}, not read here")
            handler(argument)

    def _popped(self) -> list[Any]:
        """What lies above the last mark, which goes too."""
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise ValueError("no mark")
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def _mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def _global(self, argument: str) -> None:
        self._named(argument.replace(" ", "."))

    def _stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self._named(f"{module}.{name}")

    def _named(self, name: str) -> None:
        if not self._others and name not in self._calls and not _TORCHS.fullmatch(name):
            raise FormatError(f"{self._where}: the pickle brings a {name} along; it is not run")
        self.stack.append(Global(name))

    def _binput(self, argument: int) -> None:
        self._memo[argument] = self.stack[-1]

    _long_binput = _put = _binput

    def _memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self.stack[-1]

    def _binget(self, argument: int) -> None:
        self.stack.append(self._memo[argument])

    _long_binget = _get = _binget

    def _tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._popped()))

    def _tuple1(self, _: Any) -> None:
        self.stack[-1:] = [tuple(self.stack[-1:])]

    def _tuple2(self, _: Any) -> None:
        self.stack[-2:] = [tuple(self.stack[-2:])]

    def _tuple3(self, _: Any) -> None:
        self.stack[-3:] = [tuple(self.stack[-3:])]

    def _list(self, _: Any) -> None:
        self.stack.append(self._popped())

    def _append(self, _: Any) -> None:
        item = self.stack.pop()
        self.stack[-1].append(item)

    def _appends(self, _: Any) -> None:
        items = self._popped()
        self.stack[-1].extend(items)

    def _setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1][key] = value

    def _setitems(self, _: Any) -> None:
        items = self._popped()
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def _dict(self, _: Any) -> None:
        items = self._popped()
        self.stack.append(dict(zip(items[::2], items[1::2], strict=True)))

    def _pop(self, _: Any) -> None:
        self.stack.pop()

    def _binpersid(self, _: Any) -> None:
        self.stack.append(Persistent(self.stack.pop()))

    def _newobj(self, _: Any) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        if not isinstance(kind, Global) or arguments:
            raise ValueError(f"an object of {kind!r}")
        self.stack.append(Built(kind.name))

    def _build(self, _: Any) -> None:
        state = self.stack.pop()
        held = self.stack[-1]
        if isinstance(held, Built):
            held.state = state if isinstance(state, dict) else {"": state}

    def _reduce(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        name = function.name if isinstance(function, Global) else repr(function)
        if name not in self._calls:
            raise FormatError(
                f"{self._where}: the pickle calls {name}, which is none of the functions that "
                "rebuild tensors; it is not run"
            )
        self.stack.append(self._calls[name](*arguments))


_PLAIN = frozenset(
    """
    BINUNICODE SHORT_BINUNICODE BINUNICODE8 UNICODE BININT BININT1 BININT2 INT LONG LONG1 LONG4
    BINFLOAT FLOAT BINSTRING SHORT_BINSTRING STRING BINBYTES SHORT_BINBYTES BINBYTES8
    """.split()  # noqa: SIM905
)
_FIXED: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
