"""Any picture to any format, by the file's suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from graphlens import files
from graphlens.errors import UsageError
from graphlens.render.dot import to_dot
from graphlens.render.draw import draw
from graphlens.render.draw_memory import draw_memory
from graphlens.render.page import to_html
from graphlens.render.pdf import to_pdf
from graphlens.render.png import to_png
from graphlens.render.scene import Scene
from graphlens.render.svg import to_svg
from graphlens.render.text import to_text
from graphlens.view import MemoryMap, Picture
from graphlens.view.page_data import Page


def svg(picture: Picture) -> str:
    """The text of an SVG file of a picture."""
    return to_svg(scene(picture))


def scene(picture: Picture) -> Scene:
    """A picture with coordinates."""
    return draw_memory(picture) if isinstance(picture, MemoryMap) else draw(picture)


def png(picture: Picture) -> bytes:
    """The bytes of a PNG file of a picture, two pixels to the point."""
    held = scene(picture)
    return to_png(to_svg(held), max(held.width, held.height))


def pdf(picture: Picture) -> bytes:
    """The bytes of a PDF file of a picture, as large as the picture."""
    return to_pdf(scene(picture))


def text(picture: Picture) -> str:
    """A picture as plain text."""
    return to_text(picture)


def dot(picture: Picture) -> str:
    """A diagram as DOT, for other tools.

    Raises:
        UsageError: If the picture is a memory map, which is no graph.
    """
    if isinstance(picture, MemoryMap):
        raise UsageError("a memory map is no graph: write it to .svg, .png, .pdf or .txt, not .dot")
    return to_dot(picture)


RENDERERS: dict[str, Callable[[Picture], str | bytes]] = {
    ".svg": svg,
    ".png": png,
    ".pdf": pdf,
    ".dot": dot,
    ".gv": dot,
    ".txt": text,
}
"""What writes each format, by suffix."""


def write(picture: Picture | Page, path: str | Path) -> None:
    """Write a picture or page to a file, whole or not at all, in the format that its suffix names.

    Raises:
        UsageError: If the suffix names no format, or the file cannot be written.
        RenderError: If the picture cannot be laid out.
        MissingDependencyError: If the format needs a package that is not there.
    """
    suffix = Path(path).suffix.lower()
    if isinstance(picture, Page):
        files.write(path, to_html(picture))
        return
    if suffix not in RENDERERS:
        raise UsageError(
            f"cannot write {str(path)!r}: its suffix must be one of {', '.join(RENDERERS)}, .html"
        )
    files.write(path, RENDERERS[suffix](picture))
