"""What stands in a scope of a page, and how tensors are led into scopes and out of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from graphlens.view.diagram import Arrow, Box, Cluster

_WIDE = 5
"""Readers in one scope from which on a value goes by its name instead of by arrows."""
_MANY = 16
"""Tensors from one thing to another from which on they go as one bundle."""


@dataclass(slots=True)
class Unit:
    """Something that stands in a scope: boxes stacked, or a scope."""

    boxes: list[Box] = field(default_factory=list[Box])
    scope: str = ""
    tags: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Level:
    """One scope: its units by name in topological order, and the arrows among them.

    An arrow's end is the name of a unit, or `IN` or `OUT`.

    Attributes:
        cluster: The scope as the diagram has it.
        units: What stands in it.
        wires: By tail, head and what they carry: a value (``'name:result'``), or a bundle, which
            is called the same in each scope.
        bundles: The values that each wire carries that is a bundle, or a share of one.
    """

    cluster: Cluster
    units: dict[str, Unit] = field(default_factory=dict[str, Unit])
    wires: dict[tuple[str, str, str], Arrow] = field(
        default_factory=dict[tuple[str, str, str], Arrow]
    )
    bundles: dict[tuple[str, str, str], dict[str, None]] = field(
        default_factory=dict[tuple[str, str, str], dict[str, None]]
    )


IN, OUT = "\0in", "\0out"
"""The ends of wires at the border of a scope; which port it is, the value says."""


def scope_unit(name: str) -> str:
    """What the unit of a scope is called; no node has such a name."""
    return f"\0{name}"


def lead(
    arrows: Sequence[Arrow],
    made: Mapping[str, Level],
    homes: Mapping[str, str],
    parents: Mapping[str, str],
) -> None:
    """Put arrows into every scope that they pass, and names to readers where these are many.

    Where many tensors go from one unit to another they are one wire, and have one port in each
    scope that they leave and enter: a Concat of 20,000 has no 20,000 lines through every part.

    Args:
        arrows: All of them.
        made: Every scope by its id, with its units.
        homes: The scope of each box.
        parents: The scope around each scope.
    """
    chains = {name: outwards(name, parents) for name in made}
    ways = [_way(arrow, chains[homes[arrow.tail]], chains[homes[arrow.head]]) for arrow in arrows]
    readers: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for way in ways:
        for scope, unit in way.entered:
            readers[scope, way.value].setdefault(unit)
    named = {place for place, units in readers.items() if len(units) >= _WIDE}
    for scope, value in (place for place in readers if place in named):
        for unit in readers[scope, value]:
            made[scope].units[unit].tags.append(value.rpartition(":")[0])
    together: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for way in ways:
        together[way.met].setdefault(way.value)
    for way in ways:
        many_go = len(together[way.met]) >= _MANY and (way.met[0], way.value) not in named
        _put(way, made, named, "\0".join(("", *way.met)) if many_go else way.value)


def share(
    boxes: Sequence[Box],
    made: Mapping[str, Level],
    homes: Mapping[str, str],
    parents: Mapping[str, str],
) -> None:
    """Put the names of weights that several boxes read to these, and to the scopes around them.

    A scope that all readers of a weight are in says nothing of it.

    Args:
        boxes: All of them, with tags for such weights.
        made: Every scope by its id, with its units.
        homes: The scope of each box.
        parents: The scope around each scope.
    """
    readers: dict[str, list[str]] = defaultdict(list)
    for box in boxes:
        for held in box.tags:
            readers[held.text].append(box.id)
    for word, its in readers.items():
        chains = {name: outwards(homes[name], parents) for name in its}
        whole = set[str].intersection(*map(set, chains.values()))
        tagged: dict[tuple[str, str], None] = {}
        for name, chain in chains.items():
            inner = [scope for scope in chain if scope not in whole]
            units = [name, *map(scope_unit, inner)]
            tagged.update(dict.fromkeys(zip([*inner, chain[len(inner)]], units, strict=True)))
        for scope, unit in tagged:
            made[scope].units[unit].tags.append(word)


def outwards(name: str, parents: Mapping[str, str]) -> list[str]:
    """A scope and those around it, the whole last."""
    found = [name]
    while name:
        name = parents[name]
        found.append(name)
    return found


class _Way(NamedTuple):
    """An arrow's way.

    Attributes:
        arrow: What goes it.
        value: ``'name:result'``.
        left: The scopes that it leaves, and the unit of each that it comes from, inner ones first.
        met: The scope that holds both of its ends, and the units that they are in there.
        entered: The scopes that it is read in, that one too, and the unit of each that it goes to.
    """

    arrow: Arrow
    value: str
    left: list[tuple[str, str]]
    met: tuple[str, str, str]
    entered: list[tuple[str, str]]


def _way(arrow: Arrow, tail: Sequence[str], head: Sequence[str]) -> _Way:
    shared = set(tail)
    meet = next(name for name in head if name in shared)
    left = _units(arrow.tail, tail, meet)
    entered = _units(arrow.head, head, meet)
    met = meet, left.pop()[1], entered[-1][1]
    return _Way(arrow, f"{arrow.tail}:{arrow.value}", left, met, entered)


def _units(box: str, chain: Sequence[str], last: str) -> list[tuple[str, str]]:
    """The scopes around a box up to the ``last``, each with the unit of it that the box is in."""
    found: list[tuple[str, str]] = []
    unit = box
    for name in chain:
        found.append((name, unit))
        if name == last:
            break
        unit = scope_unit(name)
    return found


def _put(
    way: _Way, made: Mapping[str, Level], named: Collection[tuple[str, str]], port: str
) -> None:
    """Put an arrow, or its share of a bundle, into the scopes where it does not go by its name."""
    meet, start, _ = way.met
    wires = [(name, unit, OUT) for name, unit in way.left]
    for name, unit in way.entered:
        if (name, way.value) not in named:
            wires.append((name, start if name == meet else IN, unit))
    for name, tail, head in wires:
        key = (tail, head, port)
        made[name].wires.setdefault(key, way.arrow)
        if port != way.value:
            made[name].bundles.setdefault(key, {}).setdefault(way.value)
