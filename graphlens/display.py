"""How a notebook shows the things of graphlens.

What draws them lives floors above them, so the package hangs it in here when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Bundle = dict[str, str]
"""What a notebook may choose from, by MIME type."""

show: list[Callable[[Any], Bundle]] = []
"""Holds the one function that makes the bundle of a thing."""


class Shown:
    """A thing that notebooks show by its picture or its table, and consoles as text."""

    __slots__ = ()

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> Bundle:  # IPython's protocol
        del include, exclude  # hints, which IPython applies to the result as well
        return show[0](self) if show else {"text/plain": repr(self)}
