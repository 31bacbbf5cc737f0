"""Measures laid over a picture: what each node costs, or what kind it is, as data on its box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from graphlens.analysis.cost import kernel_flops
from graphlens.errors import UsageError, unknown_name
from graphlens.ir import OURS, REGION, Graph, Value
from graphlens.view import words
from graphlens.view.diagram import Box, Diagram, Face, Row, Scale
from graphlens.view.own import By, owned

STEPS = 7
"""Tints of the scale of a measure."""
KINDS = 8
"""Tints of the scale of a sort; what is beyond the most frequent ones shares the last."""


@dataclass(frozen=True, slots=True)
class Measures:
    """A measure of every node.

    Attributes:
        title: What it is.
        amounts: How much, by node name; empty where it is no number.
        sorts: Which, by node name; empty where it is a number.
        said: A number in words.
        own: Whether it is somebody's own: its sum may mean nothing, and it may be below 0.
    """

    title: str
    amounts: Mapping[str, float] = field(default_factory=dict[str, float])
    sorts: Mapping[str, str] = field(default_factory=dict[str, str])
    said: Callable[[float], str] = str
    own: bool = False


def measures(graph: Graph, by: By, profile: Mapping[str, float] | None = None) -> Measures:
    """The measure of every operation of a graph.

    Args:
        graph: What is drawn.
        by: A name of `MEASURES`, or somebody's own number of each node.
        profile: Seconds of each node, for ``'time'``.

    Raises:
        UsageError: If there is no such measure, or ``'time'`` has no profile.
    """
    if not isinstance(by, str):
        own = owned(by)
        return Measures(own.title, own.of(graph), said=words.number, own=True)
    if by not in MEASURES:
        raise unknown_name("measure", by, sorted(MEASURES))
    if by == "time":
        if profile is None:
            raise UsageError(
                "time is measured on a real run: --profile on the command line, or "
                "profile=graphlens.profile(graph) in Python"
            )
        return Measures("time", dict(profile), said=_seconds)
    title, measure, said = MEASURES[by]
    names = [name for name in graph if not graph.node(name).is_structural or _is_group(graph, name)]
    if said is None:
        return Measures(title, sorts={name: str(measure(graph, name)) for name in names})
    found = {name: measure(graph, name) for name in names}
    amounts = {name: float(value) for name, value in found.items() if isinstance(value, int)}
    return Measures(title, amounts, said=said)


def _is_group(graph: Graph, name: str) -> bool:
    node = graph.node(name)
    return node.domain == OURS and node.op == REGION


def _flops(graph: Graph, name: str) -> int | None:
    return kernel_flops(graph, name, tuple(graph.operands(name)))


def _moved(graph: Graph, name: str) -> int | None:
    """Bytes that an operation reads and writes, its weights among them."""
    read = {value for value in graph.operands(name) if value is not None}
    sizes = [graph.type_of(value).nbytes for value in sorted(read)]
    sizes += [held.nbytes for held in graph.node(name).results]
    return None if None in sizes else sum(size or 0 for size in sizes)


def _made(graph: Graph, name: str) -> int | None:
    sizes = [held.nbytes for held in graph.node(name).results]
    return None if None in sizes else sum(size or 0 for size in sizes)


def _params(graph: Graph, name: str) -> int:
    read = {value.node for value in graph.operands(name) if value is not None}
    params = [each for each in sorted(read) if graph.op(each) == f"{OURS}.Param"]
    return sum(graph.type_of(Value(each)).elements or 0 for each in params)


def _dtype(graph: Graph, name: str) -> str:
    results = graph.node(name).results
    return results[0].dtype if results else "none"


def _scope(graph: Graph, name: str) -> str:
    return graph.node(name).scope.partition(".")[0] or "no scope"


def _group(graph: Graph, name: str) -> str:
    if _is_group(graph, name):
        return str(graph.node(name).attributes.get("kind", "group"))
    return "alone"


def _count(value: float) -> str:
    return words.count(round(value))


def _size(value: float) -> str:
    return words.size(round(value))


def _seconds(value: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * scale >= 1.0 or unit == "µs":
            return f"{value * scale:.3g} {unit}"
    return "0"


Measure = Callable[[Graph, str], int | str | None]
MEASURES: Mapping[str, tuple[str, Measure, Callable[[float], str] | None]] = {
    "flops": ("FLOPs", _flops, _count),
    "bytes": ("bytes read and written", _moved, _size),
    "params": ("parameters", _params, _count),
    "memory": ("bytes of results", _made, _size),
    "time": ("time", _made, _seconds),
    "dtype": ("dtype", _dtype, None),
    "scope": ("scope", _scope, None),
    "group": ("kernel", _group, None),
}
"""What boxes can be coloured by: its title, its measure, how a number is said (None: a sort)."""


def measured(boxes: Sequence[Box], found: Measures) -> list[Box]:
    """The boxes of nodes of one graph with the measure of each."""
    return [
        replace(
            box,
            faces=tuple(
                face
                and replace(
                    face, measure=found.amounts.get(box.id), sort=found.sorts.get(box.id, "")
                )
                for face in box.faces
            ),
        )
        for box in boxes
    ]


def overlaid(diagram: Diagram, graphs: Sequence[Graph], by: By, found: Measures) -> Diagram:
    """A folded diagram with its boxes tinted by their measures, and the scale that says how.

    All panes, and the coarser diagrams behind it, have one scale.

    Args:
        diagram: A picture of measured boxes.
        graphs: What its panes show.
        by: The measure.
        found: The measures of the first of the graphs.
    """
    others = [measures(graph, by) for graph in graphs[1:]]
    return _shown(diagram, (found, *others))


def _shown(diagram: Diagram, found: Sequence[Measures]) -> Diagram:
    behind = diagram.behind and partial(_shown_behind, diagram.behind, found)
    tint = _tinted if any(each.amounts for each in found) else _sorted
    return replace(tint(diagram, found), behind=behind)


def _shown_behind(behind: Callable[[], Diagram], found: Sequence[Measures]) -> Diagram:
    return _shown(behind(), found)


def _tinted(diagram: Diagram, found: Sequence[Measures]) -> Diagram:
    faces = [face for box in diagram.boxes for face in box.faces if face is not None]
    known = [face.measure for face in faces if face.measure is not None]
    least, most = min((0.0, *known)), max((0.0, *known))
    wide = (most - least) or 1.0
    totals = [sum(each.amounts.values()) or 1.0 for each in found]
    said, own = found[0].said, found[0].own

    def tinted(face: Face, pane: int) -> Face:
        if face.measure is None:
            return face
        share = (face.measure - least) / wide
        percent = 0.0 if own else 100 * face.measure / totals[min(pane, len(totals) - 1)]
        text = said(face.measure) + (f" · {percent:.0f} %" if percent >= 0.5 else "")
        row = Row("", text, style="measure", bar=share)
        return _with(face, f"heat{min(STEPS - 1, int(STEPS * share))}", row)

    ends = {0: said(least), STEPS - 1: said(most)}
    entries = tuple((f"heat{step}", ends.get(step, "")) for step in range(STEPS))
    whole = " → ".join(dict.fromkeys(map(said, totals)))
    title = found[0].title if own else f"{found[0].title} of each box, of {whole} in all"
    return replace(_each(diagram, tinted), scale=Scale(title, entries))


def _sorted(diagram: Diagram, found: Sequence[Measures]) -> Diagram:
    counts = Counter(sort for each in found for sort in each.sorts.values())
    frequent = [sort for sort, _ in counts.most_common(KINDS)]
    tints = {sort: f"sort{index}" for index, sort in enumerate(frequent)}
    last = f"sort{KINDS - 1}"

    def tinted(face: Face, pane: int) -> Face:
        del pane
        row = Row("", face.sort, style="measure")
        return _with(face, tints.get(face.sort, last), row) if face.sort else face

    said = [(tint, f"{sort} ({counts[sort]})") for sort, tint in tints.items()]
    if len(counts) > KINDS:
        said[-1] = (last, f"{len(counts) - KINDS + 1} others")
    return replace(_each(diagram, tinted), scale=Scale(found[0].title, tuple(said)))


def _each(diagram: Diagram, tinted: Callable[[Face, int], Face]) -> Diagram:
    """The diagram with every face tinted, given its pane."""
    return diagram.having(
        [
            replace(
                box,
                faces=tuple(face and tinted(face, pane) for pane, face in enumerate(box.faces)),
            )
            for box in diagram.boxes
        ]
    )


def _with(face: Face, tint: str, row: Row) -> Face:
    return replace(face, rows=(*face.rows, row), tint=tint, inside=face.contents)
