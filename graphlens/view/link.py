"""Links from boxes to the lines of code that they come from."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urlsplit

from graphlens.errors import UsageError
from graphlens.ir import Graph
from graphlens.view.diagram import Box, Diagram, Face

_SCHEMES = ("http", "https", "file", "vscode")


def linked(diagram: Diagram, graph: Graph, address: str) -> Diagram:
    """A flat diagram with links to the source of its operations, where that is known.

    Args:
        diagram: Of ``graph``, a box for each operation.
        graph: What knows the sources.
        address: The address of a line, with ``{file}`` and ``{line}`` in it:
            ``https://github.com/me/model/blob/main/{file}#L{line}``.

    Raises:
        UsageError: If the address has no ``{file}``, or is of another scheme than
            http, https, file and vscode.
    """
    scheme = urlsplit(address.replace("{", "").replace("}", "")).scheme
    if "{file}" not in address or scheme not in _SCHEMES:
        raise UsageError(
            f"cannot link to {address!r}: expected an address of {', '.join(_SCHEMES)} with "
            "{file} and {line} in it, such as https://github.com/me/model/blob/main/{file}#L{line}"
        )
    return diagram.having([_linked(box, graph, address) for box in diagram.boxes])


def _linked(box: Box, graph: Graph, address: str) -> Box:
    source = graph.node(box.id).source
    if not source.file:
        return box
    link = address.replace("{file}", quote(source.file.lstrip("/")))
    link = link.replace("{line}", str(source.line or 1))
    faces: list[Face | None] = [
        face and replace(face, rows=(replace(face.rows[0], link=link), *face.rows[1:]))
        for face in box.faces
    ]
    return replace(box, faces=tuple(faces))
