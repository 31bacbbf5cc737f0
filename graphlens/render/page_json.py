"""What the page's script reads: the page's data with its coordinates, as lists without names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphlens.render.measure import Size, said, tagged
from graphlens.render.page_layout import Inside, insides, scope_face, sizes
from graphlens.render.theme import PALETTE, WORDS
from graphlens.view.diagram import MemoryMap, Row, Tag
from graphlens.view.page_data import Entry, Item, Page, Scope, State, Wire

_WIDEST = 250.0
"""The width that a box may have."""


class _Texts:
    """Texts by number: names come again and again, and a page is a file."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))

    def all_of(self, held: Any) -> Any:
        """The same with numbers for its texts."""
        if isinstance(held, str):
            return self(held)
        return [self.all_of(each) for each in held] if isinstance(held, tuple) else held


def page_json(page: Page) -> dict[str, Any]:
    """All that is needed to draw."""
    held = [sizes(page, scope) for scope in page.scopes]
    texts = _Texts()
    return {
        "title": page.title,
        "subtitle": page.subtitle,
        "palette": {word: list(tone) for word, tone in PALETTE.items() if word != "none"},
        "entries": [_entry(entry) for entry in page.entries],
        "scopes": [
            _scope(page, scope, of_items, inside, texts)
            for scope, of_items, inside in zip(page.scopes, held, insides(page, held), strict=True)
        ],
        "states": [_state(state, texts) for state in page.states],
        "memory": [_memory(held, texts) for held in page.memory],
        "texts": list(texts.numbers),
        "words": WORDS,
        "overlays": [[held.name, held.title] for held in page.overlays],
        "color": page.color_by,
    }


def overlays(page: Page) -> list[Any]:
    """All that is asked for when nodes are coloured by a measure."""
    return [[o.name, o.title, o.unit, o.values, o.sorts] for o in page.overlays]


def details(page: Page) -> dict[str, Any]:
    """All that is asked for by a click."""
    texts = _Texts()
    return {
        "entries": [
            texts.all_of((d.attributes, d.reads, d.gives, d.source, d.origins, d.members))
            for d in (entry.detail for entry in page.entries)
        ],
        "weights": texts.all_of(tuple(held.facts for held in page.weights)),
        "texts": list(texts.numbers),
        "schemas": {
            held.op: [held.summary, held.operands, held.results, held.attributes]
            for held in page.schemas
        },
    }


def _entry(entry: Entry) -> list[Any]:
    rows = [_row(row) for row in entry.rows]
    return [entry.name, entry.op, entry.kind, rows, entry.scope, entry.shape]


def _row(row: Row) -> list[str]:
    """A line with as much of its words as the box has room for; the details have all of them."""
    return [*said(row, _WIDEST), row.style]


def _scope(
    page: Page, scope: Scope, held: Sequence[Size], inside: Inside, texts: _Texts
) -> list[Any]:
    return [
        scope.path,
        scope.label,
        scope.ops,
        scope_face(scope).rows[0].note,
        scope.strip,
        scope.open,
        inside.rows,
        inside.width,
        inside.top,
        inside.bottom,
        [
            _item(item, size, place)
            for item, size, place in zip(scope.items, held, inside.places, strict=True)
        ],
        [
            [
                *_ends(page, scope, wire, texts),
                *inside.tracks[wire.tail, wire.head],
                *([texts.all_of(wire.values)] if wire.values else []),
            ]
            for wire in scope.wires
        ],
    ]


def _item(item: Item, size: Size, place: tuple[int, int]) -> list[Any]:
    tags = [tagged(Tag(tag), _WIDEST) for tag in item.tags]
    held = item.scope if item.scope >= 0 else list(item.entries)
    return [held, tags, round(size.width), round(size.height, 1), *place]


def _ends(page: Page, scope: Scope, wire: Wire, texts: _Texts) -> list[Any]:
    """A wire with the ports that it uses of the scopes at its ends, -1 for none."""
    tail, head = -1, -1
    if wire.tail >= 0 and (inner := scope.items[wire.tail].scope) >= 0:
        leaving = page.scopes[inner].leaving
        tail = leaving.index(wire.value) if wire.value in leaving else -1
    if wire.head >= 0 and (inner := scope.items[wire.head].scope) >= 0:
        entering = page.scopes[inner].entering
        head = entering.index(wire.value) if wire.value in entering else -1
    return [wire.tail, wire.head, texts(wire.value), wire.label, tail, head]


def _state(state: State, texts: _Texts) -> dict[str, Any]:
    return {
        "name": state.name,
        "root": state.root,
        "facts": [[f.name, f.value, f.change, f.good] for f in state.facts],
        "matches": texts.all_of(state.matches),
        "memory": state.memory,
        "note": state.note,
    }


def _memory(held: MemoryMap, texts: _Texts) -> dict[str, Any]:
    return {
        "subtitle": held.subtitle,
        "spans": [[texts(s.label), s.start, s.stop, s.offset, s.size, s.style] for s in held.spans],
        "bands": [[band.label, band.start, band.stop] for band in held.bands],
        "steps": held.steps,
        "names": texts.all_of(held.step_names),
        "live": held.live,
        "peak": held.peak_step,
        "arena": held.arena,
        "bound": held.bound,
        "facts": [[f.name, f.value, f.change, f.good] for f in held.facts],
    }
