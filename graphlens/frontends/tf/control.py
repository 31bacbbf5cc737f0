"""TensorFlow's branches and loops as ONNX's If and Loop, their bodies as regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphlens.errors import CaptureError
from graphlens.frontends.tf.call import Operand, Pending, materialise, merge
from graphlens.frontends.tf.types import body_of, dtype_name, type_of
from graphlens.ir.graph import Graph
from graphlens.ir.node import Value
from graphlens.ops.build import Builder
from graphlens.tensor import UNDEFINED, TensorType

if TYPE_CHECKING:
    from graphlens.frontends.tf.importer import Frame, Importer

BRANCHES = frozenset({"If", "StatelessIf"})
CASES = frozenset({"Case", "StatelessCase"})
LOOPS = frozenset({"While", "StatelessWhile"})


@dataclass(frozen=True)
class Body:
    """What a branch or a round of a loop computes: a function of TF, or a part of a TF1 graph.

    Attributes:
        graph: Where its ops are.
        inputs: What it reads from outside.
        outputs: What it returns.
        aliases: Names of further tensors that stand for an input, and that input's name.
        prefix: Scope of what it holds, with a dot at its end.
        changes: Which inputs are variables that it changes; it then returns them too.
        updates: Ops that change them, and of which nothing is read.
    """

    graph: Any
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    aliases: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    changes: Sequence[int] = ()
    updates: Sequence[Any] = ()

    def fill(self, frame: Frame) -> Frame:
        """A frame that holds the inputs, completed by what stands for them."""
        frame.update({name: frame[given] for name, given in self.aliases.items()})
        return frame


def function(graph: Any, name: str, changes: Sequence[int] = ()) -> Body:
    """The body of the function of that name."""
    found = body_of(graph, name)
    return Body(found, found.inputs, found.outputs, changes=changes)


def branch(
    importer: Importer, graph: Any, op: Any, operands: Sequence[Operand], name: str
) -> list[Value]:
    """An If of TF2: its branches are functions."""
    changes = [place - 1 for place in importer.writes.of(graph, op)]
    bodies = [function(graph, op.get_attr(key).name, changes) for key in _BRANCHES]
    return write_if(importer, bodies, operands, op.outputs, name)


_BRANCHES = ("then_branch", "else_branch")


def write_if(
    importer: Importer,
    bodies: Sequence[Body],
    operands: Sequence[Operand],
    wanted: Sequence[Any],
    name: str,
) -> list[Value]:
    """An If; both bodies read the same outer values.

    Args:
        importer: What it is written with.
        bodies: What is computed if the condition holds, and if not.
        operands: The condition, then what the bodies read.
        wanted: The tensors that become its results.
        name: The node's name.
    """
    builder = importer.builder
    condition = materialise(builder, operands[0])
    if builder.type_of(condition).dtype != "bool":
        condition = builder.op("Cast", condition, to="bool", name=f"{name}.cast")
    operands = [operands[0], *_settled(importer, bodies, operands[1:])]
    outer = [value for value in operands[1:] if isinstance(value, Value)]
    regions = {}
    for key, body in zip(_BRANCHES, bodies, strict=True):
        inner = importer.inside(Graph(name=key))
        frame = body.fill(_formals(inner.builder, body.inputs, operands[1:], builder))
        results = inner.run(body.graph, body.outputs, frame, body.prefix)
        _close(inner, [*results, *(frame[body.inputs[place].name] for place in body.changes)])
        regions[key] = inner.builder.graph
    held = [operands[1 + place] for place in bodies[0].changes]
    count = len(wanted) + len(held)
    first = builder.op("If", condition, *outer, results=count, regions=regions, name=name)
    made = _typed(builder, first, wanted)
    return [*made, *(Value(first.node, index) for index in range(len(wanted), count))]


def case(
    importer: Importer, graph: Any, op: Any, operands: Sequence[Operand], name: str
) -> list[Value]:
    """A choice among many as an If within an If; an index out of range takes the last."""
    if importer.writes.of(graph, op):
        raise CaptureError(
            f"{op.name!r} ({op.type}) changes a variable in one of many branches: write it as "
            "tf.cond, or assign after the choice"
        )
    names = [branch.name for branch in op.get_attr("branches")]
    settled = _settled(importer, [function(graph, each) for each in names], operands[1:])
    index = materialise(importer.builder, operands[0])
    return _case(importer, [body_of(graph, each) for each in names], [index, *settled], name)


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
    importer: Importer, graph: Any, op: Any, operands: Sequence[Operand], name: str
) -> list[Operand]:
    """A loop of TF2: whether it goes on, and a round of it, are functions."""
    changes = importer.writes.of(graph, op)
    functions = [function(graph, op.get_attr(key).name, changes) for key in ("cond", "body")]
    ends = write_loop(importer, functions, operands, name, f"{name}.")
    return [*ends, *(ends[place] for place in changes)]


def write_loop(
    importer: Importer,
    functions: Sequence[Body],
    operands: Sequence[Operand],
    name: str,
    prefix: str,
) -> list[Operand]:
    """A Loop: what the body changes is carried round, the rest is read from outside.

    Args:
        importer: What it is written with.
        functions: Whether there is another round, and the round itself; of the same inputs.
        operands: What the inputs are at first.
        name: The node's name.
        prefix: The scope of what decides on the first round, with a dot at its end.
    """
    test, body = functions
    builder = importer.builder
    operands = _settled(importer, [body], operands)
    changed = [
        i
        for i, tensor in enumerate(body.outputs)
        if i in body.changes or not (isinstance(operands[i], Pending) or _is_kept(body, i, tensor))
    ]
    start = {tensor.name: value for tensor, value in zip(test.inputs, operands, strict=True)}
    first = importer.run(test.graph, test.outputs, start, prefix)[0]
    carried = {i: materialise(builder, operands[i]) for i in changed}
    fixed = [v for i, v in enumerate(operands) if i not in carried and isinstance(v, Value)]
    region = _loop_body(importer, functions, operands, carried)
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
    results = _typed(builder, made, [body.inputs[index] for index in changed])
    ends = dict(zip(changed, results, strict=True))
    return [ends.get(index, operand) for index, operand in enumerate(operands)]


def _settled(
    importer: Importer, bodies: Sequence[Body], operands: Sequence[Operand]
) -> list[Operand]:
    """The operands; a list that nobody has written into yet is given the shape of what one does.

    To find that out, the bodies are written into graphs that are thrown away.
    """
    held = list(operands)
    while any(isinstance(operand, Pending) for operand in held):
        for body in bodies:
            trial = importer.inside(Graph(name="trial"))
            frame = body.fill(_formals(trial.builder, body.inputs, held, importer.builder))
            trial.run(body.graph, body.outputs, frame, body.prefix, body.updates)
        # What is written may itself be a list that has only now become a tensor.
        mine = [
            each for each in held if isinstance(each, Pending) and each.builder is importer.builder
        ]
        clear = [each for each in mine if each.is_clear] or mine
        held = [each.settle() if each in clear else each for each in held]
        if not mine:
            break
    return held


def _loop_body(
    importer: Importer,
    functions: Sequence[Body],
    operands: Sequence[Operand],
    carried: dict[int, Value],
) -> Graph:
    """One round: the body's new values, then whether there is another round.

    What is carried has the type that it has at first, as far as the rounds keep to that.
    """
    outer = importer.builder
    held = {i: _held(functions[1].inputs[i], outer.type_of(value)) for i, value in carried.items()}
    while True:
        region = _round(importer, functions, operands, carried, held)
        made = [region.type_of(value) for value in region.outputs[1:]]
        kept = {i: _common(own, new) for (i, own), new in zip(held.items(), made, strict=True)}
        if kept == held:
            return region
        held = kept


def _common(own: TensorType, new: TensorType) -> TensorType:
    """The shape that a value has at first and after a round."""
    if own.shape is None or new.shape is None or own.rank != new.rank:
        return own.with_shape(None)
    pairs = zip(own.shape, new.shape, strict=True)
    return own.with_shape(tuple(a if a == b else "?" for a, b in pairs))


def _round(
    importer: Importer,
    functions: Sequence[Body],
    operands: Sequence[Operand],
    carried: dict[int, Value],
    held: Mapping[int, TensorType],
) -> Graph:
    test, body = functions
    outer = importer.builder
    inner = importer.inside(Graph(name="body"))
    inner.builder.input("iteration", TensorType("int64", ()))
    inner.builder.input("condition", TensorType("bool", ()))
    # Formals in ONNX's order: what is carried comes before what is captured.
    places = [*carried, *(i for i in range(len(operands)) if i not in carried)]
    given = [carried.get(i, operands[i]) for i in places]
    types = [held.get(i) for i in places]
    read = _formals(inner.builder, [body.inputs[i] for i in places], given, outer, types)
    frame: Frame = {tensor.name: read[tensor.name] for tensor in body.inputs}
    now = [frame[tensor.name] for tensor in body.inputs]
    wanted = [body.outputs[i] for i in carried]
    made = inner.run(body.graph, wanted, frame, body.prefix, body.updates)
    made = [
        frame[body.inputs[i].name] if i in body.changes else value
        for i, value in zip(carried, made, strict=True)
    ]
    for place, value in zip(carried, made, strict=True):
        now[place] = value
    again = {tensor.name: value for tensor, value in zip(test.inputs, now, strict=True)}
    _close(inner, [inner.run(test.graph, test.outputs, again, test.prefix)[0], *made])
    return inner.builder.graph


def _is_kept(body: Body, index: int, tensor: Any) -> bool:
    """Whether a loop's variable is the same in every round (a weight, a bound)."""
    own = body.inputs[index].name
    while tensor.name != own and tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor.name == own or dtype_name(tensor) == "resource"


