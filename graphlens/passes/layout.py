"""Taking ``data_format`` out of a graph: one layout of images throughout.

Forward propagation, as in TVM's ConvertLayout (relay/transform/convert_layout.py): a converted op
leaves its result in the wanted layout, ops that do not care follow it there with their axes
adapted, and only where somebody needs the old layout is a Transpose put back. A Transpose between
the two layouts that stands in the graph already (a file in which an NHWC model was saved has one
before and after each convolution) is followed in the same way, so that it meets its inverse.
"""

from __future__ import annotations

from typing import Any

from graphlens.errors import unknown_name
from graphlens.ir import CONST, INPUT, OURS, OUTPUT, PARAM, Editor, Graph, Value
from graphlens.ops.build import Builder
from graphlens.ops.facts import facts
from graphlens.ops.infer import channels_first, channels_last_order
from graphlens.passes.layout_follow import FOLLOWERS, Turn, follows
from graphlens.rewrite.regions import inside
from graphlens.tensor import Dim, TensorType

_ORDERS = {"NCHW": channels_first, "NHWC": channels_last_order}
"""The permutation of axes into each layout from the other one, by rank."""

_WEIGHTS = frozenset({f"{OURS}.{CONST}", f"{OURS}.{PARAM}"})
"""Whose Transpose costs nothing."""


def channels_first_throughout(graph: Graph, *, absorb: bool = True) -> Graph:
    """The graph channels first, Transposes as far down as they go, whoever wrote them.

    What `layout` does, but that it does not matter how a graph came to its layout: the same model
    saved with its ops channels first and a Transpose before and after each gives the same graph.
    Not for running: an image that is used in both layouts is transposed more often.

    Args:
        graph: The graph, in canonical form.
        absorb: As in `layout`.
    """
    graph = inside(graph, lambda body: channels_first_throughout(body, absorb=False))
    return _Conversion(graph, "NCHW", absorb, always=True).run()


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

    def __init__(self, graph: Graph, to: str, absorb: bool, *, always: bool = False) -> None:
        self._graph, self._to, self._absorb, self._always = graph, to, absorb, always
        self._editor = Editor(graph)
        self._turned: dict[Value, Value] = {}
        """Values of the graph given that are made in the wanted layout now, by what makes them."""
        self._free: set[Value] = set()
        """Those of them that a Transpose of the graph given turned, and what follows only these."""
        self._copies: dict[Value, Value] = {}
        """Values that stay as they are, by a Transpose of them into the wanted layout."""
        self._back: dict[Value, Value] = {}
        self._names: list[tuple[str, str]] = []

    def run(self) -> Graph:
        order = self._graph.in_order()
        if not any(self._is_foreign(name) or self._turns(name) for name in order):
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
        made_in = held["attributes"].get("data_format", "NCHW")
        return made_in != self._to and (held["results"][0].rank or 0) > 2

    def _turns(self, name: str) -> tuple[int, ...]:
        """The order of axes of a Transpose from one layout to the other, () of any other node."""
        held = self._graph.nodes[name]
        rank = held["results"][0].rank if held["results"] else None
        if held["domain"] != "" or rank is None or rank < 3:
            return ()
        ways = (self._order(rank), self._inverse(rank))
        if held["op"] == "Transpose":
            order = tuple(held["attributes"].get("perm", tuple(reversed(range(rank)))))
            return order if order in ways else ()
        read = self._graph.operands(name)[0] if held["op"] == "Reshape" else None
        if read is None:
            return ()
        before, after = self._graph.type_of(read).shape, held["results"][0].shape
        return next((order for order in ways if _moves_ones(order, before, after)), ())

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
                self._editor.update(name, results=(_turned(held, self._order(held.rank)),))
                self._turned[Value(name)] = Value(name)

    def _order(self, rank: int) -> tuple[int, ...]:
        return _ORDERS[self._to](rank)

    def _inverse(self, rank: int) -> tuple[int, ...]:
        order = self._order(rank)
        return tuple(order.index(axis) for axis in range(rank))

    def _visit(self, name: str) -> None:
        operands = self._graph.operands(name)
        if self._is_foreign(name):
            self._convert(name, operands)
        elif order := self._turns(name):
            self._turn(name, operands, order)
        elif any(value in self._turned or value in self._back for value in operands):
            rank = self._followed(name, operands)
            if rank:
                self._follow(name, operands, rank)
            else:
                self._leave(name, operands)

    def _turn(self, name: str, operands: tuple[Value | None, ...], order: tuple[int, ...]) -> None:
        """Take a Transpose between the layouts for what it says: this holds that, turned."""
        made, read = Value(name), operands[0]
        self._leave(name, operands)
        if read is not None and read in self._turned and order == self._order(len(order)):
            self._back[made] = self._turned[read]
        elif read is not None and self._is_image(read) and order == self._inverse(len(order)):
            self._turned[made] = self._back.get(read, read)
            self._back[made] = made
            self._free.add(made)

    def _is_image(self, value: Value) -> bool:
        """Whether an op of images makes a value; others may well mean something else by axes."""
        held = self._graph.nodes[value.node]
        return value.result in facts(held["op"], held["domain"]).layout[1]

    def _followed(self, name: str, operands: tuple[Value | None, ...]) -> int:
        """The rank of the images if a node is to work in the wanted layout, else 0.

        What was turned for nothing is followed only where nothing else need be turned for that.
        """
        held = self._graph.nodes[name]
        rank = held["results"][0].rank if held["results"] else None
        turned = [value for value in operands if value in self._turned]
        ranks = {self._graph.type_of(value).rank for value in turned if value}
        if rank is None or ranks != {rank} or not follows(self._graph, name, rank):
            return 0
        if all(value in self._free for value in turned):
            images = [v for v in operands if v and self._graph.type_of(v).rank == rank]
            ready = all(v in self._turned or self._graph.op(v.node) in _WEIGHTS for v in images)
            if not ready and not self._always:
                return 0
            self._free.update(Value(name, index) for index in range(len(held["results"])))
        return rank

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
            _turned(result, self._order(result.rank or 0)) if index in made else result
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
            if value and (value in self._turned or value in self._back):
                turned = absorbs and value in self._turned and value not in self._free
                new = self._turned[value] if turned else self._old(name, value)
                if new != value:
                    self._editor.rewire(name, index, new)

    def _wanted(self, builder: Builder, value: Value) -> Value:
        """A value in the wanted layout, transposed if nothing holds it so yet."""
        if value in self._turned:
            return self._turned[value]
        if value not in self._copies:
            held = self._graph.type_of(value)
            order = self._order(held.rank or 0)
            read = self._back.get(value, value)
            self._copies[value] = builder.op(
                "Transpose", read, perm=order, results=[_turned(held, order)]
            )
        return self._copies[value]

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


def _turned(held: TensorType, order: tuple[int, ...]) -> TensorType:
    """A type with its axes in another order."""
    return held if held.shape is None else held.with_shape(tuple(held.shape[i] for i in order))


def _moves_ones(
    order: tuple[int, ...], before: tuple[Dim, ...] | None, after: tuple[Dim, ...] | None
) -> bool:
    """Whether a Reshape is the Transpose by that order, of which only axes of 1 move."""
    if before is None or after is None or len(before) != len(order) or "?" in before:
        return False
    long = [axis for axis in order if before[axis] != 1]
    return long == sorted(long) and after == tuple(before[axis] for axis in order)


_KEPT = frozenset({f"{OURS}.{INPUT}", f"{OURS}.{OUTPUT}", f"{OURS}.{PARAM}"})
