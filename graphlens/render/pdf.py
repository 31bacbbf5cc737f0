"""Scene to PDF by reportlab, in the fonts that every reader has: text stays text."""

from __future__ import annotations

import io
from typing import Any

from graphlens.errors import MissingDependencyError
from graphlens.render.scene import Group, Path, Rect, Scene, Shape, Text
from graphlens.render.theme import PALETTE

_WORDS = {"→": "->", "←": "<-", "−": "-"}
"""Characters that the PDF standard fonts lack, in those that they have."""


def to_pdf(scene: Scene) -> bytes:
    """The bytes of a PDF file of one page.

    Raises:
        MissingDependencyError: If reportlab is not there.
    """
    try:
        from reportlab.pdfgen.canvas import Canvas  # slow to load, and only PDF needs it
    except ImportError as error:
        raise MissingDependencyError(
            "PDF needs reportlab: pip install 'graphlens[pictures]'"
        ) from error
    held = io.BytesIO()
    canvas: Any = Canvas(held, (scene.width, scene.height), invariant=1)
    canvas.setTitle(scene.title.encode("utf-8", "replace").decode())
    canvas.setAuthor("graphlens")
    canvas.translate(0, scene.height)
    canvas.scale(1, -1)
    for shape in scene.shapes:
        _draw(canvas, shape)
    canvas.showPage()
    canvas.save()
    return held.getvalue()


def _draw(canvas: Any, shape: Shape) -> None:
    if isinstance(shape, Group):
        for inner in shape.shapes:
            _draw(canvas, inner)
    elif isinstance(shape, Text):
        _text(canvas, shape)
    elif isinstance(shape, Path):
        _path(canvas, shape)
    else:
        _rect(canvas, shape)


def _paint(canvas: Any, shape: Rect | Path) -> tuple[int, int]:
    """Set the colours; whether to stroke and to fill."""
    if shape.fill != "none":
        canvas.setFillColor(PALETTE[shape.fill].light)
    if shape.stroke != "none":
        canvas.setStrokeColor(PALETTE[shape.stroke].light)
        canvas.setLineWidth(shape.line)
        canvas.setDash([float(part) for part in shape.dash.split()])
    return int(shape.stroke != "none"), int(shape.fill != "none")


def _rect(canvas: Any, rect: Rect) -> None:
    stroke, fill = _paint(canvas, rect)
    radius = max(0.0, min(rect.radius, rect.width / 2, rect.height / 2))
    canvas.roundRect(rect.x, rect.y, rect.width, rect.height, radius, stroke, fill)
    if fill and radius and (rect.square_top or rect.square_bottom):
        if rect.square_top:
            canvas.rect(rect.x, rect.y, rect.width, radius, 0, 1)
        if rect.square_bottom:
            canvas.rect(rect.x, rect.y + rect.height - radius, rect.width, radius, 0, 1)


def _path(canvas: Any, path: Path) -> None:
    stroke, fill = _paint(canvas, path)
    line = canvas.beginPath()
    line.moveTo(*path.points[0])
    rest = path.points[1:]
    for one, two, end in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        line.curveTo(*one, *two, *end)
    if path.closed:
        line.close()
    canvas.drawPath(line, stroke, fill)


def _text(canvas: Any, text: Text) -> None:
    word = "".join(_WORDS.get(char, char) for char in text.text)
    font = {(False, False): "Helvetica", (True, False): "Helvetica-Bold"}.get(
        (text.bold, text.italic), "Helvetica-Oblique"
    )
    canvas.saveState()
    canvas.translate(text.x, text.y)
    canvas.scale(1, -1)
    canvas.setFont(font, text.size)
    canvas.setFillColor(PALETTE[text.fill].light)
    wide = canvas.stringWidth(word, font, text.size)
    left = {"start": 0.0, "middle": -wide / 2, "end": -wide}[text.anchor]
    if text.halo:
        canvas.setFillColor(PALETTE[text.halo].light)
        canvas.rect(left - 1.5, -2.0, wide + 3.0, text.size, 0, 1)
        canvas.setFillColor(PALETTE[text.fill].light)
    canvas.drawString(left, 0, word)
    if text.struck:
        canvas.setStrokeColor(PALETTE[text.fill].light)
        canvas.setLineWidth(text.size / 14)
        canvas.line(left, text.size * 0.3, left + wide, text.size * 0.3)
    canvas.restoreState()
