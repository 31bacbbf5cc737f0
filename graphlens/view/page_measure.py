"""What the nodes of a page can be coloured by: each measure of each node, taken once."""

from __future__ import annotations

from collections.abc import Mapping

from graphlens.errors import UsageError, unknown_name
from graphlens.ir import Graph
from graphlens.view.measure import MEASURES
from graphlens.view.own import Own
from graphlens.view.page_data import Overlay

TIME, OWN = "time", "own"
_UNITS = {"flops": "count", "params": "count", "bytes": "size", "memory": "size", TIME: "seconds"}
_MEASURED = ("op", "group")
"""Kinds of nodes that have measures."""


class Measurer:
    """Measures of nodes as they are met; equal nodes have equal ones."""

    def __init__(self, color_by: str | Own, timed: bool) -> None:
        """Nothing measured yet.

        Raises:
            UsageError: If there is no such measure, or it is time and there is no profile.
        """
        self._own = None if isinstance(color_by, str) else color_by
        self._owned: dict[int, float] = {}
        self.opening = color_by if isinstance(color_by, str) else OWN
        """The name of the overlay that the page opens with."""
        if self._own is None and color_by and color_by not in MEASURES:
            raise unknown_name("measure", self.opening, sorted(MEASURES))
        if color_by == TIME and not timed:
            raise UsageError(
                "time is measured on a real run: --profile on the command line, or "
                "profile=graphlens.profile(graph) in Python"
            )
        self._found: dict[str, dict[int, float]] = {by: {} for by in MEASURES}
        self._sorts: dict[str, dict[str, int]] = {by: {} for by in MEASURES}

    def take(self, graph: Graph, name: str, entry: int, kind: str) -> None:
        """Measure a node that was not met before."""
        if kind not in _MEASURED:
            return
        for by, (_, measure, _) in MEASURES.items():
            if by == TIME:
                continue
            value = measure(graph, name)
            if isinstance(value, str):
                sorts = self._sorts[by]
                self._found[by][entry] = sorts.setdefault(value, len(sorts))
            elif value is not None:
                self._found[by][entry] = value

    def own(self, graph: Graph, entries: Mapping[str, int]) -> None:
        """Take somebody's own numbers of the nodes of a state."""
        for name, amount in self._own.of(graph).items() if self._own else ():
            if name in entries:
                self._owned[entries[name]] = amount

    def time(self, seconds: Mapping[str, float], entries: Mapping[str, int]) -> None:
        """Take the seconds of the nodes of a state; of equal nodes, the first state's."""
        for name, entry in entries.items():
            if name in seconds:
                self._found[TIME].setdefault(entry, round(seconds[name], 9))

    def overlays(self, count: int) -> tuple[Overlay, ...]:
        """The measures of so many nodes, those that any of them has."""
        found = tuple(
            Overlay(
                by,
                title,
                _UNITS.get(by, ""),
                tuple(self._found[by].get(entry) for entry in range(count)),
                tuple(self._sorts[by]),
            )
            for by, (title, _, _) in MEASURES.items()
            if self._found[by]
        )
        if self._own is None:
            return found
        own = tuple(self._owned.get(entry) for entry in range(count))
        return (Overlay(OWN, self._own.title, "number", own), *found)
