"""Taking ``data_format`` out of a graph: one layout of images throughout.

Forward propagation, as in TVM's ConvertLayout (relay/transform/convert_layout.py): a converted op
leaves its result in the wanted layout, ops that do not care follow it there with their axes
adapted, and only where somebody needs the old layout is a Transpose put back.
"""

from __future__ import annotations

from typing import Any

from graphlens.errors import unknown_name
from graphlens.ir import INPUT, OURS, OUTPUT, PARAM, Editor, Graph, Value
from graphlens.ops.build import Builder
from graphlens.ops.facts import facts
from graphlens.ops.infer import channels_first, channels_last_order
from graphlens.passes.layout_follow import FOLLOWERS, Turn, follows
from graphlens.rewrite.regions import inside

_ORDERS = {"NCHW": channels_first, "NHWC": channels_last_order}
"""The permutation of axes into each layout from the other one, by rank."""


def layout(graph: Graph, *, to: str = "NCHW", absorb: bool = False) -> Graph:
    """The graph with every image op in one layout; the graph itself if it is so already.

    Args:
        graph: The graph. In canonical form, fewer Transposes stay.
        to: ``'NCHW'`` or ``'NHWC'``.
        absorb: Whether images that the graph takes and returns change their layout too, instead
            of being transposed: the types of Inputs and outputs are then other ones.

    Raises:
        UsageError: If there is no such layout.
    """
    if to not in _ORDERS:
        raise unknown_name("layout", to, _ORDERS)
    graph = inside(graph, lambda body: layout(body, to=to))
    return _Conversion(graph, to, absorb).run()


