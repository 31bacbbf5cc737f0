"""Reading the JSON form of a Graph, strictly: every error says where it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from graphlens.errors import FormatError, GraphError
from graphlens.ir.graph import Graph
from graphlens.ir.json_values import array_head, array_read, read, type_read
from graphlens.ir.node import Node, Source, Value
from graphlens.ir.weights_file import WeightsFile

FORMAT = "graphlens/1"
"""What a file says it is; another number is another version."""

_KEYS: Mapping[str, tuple[type, Any]] = {
    "name": (str, None),
    "op": (str, None),
    "domain": (str, ""),
    "operands": (list, []),
    "attributes": (dict, {}),
    "results": (list, []),
    "scope": (str, ""),
    "source": (list, []),
    "origins": (list, []),
    "regions": (dict, {}),
    "value": (dict, {}),
}
"""The keys of a node with their type and what stands for one left out; None is required."""


def read_graph(content: Any, weights: WeightsFile | None) -> Graph:
    """The graph that a JSON table spells.

    Raises:
        FormatError: Saying where, if it is not of the form.
    """
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise FormatError(
            f"a table with 'format': {FORMAT!r} was expected, its format is {found!r}"
        )
    return _Reader(weights).graph(content, "")


class _Reader:
    """Reads a graph and the regions inside it."""

    def __init__(self, weights: WeightsFile | None) -> None:
        self._weights = weights
        self._arrays: dict[tuple[str, str, tuple[int, ...]], np.ndarray] = {}

    def graph(self, content: Any, path: str) -> Graph:
        match content:
            case {"name": str(title), "nodes": list(nodes), **rest}:
                pass
            case _:
                raise FormatError(f"{path or 'graph'}: a table of name and nodes was expected")
        made = Graph(name=title)
        made.graph |= _metadata(rest.get("graph", {}), f"{path}graph")
        entries = [_entry(entry, f"{path}node {i}") for i, entry in enumerate(nodes)]
        for entry in entries:
            self._node(made, entry, f"{path}{entry['name']}")
        for entry in entries:
            _connect(made, entry, f"{path}{entry['name']}")
        return made

    def _node(self, graph: Graph, entry: Mapping[str, Any], where: str) -> None:
        if entry["name"] in graph:
            raise FormatError(f"{where}: two nodes have this name")
        node = Node(
            op=entry["op"],
            domain=entry["domain"],
            attributes=_table(entry["attributes"], where),
            results=tuple(type_read(held, where) for held in entry["results"]),
            scope=entry["scope"],
            source=_source(entry["source"], where),
            origins=_origins(entry["origins"], where),
            regions={k: self.graph(b, f"{where}.{k}/") for k, b in entry["regions"].items()},
        )
        graph.add(node, name=entry["name"])
        if entry["value"]:
            self._value(graph, entry, where)

    def _value(self, graph: Graph, entry: Mapping[str, Any], where: str) -> None:
        value = entry["value"]
        key = value.get("weight")
        if key is None:
            graph.weights[entry["name"]] = array_read(value, where)
        elif not isinstance(key, str):
            raise FormatError(f"{where}: weight {key!r} is no name")
        elif self._weights is not None:
            wanted = (key, *array_head(value, where))
            if wanted not in self._arrays:
                self._arrays[wanted] = self._weights.array(*wanted)
            graph.weights[entry["name"]] = self._arrays[wanted]


def _entry(entry: Any, where: str) -> dict[str, Any]:
    """A node's table with what was left out filled in."""
    if not isinstance(entry, dict):
        raise FormatError(f"{where}: a table was expected, found {entry!r}")
    unknown = sorted(entry.keys() - _KEYS.keys())
    if unknown:
        raise FormatError(f"{where}: unknown keys {unknown} (known are {sorted(_KEYS)})")
    for key, (kind, usual) in _KEYS.items():
        held = entry.get(key, usual)
        if not isinstance(held, kind):
            raise FormatError(f"{where}: {key} must be a {kind.__name__}, found {held!r}")
    filled = {key: entry.get(key, usual) for key, (_, usual) in _KEYS.items()}
    if not filled["name"] or not filled["op"]:
        raise FormatError(f"{where}: name and op must not be empty")
    return filled


def _table(content: Any, where: str) -> dict[str, Any]:
    """A table of plain values."""
    held = read(content, where)
    if not isinstance(held, dict):
        raise FormatError(f"{where}: a table was expected, found {content!r}")
    return held


def _metadata(content: Any, where: str) -> dict[str, Any]:
    """What a graph carries besides its nodes; its name stands elsewhere."""
    held = _table(content, where)
    scopes = held.get("scopes", {})
    if "name" in held or not isinstance(scopes, dict):
        raise FormatError(f"{where}: no name and a table of scopes were expected, found {held!r}")
    if not all(isinstance(name, str) for name in scopes.values()):
        raise FormatError(f"{where}.scopes: class names were expected, found {scopes!r}")
    return held


def _source(held: list[Any], where: str) -> Source:
    match held:
        case []:
            return Source()
        case [str(op), str(file), int(line)]:
            return Source(op, file, line)
        case _:
            raise FormatError(f"{where}: source {held!r} is no [op, file, line]")


def _origins(held: list[Any], where: str) -> tuple[str, ...]:
    if not all(isinstance(name, str) for name in held):
        raise FormatError(f"{where}: origins {held!r} are no names")
    return tuple(held)


def _connect(graph: Graph, entry: Mapping[str, Any], where: str) -> None:
    for index, value in enumerate(_operands(entry["operands"], where)):
        if value is not None:
            try:
                graph.connect(value, entry["name"], index)
            except GraphError as error:
                raise FormatError(f"{where}: {error}") from error


def _operands(held: list[Any], where: str) -> Iterator[Value | None]:
    for index, operand in enumerate(held):
        match operand:
            case None:
                yield None
            case str(name):
                yield Value(name)
            case [str(name), int(result)]:
                yield Value(name, result)
            case _:
                raise FormatError(f"{where}: operand {index} is {operand!r}, no value")
