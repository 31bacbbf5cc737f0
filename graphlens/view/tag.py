"""Values that fan out widely come by name: a small tag at each reader instead of an arrow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace

from graphlens.view.diagram import Arrow, Box, Diagram, Tag

_LONG = 28
"""Letters of a name beyond which its first and last word do."""
_READERS = 6
"""Readers from which on a value is named instead of drawn."""


def tag_wide(diagram: Diagram, readers: int = _READERS) -> Diagram:
    """The diagram with values that ``readers`` boxes or more read as named tags.

    Arrows that go against the order of execution (boxes drawn as one may read each other both
    ways) become tags too.
    """
    place = {box.id: index for index, box in enumerate(diagram.boxes)}
    heads: dict[tuple[str, str], set[str]] = defaultdict(set)
    for arrow in diagram.arrows:
        heads[arrow.tail, arrow.value].add(arrow.head)

    def named(arrow: Arrow) -> bool:
        wide = len(heads[arrow.tail, arrow.value]) >= readers
        return wide or place[arrow.tail] > place[arrow.head]

    return tag(diagram, named)


def tag(diagram: Diagram, named: Callable[[Arrow], bool]) -> Diagram:
    """The diagram with the arrows for which ``named`` is true as tags at both ends."""
    gone = [arrow for arrow in diagram.arrows if named(arrow)]
    if not gone:
        return diagram
    boxes = {box.id: box for box in diagram.boxes}
    words = _names(diagram, gone)
    tags: dict[str, dict[Tag, None]] = defaultdict(dict)
    for arrow in gone:
        word = words[arrow.tail, arrow.value]
        tags[arrow.head][Tag(word, False, arrow.title)] = None
        if boxes[arrow.tail].face.kind != "input":
            tags[arrow.tail][Tag(word, True, arrow.title)] = None
    made: list[Box] = [
        replace(box, tags=tuple(dict.fromkeys((*box.tags, *tags[box.id]))))
        if box.id in tags
        else box
        for box in diagram.boxes
    ]
    return diagram.having(made, [arrow for arrow in diagram.arrows if not named(arrow)])


def _names(diagram: Diagram, arrows: list[Arrow]) -> dict[tuple[str, str], str]:
    """A short name for each value: the last words of its box's name, as many as tell it apart.

    What a whole module gives is called by that module.
    """
    name = {box.id: box.name or box.id for box in diagram.boxes}
    name.update(_modules(diagram, arrows))
    values = list(dict.fromkeys((arrow.tail, arrow.value) for arrow in arrows))
    made = Counter(tail for tail, _ in values)
    endings = Counter(ending for tail in made for ending in _endings(name[tail]))
    ends = Counter(_ends(name[tail]) for tail in made)
    short: dict[tuple[str, str], str] = {}
    for tail, value in values:
        told = (ending for ending in _endings(name[tail]) if endings[ending] == 1)
        word = next(told, name[tail])
        if len(word) > _LONG and ends[_ends(name[tail])] == 1:
            word = _ends(name[tail])
        short[tail, value] = f"{word}:{value.rpartition(':')[2]}" if made[tail] > 1 else word
    return short


def _modules(diagram: Diagram, arrows: list[Arrow]) -> dict[str, str]:
    """The outermost module that each box is the result of, for those that arrows leave.

    No reader by name is in it, and no other box in it is read outside.
    """
    clusters = {cluster.id: cluster for cluster in diagram.clusters}
    around: dict[str, list[str]] = {}
    for box in diagram.boxes:
        inner = around[box.id] = []
        home = box.cluster
        while home in clusters:
            inner.append(home)
            home = clusters[home].parent
    leaving: dict[str, set[str]] = defaultdict(set)
    for arrow in diagram.arrows:
        for held in set(around[arrow.tail]) - set(around[arrow.head]):
            leaving[held].add(arrow.tail)
    read: dict[str, set[str]] = defaultdict(set)
    for arrow in arrows:
        read[arrow.tail].update(around[arrow.head])
    found: dict[str, str] = {}
    for tail, readers in read.items():
        for held in around[tail]:
            called = clusters[held].title.partition(":")[0]
            if held in readers or leaving[held] != {tail} or clusters[held].is_run:
                break
            found[tail] = called or found.get(tail, "")
    return {tail: called for tail, called in found.items() if called}


def _ends(name: str) -> str:
    """The first and the last word of a name: ``'encoder … unsqueeze_2'``."""
    first, *inner, last = name.split(".") if "." in name else ("", name)
    return f"{first} … {last}" if inner else name


def _endings(name: str) -> list[str]:
    """What a value may be called: the last words of its name, short ones first."""
    parts = name.split(".")[-6:]
    counts = [count for count in range(1, len(parts)) if not parts[-count].isdigit()]
    return [*(".".join(parts[-count:]) for count in counts), name]
