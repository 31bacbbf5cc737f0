"""TensorFlow's branches and loops as ONNX's If and Loop, their bodies as regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from graphlens.frontends.tf_call import Operand, materialise, merge
from graphlens.frontends.tf_types import body_of, type_of
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.build import Builder
from graphlens.tensor import UNDEFINED, TensorType

if TYPE_CHECKING:
    from graphlens.frontends.tf_import import Frame, Importer

BRANCHES = frozenset({"If", "StatelessIf"})
CASES = frozenset({"Case", "StatelessCase"})
LOOPS = frozenset({"While", "StatelessWhile"})


def branch(
    importer: Importer, graph: tf.Graph, op: Any, operands: Sequence[Operand], name: str
) -> list[Value]:
    """An If; both bodies read the same outer values."""
    builder = importer.builder
    condition = materialise(builder, operands[0])
    if builder.type_of(condition).dtype != "bool":
        condition = builder.op("Cast", condition, to="bool", name=f"{name}.cast")
    outer = [value for value in operands[1:] if isinstance(value, Value)]
    regions = {}
    for key in ("then_branch", "else_branch"):
        body = body_of(graph, op.get_attr(key).name)
        inner = importer.inside(Graph(name=key))
        frame = _formals(inner.builder, body.inputs, operands[1:], builder)
        _close(inner, inner.run(body, body.outputs, frame))
        regions[key] = inner.builder.graph
    first = builder.op("If", condition, *outer, results=len(op.outputs), regions=regions, name=name)
    return _typed(builder, first, op.outputs)


def case(
    importer: Importer, graph: tf.Graph, op: Any, operands: Sequence[Operand], name: str
) -> list[Value]:
    """A choice among many as an If within an If; an index out of range takes the last."""
    bodies = [body_of(graph, branch.name) for branch in op.get_attr("branches")]
    index = materialise(importer.builder, operands[0])
    return _case(importer, bodies, [index, *operands[1:]], name)


def _case(
    importer: Importer,
    bodies: Sequence[Any],
    operands: Sequence[Operand],
    name: str,
    taken: int = 0,
) -> list[Value]:
    """Body number ``taken`` if the index, which is the first operand, says so, else the others."""
    builder = importer.builder
    outer = [value for value in operands if isinstance(value, Value)]
    number = builder.const(taken, builder.type_of(outer[0]).dtype)
    regions = {}
    for key, rest in (("then_branch", bodies[taken : taken + 1]), ("else_branch", bodies)):
        inner = importer.inside(Graph(name=key))
        index = inner.builder.input("index", builder.type_of(outer[0]))
        frame = _formals(inner.builder, bodies[taken].inputs, operands[1:], builder)
        given = [frame[tensor.name] for tensor in bodies[taken].inputs]
        if rest is bodies and taken + 2 < len(bodies):
            results = _case(inner, bodies, [index, *given], name, taken + 1)
        else:
            body = rest[-1]
            read = {tensor.name: value for tensor, value in zip(body.inputs, given, strict=True)}
            results = inner.run(body, body.outputs, read)
        _close(inner, results)
        regions[key] = inner.builder.graph
    wanted = bodies[0].outputs
    condition = builder.op("Equal", outer[0], number, name=f"{name}.is_{taken}")
    first = builder.op("If", condition, *outer, results=len(wanted), regions=regions, name=name)
    return _typed(builder, first, wanted)


def loop(
    importer: Importer, graph: tf.Graph, op: Any, operands: Sequence[Operand], name: str
) -> list[Operand]:
    """A Loop: what the body changes is carried round, the rest is read from outside."""
    builder = importer.builder
    test = body_of(graph, op.get_attr("cond").name)
    body = body_of(graph, op.get_attr("body").name)
    changed = [i for i, tensor in enumerate(body.outputs) if not _is_kept(body, i, tensor)]
    start = {tensor.name: value for tensor, value in zip(test.inputs, operands, strict=True)}
    first = importer.run(test, test.outputs, start, f"{name}.")[0]
    carried = {i: materialise(builder, operands[i]) for i in changed}
    fixed = [v for i, v in enumerate(operands) if i not in carried and isinstance(v, Value)]
    region = _loop_body(importer, (test, body), operands, carried)
    made = builder.op(
        "Loop",
        None,
        materialise(builder, first),
        *carried.values(),
        *fixed,
        results=len(changed),
        regions={"body": region},
        name=name,
        captures=len(fixed),
    )
    results = _typed(builder, made, [op.outputs[index] for index in changed])
    ends = dict(zip(changed, results, strict=True))
    return [ends.get(index, operand) for index, operand in enumerate(operands)]


def _loop_body(
    importer: Importer,
    functions: tuple[Any, Any],
    operands: Sequence[Operand],
    carried: dict[int, Value],
) -> Graph:
    """One round: the body's new values, then whether there is another round."""
    test, body = functions
    outer = importer.builder
    inner = importer.inside(Graph(name="body"))
    inner.builder.input("iteration", TensorType("int64", ()))
    inner.builder.input("condition", TensorType("bool", ()))
    # Formals in ONNX's order: what is carried comes before what is captured.
    places = [*carried, *(i for i in range(len(operands)) if i not in carried)]
    given = [carried.get(i, operands[i]) for i in places]
    read = _formals(inner.builder, [body.inputs[i] for i in places], given, outer)
    frame: Frame = {tensor.name: read[tensor.name] for tensor in body.inputs}
    held = [frame[tensor.name] for tensor in body.inputs]
    made = inner.run(body, [body.outputs[i] for i in carried], frame)
    for place, value in zip(carried, made, strict=True):
        held[place] = value
    again = {tensor.name: value for tensor, value in zip(test.inputs, held, strict=True)}
    _close(inner, [inner.run(test, test.outputs, again)[0], *made])
    return inner.builder.graph


