"""The nodes and scopes of the states of a graph, those that do not change once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from graphlens.ir import Graph, Node
from graphlens.ops.schema import defaults
from graphlens.view import words
from graphlens.view.build import flat
from graphlens.view.diagram import Box, Row
from graphlens.view.operand import Stored, operands, stored
from graphlens.view.page_data import STRIP, Detail, Entry, Item, Scope, Wire
from graphlens.view.page_level import IN, OUT, Level, Unit
from graphlens.view.page_measure import Measurer
from graphlens.view.page_schema import operand_names
from graphlens.view.page_tree import levels
from graphlens.view.weight import Weights

_OPEN = 60
"""Items that are shown when the page opens, about."""
_LONG = 300
"""Letters of an attribute's value that are shown."""


class Builder:
    """Nodes and scopes as they are met; one that was met before is not taken again."""

    def __init__(self, measurer: Measurer, weights: Weights) -> None:
        """Nothing yet."""
        self.measurer, self.weights = measurer, weights
        self.entries: list[Entry] = []
        self.scopes: list[Scope] = []
        self._entry: dict[Entry, int] = {}
        self._scope: dict[Scope, int] = {}

    def state(self, graph: Graph, seconds: Mapping[str, float]) -> int:
        """Take in a graph and the times of its nodes; the index of the scope that is all of it."""
        diagram = flat(graph)
        known = stored(graph)
        own = {box.id: self._take(graph, self._made(graph, box, known)) for box in diagram.boxes}
        self.measurer.time(seconds, own)
        self.measurer.own(graph, own)
        found = levels(diagram)
        opened = _opened(found)
        index: dict[str, int] = {}
        boxes: dict[str, list[Box]] = {}
        for name, level in found.items():
            boxes[name] = _inside(level, boxes)
            scope = _scope(level, boxes[name], own, index, name in opened)
            index[name] = self._scope.setdefault(scope, len(self.scopes))
            if index[name] == len(self.scopes):
                self.scopes.append(scope)
        return index[""]

    def _take(self, graph: Graph, entry: Entry) -> int:
        index = self._entry.setdefault(entry, len(self.entries))
        if index == len(self.entries):
            self.entries.append(entry)
            self.measurer.take(graph, entry.name, index, entry.kind)
        return index

    def _made(self, graph: Graph, box: Box, known: Stored) -> Entry:
        node, face = graph.node(box.id), box.face
        return Entry(
            name=box.id,
            op=node.qualified,
            kind=face.kind,
            rows=tuple(Row(r.text, r.detail, r.note, r.style) for r in face.rows),
            scope=node.scope,
            shape=" ".join(words.dims(held.shape) for held in node.results),
            detail=_detail(graph, box.id, node, known, self.weights),
        )


def _inside(level: Level, boxes: dict[str, list[Box]]) -> list[Box]:
    """Every box in a scope, at any depth."""
    found: list[Box] = []
    for unit in level.units.values():
        found += boxes[unit.scope] if unit.scope else unit.boxes
    return found


def _opened(found: dict[str, Level]) -> set[str]:
    """The scopes that are open at first: level by level, while what is shown stays legible."""
    opened: set[str] = {""}
    shown, level = len(found[""].units), [""]
    while level:
        inner = [
            unit.scope
            for name in level
            for unit in found[name].units.values()
            if unit.scope and len(found[unit.scope].units) <= _OPEN
        ]
        shown += sum(len(found[name].units) for name in inner)
        if shown > _OPEN:
            break
        opened.update(inner)
        level = inner
    return opened


def _scope(
    level: Level, boxes: Sequence[Box], own: dict[str, int], index: dict[str, int], is_open: bool
) -> Scope:
    place = {name: number for number, name in enumerate(level.units)}
    known = _known(level)
    entering = _numbered(value for tail, _, value in level.wires if tail == IN)
    leaving = _numbered(value for _, head, value in level.wires if head == OUT)
    wires = [
        Wire(
            -1 - entering[value] if tail == IN else place[tail],
            -1 - leaving[value] if head == OUT else place[head],
            value,
            _said(level, (tail, head, value), known),
            arrow.title,
            tuple(level.bundles.get((tail, head, value), ())),
        )
        for (tail, head, value), arrow in level.wires.items()
    ]
    styles = [style for box in boxes for _, style, _ in box.face.contents]
    step = max(1, -(-len(styles) // STRIP))
    return Scope(
        path=level.cluster.id,
        label=level.cluster.label,
        items=tuple(_item(unit, own, index) for unit in level.units.values()),
        wires=tuple(wires),
        entering=tuple(entering),
        leaving=tuple(leaving),
        ops=sum(box.ops for box in boxes),
        params=sum(box.face.params for box in boxes),
        strip=tuple(styles[::step]),
        open=is_open,
    )


def _said(level: Level, key: tuple[str, str, str], known: Collection[tuple[str, str]]) -> str:
    """What is written beside a wire: how many tensors it is, or a shape where that is news."""
    tail, head, _ = key
    if key in level.bundles and tail != IN and head != OUT:
        return words.many(len(level.bundles[key]), "tensor")
    label = level.wires[key].label
    return "" if (tail, label) in known else label


def _numbered(values: Iterable[str]) -> dict[str, int]:
    return {value: number for number, value in enumerate(dict.fromkeys(values))}


def _known(level: Level) -> set[tuple[str, str]]:
    """Units with the shapes that need not be written below them: those that they read too.

    Those of an inner scope and of an input are written in it.
    """
    known = {(head, arrow.label) for (_, head, _), arrow in level.wires.items()}
    for (tail, _, _), arrow in level.wires.items():
        unit = level.units.get(tail)
        if unit is None or unit.scope or unit.boxes[0].face.kind == "input":
            known.add((tail, arrow.label))
    return known


def _item(unit: Unit, own: dict[str, int], index: dict[str, int]) -> Item:
    if unit.scope:
        return Item((), index[unit.scope], tuple(dict.fromkeys(unit.tags)))
    entries = tuple(own[box.id] for box in unit.boxes)
    return Item(entries, -1, tuple(dict.fromkeys(unit.tags)))


# -- one node -----------------------------------------------------------------------------------


def _detail(graph: Graph, name: str, node: Node, known: Stored, weights: Weights) -> Detail:
    usual = defaults(node.op, node.domain)
    reads = operands(graph, graph.operands(name), known)
    body = node.regions.get("body")
    source = node.source
    return Detail(
        attributes=tuple(
            (key, _short(value), key in usual and value == usual[key])
            for key, value in node.attributes.items()
        ),
        reads=tuple(
            (read.name, read.role, words.held(read.held), word, _place(weights.of(graph, read)))
            for read, word in zip(reads, operand_names(node, len(reads)), strict=True)
            if read
        ),
        gives=tuple(words.held(held) for held in node.results),
        source=(source.op, f"{source.file}:{source.line}" if source.file else ""),
        origins=() if node.origins == (name,) else node.origins,
        members=()
        if body is None
        else tuple(
            (member, body.op(member))
            for member in body.in_order()
            if not body.node(member).is_structural
        ),
    )


def _place(index: int) -> str:
    return "" if index < 0 else str(index)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({len(text):,} letters)"
