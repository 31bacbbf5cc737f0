"""Where everything stands inside each scope of a page, whatever is open or closed around it.

Each scope is laid out once, with what is inside it closed: in rows, an item standing in one row,
a wire going from row to row. Opening an item makes its row higher and its column wider, and moves
the others apart without changing their order, so that the places in every combination of open and
closed scopes follow from these by sums: the page adds up, and lays out nothing. A wire keeps to
the gaps between rows and to its own column within them, so that it meets no box in any of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from graphlens.render.measure import Size, measured
from graphlens.render.ranks import Item as Placed
from graphlens.render.ranks import Link
from graphlens.render.sugiyama import Spacing, arrange
from graphlens.view import Box, Face, Row, Tag
from graphlens.view.page_data import Item, Page, Scope
from graphlens.view.words import count, many

_EVEN = 1.3
_PORT = 4.0
_MARK = 8.0
_SPACING = Spacing(gap=28.0, beside=20.0)


class Track(NamedTuple):
    """The way of a wire.

    Attributes:
        start: Where it leaves its tail, from that one's middle.
        end: Where it meets its head, from that one's middle.
        between: Where it passes each row between those of its ends.
    """

    start: int
    end: int
    between: tuple[int, ...]


class Inside(NamedTuple):
    """The inside of a scope, its items closed.

    Attributes:
        rows: How many rows there are.
        width: Of all.
        places: Row and middle of each item.
        top: Where each port at the top is.
        bottom: Where each port at the bottom is.
        tracks: The way of each wire by its ends.
    """

    rows: int
    width: int
    places: tuple[tuple[int, int], ...]
    top: tuple[int, ...]
    bottom: tuple[int, ...]
    tracks: Mapping[tuple[int, int], Track]


def face(page: Page, item: Item) -> Face:
    """How an item looks, closed."""
    if item.scope >= 0:
        return scope_face(page.scopes[item.scope])
    entries = [page.entries[index] for index in item.entries]
    return Face(tuple(row for entry in entries for row in entry.rows), entries[0].kind)


def scope_face(scope: Scope) -> Face:
    """How a scope looks, closed."""
    head = Row(scope.label, "", count(scope.params) if scope.params else "", "module")
    said = Row("", many(scope.ops, "operation"), style="summary")
    return Face((head, said, Row("", strip=scope.strip, style="module")), "module")


def sizes(page: Page, scope: Scope) -> list[Size]:
    """The size of each item of a scope, closed; nearly equal widths are made equal."""
    found = [
        _marked(item, measured(Box("", (face(page, item),), tags=tuple(map(Tag, item.tags)))))
        for item in scope.items
    ]
    widest = max((size.width for size in found), default=0.0)
    return [
        size._replace(width=widest) if _evens(page, item) and widest <= _EVEN * size.width else size
        for item, size in zip(scope.items, found, strict=True)
    ]


def _marked(item: Item, size: Size) -> Size:
    """The size of an item; a scope has a mark before its name, by which it is opened."""
    return size._replace(width=size.width + _MARK) if item.scope >= 0 else size


def _evens(page: Page, item: Item) -> bool:
    return item.scope >= 0 or page.entries[item.entries[0]].kind not in ("input", "output")


def insides(page: Page, held: Sequence[Sequence[Size]]) -> list[Inside]:
    """The inside of every scope by the sizes of its items; equal ones are laid out once."""
    found: dict[Hashable, Inside] = {}
    made: list[Inside] = []
    for scope, of_items in zip(page.scopes, held, strict=True):
        numbers = {wire.value: str(number) for number, wire in enumerate(scope.wires)}
        links, pins = _links(scope, numbers), [_pins(page, i, made, numbers) for i in scope.items]
        pinned = tuple(tuple(each.items()) for each in pins)
        key = (tuple(of_items), len(scope.entering), len(scope.leaving), tuple(links), pinned)
        if key not in found:
            found[key] = _inside(scope, of_items, links, pins)
        made.append(found[key])
    return made


def _pins(
    page: Page, item: Item, made: Sequence[Inside], numbers: Mapping[str, str]
) -> dict[str, float]:
    """Where what an open scope reads and gives passes its edges, as shares of its width.

    Of one that reads one thing and gives one it does not matter: lines go to its middle. Scopes
    stand before those around them, so what is inside is laid out.
    """
    if item.scope < 0 or not page.scopes[item.scope].open:
        return {}
    scope, inside = page.scopes[item.scope], made[item.scope]
    if max(len(scope.entering), len(scope.leaving)) < 2:
        return {}
    ports = [("<", value, x) for value, x in zip(scope.entering, inside.top, strict=True)]
    ports += [(">", value, x) for value, x in zip(scope.leaving, inside.bottom, strict=True)]
    return {
        f"{side}{numbers[value]}": x / max(1, inside.width)
        for side, value, x in ports
        if value in numbers
    }


def _inside(
    scope: Scope,
    held: Sequence[Size],
    links: Sequence[Link],
    pins: Sequence[Mapping[str, float]],
) -> Inside:
    """One scope, its ports points on the first and the last rank."""
    first, last = len(scope.entering), len(scope.entering) + len(held)
    items = [Placed(_PORT, 0.0, edge="top")] * first
    items += [
        Placed(size.width, size.height, {at: share * size.width for at, share in its.items()})
        for size, its in zip(held, pins, strict=True)
    ]
    items += [Placed(_PORT, 0.0, edge="bottom")] * len(scope.leaving)
    level = arrange(items, links, _SPACING)
    middles = [left + item.width / 2 for left, item in zip(level.lefts, items, strict=True)]
    tops = sorted(set(level.tops[first:last]))
    rows = {top: row for row, top in enumerate(tops)}
    return Inside(
        rows=len(tops),
        width=round(level.width),
        places=tuple((rows[level.tops[i]], round(middles[i])) for i in range(first, last)),
        top=tuple(map(round, middles[:first])),
        bottom=tuple(map(round, middles[last:])),
        tracks={
            (_index(scope, link.tail), _index(scope, link.head)): Track(
                start=round(way[0][0] - middles[link.tail]),
                end=round(way[-1][0] - middles[link.head]),
                between=tuple(round(x) for x, y in way[2:-1:2] if y in rows),
            )
            for link, way in zip(links, level.ways, strict=True)
        },
    )


def _links(scope: Scope, numbers: Mapping[str, str]) -> list[Link]:
    """What wires join, each pair once, the longest chain of them to be straight.

    Values go by numbers, so that equal scopes are equal.
    """
    first, count = len(scope.entering), len(scope.items)
    pairs: dict[tuple[int, int], str] = {}
    for wire in scope.wires:
        tail = first + wire.tail if wire.tail >= 0 else -1 - wire.tail
        head = first + (wire.head if wire.head >= 0 else count - 1 - wire.head)
        pairs.setdefault((tail, head), numbers[wire.value])
    trunk = _trunk(pairs)
    return [
        Link(*pair, f">{value}", f"<{value}", trunk.get(pair, 2)) for pair, value in pairs.items()
    ]


def _index(scope: Scope, place: int) -> int:
    """What a wire calls the end that is laid out at a place: see `page_data.Wire`."""
    item = place - len(scope.entering)
    if item < 0:
        return -1 - place
    return item if item < len(scope.items) else len(scope.items) - 1 - item


def _trunk(pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """The weights of the pairs of the longest chain: the trunk of the picture, to be straight.

    Where several chains are as long, all of them weigh less, so that they stand around the trunk.
    Tails come before heads.
    """
    ordered = sorted(pairs)
    above: dict[int, int] = {}
    below: dict[int, int] = {}
    for tail, head in sorted(ordered, key=lambda pair: pair[1]):
        above[head] = max(above.get(head, 0), above.get(tail, 0) + 1)
    for tail, head in reversed(ordered):
        below[tail] = max(below.get(tail, 0), below.get(head, 0) + 1)
    longest = max(above.values(), default=0)
    steps: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for tail, head in ordered:
        if above.get(tail, 0) + 1 + below.get(head, 0) == longest:
            steps[above.get(tail, 0)].append((tail, head))
    return {pair: 12 if len(step) == 1 else 6 for step in steps.values() for pair in step}
