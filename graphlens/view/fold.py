"""Folding: a scope with all that is in it drawn as one box."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from graphlens.view.changes import changed_in, changes, recounted, repeats, weights
from graphlens.view.diagram import Box, Cluster, Diagram, Face, Row, tags_of
from graphlens.view.quotient import Tree, quotient
from graphlens.view.stack import weighed
from graphlens.view.worth import turn

CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})
"""Classes whose name says nothing that the frame does not."""
_NO_OPS = ("summary", "more")
_GAP = ("", "", 0)
"""What stands between two kernels in the contents of a folded scope."""
_ROOM = {1: (2, 34), 2: (1, 26)}
"""Lines, and letters of a line, for what is in a folded scope, by the number of panes."""
_STRIP = 96
"""Segments of the strip of colours that a folded scope shows."""


def fold(diagram: Diagram, folded: Collection[str]) -> Diagram:
    """The diagram with each cluster named in ``folded`` drawn as one box.

    A cluster that is repeated stays as a frame with its number around the box.
    """
    tree = Tree(diagram)
    owner: dict[str, str] = {}
    made: dict[str, Box] = {}
    gone: set[str] = set()
    for cluster in diagram.clusters:
        if cluster.parent in gone:
            gone.add(cluster.id)
        elif cluster.id in folded:
            gone.add(cluster.id)
            boxes = [tree.boxes[name] for name in tree.inside(cluster.id)]
            box = summary(cluster, boxes, diagram.clusters)
            owner.update((inner.id, box.id) for inner in boxes)
            made[box.id] = box
    kept = [cluster for cluster in diagram.clusters if cluster.id not in gone]
    kept += [
        _frame(cluster)
        for cluster in diagram.clusters
        if cluster.id in gone and _is_outer_run(tree, cluster.id, gone)
    ]
    return quotient(diagram, owner, made, outer_first(kept))


def fold_to(diagram: Diagram, depth: int, expand: Collection[str] = ()) -> Diagram:
    """The diagram with scopes folded that lie ``depth`` deep, but for those named in ``expand``.

    Args:
        diagram: Any diagram.
        depth: How many scopes may stand inside one another; 0 folds every one.
        expand: Ids of scopes to leave open, with those around them.
    """
    tree = Tree(diagram)
    opened: set[str] = set()
    for wanted in expand:
        for name in _named(tree, wanted):
            while name:
                opened.add(name)
                name = tree.clusters[name].parent
    return fold(
        diagram,
        {name for name in tree.clusters if tree.depth(name) >= depth and name not in opened},
    )


def _named(tree: Tree, wanted: str) -> list[str]:
    """The cluster of a scope, or the outermost ones inside it where it is no frame of its own."""
    if wanted in tree.clusters:
        return [wanted]
    inside = [name for name in tree.clusters if name.startswith(f"{wanted}.")]
    least = min(map(tree.depth, inside), default=0)
    return [name for name in inside if tree.depth(name) == least]


def summary(cluster: Cluster, boxes: list[Box], clusters: Iterable[Cluster]) -> Box:
    """The box that stands for a cluster, with the kinds of ops in it and their numbers."""
    times = repeats(boxes, clusters, cluster)
    runs = recounted(cluster, clusters)
    changed = bool(runs) or any(box.changed for box in boxes)
    panes = len(boxes[0].faces)
    faces: list[Face | None] = []
    for pane in range(len(boxes[0].faces)):
        held = [(face, times(box)) for box in boxes if (face := box.faces[pane]) is not None]
        if not held:
            faces.append(None)
            continue
        mark = _mark([face for face, _ in held]) if changed else ""
        note = weights(boxes, held, repeats(boxes, clusters, cluster, before=True), mark)
        if mark == "changed" and panes == 1:  # what is gone is among the changes
            held = [(box.face, times(box)) for box in boxes if not box.is_gone]
        inside = _inside(held)
        details = _details(held) if panes == 1 else ()
        ops = sum(face.ops * number for face, number in held)
        params = sum(face.params * number for face, number in held)
        plain = cluster.kind in CONTAINERS or not (cluster.path and cluster.kind)
        modules = _members(cluster, boxes, clusters, times)
        what = modules if plain else cluster.kind
        head = Row(cluster.path or cluster.kind or "block", what, note, "module", mark)
        head = replace(head, title=_title(cluster, held))
        told = (*runs, *changes(cluster, boxes, clusters, times)) if panes == 1 else ()
        news = changed_in(told) if mark == "changed" else ""
        rows = (head, *_inner(held, panes, news, "" if plain or panes > 1 else modules))
        face = Face(rows, "module", ops, params, inside, "", details, told)
        faces.append(weighed(face, held))
    name = f"{boxes[0].id}"
    return Box(
        name,
        tuple(faces),
        name=cluster.title.partition(":")[0] or name,
        cluster=_home(cluster),
        tags=tags_of(boxes),
        signature=_signature(cluster.kind, boxes),
        changed=changed,
    )


def _title(cluster: Cluster, held: Sequence[tuple[Face, int]]) -> str:
    """What is said of a folded scope to who points at it."""
    rows = (row.title for face, _ in held[:30] for row in face.rows[:3])
    return "\n".join([cluster.title, *rows])


def _members(
    cluster: Cluster, boxes: Iterable[Box], clusters: Iterable[Cluster], times: Callable[[Box], int]
) -> str:
    """What a module holds, where that is several modules of one class: ``'6 Bottleneck'``.

    Its modules are clusters, or boxes where they are folded already; in frames that are of no
    class, those of a run and of a stretch.
    """
    counts: Counter[str] = Counter()
    homes = {cluster.id: 1}
    for held in clusters:
        around = homes.get(held.parent, 0)
        if around and held.kind:
            counts[held.kind] += around * held.repeat
        elif around:
            homes[held.id] = around * held.repeat
    for box in boxes:
        if box.cluster in homes and box.face.kind == "module":
            number, kind = _counted(box.face.rows[0].detail)
            counts[kind] += number * times(box)
    (kind, number), *others = counts.items() or [("", 0)]
    if others or not kind or kind in CONTAINERS or number < 2:
        return ""
    return f"{number} {kind}" + (", each reads all before it" if cluster.dense else "")


def _counted(said: str) -> tuple[int, str]:
    """The number and the class of what a folded module is or, being of no class, holds."""
    number, _, kind = said.partition(" ")
    return (int(number), kind) if number.isdigit() else (1, said)


def _signature(kind: str, boxes: Sequence[Box]) -> str:
    """Equal for folded scopes of one class whose boxes do the same one by one.

    A digest: scopes are folded into scopes, and each would spell all that is in it anew.
    """
    said = "\0".join([kind, *(box.signature for box in boxes)])
    return hashlib.blake2b(said.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def _mark(faces: Sequence[Face]) -> str:
    """What happened to a folded scope: all is gone, all is new, or something in it changed."""
    marks = {row.mark for face in faces for row in face.rows if row.style not in _NO_OPS}
    return marks.pop() if len(marks) == 1 and marks != {""} else "changed"


def _home(cluster: Cluster) -> str:
    return cluster.id if cluster.is_run else cluster.parent


def _frame(cluster: Cluster) -> Cluster:
    """The frame that is left around a folded run."""
    return replace(cluster, path="", kind="")


def _is_outer_run(tree: Tree, name: str, gone: set[str]) -> bool:
    cluster = tree.clusters[name]
    return cluster.is_run and cluster.parent not in gone


def outer_first(clusters: list[Cluster]) -> list[Cluster]:
    """The clusters, those around others before them."""
    known = {cluster.id: cluster for cluster in clusters}

    def depth(cluster: Cluster) -> int:
        return 1 + depth(known[cluster.parent]) if cluster.parent in known else 0

    return sorted(clusters, key=depth)


def _inside(held: list[tuple[Face, int]]) -> tuple[tuple[str, str, int], ...]:
    found: list[tuple[str, str, int]] = []
    for face, times in held:
        for text, style, number in face.contents:
            found.append((text, style, number * times))
            if face.kind not in ("group", "module"):
                found.append(_GAP)
        if face.kind == "group":
            found.append(_GAP)
    return tuple(found)


def _details(held: list[tuple[Face, int]]) -> tuple[str, ...]:
    """The op and the attributes of every operation, in order of execution."""
    return tuple(
        said
        for face, _ in held
        for said in face.details
        or (f"{row.text} {row.detail}" for row in face.rows if row.style not in _NO_OPS)
    )


def _inner(
    held: list[tuple[Face, int]], panes: int, changed: str = "", modules: str = ""
) -> list[Row]:
    """What is inside: its modules if it has several, the kinds of ops, a strip of their colours.

    What learns and mixes comes first, views come last; of those the most frequent come first. The
    strip has each block of a run once, and a gap after each kernel.
    """
    counts: Counter[tuple[str, int]] = Counter()
    strip: list[str] = []
    for face, times in held:
        for text, style, number in face.contents:
            if text:
                counts[text, turn(style)] += number * times
                strip.append(style)
                if face.kind not in ("group", "module"):
                    strip.append("")
            elif strip and strip[-1]:
                strip.append("")
        if face.kind == "group":
            strip.append("")
    found = sorted(counts.items(), key=lambda count: (count[0][1], -count[1]))
    words = [f"{number} {text}" if number > 1 else text for (text, _), number in found]
    lines = [modules, *_lines(words, panes, 1)] if modules else _lines(words, panes)
    rows = [Row("", line, style="summary") for line in lines]
    if changed:
        rows = [*rows[:1], Row("", changed, style="summary", mark="changed")]
    picked = tuple(strip[:_STRIP])
    return [*rows, Row("", style="summary", strip=picked)] if any(picked) else rows


def _lines(words: list[str], panes: int, most: int = 2) -> list[str]:
    """Words in two lines of some 34 letters; in less where there are several panes."""
    limit, letters = _ROOM.get(panes, (1, 18))
    limit = min(limit, most)
    lines = [""]
    for index, word in enumerate(words):
        longer = f"{lines[-1]} · {word}" if lines[-1] else word
        if len(longer) <= letters or not lines[-1]:
            lines[-1] = longer
        elif len(lines) < limit:
            lines.append(word)
        else:
            lines[-1] += f" · … {len(words) - index} more"
            break
    return [line for line in lines if line]
