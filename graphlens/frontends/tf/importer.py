"""Walking a TensorFlow graph: each op that the outputs need, through the op table, into a Graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphlens.errors import CaptureError
from graphlens.frontends.tf.call import Call, Literal, Operand, Pending, Row, merge
from graphlens.frontends.tf.control import WRITERS
from graphlens.frontends.tf.evaluate import evaluate
from graphlens.frontends.tf.flow import EXIT, MERGE, Flow, flow_of
from graphlens.frontends.tf.flow_write import write_flow
from graphlens.frontends.tf.lists import LIST_ROWS
from graphlens.frontends.tf.order import in_order
from graphlens.frontends.tf.schema import array_of
from graphlens.frontends.tf.table import ANY_DTYPE, ROWS, TEXT_ROWS, is_number
from graphlens.frontends.tf.trace import user_line
from graphlens.frontends.tf.types import body_of, dtype_name, function_title, type_of
from graphlens.frontends.tf.update import ASSIGNS, Writes, is_update, update
from graphlens.ir.graph import Graph
from graphlens.ir.node import Source, Value
from graphlens.ops.build import Builder
from graphlens.ops.infer import infer
from graphlens.tensor import TensorType

CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
VARIABLES = frozenset({"VarHandleOp", "VariableV2", "Variable"})
READS = frozenset({"ReadVariableOp"})
_OF_LISTS = frozenset({"Identity", "Add", "AddV2", "AddN"})
"""What TF1 does with the numbers that stand for lists of tensors."""
STACKS = frozenset({"StackPushV2", "StackPopV2"})

Frame = dict[str, Operand]
"""What each TF tensor of one graph or function body became, by its name (``'conv:0'``)."""


def reached(graph: Any, outputs: Sequence[Any]) -> list[Any]:
    """The ops that the outputs depend on through data, inside of loops and branches too."""
    found: set[str] = set()
    waiting = list(outputs)
    while waiting:
        op = waiting.pop().op
        if op.name not in found:
            found.add(op.name)
            waiting += op.inputs
    return [op for op in graph.get_operations() if op.name in found]


def needed(
    graph: Any,
    outputs: Sequence[Any],
    known: Mapping[str, Any],
    flow: Flow | None = None,
) -> list[Any]:
    """The ops that the outputs depend on through data, operands first.

    Args:
        graph: The graph or function body.
        outputs: What is wanted of it.
        known: Tensors by name behind which nothing is needed.
        flow: The loops and branches of a TF1 graph that has any: each is one op of the result, the
            Exit or Merge that is met first.

    Raises:
        CaptureError: If the ops form a cycle.
    """
    reads: dict[str, list[Any]] = {}
    waiting = [tensor for tensor in outputs if tensor.name not in known]
    while waiting:
        op = waiting.pop().op
        if op.name not in reads:
            operands = op.inputs if flow is None else flow.reads(op)
            reads[op.name] = [tensor for tensor in operands if tensor.name not in known]
            waiting += reads[op.name]
    before = {name: [tensor.op.name for tensor in tensors] for name, tensors in reads.items()}
    return in_order([op for op in graph.get_operations() if op.name in reads], before)


class Importer:
    """Writes TF ops into a Graph.

    Attributes:
        builder: What the nodes are written with.
        variable: Makes (once) the Param behind an op that holds a variable.
        named: The node name of an op name, and with it its scope.
        wanted: Names of the ops that the graph being written needs.
        writes: Which ops change variables.
        calls: What becomes of calls of functions, one of `tf.specs.CALLS`.
    """

    def __init__(
        self,
        builder: Builder,
        variable: Callable[[Any], Value],
        named: Callable[[str], str],
        calls: str = "scopes",
    ) -> None:
        """An importer that has written nothing yet."""
        self.builder = builder
        builder.known = {}
        self.variable = variable
        self.calls = calls
        self.named = named
        self.wanted: set[str] = set()
        self.writes = Writes()
        self._called: Counter[str] = Counter()
        self._flows: dict[int, Flow | None] = {}

    def run(
        self,
        graph: Any,
        outputs: Sequence[Any],
        frame: Frame,
        prefix: str = "",
        updates: Sequence[Any] = (),
    ) -> list[Operand]:
        """Write what the outputs of a graph need, and return what they became.

        Args:
            graph: The graph or function body.
            outputs: The wanted tensors.
            frame: What its inputs became; filled with every other tensor on the way.
            prefix: Scope of a function body, with a dot at its end.
            updates: Ops that then change variables.
        """
        operands = [tensor for op in updates for tensor in op.inputs]
        ops = [*self._ordered(graph, [*outputs, *operands], frame), *updates]
        before, self.wanted = self.wanted, {op.name for op in ops}
        for op in ops:
            try:
                results = self._op(graph, op, frame, prefix)
            except (ValueError, TypeError, KeyError, IndexError) as error:
                raise CaptureError(
                    f"the TF op {op.name!r} ({op.type}) could not be translated: {error}"
                ) from error
            for tensor, result in zip(op.outputs, results, strict=False):
                frame[tensor.name] = result
        self.wanted = before
        return [self.found(tensor, frame) for tensor in outputs]

    def _ordered(self, graph: Any, outputs: Sequence[Any], frame: Frame) -> list[Any]:
        """What is needed; in a function also what changes variables, in the program's order."""
        ops = needed(graph, outputs, frame, self._flow(graph))
        if not getattr(graph, "building_function", False):
            return ops
        writers = [op for op in graph.get_operations() if self.writes.of(graph, op)]
        if not writers:
            return ops
        values = [tensor for op in writers for tensor in op.inputs]
        wanted = {op.name for op in needed(graph, [*outputs, *values], frame, self._flow(graph))}
        wanted |= {op.name for op in writers}
        return [op for op in graph.get_operations() if op.name in wanted]

    def _flow(self, graph: Any) -> Flow | None:
        """The loops and branches of a graph that has any of TF1's."""
        if id(graph) not in self._flows:
            self._flows[id(graph)] = flow_of(graph)
        return self._flows[id(graph)]

    def found(self, tensor: Any, frame: Frame) -> Operand:
        """What a tensor became.

        Raises:
            CaptureError: If it became nothing.
        """
        try:
            return frame[tensor.name]
        except KeyError:
            op = tensor.op
            raise CaptureError(
                f"{tensor.name!r}, a result of {op.type}, has no counterpart in the graph: "
                "it serves training or is an input that nothing feeds; name other outputs"
            ) from None

    def _op(self, graph: Any, op: Any, frame: Frame, prefix: str) -> Sequence[Operand]:
        if op.type in VARIABLES:
            return (self.variable(op),)
        flow = self._flow(graph)
        if flow is not None and op.type in EXIT | MERGE:
            self._enter(op, prefix)
            write_flow(self, flow, op, frame, prefix)
            return [frame[tensor.name] for tensor in op.outputs if tensor.name in frame]
        operands = [self.found(tensor, frame) for tensor in op.inputs]
        if op.type in READS:
            _refuse_written(op)
            return operands[:1]
        if op.type == "Const":
            name = prefix + self.named(op.name)
            return (Literal(array_of(op.get_attr("value"), op.name), name),)
        self._enter(op, prefix)
        if op.type in CALLS:
            return self._call(graph, op, frame, prefix)
        if is_update(op):
            return update(self, op, operands, frame, prefix + self.named(op.name))
        if op.type in WRITERS:
            made = WRITERS[op.type](self, graph, op, operands, prefix + self.named(op.name))
            for place, value in zip(
                self.writes.of(graph, op), made[len(op.outputs) :], strict=True
            ):
                frame[op.inputs[place].name] = value
            return made[: len(op.outputs)]
        made = self._translate(op, operands, prefix)
        return self._stacked(op, operands, made, frame) if op.type in STACKS else made

    @staticmethod
    def _stacked(
        op: Any, operands: list[Operand], made: Sequence[Operand], frame: Frame
    ) -> Sequence[Operand]:
        """The results of an op that changes a stack, which from now on is what the op left."""
        frame[op.inputs[0].name] = made[0]
        return [operands[1]] if op.type == "StackPushV2" else made[1:]

    def inside(self, graph: Graph) -> Importer:
        """An importer for a region: it writes into ``graph``, under the same names."""
        builder = Builder(graph)
        builder.scope, builder.source = self.builder.scope, self.builder.source
        inner = Importer(builder, self.variable, self.named, self.calls)
        inner._flows, inner.writes = self._flows, self.writes
        return inner

    def _enter(self, op: Any, prefix: str) -> None:
        path = self.named(op.name)
        self.builder.scope = (prefix + path).rpartition(".")[0]
        self.builder.source = Source(op.type, *user_line(op))

    def _translate(self, op: Any, operands: list[Operand], prefix: str) -> Sequence[Operand]:
        name = prefix + self.named(op.name)
        if op.type == "Identity" and isinstance(operands[0], Pending):
            return operands
        results = [type_of(tensor) for tensor in op.outputs]
        if op.type in _OF_LISTS and isinstance(operands[0], Value):
            ranks = [
                self.builder.type_of(each).rank for each in operands if isinstance(each, Value)
            ]
            if results[0].rank == 0 and any(ranks):  # a list, of which TF knows the order only
                results = [TensorType(results[0].dtype)]
        row = _row(op)
        known = evaluate(op, operands, self.builder, row)
        if known is not None:
            return [
                Literal(array, name if index == 0 else f"{name}.{index}")
                for index, array in enumerate(known)
            ]
        call = Call(self.builder, op, name, operands, results)
        made = () if row is None else row(call)
        if made == () and results:
            made = call.foreign()
        values = [made] if isinstance(made, Value | Pending) else list(made)
        for value in values:
            if isinstance(value, Value):
                _complete(self.builder, value)
        return values

    def _call(self, graph: Any, op: Any, outer: Frame, prefix: str) -> Sequence[Operand]:
        """The body of a called function in the place of the call."""
        operands = [self.found(tensor, outer) for tensor in op.inputs]
        name = op.get_attr("f").name
        body = body_of(graph, name)
        frame = {tensor.name: value for tensor, value in zip(body.inputs, operands, strict=True)}
        within = self._scope(function_title(name), prefix + self.named(op.name).rpartition(".")[0])
        results = self.run(body, body.outputs, frame, within)
        for outside, inside in zip(op.inputs, body.inputs, strict=True):
            if dtype_name(outside) == "resource":
                outer[outside.name] = frame[inside.name]
        return results

    def _scope(self, title: str, path: str) -> str:
        """What the names in a called function begin with: those of a scope of its own, or not."""
        path = path if not path or path.endswith(".") else f"{path}."
        if self.calls == "inline" or title.startswith(_WRAPPER):
            return path
        path += title
        self._called[path] += 1
        if self._called[path] > 1:
            path = f"{path}_{self._called[path] - 1}"
        self.builder.graph.scopes[path] = title
        return f"{path}."


