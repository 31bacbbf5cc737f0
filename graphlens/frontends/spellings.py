"""Which ops of the vocabulary each row of the mapping tables writes, read from the rows themselves.

A row is a function. The ops that it may write are the names of ops among the constants of its code,
of what it closes over, and of the functions of the front ends that it calls; so a list of spellings
is worked out and never kept by hand. It says what a row may write, not what it writes each time.
"""

from __future__ import annotations

import dis
import functools
import importlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from graphlens import ops
from graphlens.ops.schema import vocabulary
from graphlens.ops.spellings import counted

TABLES: Mapping[str, tuple[str, ...]] = {
    "aten": ("torch.aten.table:TABLE",),
    "tf": ("tf.table:ROWS", "tf.table:TEXT_ROWS"),
    "caffe2": ("caffe2.net:ROWS",),
}
"""Each framework's op tables, rows by op; ``torch.jit`` is read by the aten table too."""

_OWN = "graphlens.frontends"
_PRIMITIVES = frozenset({"emit", "step", "const", "number", "ints", "size", "value", "values"})
"""Methods of a call that a row writes by: the op is what the row gives them."""

Row = Callable[..., Any]


def spellings() -> dict[str, dict[str, list[str]]]:
    """Framework -> its op -> the ops of the vocabulary that its row may write, all sorted.

    Imports the frameworks that the tables need.
    """
    tables = {framework: _rows(places) for framework, places in TABLES.items()}
    return {
        framework: {
            name: sorted(_Reader(rows, name).ops(row)) for name, row in sorted(rows.items())
        }
        for framework, rows in tables.items()
    }


def _rows(places: Sequence[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for place in places:
        module, _, name = place.partition(":")
        found.update(getattr(importlib.import_module(f"{_OWN}.{module}"), name))
    return found


class _Reader:
    """Reads what one row may write."""

    def __init__(self, rows: Mapping[str, Row], name: str) -> None:
        self._rows, self._name = rows, name
        self._known = frozenset(op for domain, op in vocabulary() if not domain)
        self._keys = [name, name.partition(".")[0]]
        self._seen: set[int] = set()

    def ops(self, thing: Any) -> set[str]:
        """The ops named by a value: a function, a name, or a collection of them."""
        if isinstance(thing, str):
            return {thing} & self._known
        if id(thing) in self._seen or thing is self._rows:
            return set()
        self._seen.add(id(thing))
        if isinstance(thing, FunctionType):
            return self._of_function(thing)
        if isinstance(thing, functools.partial):
            return self._all((thing.func, *thing.args, *thing.keywords.values()))
        if isinstance(thing, Mapping):
            own = [thing[key] for key in self._keys if key in thing]
            return self._all(own or thing.values())
        return self._all(thing) if isinstance(thing, tuple | list | set | frozenset) else set()

    def _all(self, things: Iterable[Any]) -> set[str]:
        return {op for thing in things for op in self.ops(thing)}

    def _of_function(self, function: FunctionType) -> set[str]:
        """What a function of the front ends may name: constants, closures, what it calls."""
        if not function.__module__.startswith(_OWN):
            return set()
        names, constants, templates = _read(function.__code__)
        closed = [cell.cell_contents for cell in function.__closure__ or ()]
        self._keys += [each for each in closed if isinstance(each, str)]
        words = {word for word in (*constants, *closed, self._name) if isinstance(word, str)}
        filled = {(t.replace("\0", word), word) for t in templates for word in words}
        filled = {(op, word) for op, word in filled if op in self._known}
        used = {word for _, word in filled}
        found = self._all(thing for thing in (*constants, *closed) if _unused(thing, used))
        return (
            found | {op for op, _ in filled} | self._all(self._called(function, names, constants))
        )

    def _called(
        self, function: FunctionType, names: Sequence[str], constants: Sequence[str]
    ) -> Iterator[Any]:
        """The globals that a function names, the rows that it asks for, the methods of its call."""
        methods = vars(function.__globals__.get("Call", object))
        for name in names:
            if name in ("TABLE", "ROWS"):
                yield from (self._rows[each] for each in constants if each in self._rows)
            elif name in function.__globals__:
                yield function.__globals__[name]
            elif name in methods and name not in _PRIMITIVES:
                yield methods[name]


def _unused(thing: Any, used: set[str]) -> bool:
    return not isinstance(thing, str) or thing not in used


def _read(code: CodeType) -> tuple[list[str], list[str], list[str]]:
    """Names, strings and f-strings (a NUL for what is filled in) of a function's code."""
    names, constants, templates = list(code.co_names), list[str](), list(_templates(code))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            for whole, part in zip((names, constants, templates), _read(constant), strict=True):
                whole += part
        elif isinstance(constant, str | tuple):
            parts = (constant,) if isinstance(constant, str) else constant
            constants += [part for part in parts if isinstance(part, str)]
    return names, constants, templates


def _templates(code: CodeType) -> Iterator[str]:
    parts: list[str] = []
    for step in dis.get_instructions(code):
        if step.opname == "LOAD_CONST" and isinstance(step.argval, str):
            parts.append(step.argval)
        elif step.opname in ("FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC"):
            parts.append("\0")
        elif step.opname == "BUILD_STRING":
            yield "".join(parts[-(step.arg or 0) :])


def main(tables: Sequence[str]) -> None:
    """Write them where ``graphlens ops`` reads them (``make spellings``).

    Args:
        tables: Tables of ``graphlens sweep`` to count the nodes of; with none, the counts stay.
    """
    path = Path(ops.__file__).with_name("spellings.json")
    held = json.loads(path.read_text("utf-8"))
    if tables:
        counts = sum((counted(Path(table)) for table in tables), Counter[str]())
        held["nodes"] = dict(sorted(counts.items()))
    path.write_text(written({**held, "spellings": spellings()}), "utf-8")


def written(content: Mapping[str, Any]) -> str:
    """The file's text: a line for each op."""
    return json.dumps(content, indent=1).replace("\n    ", " ").replace("\n   ]", " ]") + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
