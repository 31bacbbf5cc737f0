"""Results: a table for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphlens import files
from graphlens.errors import UsageError

if TYPE_CHECKING:
    from graphlens.ir.graph import Graph


def report(to: str | None, content: Mapping[str, Any], text: str) -> None:
    """Print the text; or the content as JSON in its place (``'-'``), or beside it in a file.

    Args:
        to: What ``--json`` was given: None, ``'-'`` or a path.
        content: What machines read.
        text: What people read.
    """
    written = json.dumps(content, indent=2, default=str)
    if to == "-":
        say(written)
        return
    if to is not None:
        files.write(to, f"{written}\n")
    if text:
        say(text)


def say(text: str) -> None:
    """Print to stdout at once, so that what goes wrong is known here.

    Raises:
        BrokenPipeError: If its reader went away.
        UsageError: If it takes no more, as a file on a full disk.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"cannot write to stdout: {error.strerror or error}") from error


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Numbers under their heads: the first column to the left, the others to the right."""
    return _aligned(heads, rows, [str.ljust, *[str.rjust] * (len(heads) - 1)])


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Words under their heads, all to the left."""
    return _aligned(heads, rows, [str.ljust] * len(heads))


def described(graph: Graph) -> str:
    """A graph in a few words."""
    found = graph.graph.get("capture", "")
    return f"{len(graph)} nodes, {graph.number_of_edges()} edges" + (found and f", by {found}")


def amount(value: float | None, unit: str = "") -> str:
    """``12.3 M`` for 12,345,678; ``?`` where it is not known."""
    if value is None:
        return "?"
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.1f} {prefix}{unit}"
    return f"{value:g} {unit}".rstrip()


def _aligned(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    sides: Sequence[Callable[[str, int], str]],
) -> str:
    lines = [tuple(heads), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            side(cell, width) for side, cell, width in zip(sides, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )
