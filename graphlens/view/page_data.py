"""The interactive page as plain data: nodes, nested scopes, states of the graph, memory."""

from __future__ import annotations

from dataclasses import dataclass

from graphlens.view.diagram import Fact, MemoryMap, Row


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything about a node, for who clicks it. All of it is text.

    Attributes:
        attributes: Name, value and whether the value is ONNX's default.
        reads: Name, role (``'value'``, ``'param'``, ``'const'``), type, the op's own word
            (``'X'``, ``'W'``) and place in `Page.weights` (``''`` for none) of each operand; an
            operand that is not given is left out.
        gives: The type of each result.
        source: The framework's op, and file:line.
        origins: Names of the captured nodes that it stands for, itself left out.
        members: What runs inside a group: name and op.
    """

    attributes: tuple[tuple[str, str, bool], ...] = ()
    reads: tuple[tuple[str, str, str, str, str], ...] = ()
    gives: tuple[str, ...] = ()
    source: tuple[str, str] = ("", "")
    origins: tuple[str, ...] = ()
    members: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Weight:
    """What is known of a weight or constant, in words: of each fact its name and what it says."""

    name: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One node of a graph, as it is drawn and as it is found.

    Attributes:
        name: Its name in the graph.
        op: Its op with the domain.
        kind: ``'op'``, ``'group'``, ``'input'``, ``'output'``.
        rows: Its lines.
        scope: The module that it belongs to, as the framework calls it.
        shape: The shapes of its results, for the search.
        detail: Everything else.
    """

    name: str
    op: str
    kind: str
    rows: tuple[Row, ...]
    scope: str
    shape: str
    detail: Detail


@dataclass(frozen=True, slots=True)
class Item:
    """What stands in a scope at one place: nodes stacked in a chain, or a scope inside it.

    Attributes:
        entries: Indices of nodes in `Page.entries`, in order of execution; empty for a scope.
        scope: Index of the inner scope in `Page.scopes`, -1 for nodes.
        tags: Names of the values that it reads without an arrow.
    """

    entries: tuple[int, ...] = ()
    scope: int = -1
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wire:
    """A tensor's way inside one scope.

    Attributes:
        tail: Index of the item that it comes from; ``-1 - k`` for the k-th port at the top.
        head: Index of the item that it goes to; ``-1 - k`` for the k-th port at the bottom.
        value: Which tensor it is: ``'name:result'``; what a bundle of them is called.
        label: Its shape where that is news, else ``''``; how many tensors it is.
        title: Its name and type.
        values: The tensors of a bundle that go this way; empty for a wire of one tensor.
    """

    tail: int
    head: int
    value: str
    label: str = ""
    title: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """A module, or a stretch of a long scope, with everything in it.

    Attributes:
        path: Unique in a state of the graph; ``''`` for the whole.
        label: What is written on it.
        items: In topological order.
        wires: Between its items and ports.
        entering: The value of each port at the top: ``'name:result'``, or a bundle of them.
        leaving: The value of each port at the bottom.
        ops: How many operations it holds, at any depth.
        params: How many numbers its weights hold.
        strip: Styles of its operations, in order of execution, at most `STRIP` of them.
        open: Whether it is open when the page opens.
    """

    path: str
    label: str
    items: tuple[Item, ...]
    wires: tuple[Wire, ...]
    entering: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    ops: int = 0
    params: int = 0
    strip: tuple[str, ...] = ()
    open: bool = False


STRIP = 48
"""How many operations a closed scope shows as a strip of colours."""


@dataclass(frozen=True, slots=True)
class State:
    """The graph before any pass, or after one.

    Attributes:
        name: ``'captured'``, or the pass.
        root: Index of the whole in `Page.scopes`.
        facts: Its figures.
        matches: For each node that is not the same node of the state before it, the names there
            that it stands for; a node that is not listed is that of the same name.
        memory: Index of its memory map in `Page.memory`, -1 for none.
        note: Why there is no memory map.
    """

    name: str
    root: int
    facts: tuple[Fact, ...] = ()
    matches: tuple[tuple[str, tuple[str, ...]], ...] = ()
    memory: int = -1
    note: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """What an op is, by its documentation: a line, its operands, its results, its attributes."""

    op: str
    summary: str
    operands: tuple[tuple[str, str], ...] = ()
    results: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Overlay:
    """A measure that nodes can be coloured by instead of the kind of operation.

    Attributes:
        name: As ``--color-by`` calls it.
        title: What it is.
        unit: How an amount is said: ``'count'``, ``'size'``, ``'seconds'``, ``'number'`` (which may
            be below 0); ``''`` for a sort.
        values: Of each node in `Page.entries`: an amount, or an index into ``sorts``; None where
            it is not known or not an operation's.
        sorts: The sorts that there are.
    """

    name: str
    title: str
    unit: str
    values: tuple[float | None, ...]
    sorts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """All that the interactive page knows; equal nodes and scopes are in it once.

    Attributes:
        title: The model's name.
        subtitle: Totals, in a line.
        entries: The nodes of all states.
        scopes: The scopes of all states, inner ones before outer ones.
        states: At least one.
        schemas: Of the ops that occur.
        weights: What nodes read that is known before they run.
        memory: Memory maps.
        overlays: What nodes can be coloured by.
        color_by: The name of the overlay that the page opens with, ``''`` for none.
    """

    title: str
    subtitle: str
    entries: tuple[Entry, ...]
    scopes: tuple[Scope, ...]
    states: tuple[State, ...]
    schemas: tuple[Schema, ...] = ()
    weights: tuple[Weight, ...] = ()
    memory: tuple[MemoryMap, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    color_by: str = ""