def _is_kept(body: Any, index: int, tensor: tf.Tensor) -> bool:
    """Whether a loop's variable is the same in every round (a weight, a bound)."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor is body.inputs[index] or tensor.dtype == tf.resource


def _formals(
    inner: Builder, tensors: Sequence[tf.Tensor], given: Sequence[Operand], outer: Builder
) -> Frame:
    """Inputs of a region for the values that it is given; a literal is written inside."""
    frame: Frame = {}
    for tensor, operand in zip(tensors, given, strict=True):
        if not isinstance(operand, Value):
            frame[tensor.name] = operand
            continue
        held, known = type_of(tensor), outer.type_of(operand)
        if held.dtype in (UNDEFINED, "resource"):
            held = known
        hint = tensor.op.name.rpartition("/")[2]
        if hint.startswith(_MADE_UP):
            hint = operand.node.rpartition(".")[2]
        frame[tensor.name] = inner.input(hint, held)
    return frame


_MADE_UP = ("Placeholder", "resource", "placeholder")
"""Names of formals that say nothing; what they are given says more."""


def _close(inner: Importer, results: Sequence[Operand]) -> None:
    inner.builder.scope = ""
    inner.builder.output([materialise(inner.builder, value) for value in results])


def _typed(builder: Builder, first: Value, tensors: Sequence[tf.Tensor]) -> list[Value]:
    """The node's results; TF's types of them are completed by those of the bodies."""
    found = builder.graph.node(first.node).results
    merged = [merge(type_of(tensor), held) for tensor, held in zip(tensors, found, strict=True)]
    builder.graph.update_node(first.node, results=tuple(merged))
    return [Value(first.node, index) for index in range(len(tensors))]


WRITERS = {
    **dict.fromkeys(BRANCHES, branch),
    **dict.fromkeys(CASES, case),
    **dict.fromkeys(LOOPS, loop),
}
"""What writes each TF op that holds bodies."""
