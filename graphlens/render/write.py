"""Any picture to any format, by the file's suffix."""

from __future__ import annotations

from pathlib import Path

from graphlens import files
from graphlens.errors import unknown_name
from graphlens.render.dot import to_dot
from graphlens.render.draw import draw
from graphlens.render.scene import Scene
from graphlens.render.svg import to_svg
from graphlens.view import Diagram, MemoryMap, Picture


def svg(picture: Picture) -> str:
    """The text of an SVG file of a picture."""
    return to_svg(scene(picture))


def scene(picture: Picture) -> Scene:
    """A picture with coordinates."""
    return draw(picture)


def write(picture: Picture, path: str | Path) -> None:
    """Write a picture to a file, whole or not at all, in the format that its suffix names."""
    files.write(path, svg(picture))
