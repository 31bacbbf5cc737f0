"""Where a node of an ONNX file comes from: what exporters write into names and metadata."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import onnx

from graphlens.ir.node import Source
from graphlens.tensor import Dim, TensorType

_TORCH = "pkg.torch.onnx."
_FRAME = re.compile(r'File "([^"\n]{1,1000})", line (\d{1,9})')
_LONGEST = 10_000
"""Characters of a metadata entry up to which it is read."""


NOWHERE = Source()


@dataclass(frozen=True)
class Origin:
    """What a file says of a node's origin.

    Attributes:
        name: A readable name for the node; not unique.
        scope: Path of the module that ran it.
        classes: Class names by scope path, from the outermost to the innermost.
        source: The framework's op and the user's line.
        origins: Names of the captured nodes that it stands for, if the file says so.
    """

    name: str
    scope: str = ""
    classes: tuple[tuple[str, str], ...] = ()
    source: Source = NOWHERE
    origins: tuple[str, ...] = ()


def origin(node: onnx.NodeProto, title: str) -> Origin:
    """What is known of a node's origin.

    Args:
        node: The node.
        title: The name to give it where nothing better is known.
    """
    held = {e.key: e.value for e in node.metadata_props if len(e.value) <= _LONGEST}
    title = node.name or title
    if any(key.startswith("graphlens.") for key in held):
        return _ours(held, title)
    if f"{_TORCH}name_scopes" in held:
        return _torch(held, title)
    if "/" in title:
        scope = path_of(title.split("/")[:-1])
        return Origin(title, scope)
    return Origin(title)


def path_of(parts: list[str]) -> str:
    """A dotted module path from the parts of a name.

    torch's older exporter repeats the path in containers: /layer1/layer1.0/layer1.0.conv.
    """
    path: list[str] = []
    for part in filter(None, parts):
        if path and part.startswith(f"{path[-1]}."):
            path[-1] = part
        else:
            path.append(part)
    return ".".join(path)


def plain_type(held: TensorType) -> TensorType:
    """A type whose symbols are Python names or expressions, so that texts of it can be read."""
    if held.shape is None:
        return held
    return held.with_shape(tuple(_dim(dim) for dim in held.shape))


def _dim(dim: Dim) -> Dim:
    if isinstance(dim, int):
        return dim if dim >= 0 else "?"
    return _symbol(dim)


@lru_cache(maxsize=4096)
def _symbol(dim: str) -> str:
    """A symbol or expression as it is, and anything else ('batch-size') as a name."""
    if not dim or dim == "?" or dim.isidentifier():
        return dim or "?"
    try:
        parts = list(ast.walk(ast.parse(dim, mode="eval"))) if len(dim) <= 200 else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        parts = []
    if parts and all(isinstance(part, _EXPRESSION) and not _is_hyphen(part) for part in parts):
        return dim.replace(" ", "")
    return re.sub(r"\W", "_", dim[:200], flags=re.ASCII)


_EXPRESSION = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.Name, ast.Constant, ast.Call),
    *(ast.operator, ast.unaryop, ast.expr_context),
)


def _is_hyphen(part: ast.AST) -> bool:
    """Whether a minus joins two names, as a hyphen does."""
    return (
        isinstance(part, ast.BinOp)
        and isinstance(part.op, ast.Sub)
        and isinstance(part.left, ast.Name)
        and isinstance(part.right, ast.Name)
    )


def _ours(held: Mapping[str, str], title: str) -> Origin:
    source = _loads(held.get("graphlens.source", "[]"))
    origins = _loads(held.get("graphlens.origins", "[]"))
    fits = isinstance(source, list) and [type(item) for item in source] == [str, str, int]
    names = origins if isinstance(origins, list) else []
    return Origin(
        title,
        held.get("graphlens.scope", ""),
        (),
        Source(*source) if fits else Source(),
        tuple(name for name in names if isinstance(name, str)),
    )


def _torch(held: Mapping[str, str], title: str) -> Origin:
    scopes = _names(held[f"{_TORCH}name_scopes"])
    classes = _names(held.get(f"{_TORCH}class_hierarchy", "[]"))
    pairs = tuple(
        (path, kind.rpartition(".")[2])
        for path, kind in zip(scopes[:-1], classes[:-1], strict=False)
    )
    scope = scopes[-2] if len(scopes) > 1 else ""
    leaf = scopes[-1] if scopes else title
    builtin = len(classes) > 1 and classes[-2].startswith("torch.nn.modules.")
    name = scope if builtin and scope else ".".join(filter(None, (scope, leaf)))
    file, line = _user_frame(held.get(f"{_TORCH}stack_trace", ""))
    op = classes[-1] if len(classes) == len(scopes) and classes else ""
    return Origin(name or title, scope, pairs, Source(op, file, line))


@lru_cache(maxsize=4096)
def _user_frame(trace: str) -> tuple[str, int]:
    """The innermost frame that is not torch's own."""
    frames = _FRAME.findall(trace)
    users = [frame for frame in frames if "/torch/" not in frame[0].replace("\\", "/")]
    return (users[-1][0], int(users[-1][1])) if users else ("", 0)


@lru_cache(maxsize=4096)
def _names(text: str) -> tuple[str, ...]:
    """A list of strings written as Python writes it."""
    try:
        made = ast.literal_eval(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(item for item in made if isinstance(item, str)) if isinstance(made, list) else ()


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
