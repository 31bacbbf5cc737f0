"""Colours: one palette by category of op, told apart by colour-blind readers, in print and dark.

Hues follow Paul Tol's and Okabe and Ito's colour-blind safe sets; text is always ink on a light
tint (on a dark shade in dark mode), at a contrast of 4.5 to 1 or more, which a test holds. Colour
is never the only sign: every box says what it is in words.
"""

from __future__ import annotations

from typing import NamedTuple


class Tone(NamedTuple):
    """A colour by day and by night."""

    light: str
    dark: str


FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans Condensed', 'DejaVu Sans', sans-serif"
"""Those that are as wide as `metrics` says, then what comes nearest to them."""

_HUES = {
    "conv": ("#dbe8f6", "#4477aa", "#1d3550", "#7fb0e0"),
    "matmul": ("#e2e1f9", "#5a55c8", "#2c2a5c", "#a09cf0"),
    "attention": ("#f7dcea", "#aa3377", "#4f1d3b", "#ea8fc0"),
    "norm": ("#dcefdd", "#2f8a3c", "#1d4023", "#7ccb86"),
    "activation": ("#fbe2d0", "#d55e00", "#532a0c", "#f29b5c"),
    "elementwise": ("#f6eec4", "#b08a00", "#443708", "#d9bb4a"),
    "pool": ("#d5f0f6", "#2596b0", "#123f4a", "#6fd0e6"),
    "reduce": ("#d5f0f6", "#2596b0", "#123f4a", "#6fd0e6"),
    "embed": ("#ecdff5", "#8e55b5", "#3d2450", "#c79ae6"),
    "recurrent": ("#e4eeca", "#6f8f1f", "#33400f", "#b2d060"),
    "move": ("#e4e9ef", "#6d7a8c", "#2b333f", "#a3b0c2"),
    "view": ("#eff2f5", "#9aa5b3", "#242b35", "#8593a6"),
    "shape": ("#eff2f5", "#9aa5b3", "#242b35", "#8593a6"),
    "control": ("#f0e2d6", "#8a5a33", "#40291a", "#cf9d74"),
    "quantize": ("#e6e3d8", "#7d7450", "#38341f", "#bfb58a"),
    "random": ("#e6e3d8", "#7d7450", "#38341f", "#bfb58a"),
    "group": ("#f4f6f9", "#3d4b5f", "#232b36", "#a7b4c6"),
    "module": ("#eef2f7", "#51627a", "#232d3a", "#93a5bd"),
    "summary": ("#f8fafc", "#51627a", "#1b2430", "#93a5bd"),
    "input": ("#ffffff", "#334155", "#1b222c", "#cbd5e1"),
    "output": ("#ffffff", "#334155", "#1b222c", "#cbd5e1"),
    "other": ("#efe9e4", "#86735f", "#38302a", "#c2ae98"),
    "more": ("#f7f8fa", "#c3cad4", "#20262f", "#5b6675"),
}
_HEAT = (
    ("#fffdf5", "#20242b"),
    ("#fff2c9", "#33291a"),
    ("#fee29a", "#46301a"),
    ("#fecb6b", "#5a3816"),
    ("#fdae49", "#6e3d13"),
    ("#f68f33", "#824010"),
    ("#e8752a", "#96440d"),
)
"""From little to much: one hue that only grows darker (in dark mode lighter), as in Brewer's
YlOrBr, so that colour-blind readers and printers keep its order."""
_SORTS = (
    ("#cfe1f5", "#1d3a5c"),
    ("#fbdcc2", "#5c3310"),
    ("#cdeccf", "#1c4a25"),
    ("#f6d3e6", "#55203f"),
    ("#f4eab0", "#4a3d0a"),
    ("#cdeff5", "#124853"),
    ("#e2d5f1", "#3f2657"),
    ("#e3e6ea", "#30363f"),
)
_PLAIN = {
    "paper": Tone("#ffffff", "#0f141a"),
    "ink": Tone("#17202b", "#edf1f6"),
    "soft": Tone("#4b5766", "#b4bfcc"),
    "faint": Tone("#5d6978", "#9aa7b6"),
    "line": Tone("#5f6f83", "#8d9cb0"),
    "hair": Tone("#ccd4de", "#39434f"),
    "edge": Tone("#8a97a8", "#5d6b7d"),
    "cluster0": Tone("#f6f8fb", "#151c24"),
    "cluster1": Tone("#edf1f7", "#1b2430"),
    "cluster2": Tone("#e4eaf2", "#222d3b"),
    "frame": Tone("#cdd6e2", "#334052"),
    "badge": Tone("#334155", "#cbd5e1"),
    "on_badge": Tone("#ffffff", "#0f141a"),
    "strong": Tone("#24364d", "#dbe4ef"),
    "removed": Tone("#b3261e", "#ff8a80"),
    "removed.fill": Tone("#fdeceb", "#3a1614"),
    "added": Tone("#00695c", "#4dd0b5"),
    "added.fill": Tone("#d8f2ec", "#0d3a33"),
    "changed": Tone("#8a5a00", "#f2c14e"),
    "good": Tone("#00695c", "#4dd0b5"),
    "focus": Tone("#0b63ce", "#6cb2ff"),
    "bad": Tone("#b3261e", "#ff8a80"),
    "bar": Tone("#7a2f0b", "#ffb877"),
    "none": Tone("none", "none"),
}
PALETTE: dict[str, Tone] = (
    _PLAIN
    | {f"{style}.fill": Tone(fill, dim) for style, (fill, _, dim, _) in _HUES.items()}
    | {f"heat{step}": Tone(light, dark) for step, (light, dark) in enumerate(_HEAT)}
    | {f"sort{kind}": Tone(light, dark) for kind, (light, dark) in enumerate(_SORTS)}
    | {f"{style}.edge": Tone(edge, bright) for style, (_, edge, _, bright) in _HUES.items()}
)
"""Every colour by the word that a scene uses for it."""

STYLES = tuple(_HUES)
"""The styles that rows may have."""

WORDS = {
    "conv": "convolution",
    "matmul": "matrix product",
    "attention": "attention",
    "norm": "normalisation",
    "activation": "activation",
    "elementwise": "elementwise",
    "pool": "pooling",
    "reduce": "reduction",
    "embed": "lookup",
    "recurrent": "recurrent",
    "move": "data movement",
    "view": "view (no copy)",
    "shape": "shape",
    "control": "control flow",
    "quantize": "quantisation",
    "random": "random",
    "other": "other",
}
"""What the legend says of a style; styles that are not here need no word."""


def fill(style: str) -> str:
    """The colour word of the inside of a row; an unknown style is drawn as ``'other'``."""
    return f"{style if style in _HUES else 'other'}.fill"


def edge(style: str) -> str:
    """The colour word of the edge of a row."""
    return f"{style if style in _HUES else 'other'}.edge"
