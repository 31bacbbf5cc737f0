"""The user's line of each place in TorchScript source, from the tables saved beside it."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graphlens.errors import FormatError
from graphlens.frontends.pickle_read import unpickled
from graphlens.frontends.torch.scopes import is_users

_FORMAT = "FORMAT_WITH_STRING_TABLE"
_FRAME = re.compile(r'File "([^"]+)", line (\d+)|^\s*(\S[^\n(]*)\((\d+)\): ', re.MULTILINE)
Place = tuple[str, int]


@dataclass(slots=True)
class Ranges:
    """Where the parts of one source file come from.

    Attributes:
        text: The file.
        entries: Offset in the text and what it comes from, by offset.
    """

    text: str
    entries: Sequence[tuple[int, Any]]
    strings: Sequence[str] = ()
    _lines: list[int] = field(default_factory=list)
    _known: dict[int, Place] = field(default_factory=dict)

    def line(self, row: int, column: int) -> Place:
        """The user's file and line of a place in the text, given by row (from 1) and column."""
        if not self._lines:
            self._lines = [0, *(m.end() for m in re.finditer("\n", self.text))]
        offset = self._lines[row - 1] + column
        index = bisect.bisect_right(self.entries, offset, key=lambda one: one[0]) - 1
        if index < 0:
            return "", 0
        if index not in self._known:
            self._known[index] = self._place(self.entries[index][1])
        return self._known[index]

    def _place(self, held: Any) -> Place:
        """A range: the lines of its text by number, its file's name, its first line, its start."""
        try:
            (parts, name, first), start, *_ = held
            text = "".join(self.strings[part] for part in parts)
            for file, number, traced, at in _FRAME.findall(text):
                if is_users(file or traced):
                    return file or traced, int(number or at)
            file = self.strings[name]
            line = first + text.count("\n", 0, start)
        except (ValueError, TypeError, IndexError):
            return "", 0
        return (file, line) if file and is_users(file) else ("", 0)


def ranges_of(text: str, content: bytes, where: str) -> Ranges:
    """The table of a source file; an empty one where it cannot be read."""
    calls = {"torch.jit._pickle.build_intlist": lambda one: tuple(one)}
    try:
        held = unpickled(content, calls, where)
        kind, strings, entries = held
    except (FormatError, ValueError, TypeError):
        return Ranges(text, ())
    if kind != _FORMAT:
        return Ranges(text, ())
    found = [(one[0], one[1]) for one in entries if isinstance(one, tuple) and len(one) >= 2]
    return Ranges(text, sorted(found, key=lambda one: one[0]), strings)
