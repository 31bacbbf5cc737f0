"""From a Graph to its flat Diagram: every operation a box, every tensor between them an arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphlens.analysis.cost import flops
from graphlens.analysis.lifetimes import lifetimes
from graphlens.errors import GraphError
from graphlens.ir import CONST, INPUT, OURS, OUTPUT, PARAM, REGION, Graph, Node, Value
from graphlens.ops.facts import facts
from graphlens.tensor import TensorType
from graphlens.view import words
from graphlens.view.diagram import Arrow, Box, Diagram, Face, Pane, Row, Tag
from graphlens.view.label import row
from graphlens.view.operand import Operand, Operands, Stored, operand, operands, parameters, stored
from graphlens.view.scope import nested, renamed, scopes
from graphlens.view.shared import shared

_LIGHT = frozenset({"activation", "norm", "elementwise", "view", "move", "shape"})
COSTED = 10_000
"""Nodes up to which a picture's title waits for FLOPs and peak memory."""
_MEMBERS = 7
"""Lines of a group beyond which equal ones are counted instead of listed."""

Reads = Sequence[Value | None]


def flat(graph: Graph, derived: bool = True) -> Diagram:
    """The whole graph, nothing folded, its totals not worked out.

    Args:
        graph: What to draw.
        derived: Whether what is computed from weights alone is drawn inside its readers.
    """
    known = stored(graph, derived)
    boxes, links = drawn(graph, known)
    names = nested(graph.scopes, boxes, links)
    boxes, around = scopes(*renamed(names, graph.scopes, boxes), links)
    return Diagram(
        title=graph.name or "graph",
        boxes=tuple(boxes),
        arrows=tuple(links),
        clusters=tuple(around),
        panes=(Pane(""),),
    )


def drawn(graph: Graph, known: Stored) -> tuple[list[Box], list[Arrow]]:
    """The box of each node but those known before the graph runs, and what runs between them."""
    boxes: list[Box] = []
    links: list[Arrow] = []
    tags = shared(graph, known)
    for name in graph.in_order():
        if name not in known:
            reads = graph.operands(name)
            boxes.append(_box(graph, name, reads, known, tags.get(name, ())))
            links += _arrows(graph, name, reads, known)
    return boxes, links


def totals(graph: Graph) -> str:
    """``'122 operations · 25.6M parameters · 8.2G FLOPs · captured by torch.fx'``."""
    params = [graph.type_of(Value(name)) for name in graph.params]
    held = sum(kind.elements or 0 for kind in params)
    size = sum(kind.nbytes or 0 for kind in params)
    ops = len(graph) - sum(
        fields["domain"] == OURS and fields["op"] in _ENDS for fields in graph.nodes.values()
    )
    said = [words.many(ops, "operation")]
    if held:
        said.append(f"{words.count(held)} parameters ({words.size(size)})")
    said += costs(graph) if len(graph) <= COSTED else []
    if graph.graph.get("capture"):
        said.append(f"captured by {graph.graph['capture']}")
    return " · ".join(said)


def costs(graph: Graph) -> list[str]:
    """``['8.2G FLOPs', '7.2 MB peak memory']``, as far as they are known."""
    return [f"{figure} {name}" for name, figure in figures(graph).items()]


def figures(graph: Graph) -> dict[str, str]:
    """``{'FLOPs': '8.2G', 'peak memory': '7.2 MB'}``, as far as they are known."""
    said: dict[str, str] = {}
    if work := flops(graph):
        said["FLOPs"] = words.count(work)
    try:
        peak = lifetimes(graph).peak
    except GraphError:  # a size that is not known
        return said
    if peak:
        said["peak memory"] = words.size(peak)
    return said


_ENDS = frozenset({INPUT, OUTPUT, PARAM, CONST})


def _box(graph: Graph, name: str, values: Reads, known: Stored, tags: tuple[Tag, ...]) -> Box:
    """The box of one node."""
    node, reads = graph.node(name), operands(graph, values, known)
    shown = face(graph, name, node, reads)
    return Box(
        id=name,
        faces=(shown,),
        name=name,
        cluster=node.scope,
        tags=tags,
        light=_is_light(node, reads),
        signature="" if node.is_structural else _signature(node, reads),
    )


def face(graph: Graph, name: str, node: Node, reads: Operands) -> Face:
    """How one node looks."""
    if node.domain == OURS and node.op == INPUT:
        held = words.held(node.results[0])
        line = Row(name, held, style="input", title=f"{name}: {held}")
        return Face((line,), "input", 0)
    if node.domain == OURS and node.op == OUTPUT:
        return _output(node, reads)
    if node.domain == OURS and node.op == REGION and "body" in node.regions:
        return _group(name, node, reads)
    return Face((row(name, node, reads),), "op", 1, parameters(reads))


