"""A memory map as a scene: rectangles over time, axes, the bound, the peak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphlens.render import theme
from graphlens.render.head import (
    MARGIN,
    facts_width,
    figures,
    heading,
    legend_shapes,
    legend_width,
    styles_of,
)
from graphlens.render.metrics import clean, fitted, width
from graphlens.render.scene import Group, Path, Rect, Scene, Shape, Text, straight
from graphlens.view import Band, MemoryMap, Span

_LEFT, _RIGHT = 66.0, 20.0
_WIDE, _HIGH = 900.0, 380.0
_LABEL = 10.0
_ROW = 15.0
"""Height of a row of brackets under the axis, which name the bodies."""
_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"), (1, "B"))


class _Plot:
    """Where steps and bytes are on the page."""

    def __init__(self, picture: MemoryMap, x: float, y: float) -> None:
        self.x, self.y = x, y
        top = max([picture.arena, picture.bound, *(s.offset + s.size for s in picture.spans), 1])
        self.top = top * 1.06
        self.step = _WIDE / max(1, picture.steps)
        rows = max((depth + 1 for _, depth in _nested(picture.bands)), default=0)
        self.under = y + _HIGH + _ROW * rows

    def across(self, step: float) -> float:
        return self.x + step * self.step

    def up(self, size: float) -> float:
        return self.y + _HIGH * (1.0 - size / self.top)


def draw_memory(picture: MemoryMap) -> Scene:
    """The scene of a memory map."""
    legend = styles_of({span.style for span in picture.spans})
    content = _LEFT + _WIDE + _RIGHT
    wide = max(content, facts_width(picture.facts), legend_width(legend))
    found: list[Shape] = list(heading(picture.title, picture.subtitle, wide))
    found += figures(picture.facts, MARGIN, MARGIN + 56.0)
    plot = _Plot(picture, MARGIN + _LEFT, MARGIN + 100.0)
    found += _axes(picture, plot)
    found += [_band(band, plot, depth) for band, depth in _nested(picture.bands)]
    found += _live(picture, plot)
    hidden = _hidden(picture)
    found += [
        _rectangle(span, plot, index not in hidden) for index, span in enumerate(picture.spans)
    ]
    found += _lines(picture, plot)
    bottom = plot.under + 56.0
    lines, rows = legend_shapes(legend, bottom, wide)
    high = bottom + 18.0 * rows + MARGIN - 8.0
    return Scene(wide + 2 * MARGIN, high, (*found, *lines), picture.title, picture.subtitle)


def _axes(picture: MemoryMap, plot: _Plot) -> Iterator[Shape]:
    left, right, base = plot.x, plot.x + _WIDE, plot.y + _HIGH
    yield Rect(left, plot.y, _WIDE, _HIGH, 0.0, "cluster0")
    scale, unit = next((scale, unit) for scale, unit in _UNITS if plot.top >= scale or scale == 1)
    step = _round_step(plot.top / scale / 5)
    count = int(plot.top / scale / step)
    for tick in range(count + 1):
        y = plot.up(tick * step * scale)
        yield Path(straight((left, y), (right, y)), "hair", line=0.8)
        yield Text(left - 7.0, y + 3.4, f"{tick * step:g}", _LABEL, "faint", anchor="end")
    yield Text(left - 7.0, plot.y - 7.0, unit, _LABEL, "soft", anchor="end")
    stride = max(1, round(_round_step(picture.steps / 10)))
    for tick in range(0, picture.steps, stride):
        x = plot.across(tick + 0.5)
        yield Path(straight((x, base), (x, base + 4.0)), "edge", line=0.8)
        yield Text(x, base + 15.0, str(tick), _LABEL, "faint", anchor="middle")
    yield Path(straight((left, base), (right, base)), "edge", line=1.0)
    yield Text(right, plot.under + 30.0, "step of execution", _LABEL, "soft", anchor="end")


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5, 10 ... times a power of ten."""
    power = 1.0
    while power * 10 <= rough:
        power *= 10
    while power > rough:
        power /= 10
    return next(power * times for times in (1, 2, 5, 10) if power * times >= rough)


def _hidden(picture: MemoryMap) -> set[int]:
    """Results of control flow over which tensors of a body are drawn: they show no name."""
    spans = picture.spans
    return {
        index
        for index, span in enumerate(spans)
        if span.style == "control"
        and any(
            other.start <= span.stop
            and span.start <= other.stop
            and other.offset < span.offset + span.size
            and span.offset < other.offset + other.size
            for other in spans[index + 1 :]
        )
    }


