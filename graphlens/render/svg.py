"""Scene to SVG: clean, safe anywhere (no script, no outside font), text stays text.

Colours are attributes, so that the picture is right where styles are stripped; a style sheet
adds nothing but the dark colours, for who prefers them. Lines of text say how long they are, so
that no word runs into the next where the font of the picture is missing and another is wider.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from graphlens.render.metrics import natural
from graphlens.render.scene import Group, Path, Rect, Scene, Shape, Text
from graphlens.render.theme import FONT, PALETTE


def to_svg(scene: Scene) -> str:
    """The text of an SVG file."""
    used: set[str] = set()
    body = [line for shape in scene.shapes for line in _shape(shape, used)]
    width, height = _figure(scene.width), _figure(scene.height)
    head = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family={quoteattr(FONT)} '
        f"aria-label={quoteattr(_safe(scene.title))}>",
        f"<title>{_escaped(scene.title)}</title>",
    ]
    if scene.description:
        head.append(f"<desc>{_escaped(scene.description)}</desc>")
    paper = _shape(Rect(0, 0, scene.width, scene.height, fill="paper"), used)
    return "\n".join([*head, *_dark(used | {"paper"}), *paper, *body, "</svg>"]) + "\n"


def _dark(used: set[str]) -> list[str]:
    rules: list[str] = []
    for word in sorted(used - {"none"}):
        name, tone = _class(word), PALETTE[word]
        rules.append(f".f-{name}{{fill:{tone.dark}}}.s-{name}{{stroke:{tone.dark}}}")
    return ["<style>@media (prefers-color-scheme:dark){", *rules, "}</style>"]


def _class(word: str) -> str:
    return word.replace(".", "-")


def _shape(shape: Shape, used: set[str]) -> Iterator[str]:
    if isinstance(shape, Group):
        yield from _group(shape, used)
    elif isinstance(shape, Text):
        yield _text(shape, used)
    elif isinstance(shape, Path):
        yield _path(shape, used)
    elif shape.square_top != shape.square_bottom:
        yield _path(_half_round(shape), used)
    else:
        yield _rect(shape, used)


def _group(group: Group, used: set[str]) -> Iterator[str]:
    named = f' role="group" aria-label={quoteattr(_safe(group.name))}' if group.name else ""
    opened = f'<g class="{group.role}"{named}>' if group.role else "<g>"
    yield f"<a href={quoteattr(_safe(group.link))}>{opened}" if group.link else opened
    if group.title:
        yield f"<title>{_escaped(group.title[:4000])}</title>"
    for inner in group.shapes:
        yield from _shape(inner, used)
    yield "</g></a>" if group.link else "</g>"


def _rect(rect: Rect, used: set[str]) -> str:
    radius = 0.0 if rect.square_top else rect.radius
    corner = f' rx="{_figure(radius)}"' if radius else ""
    return (
        f'<rect x="{_figure(rect.x)}" y="{_figure(rect.y)}" width="{_figure(rect.width)}" '
        f'height="{_figure(rect.height)}"{corner}{_paint(rect, used)}/>'
    )


def _half_round(rect: Rect) -> Path:
    """A rectangle with two of its corners round, as a path."""
    left, top, right, bottom = rect.x, rect.y, rect.x + rect.width, rect.y + rect.height
    upper = 0.0 if rect.square_top else min(rect.radius, rect.height)
    lower = 0.0 if rect.square_bottom else min(rect.radius, rect.height)
    corners = (
        ((left, top + upper), (left, top), (left + upper, top)),
        ((right - upper, top), (right, top), (right, top + upper)),
        ((right, bottom - lower), (right, bottom), (right - lower, bottom)),
        ((left + lower, bottom), (left, bottom), (left, bottom - lower)),
    )
    points = [corners[0][0]]
    for start, corner, end in corners:
        bent = [
            ((start[i] + 1.2 * corner[i]) / 2.2, (end[i] + 1.2 * corner[i]) / 2.2) for i in (0, 1)
        ]
        first, second = (bent[0][0], bent[1][0]), (bent[0][1], bent[1][1])
        points += [points[-1], start, start, first, second, end]
    return Path(tuple(points), rect.stroke, rect.fill, rect.line, rect.dash, closed=True)


def _path(path: Path, used: set[str]) -> str:
    first, rest = path.points[0], path.points[1:]
    parts = [f"M{_pair(first)}"]
    last = first
    for one, two, end in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        if one == last and two == end:
            parts += [f"L{_pair(end)}"] if end != last else []
        else:
            parts.append(f"C{_pair(one)} {_pair(two)} {_pair(end)}")
        last = end
    ending = "Z" if path.closed else ""
    return f'<path d="{"".join(parts)}{ending}"{_paint(path, used)}/>'


def _paint(shape: Rect | Path, used: set[str]) -> str:
    used.update((shape.fill, shape.stroke))
    classes = [f"f-{_class(shape.fill)}"] * (shape.fill != "none")
    classes += [f"s-{_class(shape.stroke)}"] * (shape.stroke != "none")
    words = f' fill="{PALETTE[shape.fill].light}"'
    if shape.stroke != "none":
        words += f' stroke="{PALETTE[shape.stroke].light}" stroke-width="{_figure(shape.line)}"'
    if shape.dash:
        words += f' stroke-dasharray="{shape.dash}"'
    return words + (f' class="{" ".join(classes)}"' if classes else "")


def _text(text: Text, used: set[str]) -> str:
    used.add(text.fill)
    words = f' fill="{PALETTE[text.fill].light}"'
    classes = [f"f-{_class(text.fill)}"]
    if text.bold:
        words += ' font-weight="600"'
    if text.italic:
        words += ' font-style="italic"'
    if text.anchor != "start":
        words += f' text-anchor="{text.anchor}"'
    if text.struck:
        words += ' text-decoration="line-through"'
    long = natural(text.text, text.size, text.bold)
    if long:
        words += f' textLength="{_figure(long)}" lengthAdjust="spacingAndGlyphs"'
    if text.halo:
        used.add(text.halo)
        classes.append(f"s-{_class(text.halo)}")
        words += (
            f' stroke="{PALETTE[text.halo].light}" stroke-width="3" stroke-linejoin="round" '
            'paint-order="stroke"'
        )
    return (
        f'<text x="{_figure(text.x)}" y="{_figure(text.y)}" font-size="{_figure(text.size)}"'
        f'{words} class="{" ".join(classes)}">{_escaped(text.text)}</text>'
    )


def _pair(point: tuple[float, float]) -> str:
    return f"{_figure(point[0])},{_figure(point[1])}"


def _figure(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _escaped(text: str) -> str:
    return escape(_safe(text))


def _safe(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return "".join(
        char
        if char in "\n\t"
        or (
            char >= " "
            and not "\ud800" <= char <= "\udfff"
            and char not in "\ufffe\uffff"
            and char != "\x7f"
        )
        else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )
