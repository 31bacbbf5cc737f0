"""Two graphs as one: which nodes of the one stand where which nodes of the other stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import networkx as nx

from graphlens.ir import Graph
from graphlens.view.beside import common, left
from graphlens.view.build import drawn, rolled
from graphlens.view.diagram import Arrow, Box, Face, tags_of
from graphlens.view.mark import marked, told_apart
from graphlens.view.measure import measured, measures
from graphlens.view.operand import Stored, stored
from graphlens.view.own import By
from graphlens.view.scope import nested, renamed
from graphlens.view.stack import weighed
from graphlens.view.words import became, shapes
from graphlens.view.worth import IDLE, worth


@dataclass(frozen=True)
class Side:
    """One of the two graphs, with its boxes and arrows."""

    graph: Graph
    boxes: Mapping[str, Box]
    arrows: Sequence[Arrow]
    known: Stored

    @staticmethod
    def of(graph: Graph, color_by: By = "") -> Side:
        """A graph as a side, its boxes measured if that is asked for."""
        known = stored(graph)
        made, links = drawn(graph, known)
        if color_by:
            made = measured(made, measures(graph, color_by))
        boxes = {held.id: held for held in made}
        return Side(graph, boxes, links, known)


def union(
    graphs: Sequence[Graph],
    matches: Sequence[Mapping[str, tuple[str, ...]]],
    details: bool = False,
    color_by: By = "",
) -> tuple[list[Box], list[Arrow], Mapping[str, str]]:
    """Several graphs drawn as one, before any scope becomes a cluster.

    A box stands for the nodes of all graphs that are made from the same captured nodes; it has
    a face for each graph. What an operation before became nothing after is in the box of what it
    read, if it read but one thing, else of what read it.

    Args:
        graphs: The states of a graph, one after the other.
        matches: For each graph but the first, the nodes of the one before that each node is.
        details: Whether operations that stay, but with other attributes, are marked too.
        color_by: The measure that each box is to have in each graph.

    Returns:
        The boxes with their scopes as their clusters, the arrows, and the class of each scope.
    """
    kinds, sides, named = _nested([Side.of(graph, color_by) for graph in graphs], details)
    home: tuple[dict[str, str], ...] = tuple({} for _ in sides)
    boxes: list[Box] = []
    for name, held in _cells(sides, matches, details).items():
        members = [[side.boxes[m] for m in names] for side, names in zip(sides, held, strict=True)]
        cell = _cell(name, members, named)
        boxes.append(told_apart(cell) if details else cell)
        for known, names in zip(home, held, strict=True):
            known.update(dict.fromkeys(names, name))
    return boxes, _arrows(sides, home, details), kinds


def _nested(
    sides: Sequence[Side], both: bool = False
) -> tuple[Mapping[str, str], tuple[Side, ...], bool]:
    """The sides with their scopes nested in one way, and whether these are made from names.

    What knows a class and a name best is the first; with ``both`` a scope that has another class
    after has the names of both.
    """
    known: dict[str, str] = {}
    names: dict[str, str] = {}
    for side in reversed(sides):
        for path, kind in side.graph.scopes.items():
            other = known.get(path, kind) if both else kind
            known[path] = kind if kind == other else became(kind, other)
        names.update(nested(side.graph.scopes, [*side.boxes.values()], side.arrows))
    kinds, _ = renamed(names, known, ())
    moved = [renamed(names, {}, side.boxes.values())[1] for side in sides]
    found = [
        replace(side, boxes={box.id: box for box in boxes})
        for side, boxes in zip(sides, moved, strict=True)
    ]
    return kinds, tuple(found), bool(names)


def _cells(
    sides: Sequence[Side], matches: Sequence[Mapping[str, tuple[str, ...]]], details: bool
) -> dict[str, list[list[str]]]:
    """The names in each graph of each cell, in the order of the graphs, by an id."""
    joined = nx.utils.UnionFind()
    for number, side in enumerate(sides):
        for name in side.boxes:
            joined[number, name]
    for number, (pair, held) in enumerate(zip(pairwise(sides), matches, strict=True)):
        found_in = _claimed(pair, _with_ends(pair, held))
        for old, news in found_in.items():
            for name in news:
                joined.union((number, old), (number + 1, name))
        for name, other in left(pair[0].boxes, pair[0].arrows, found_in, details).items():
            joined.union((number, other), (number, name))
    found: dict[tuple[int, str], list[list[str]]] = {}
    for number, side in enumerate(sides):
        for name in side.boxes:
            found.setdefault(joined[number, name], [[] for _ in sides])[number].append(name)
    return {_id(held): held for held in found.values()}


def _id(held: Sequence[Sequence[str]]) -> str:
    """The first name, with a sign for each graph that has none."""
    first = next(number for number, names in enumerate(held) if names)
    return "+" * first + held[first][0]


def _with_ends(
    sides: tuple[Side, Side], matches: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """What each node after stands for; inputs and the output in their order, whatever they are."""
    found = dict(matches)
    for old, new in zip(sides[0].graph.inputs, sides[1].graph.inputs, strict=False):
        found[new] = (old,)
    found[sides[1].graph.output] = (sides[0].graph.output,)
    return found


def _claimed(
    sides: tuple[Side, Side], matches: Mapping[str, tuple[str, ...]]
) -> dict[str, list[str]]:
    """The boxes after that each box before is drawn with.

    A constant that many nodes share tells of all of them, and so does a kernel that holds it: a
    box before that has its own counterpart is not drawn with a group that only shares something.
    """
    claims: dict[str, list[str]] = {}
    for name, olds in matches.items():
        for old in olds:
            if name in sides[1].boxes and old in sides[0].boxes:
                claims.setdefault(old, []).append(name)
    inside = {name: _members(sides[1].graph, name) for name in matches}
    found: dict[str, list[str]] = {}
    for old, news in claims.items():
        own = [name for name in news if name == old or set(matches[name]) == {old}]
        held = set(sides[0].graph.nodes[old]["origins"])
        news = [name for name in news if held & inside[name]] or news
        least = min(len(matches[name]) for name in news)
        found[old] = own or [name for name in news if len(matches[name]) == least]
    return found


def _members(graph: Graph, name: str) -> set[str]:
    """What the operations of a group are made from, its constants left out."""
    body = graph.nodes[name]["regions"].get("body", ())
    return {
        origin
        for member in body
        if not body.node(member).is_structural
        for origin in body.nodes[member]["origins"]
    }


def _cell(name: str, held: Sequence[Sequence[Box]], named: bool) -> Box:
    members = [box for boxes in held for box in boxes]
    first = next(boxes for boxes in held if boxes)
    return Box(
        id=name,
        faces=marked([_face(boxes) for boxes in held]),
        name=members[0].name,
        cluster=_home(_working(first), named),
        tags=tags_of(members),
        light=all(member.light for member in members),
        signature="\n=>\n".join("\n".join(box.signature for box in boxes) for boxes in held),
        sides=tuple("\n".join(b.signature for b in boxes) if boxes else None for boxes in held),
    )


def _home(boxes: Sequence[Box], named: bool) -> str:
    """The scope of a kernel: that around all of it.

    Where scopes are made from names, one that reaches from a block into the next stays in the
    block that its work is of, else the first.
    """
    scopes = [box.cluster for box in boxes]
    if (shared := common(scopes)) or not named:
        return shared
    lead = max(boxes, key=lambda box: max(worth(row.style) for row in box.face.rows))
    block = lead.cluster.partition(".")[0]
    return common([scope for scope in scopes if scope.partition(".")[0] == block])


def _working(boxes: Sequence[Box]) -> Sequence[Box]:
    """The boxes that compute; all, where none does: a kernel is at home where its work is."""
    found = [box for box in boxes if any(row.style not in IDLE for row in box.face.rows)]
    return found or boxes


def _face(boxes: Sequence[Box]) -> Face | None:
    if not boxes:
        return None
    faces = [member.face for member in boxes]
    if len(faces) == 1:
        return faces[0]
    rows = rolled([row for face in faces for row in face.rows], 9)
    kind = "group" if any(face.kind == "group" for face in faces) else "stack"
    inside = tuple(part for face in faces for part in face.contents)
    ops, params = sum(face.ops for face in faces), sum(face.params for face in faces)
    return weighed(Face(rows, kind, ops, params, inside), [(face, 1) for face in faces])


def _arrows(
    sides: Sequence[Side], home: Sequence[Mapping[str, str]], both: bool = False
) -> list[Arrow]:
    """The arrows of all sides, each with its first shape, or with ``both`` where it changed."""
    found: dict[tuple[str, str, str], Arrow] = {}
    for pane, side in enumerate(sides):
        for arrow in side.arrows:
            tail, head = home[pane][arrow.tail], home[pane][arrow.head]
            if tail == head:
                continue
            key = (tail, head, arrow.value)
            held = found.get(key)
            panes = (pane,) if held is None else tuple(sorted({*held.panes, pane}))
            label = arrow.label if held is None else held.label
            if both and label != arrow.label:
                label = shapes(label, arrow.label)
            found[key] = Arrow(tail, head, arrow.value, label, arrow.title, panes)
    every = tuple(range(len(sides)))
    return [replace(arrow, panes=()) if arrow.panes == every else arrow for arrow in found.values()]