_WRAPPER = "signature_wrapper"
"""How the functions are called that TensorFlow puts around a signature: no scope of the model's."""


def _refuse_written(op: Any) -> None:
    """A TF1 read that must wait for an assignment has no value that a graph could name."""
    for before in op.control_inputs:
        if before.type in ASSIGNS and not getattr(op.graph, "building_function", False):
            raise CaptureError(
                f"{op.name!r} reads a variable after {before.name!r} changed it: a Graph has no "
                "state; name outputs= that come before the change"
            )


def _row(op: Any) -> Row | None:
    """The row that writes an op; None if it has none, or ONNX does not compute on its types."""
    kinds = {tensor.dtype.base_dtype.name for tensor in (*op.inputs, *op.outputs)} - {"resource"}
    if "string" in kinds and op.type in TEXT_ROWS:
        return TEXT_ROWS[op.type]
    if "variant" in kinds and op.type in LIST_ROWS:
        return LIST_ROWS[op.type]
    return ROWS.get(op.type) if op.type in ANY_DTYPE or all(map(is_number, kinds)) else None


def _complete(builder: Builder, value: Value) -> None:
    """What a row gave the type that TF noted gets what that leaves open from ONNX's inference."""
    shape = builder.type_of(value).shape
    if shape is not None and "?" not in shape:
        return
    node = builder.graph.node(value.node)
    if node.domain or node.regions:
        return
    operands = builder.graph.operands(value.node)
    types = [None if operand is None else builder.type_of(operand) for operand in operands]
    known = [builder.value_of(operand) for operand in operands]
    found = infer(node, types, known, len(node.results))
    merged = [merge(held, new) for held, new in zip(node.results, found, strict=True)]
    builder.graph.update_node(value.node, results=tuple(merged))
