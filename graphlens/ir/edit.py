"""Editing a graph without touching the original: copied on the first write, in order at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphlens.errors import GraphError
from graphlens.ir.graph import Graph
from graphlens.ir.node import ARENA, OURS, OUTPUT, Node, Value


class Editor:
    """A draft of a changed graph.

    The graph given is never changed. It is copied when the first edit is made, so that a pass
    that finds nothing to do costs no copy: `finish` then returns the very graph it was given. An
    edit outdates the memory plan that the graph carries, which is dropped.
    A node is added *at* another and takes its place in the order of execution, so that the
    result reads in the order of the original.
    """

    def __init__(self, graph: Graph) -> None:
        """A draft of ``graph``."""
        self._original = graph
        self._draft: Graph | None = None
        self._place: dict[str, tuple[float, float]] = {}
        self._added = 0

    @property
    def graph(self) -> Graph:
        """The draft as it stands, for reading only."""
        return self._original if self._draft is None else self._draft

    @property
    def changed(self) -> bool:
        """Whether any edit was made."""
        return self._draft is not None

    def add(
        self, node: Node, operands: Sequence[Value | None] = (), name: str = "", at: str = ""
    ) -> str:
        """Add an operation just before the node ``at`` (at the end if that is empty).

        Returns:
            The name that it got.
        """
        draft = self._write()
        name = draft.add(node, operands, name)
        self._added += 1
        self._place[name] = (self._place[at][0] if at else math.inf, self._added)
        return name

    def replace(self, old: Value, new: Value) -> None:
        """Make every reader of ``old`` read ``new`` instead."""
        draft = self._write()
        for reader, operand in draft.users(old):
            draft.remove_edge(old.node, reader, operand)
            draft.connect(new, reader, operand)

    def rewire(self, name: str, operand: int, value: Value | None) -> None:
        """Make one operand of a node read ``value``, or nothing."""
        draft = self._write()
        held = draft.operands(name)
        previous = held[operand] if operand < len(held) else None
        if previous is not None:
            draft.remove_edge(previous.node, name, operand)
        if value is not None:
            draft.connect(value, name, operand)

    def update(self, name: str, **fields: Any) -> None:
        """Replace some fields of a node (`Node`'s)."""
        self._write().update_node(name, **fields)

    def rename(self, name: str, new: str) -> None:
        """Give a node another name, which must be free; it keeps its place.

        Raises:
            GraphError: If the name is taken.
        """
        self._write().rename(name, new)
        self._place[new] = self._place.pop(name)
        self._added += 1

    def set_weight(self, name: str, array: Any) -> None:
        """Give a Param or Const its value."""
        self._write().weights[name] = array

    def erase(self, name: str) -> None:
        """Remove a node that nobody reads.

        Raises:
            GraphError: If somebody does.
        """
        draft = self._write()
        readers = list(draft.successors(name))
        if readers:
            raise GraphError(f"{name!r} cannot be erased: {readers[:5]} still read it")
        draft.remove_node(name)
        draft.weights.pop(name, None)

    def sweep(self, names: Sequence[str]) -> None:
        """Erase those of ``names`` that nobody reads, and what nobody reads because of that.

        Inputs and the Output stay: they are the graph's signature.
        """
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            graph = self.graph
            if name not in graph or graph.op(name) in _SIGNATURE or graph.succ[name]:
                continue
            waiting += list(graph.predecessors(name))
            self.erase(name)

    def finish(self) -> Graph:
        """The edited graph in order of execution, or the original itself if nothing changed."""
        draft = self._draft
        if draft is None:
            return self._original
        if self._added:
            draft.reorder(sorted(draft, key=self._place.__getitem__))
            draft.reorder(draft.in_order())
        self._draft = None
        self._original = draft
        self._added = 0
        return draft

    def _write(self) -> Graph:
        if self._draft is None:
            self._draft = self._original.copy()
            self._draft.graph.pop(ARENA, None)
            self._place = {name: (i, math.inf) for i, name in enumerate(self._original)}
        return self._draft


_SIGNATURE = frozenset({f"{OURS}.{OUTPUT}", f"{OURS}.Input"})