def _rectangle(span: Span, plot: _Plot, named: bool) -> Group:
    x, right = plot.across(span.start), plot.across(span.stop + 1)
    y, bottom = plot.up(span.offset + span.size), plot.up(span.offset)
    wide, high = max(right - x, 0.6), max(bottom - y, 0.4)
    gap = 0.5 if min(wide, high) > 3.0 else 0.0
    fill, edge = theme.fill(span.style), theme.edge(span.style)
    small = min(wide, high) <= 3.0
    found: list[Shape] = [
        Rect(
            x + gap,
            y + gap,
            wide - 2 * gap,
            high - 2 * gap,
            min(2.5, wide / 4, high / 4),
            edge if small else fill,
            "none" if small else edge,
            0.8,
        )
    ]
    if named and high >= 12.0 and wide >= 34.0:
        label = _short(span.label, wide - 8.0)
        if label:
            middle = (y + bottom) / 2 + 3.5
            found.append(Text((x + right) / 2, middle, label, _LABEL, "ink", anchor="middle"))
    return Group(tuple(found), span.title, "tensor")


def _nested(bands: Sequence[Band]) -> Iterator[tuple[Band, int]]:
    """Each band with the number of others around it, the outer ones first."""
    for band in sorted(bands, key=lambda band: (band.start, -band.stop)):
        around = (o for o in bands if o.start <= band.start and band.stop <= o.stop)
        yield band, sum(1 for other in around if other != band)


def _band(band: Band, plot: _Plot, depth: int) -> Group:
    """The steps of a body, shaded; a bracket under the axis names it where there is room."""
    x, right = plot.across(band.start), plot.across(band.stop + 1)
    y, base = plot.y, plot.y + _HIGH
    shade = Rect(x, y, right - x, base - y, 0.0, f"cluster{min(depth, 1) + 1}", "edge", 0.6, "3 2")
    line = base + 22.0 + _ROW * depth
    bracket = Path(
        straight((x + 1, line - 3), (x + 1, line), (right - 1, line), (right - 1, line - 3)),
        "edge",
        line=0.8,
    )
    label = fitted(band.label, _LABEL, right - x - 4.0)
    named = (Text((x + right) / 2, line + 10.0, label, _LABEL, "soft", anchor="middle"),)
    return Group((shade, bracket, *(named if len(label) > 3 else ())), band.label, "band")


def _short(label: str, room: float) -> str:
    """As many of the last words of a name as there is room for."""
    words = clean(label).split(".")
    for first in range(len(words)):
        word = ".".join(words[first:])
        if width(word, _LABEL) <= room:
            return "" if word.isdigit() and first else word
    return ""


def _live(picture: MemoryMap, plot: _Plot) -> Iterator[Shape]:
    """The bytes that are alive at each step, as a shade with steps."""
    if not picture.live:
        return
    points = [(plot.across(0), plot.up(0))]
    for index, size in enumerate(picture.live):
        points += [(plot.across(index), plot.up(size)), (plot.across(index + 1), plot.up(size))]
    points.append((plot.across(len(picture.live)), plot.up(0)))
    shade = Path(straight(*points), "none", "cluster2", closed=True)
    yield Group((shade,), "bytes alive at each step", "live")


def _lines(picture: MemoryMap, plot: _Plot) -> Iterator[Shape]:
    left, right = plot.x, plot.x + _WIDE
    y = plot.up(picture.arena)
    yield Path(straight((left, y), (right, y)), "bad", line=1.2, dash="5 3")
    if picture.bound < 0.98 * picture.arena:
        low = plot.up(picture.bound)
        yield Path(straight((left, low), (right, low)), "edge", line=1.2, dash="2 3")
        yield Text(
            right - 4.0, low + 11.0, "lower bound", _LABEL, "soft", anchor="end", halo="cluster0"
        )
    x = plot.across(picture.peak_step + 0.5)
    yield Path(straight((x, y), (x, plot.y + _HIGH)), "bad", line=1.0, dash="2 3")
    name = picture.step_names[picture.peak_step] if picture.step_names else ""
    said = fitted(f"peak at step {picture.peak_step}: {name}", _LABEL, 320.0, True)
    from_left = x < left + _WIDE / 2
    anchor = "start" if from_left else "end"
    yield Text(x, plot.y - 7.0, said, _LABEL, "bad", True, anchor)
    yield Path(straight((x, plot.y - 3.0), (x, y)), "bad", line=1.0, dash="2 3")
    word = "arena"
    at = right - width(word, _LABEL, True) - 4.0
    yield Text(at, y - 4.0, word, _LABEL, "bad", True)