def _formals(
    inner: Builder,
    tensors: Sequence[Any],
    given: Sequence[Operand],
    outer: Builder,
    types: Sequence[TensorType | None] = (),
) -> Frame:
    """Inputs of a region for the values that it is given; a literal is written inside.

    Their types are those of the values, completed by what TF says, where ``types`` says no other.
    """
    frame: Frame = {}
    for place, (tensor, operand) in enumerate(zip(tensors, given, strict=True)):
        if not isinstance(operand, Value):
            frame[tensor.name] = operand
            continue
        wanted = types[place] if place < len(types) else None
        held = wanted or _held(tensor, outer.type_of(operand))
        hint = tensor.op.name.rpartition("/")[2]
        if hint.startswith(_MADE_UP):
            hint = operand.node.rpartition(".")[2]
        frame[tensor.name] = inner.input(hint, held)
    return frame


def _held(tensor: Any, known: TensorType) -> TensorType:
    """What TF says of a type, but of lists of tensors, which it does not know, what we know.

    The lists of TF1 are carried by a number (their 'flow'), the lists of TF2 by a variant.
    """
    held = type_of(tensor)
    is_list = held.rank == 0 and known.rank not in (0, None)
    if held.shape is None or is_list or held.dtype in (UNDEFINED, "resource"):
        return known
    return merge(held, known)


_MADE_UP = ("Placeholder", "resource", "placeholder")
"""Names of formals that say nothing; what they are given says more."""


def _close(inner: Importer, results: Sequence[Operand]) -> None:
    inner.builder.scope = ""
    inner.builder.output([materialise(inner.builder, value) for value in results])


def _typed(builder: Builder, first: Value, tensors: Sequence[Any]) -> list[Value]:
    """The node's results; TF's types of them are completed by those of the bodies."""
    found = builder.graph.node(first.node).results
    merged = [
        merge(_held(tensor, held), held) for tensor, held in zip(tensors, found, strict=False)
    ]
    builder.graph.update_node(first.node, results=(*merged, *found[len(merged) :]))
    return [Value(first.node, index) for index in range(len(tensors))]


WRITERS = {
    **dict.fromkeys(BRANCHES, branch),
    **dict.fromkeys(CASES, case),
    **dict.fromkeys(LOOPS, loop),
}
"""What writes each TF op that holds bodies."""
