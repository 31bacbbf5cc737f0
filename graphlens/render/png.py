"""SVG to PNG by resvg, else by rsvg-convert where that is on the PATH."""

from __future__ import annotations

import shutil
import subprocess

from graphlens.errors import MissingDependencyError, RenderError

_ZOOM = 2.0
"""Pixels per point."""
_LIMIT = 60.0
_WIDEST = 12000
"""Pixels that a side may have: what is longer is drawn smaller."""


def to_png(svg: str, size: float) -> bytes:
    """The bytes of a PNG file of an SVG.

    Args:
        svg: The text of the SVG.
        size: Its longer side in points.

    Raises:
        MissingDependencyError: If nothing can do it.
        RenderError: If what can do it fails.
    """
    zoom = min(_ZOOM, _WIDEST / max(size, 1.0))
    try:
        import resvg_py  # an optional dependency, and only PNG needs it
    except ImportError:
        return _by_program(svg, zoom)
    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, background="#ffffff"))
    except ValueError as error:
        raise RenderError(f"the picture could not be turned into a PNG: {error}") from error


def _by_program(svg: str, zoom: float) -> bytes:
    program = shutil.which("rsvg-convert")
    if program is None:
        raise MissingDependencyError(
            "PNG needs resvg-py (pip install 'graphlens[pictures]') or rsvg-convert on the PATH"
        )
    command = [program, "--zoom", f"{zoom:g}", "--background-color", "white"]
    try:
        done = subprocess.run(
            command, input=svg.encode(), capture_output=True, timeout=_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise RenderError(f"rsvg-convert was stopped after {_LIMIT:g} s") from None
    if done.returncode:
        raise RenderError(f"rsvg-convert failed: {done.stderr.decode(errors='replace')[:300]}")
    return done.stdout
