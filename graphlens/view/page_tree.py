"""From a flat diagram to nested scopes: what stands in each, and how tensors go in and out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from graphlens.view.control import FRAMES
from graphlens.view.diagram import Arrow, Box, Cluster, Diagram
from graphlens.view.page_level import IN, OUT, Level, Unit, lead, outwards, scope_unit, share
from graphlens.view.quotient import topological

PART = 96
"""Items that a scope may hold; a longer one is cut into parts of that many."""


def levels(diagram: Diagram) -> dict[str, Level]:
    """Every scope of a flat diagram by its id, inner ones before outer ones, the whole last."""
    parents = {cluster.id: cluster.parent for cluster in diagram.clusters}
    homes = {box.id: box.cluster for box in diagram.boxes}
    around = {cluster.id: cluster for cluster in diagram.clusters}
    around[""] = Cluster("", diagram.title)
    _dissolve(diagram.boxes, homes, parents, around)
    _cut(diagram, homes, parents, around)
    made = {name: Level(cluster) for name, cluster in around.items()}
    for box in diagram.boxes:
        made[homes[box.id]].units[box.id] = Unit([box])
    for name, parent in parents.items():
        made[parent].units[scope_unit(name)] = Unit(scope=name)
    lead(diagram.arrows, made, homes, parents)
    share(diagram.boxes, made, homes, parents)
    for level in made.values():
        _stack(level)
        _sort(level)
    return {name: made[name] for name in _inner_first(parents)}


def _dissolve(
    boxes: Sequence[Box],
    homes: dict[str, str],
    parents: dict[str, str],
    around: dict[str, Cluster],
) -> None:
    """Take away frames around one thing: they say nothing that it does not say.

    An operation with light ones after it is one thing too: they are drawn in one box. The bodies
    of control flow keep theirs.
    """
    inside: dict[str, int] = defaultdict(int)
    for name in parents.values():
        inside[name] += 1
    for box in boxes:
        home = homes[box.id]
        inside[home] += not (inside[home] == 1 and box.light)
    single = {name for name in parents if inside[name] == 1 and around[name].kind not in FRAMES}
    for table in (homes, parents):
        for name, home in table.items():
            while home in single:
                home = parents[home]
            table[name] = home
    for name in single:
        del parents[name], around[name]


def _inner_first(parents: Mapping[str, str]) -> list[str]:
    depth = {name: len(outwards(name, parents)) for name in [*parents, ""]}
    return sorted(depth, key=lambda name: -depth[name])


def _stack(level: Level) -> None:
    """Join chains of light operations to the one that they follow."""
    readers: dict[str, set[str]] = defaultdict(set)
    writers: dict[str, set[str]] = defaultdict(set)
    for tail, head, _ in level.wires:
        readers[tail].add(head)
        writers[head].add(tail)
    owner: dict[str, str] = {}
    for name in topological(level.units, _inner(level)):
        unit = level.units[name]
        above = writers[name]
        if unit.scope or unit.tags or len(above) != 1 or not unit.boxes[0].light:
            continue
        before = next(iter(above))
        held = owner.get(before, before)
        if before != IN and _takes(level.units.get(held)) and readers[before] == {name}:
            level.units[held].boxes += unit.boxes
            owner[name] = held
    for name in owner:
        del level.units[name]
    wires, bundles = level.wires, level.bundles
    level.wires, level.bundles = {}, {}
    for (old, new, value), arrow in wires.items():
        key = owner.get(old, old), owner.get(new, new), value
        if key[0] != key[1]:
            level.wires[key] = arrow
            if held := bundles.get((old, new, value)):
                level.bundles.setdefault(key, {}).update(held)


def _takes(unit: Unit | None) -> bool:
    """Whether a light operation may join that unit."""
    if unit is None or unit.scope or len(unit.boxes) > 6:
        return False
    return unit.boxes[0].face.kind == "op"


def _sort(level: Level) -> None:
    ordered = topological(level.units, _inner(level))
    level.units = {name: level.units[name] for name in ordered}


def _inner(level: Level) -> list[Arrow]:
    """The wires between units, as arrows."""
    return [
        Arrow(tail, head, value) for tail, head, value in level.wires if tail != IN and head != OUT
    ]


# -- long scopes ------------------------------------------------------------------------------


def _cut(
    diagram: Diagram,
    homes: dict[str, str],
    parents: dict[str, str],
    around: dict[str, Cluster],
) -> None:
    """Cut scopes that hold too much into parts, and those into parts again.

    A part is a stretch of a topological order, so that what it reads comes before it and what
    reads it comes after it.
    """
    inside: dict[str, dict[str, None]] = defaultdict(dict)
    for box in diagram.boxes:
        for name, unit in _units(box.id, homes, parents):
            inside[name].setdefault(unit)
    if all(len(units) <= PART for units in inside.values()):
        return
    between = _between(diagram.arrows, homes, parents)
    for name, units in list(inside.items()):
        ordered = topological(units, between[name]) if len(units) > PART else []
        while len(ordered) > PART:
            ordered = _parts(name, ordered, homes, parents, around)


def _units(
    box: str, homes: Mapping[str, str], parents: Mapping[str, str]
) -> Iterable[tuple[str, str]]:
    """Every scope that holds a box, and the unit of it that the box is in."""
    unit, name = box, homes[box]
    yield name, unit
    while name:
        unit, name = scope_unit(name), parents[name]
        yield name, unit


def _between(
    arrows: Sequence[Arrow], homes: Mapping[str, str], parents: Mapping[str, str]
) -> Mapping[str, list[Arrow]]:
    found: dict[str, list[Arrow]] = defaultdict(list)
    for arrow in arrows:
        tails = dict(_units(arrow.tail, homes, parents))
        for name, unit in _units(arrow.head, homes, parents):
            if name in tails:
                found[name].append(Arrow(tails[name], unit))
                break
    return found


def _parts(
    name: str,
    ordered: Sequence[str],
    homes: dict[str, str],
    parents: dict[str, str],
    around: dict[str, Cluster],
) -> list[str]:
    """Put stretches of a scope's units into parts; the names of the parts' units."""
    pieces = -(-len(ordered) // PART)
    size = -(-len(ordered) // pieces)
    made: list[str] = []
    for start in range(0, len(ordered), size):
        part = f"{name}[{start}:{min(start + size, len(ordered))}]"
        while part in around:
            part += "'"
        said = f"part {len(made) + 1} of {pieces}"
        around[part] = Cluster(part, said, parent=name)
        parents[part] = name
        for unit in ordered[start : start + size]:
            if unit.startswith("\0"):
                parents[unit[1:]] = part
            else:
                homes[unit] = part
        made.append(scope_unit(part))
    return made
