"""What a notebook cell shows of a Graph, History, MemoryPlan, Diff or Proof."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from graphlens import registry
from graphlens.display import Bundle
from graphlens.errors import GraphlensError, UsageError


def bundle(thing: Any) -> Bundle:
    """A thing by MIME type: always ``text/plain``, a picture and a table where it has them.

    A notebook shows the richest that it can. A picture that cannot be made is no error here,
    since the cell's value is still worth seeing: the text says why it is missing.
    """
    made: Bundle = {"text/plain": _text(thing)}
    try:
        drawn = _picture(thing)
    except GraphlensError as error:
        made["text/plain"] += f"\n(no picture: {error})"
        drawn = ""
    if drawn:
        made["image/svg+xml"] = drawn
    if rows := _rows(thing):
        made["text/html"] = table(rows) + drawn.partition("?>")[2]
    return made


def table(rows: Iterable[Sequence[str]]) -> str:
    """An HTML table of cells of plain text, the first row its head."""
    head, *body = rows
    lines = [_row("th", head), *(_row("td", row) for row in body)]
    return f"<table>\n{chr(10).join(lines)}\n</table>\n"


def _row(kind: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in cells) + "</tr>"


def _picture(thing: Any) -> str:
    try:
        view = registry.find_by_type(registry.VIEWS, thing)
    except UsageError:  # a Proof is no picture
        return ""
    return registry.load("graphlens.render:svg")(view(thing))


def _rows(thing: Any) -> list[tuple[str, ...]]:
    """The cells of a thing that is read as a table, else nothing."""
    cells = getattr(thing, "cells", None)
    return [] if cells is None else list(cells())


def _text(thing: Any) -> str:
    return repr(thing) if registry.is_graph(thing) else str(thing)
