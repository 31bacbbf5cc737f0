"""Pictures as plain text, for terminals, logs and mails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from graphlens.render.metrics import clean
from graphlens.view import Box, Diagram, MemoryMap, Picture

_BAR = 40


def to_text(picture: Picture) -> str:
    """A picture as text, ending in a line break."""
    lines = _memory(picture) if isinstance(picture, MemoryMap) else _diagram(picture)
    return "\n".join(map(clean, lines)) + "\n"


def _diagram(diagram: Diagram) -> Iterator[str]:
    yield from (line for line in (diagram.title, diagram.subtitle) if line)
    for pane in diagram.panes:
        facts = ", ".join(f"{f.name} {f.value} {f.change}".strip() for f in pane.facts)
        if pane.title:
            yield f"{pane.title}: {facts or pane.subtitle}"
    parents = {cluster.id: cluster for cluster in diagram.clusters}
    reads: dict[str, list[str]] = defaultdict(list)
    number = {box.id: index for index, box in enumerate(diagram.boxes, 1)}
    for arrow in diagram.arrows:
        reads[arrow.head].append(f"{number[arrow.tail]}")
    opened: list[str] = []
    for box in diagram.boxes:
        around: list[str] = []
        inner = box.cluster
        while inner:
            around.insert(0, inner)
            inner = parents[inner].parent
        kept = 0
        while kept < min(len(opened), len(around)) and opened[kept] == around[kept]:
            kept += 1
        for depth, name in enumerate(around[kept:], kept):
            cluster = parents[name]
            times = f" {cluster.times}".rstrip().replace("×", "x")
            yield f"{'  ' * depth}[{cluster.label or 'block'}]{times}"
        opened = around
        yield from _box(box, number[box.id], reads[box.id], "  " * len(around))


def _box(box: Box, number: int, reads: list[str], indent: str) -> Iterator[str]:
    named = [tag.text for tag in box.tags if not tag.outgoing]
    source = f"  <- {', '.join([*reads, *named])}" if reads or named else ""
    for index, face in enumerate(box.faces):
        if face is None:
            continue
        pane = f"{index + 1}| " if len(box.faces) > 1 else ""
        rows = [row for row in face.rows if not row.strip]
        said = " | ".join(
            f"{_MARKS.get(row.mark, '')}{row.text} {row.detail}".strip() for row in rows
        )
        brackets = "{%s}" if face.kind == "group" else "%s"
        yield f"{indent}{number:>3} {pane}{brackets % said}{source}"


_MARKS = {"removed": "-", "added": "+", "changed": "~"}


def _memory(picture: MemoryMap) -> Iterator[str]:
    yield from (line for line in (picture.title, picture.subtitle) if line)
    yield ", ".join(f"{fact.name} {fact.value}" for fact in picture.facts)
    for span in picture.spans:
        start = round(_BAR * span.start / picture.steps)
        stop = max(start + 1, round(_BAR * (span.stop + 1) / picture.steps))
        bar = (" " * start + "#" * (stop - start)).ljust(_BAR)
        yield f"|{bar}| {span.offset:>12} +{span.size:<12} {span.label}"
