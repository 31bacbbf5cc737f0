"""Widths of text from a table of our own, so that no coordinate depends on the machine's fonts.

The table is Adobe's metrics of Helvetica (Core 14 AFM), which Arial and Liberation Sans share; a
little is added, for some machines have neither.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_REGULAR = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 "
    "556 556 556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 "
    "556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 "
    "556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 "
    "500 500 500 334 260 334 584 "
)
_BOLD = (
    "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 "
    "556 556 556 556 333 333 584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 "
    "611 833 722 778 667 778 722 667 611 722 667 944 667 667 611 333 278 333 584 556 333 556 "
    "611 556 611 556 333 611 611 278 278 556 278 889 611 611 611 611 389 556 333 611 556 778 "
    "556 556 500 389 280 389 584 "
)
_ASCII = tuple(tuple(map(int, held.split())) for held in (_REGULAR, _BOLD))
_MORE = {"×": 584, "·": 300, "→": 1000, "←": 1000, "…": 1000, "–": 556, "−": 584, "÷": 584}
_SLACK = 1.04


@lru_cache(maxsize=65536)
def width(text: str, size: float, bold: bool = False) -> float:
    """Width of a line of text at a type size, both in points."""
    table = _ASCII[bold]
    units = sum(
        table[ord(char) - 32] if " " <= char <= "~" else _MORE.get(char) or _other(char)
        for char in text
    )
    return units * size * _SLACK / 1000


def natural(text: str, size: float, bold: bool = False) -> float | None:
    """Width of a line of text without what is added; None if the table lacks a letter of it."""
    if all(" " <= char <= "~" or char in _MORE for char in text):
        return width(text, size, bold) / _SLACK
    return None


def _other(char: str) -> int:
    if unicodedata.east_asian_width(char) in "WF":
        return 1050
    return 0 if unicodedata.combining(char) else 720


def clean(text: str) -> str:
    """A line of text as it is shown: control and direction characters made visible or gone."""
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    kind = unicodedata.category(char)
    if char in "\n\r\t":
        return " "
    return "\N{REPLACEMENT CHARACTER}" if kind in ("Cc", "Cs", "Co", "Cn", "Cf") else char


@lru_cache(maxsize=65536)
def fitted(text: str, size: float, room: float, bold: bool = False) -> str:
    """A line of text in ``room`` points: as it is, or its ends with ``…`` between them."""
    text = clean(text[:400] + text[-400:] if len(text) > 800 else text)
    if width(text, size, bold) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(_cut(text, middle), size, bold) <= room:
            low = middle
        else:
            high = middle - 1
    return _cut(text, low)


def path_fitted(path: str, size: float, room: float, bold: bool = False) -> str:
    """A scope in ``room`` points: as it is, or as much of its end as there is room for."""
    words = path.split(".") if len(path) < 400 else [path]
    for first in range(len(words)):
        found = ("…" if first else "") + ".".join(words[first:])
        if width(found, size, bold) <= room and (not first or len(words[first]) > 1):
            return clean(found)
    return fitted(path, size, room, bold)


def _cut(text: str, kept: int) -> str:
    tail = kept // 3
    return f"{text[: kept - tail]}…{text[len(text) - tail :]}" if kept < len(text) else text