def _output(node: Node, reads: Operands) -> Face:
    given = node.attributes.get("names")
    names = [str(name) for name in given] if isinstance(given, tuple) else []
    names += [
        "output" if len(reads) == 1 else f"output {index}"
        for index in range(len(names), len(reads))
    ]
    rows = [
        Row(
            name,
            words.held(read.held),
            style="output",
            title=f"{name}: {words.held(read.held)} from {read.name}",
        )
        for name, read in zip(names, reads, strict=False)
        if read is not None
    ]
    if len(rows) > 4:
        rows = [*rows[:3], Row(f"… {len(rows) - 3} more outputs", style="output")]
    return Face(tuple(rows) or (Row("no output", style="output"),), "output", 0)


def _group(name: str, node: Node, reads: Operands) -> Face:
    body = node.regions["body"]
    known = stored(body)
    formals: Mapping[str, Operand | None] = dict(zip(body.inputs, reads, strict=False))

    def outer(value: Value | None) -> Operand | None:
        if value is None:
            return None
        return formals.get(value.node) or operand(body, value, known)

    members = []
    for member in body.in_order():
        held = body.node(member)
        if not held.is_structural and member not in known:
            seen = [outer(value) for value in body.operands(member)]
            members.append(row(member, held, seen))
    inside = tuple((member.text, member.style, 1) for member in members)
    return Face(rolled(members), "group", len(members), parameters(reads), inside)


def rolled(rows: Sequence[Row], limit: int = _MEMBERS) -> tuple[Row, ...]:
    """The lines of a box, those beyond ``limit`` as a count."""
    if len(rows) <= limit:
        return tuple(rows)
    left = len(rows) - limit + 1
    more = Row(
        f"… {left} more",
        style="more",
        title="\n".join(r.title or r.text for r in rows[limit - 1 :]),
    )
    return (*rows[: limit - 1], more)


def _is_light(node: Node, reads: Operands) -> bool:
    values = {read.name for read in reads if read and read.role == "value"}
    return len(values) == 1 and facts(node.op, node.domain).category in _LIGHT


def _signature(node: Node, reads: Operands) -> str:
    """Equal for nodes that do the same: op, attributes, types, literals of the program."""
    parts: list[object] = [node.qualified, *map(_spelt, node.results)]
    if node.attributes:
        parts.append(sorted(node.attributes.items()))
    for read in reads:
        if read is None or read.role == "value":
            parts.append(None)
        elif read.role == "const" and read.array is not None and read.array.size <= 16:
            parts.append((_spelt(read.held), read.array.tolist()))
        else:
            parts.append(_spelt(read.held))
    for key, body in node.regions.items():
        known = stored(body, False)
        inside = [
            _signature(body.node(name), operands(body, body.operands(name), known))
            for name in body.in_order()
        ]
        parts.append((key, inside))
    return repr(parts)


def _spelt(held: TensorType) -> tuple[object, ...]:
    """A type as plain parts, whose ``repr`` costs little."""
    return (held.dtype, held.shape)


def _arrows(graph: Graph, name: str, reads: Reads, known: Stored) -> list[Arrow]:
    """What one node reads that another box makes, each value once."""
    made: dict[Value, Arrow] = {}
    nodes = graph.nodes
    scope = nodes[name]["scope"]
    for read in reads:
        if read is None:
            continue
        value = _given(graph, read, scope) if nodes[read.node]["op"] == "Identity" else read
        if value in made or value.node in known:
            continue
        held = graph.type_of(value)
        made[value] = Arrow(
            value.node,
            name,
            str(value.result),
            words.dims(held.shape),
            f"{value.node}{f':{value.result}' if value.result else ''}: {words.held(held)}",
        )
    return list(made.values())


def _given(graph: Graph, value: Value, scope: str) -> Value:
    """Where a value comes from for a reader in a scope: not from an Identity inside another module.

    A module that casts what it is given to the type that it has makes what a residual reads, as
    graphs are captured; it is read past the module all the same.
    """
    while True:
        held = graph.nodes[value.node]
        home = held["scope"]
        if held["op"] != "Identity" or not home or f"{scope}.".startswith(f"{home}."):
            return value
        inside = (graph.nodes[reader]["scope"] for reader in graph.succ[value.node])
        first = graph.operands(value.node)[0]
        if first is None or not any(f"{each}.".startswith(f"{home}.") for each in inside):
            return value
        value = first
