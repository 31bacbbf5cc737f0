"""The JSON form of a Graph, with large weights in a safetensors file beside it.

    {"format": "graphlens/1", "name": ..., "graph": {...}, "weights": {"file": ..., "digest": ...},
     "nodes": [{"name": "conv", "op": "Conv", "operands": ["x", "w", null, ["split", 1]],
                "attributes": {...}, "results": [["float32", [1, 64, 56, 56]]], ...}, ...]}

What is empty is left out. Reading is strict and executes nothing; the same graph gives the same
bytes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from graphlens.errors import FormatError, GraphError
from graphlens.files import atomic, write
from graphlens.ir.check import check
from graphlens.ir.graph import Graph
from graphlens.ir.json_read import FORMAT, read_graph
from graphlens.ir.json_values import array_written, type_written, written
from graphlens.ir.node import Value
from graphlens.ir.weights_file import WeightsFile, dense_bytes, write_weights

_INLINE = 1024
"""Bytes of a weight up to which it is written into the JSON itself."""

_DIGEST = "graphlens.digest"


def dump(graph: Graph, path: str | Path) -> None:
    """Write a graph; weights of more than 1 KiB go into ``<stem>.safetensors`` beside it.

    Both are written whole or not at all.

    Raises:
        UsageError: If the folder cannot be written to.
        GraphError: If the graph holds something that has no JSON form.
    """
    path = Path(path)
    large: dict[str, np.ndarray] = {}
    content = to_dict(graph, large)
    if large:
        digest = _digest(large)
        beside = path.with_suffix(".safetensors")
        content["weights"] = {"file": beside.name, "digest": digest}
        # Both are there before either takes its name: what was saved before is a pair too.
        with atomic(path) as graph_draft, atomic(beside) as draft:
            graph_draft.write_bytes(_text(content).encode())
            write_weights(draft, large, {_DIGEST: digest})
    else:
        write(path, _text(content))


def load(path: str | Path, *, weights: bool = True) -> Graph:
    """Read a graph back; weights that lie beside it are read with it.

    Args:
        path: The JSON file.
        weights: Whether to look for the file of large weights; without it they are absent.

    Raises:
        FormatError: Saying where, if the file is not a graph of a known version, or the weights
            beside it are missing or not its own.
        GraphError: If what it says breaks an invariant of the IR (a cycle ...).
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise FormatError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{str(path)!r} is no JSON: {error}") from error
    try:
        return from_dict(content, _beside(content, path) if weights else None)
    except (FormatError, GraphError) as error:
        raise type(error)(f"{str(path)!r}: {error}") from error


def to_dict(graph: Graph, large: dict[str, np.ndarray] | None = None) -> dict[str, Any]:
    """A graph as what JSON can hold.

    Args:
        graph: The graph.
        large: Filled with the weights of more than 1 KiB, by the key that stands for them. If it
            is None, they are written into the result.
    """
    return {"format": FORMAT} | _Writer(large).graph(graph, "")


def from_dict(content: Any, weights: WeightsFile | None = None) -> Graph:
    """The graph that `to_dict` wrote.

    Args:
        content: What JSON held.
        weights: Where the large weights are; without it they are absent.

    Raises:
        FormatError: Saying where, if it is not of that form.
        GraphError: If what it says breaks an invariant of the IR.
    """
    try:
        return check(read_graph(content, weights))
    except RecursionError as error:
        raise FormatError("regions are nested too deeply") from error


class _Writer:
    """Writes a graph and the regions inside it."""

    def __init__(self, large: dict[str, np.ndarray] | None) -> None:
        self._large = large
        self._keys: dict[int, str] = {}

    def graph(self, graph: Graph, path: str) -> dict[str, Any]:
        kept = {key: value for key, value in graph.graph.items() if key != "name"}
        return {
            "name": graph.name,
            "graph": written(kept, "graph"),
            "nodes": [self._node(graph, name, path) for name in graph],
        }

    def _node(self, graph: Graph, name: str, path: str) -> dict[str, Any]:
        node = graph.node(name)
        entry: dict[str, Any] = {"name": name, "op": node.op}
        entry["domain"] = node.domain
        entry["operands"] = [_operand(value) for value in graph.operands(name)]
        entry["attributes"] = written(node.attributes, name)
        entry["results"] = [type_written(held) for held in node.results]
        entry["scope"] = node.scope
        entry["source"] = list(node.source) if any(node.source) else []
        entry["origins"] = [] if node.origins == (name,) else list(node.origins)
        entry["regions"] = {
            key: self.graph(body, f"{path}{name}.{key}/") for key, body in node.regions.items()
        }
        entry = {key: value for key, value in entry.items() if value or key in ("name", "op")}
        if name in graph.weights:
            entry["value"] = self._weight(graph.weights[name], f"{path}{name}")
        return entry

    def _weight(self, array: np.ndarray, key: str) -> dict[str, Any]:
        if self._large is None or array.nbytes <= _INLINE or array.dtype.kind in "OUST":
            return array_written(array)
        key = self._keys.setdefault(id(array), key)
        self._large[key] = array
        return {"dtype": array.dtype.name, "shape": list(array.shape), "weight": key}


def _operand(value: Value | None) -> Any:
    if value is None:
        return None
    return [value.node, value.result] if value.result else value.node


def _text(content: dict[str, Any]) -> str:
    """JSON with one node a line, so that two files can be compared by eye."""
    nodes = ",\n".join(json.dumps(node) for node in content["nodes"])
    head = {key: value for key, value in content.items() if key != "nodes"}
    return f'{json.dumps(head)[:-1]}, "nodes": [\n{nodes}\n]}}\n'


def _digest(arrays: dict[str, np.ndarray]) -> str:
    held = hashlib.blake2b(digest_size=16)
    for name, array in arrays.items():
        held.update(f"{name} {array.dtype.name} {array.shape}\n".encode())
        held.update(dense_bytes(array))
    return held.hexdigest()


def _beside(content: Any, path: Path) -> WeightsFile | None:
    """The weights that belong to the graph: a file beside it, with the digest that it states."""
    match content:
        case {"weights": {"file": str(name), "digest": str(digest)}}:
            pass
        case {"weights": found}:
            raise FormatError(f"weights: {found!r} names no file and digest")
        case _:
            return None
    if Path(name).name != name or name in ("", ".."):
        raise FormatError(f"weights: {name!r} must be the name of a file beside the graph")
    held = WeightsFile(path.parent / name)
    if held.metadata.get(_DIGEST) != digest:
        raise FormatError(f"weights: {name!r} belongs to another graph than this one")
    return held


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")