class _Conversion:
    """Converts one graph, node by node in order of execution."""

    def __init__(self, graph: Graph, to: str, absorb: bool) -> None:
        self._graph, self._to, self._absorb = graph, to, absorb
        self._editor = Editor(graph)
        self._turned: dict[Value, Value] = {}
        """Values of the graph given, by what holds them in the wanted layout."""
        self._back: dict[Value, Value] = {}
        self._names: list[tuple[str, str]] = []

    def run(self) -> Graph:
        order = self._graph.in_order()
        if not any(self._is_foreign(name) for name in order):
            return self._graph
        if self._absorb:
            self._absorb_inputs(order)
        for name in order:
            self._visit(name)
        self._editor.sweep([name for name in order if self._graph.op(name) not in _KEPT])
        for made, wanted in self._names:
            if made in self._editor.graph and wanted not in self._editor.graph:
                self._editor.rename(made, wanted)
        return self._editor.finish()

    def _is_foreign(self, name: str) -> bool:
        """Whether a node is an image op in the layout that is not wanted."""
        held = self._graph.nodes[name]
        if not facts(held["op"], held["domain"]).layout[0] or held["domain"] != "":
            return False
        rank = held["results"][0].rank
        return (
            held["attributes"].get("data_format", "NCHW") != self._to
            and rank is not None
            and rank > 2
        )

    def _absorb_inputs(self, order: list[str]) -> None:
        """Turn the Inputs from which only ops that follow lead to an image op."""
        wanting: dict[str, int] = {}
        for name in reversed(order):
            rank = self._graph.nodes[name]["results"][0].rank if name in wanting else None
            if self._is_foreign(name):
                first = self._graph.operands(name)[0]
                rank = self._graph.nodes[name]["results"][0].rank
                if first is not None and rank is not None:
                    wanting.setdefault(first.node, rank)
            elif rank is not None and follows(self._graph, name, rank):
                for value in self._graph.operands(name):
                    if value is not None and self._graph.type_of(value).rank == rank:
                        wanting.setdefault(value.node, rank)
        for name in self._graph.inputs:
            held = self._graph.nodes[name]["results"][0]
            if name in wanting and held.rank == wanting[name]:
                order_of = self._order(held.rank)
                shape = tuple(held.shape[axis] for axis in order_of)
                self._editor.update(name, results=(held.with_shape(shape),))
                self._turned[Value(name)] = Value(name)

    def _order(self, rank: int) -> tuple[int, ...]:
        return _ORDERS[self._to](rank)

    def _inverse(self, rank: int) -> tuple[int, ...]:
        order = self._order(rank)
        return tuple(order.index(axis) for axis in range(rank))

    def _visit(self, name: str) -> None:
        held = self._graph.nodes[name]
        operands = self._graph.operands(name)
        if self._is_foreign(name):
            self._convert(name, operands)
            return
        rank = held["results"][0].rank if held["results"] else None
        turned = [value for value in operands if value and value in self._turned]
        if not turned:
            return
        ranks = {self._graph.type_of(value).rank for value in turned}
        if rank is not None and ranks == {rank} and follows(self._graph, name, rank):
            self._follow(name, operands, rank)
        else:
            self._leave(name, operands)

    def _convert(self, name: str, operands: tuple[Value | None, ...]) -> None:
        held = self._graph.nodes[name]
        builder = self._builder(name)
        images, made = facts(held["op"], held["domain"]).layout
        read = [
            self._wanted(builder, value) if index in images and value else self._old(name, value)
            for index, value in enumerate(operands)
        ]
        attributes = {k: v for k, v in held["attributes"].items() if k != "data_format"}
        if self._to != "NCHW":
            attributes["data_format"] = self._to
        self._emit(builder, name, read, attributes, made)

    def _follow(self, name: str, operands: tuple[Value | None, ...], rank: int) -> None:
        held = self._graph.nodes[name]
        builder = self._builder(name)
        turn = Turn(builder, self._graph, name, self._order(rank), self._wanted, self._old_value)
        read, attributes = FOLLOWERS.get(held["op"], FOLLOWERS[""])(turn, operands)
        self._emit(builder, name, read, attributes, tuple(range(len(held["results"]))))

    def _emit(
        self,
        builder: Builder,
        name: str,
        operands: list[Value | None],
        attributes: dict[str, Any],
        made: tuple[int, ...],
    ) -> None:
        held = self._graph.nodes[name]
        results = [
            result.with_shape(tuple(result.shape[axis] for axis in self._order(result.rank)))
            if index in made and result.shape is not None
            else result
            for index, result in enumerate(held["results"])
        ]
        value = builder.op(
            held["op"], *operands, domain=held["domain"], results=results, name=name, **attributes
        )
        self._names.append((value.node, name))
        for index in range(len(results)):
            if index in made:
                self._turned[Value(name, index)] = Value(value.node, index)
            else:
                self._back[Value(name, index)] = Value(value.node, index)

    def _leave(self, name: str, operands: tuple[Value | None, ...]) -> None:
        """Let a node that needs the old layout read the old layout."""
        absorbs = self._absorb and self._graph.op(name) == f"{OURS}.{OUTPUT}"
        for index, value in enumerate(operands):
            if value and value in self._turned:
                new = self._turned[value] if absorbs else self._old(name, value)
                if new != value:
                    self._editor.rewire(name, index, new)

    def _wanted(self, builder: Builder, value: Value) -> Value:
        """A value in the wanted layout, transposed if nothing holds it so yet."""
        if value not in self._turned:
            held = self._graph.type_of(value)
            order = self._order(held.rank or 0)
            shape = None if held.shape is None else tuple(held.shape[axis] for axis in order)
            self._turned[value] = builder.op(
                "Transpose", value, perm=order, results=[held.with_shape(shape)]
            )
            self._back[value] = value
        return self._turned[value]

    def _old(self, name: str, value: Value | None) -> Value | None:
        return value if value is None else self._old_value(self._builder(name), value)

    def _old_value(self, builder: Builder, value: Value) -> Value:
        """A value in the layout that the graph given has it in."""
        if value not in self._turned and value not in self._back:
            return value
        if value not in self._back:
            held = self._graph.type_of(value)
            self._back[value] = builder.op(
                "Transpose",
                self._turned[value],
                perm=self._inverse(held.rank or 0),
                results=[held],
            )
        return self._back[value]

    def _builder(self, name: str) -> Builder:
        held = self._graph.nodes[name]
        builder = Builder(self._editor, at=name, origins=held["origins"])
        builder.scope, builder.source = held["scope"], held["source"]
        return builder


_KEPT = frozenset({f"{OURS}.{INPUT}", f"{OURS}.{OUTPUT}", f"{OURS}.{PARAM}"})
