"""Sizes of type and of the boxes that hold it, in points."""

from __future__ import annotations

from graphlens.view import Box

TITLE, DETAIL, NOTE = 11.0, 10.0, 10.0
"""Sizes of type: of a name, of what is said of it, of figures and small lines."""
PAD, GAP = 9.0, 6.0
SHAPE = 200.0
"""How wide a shape beside an arrow may be."""
SMALL = ("summary", "measure")
"""Styles of lines in small type."""
_ROOMS = {1: 250.0, 2: 202.0, 3: 140.0, 4: 140.0}
_LEAST = 120.0
"""The width that a box may have by the number of panes, and where they are more."""


def room(box: Box) -> float:
    """The width that a box may have."""
    return _ROOMS.get(len(box.faces), _LEAST)


def inner(wide: float) -> float:
    """The width of a line in a box of some width."""
    return wide - 2 * PAD - 4.0
