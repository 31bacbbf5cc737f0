"""TF1's loops and branches, once found, written as Loop and If."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphlens.frontends.tf.control import Body, write_if, write_loop
from graphlens.frontends.tf.flow import EXIT, Flow, Side

if TYPE_CHECKING:
    from graphlens.frontends.tf.importer import Frame, Importer


def write_flow(importer: Importer, flow: Flow, op: Any, frame: Frame, prefix: str) -> None:
    """Write the loop that an Exit leaves or the branch that a Merge ends, and fill in its results.

    Args:
        importer: What it is written with.
        flow: The graph's loops and branches.
        op: The Exit or Merge.
        frame: What the tensors outside became; filled with the results.
        prefix: Scope of the ops, with a dot at its end.
    """
    if op.outputs[0].name in frame:
        return
    write = _loop if op.type in EXIT else _branch
    write(importer, flow, op, frame, prefix)


def _loop(importer: Importer, flow: Flow, op: Any, frame: Frame, prefix: str) -> None:
    loop = flow.frames[op.name]
    fixed = [enter.outputs[0] for enter in loop.constants]
    test = Body(
        op.graph,
        [*(variable.merged for variable in loop.variables), *fixed],
        [loop.condition],
        prefix=prefix,
    )
    body = Body(
        op.graph,
        [*(variable.kept for variable in loop.variables), *fixed],
        [*(variable.changed for variable in loop.variables), *fixed],
        prefix=prefix,
        changes=[len(loop.variables) + at for at in loop.stacks],
        updates=loop.pushes,
    )
    given = [importer.found(tensor, frame) for tensor in loop.reads]
    name = prefix + importer.named(op.name).rpartition(".")[0]
    ends = write_loop(importer, (test, body), given, name or "while", prefix)
    for variable, end in zip(loop.variables, ends, strict=False):
        if variable.exit is not None:
            frame[variable.exit.name] = end
    for at in loop.stacks:
        frame[loop.constants[at].inputs[0].name] = ends[len(loop.variables) + at]


def _branch(importer: Importer, flow: Flow, op: Any, frame: Frame, prefix: str) -> None:
    predicate = flow.sides(op)[0]
    merges = [m for m in flow.siblings(op) if m is op or _is_ready(importer, flow, m, frame)]
    sides = [flow.sides(merge)[1] for merge in merges]
    reads = {t.name: t for pair in sides for side in pair for t in side.reads}
    bodies = []
    for at, key in enumerate((True, False)):
        inside = {name: outer for pair in sides for name, outer in pair[at].inside}
        wanted = [_operand(flow, merge, key) for merge in merges]
        bodies.append(Body(op.graph, list(reads.values()), wanted, inside, prefix))
    operands = [importer.found(tensor, frame) for tensor in (predicate, *reads.values())]
    name = prefix + (importer.named(op.name).rpartition(".")[0] or importer.named(op.name))
    made = write_if(importer, bodies, operands, [merge.outputs[0] for merge in merges], name)
    for merge, value in zip(merges, made, strict=True):
        frame[merge.outputs[0].name] = value
        if merge.outputs[1].consumers():
            taken = importer.builder.op("Cast", operands[0], to="int32")
            true = flow.place(merge, flow.predicate(merge))
            if not true:
                taken = importer.builder.op("Sub", importer.builder.const(1, "int32"), taken)
            frame[merge.outputs[1].name] = taken


def _operand(flow: Flow, merge: Any, side: bool) -> Any:
    true = flow.place(merge, flow.predicate(merge))
    return merge.inputs[true if side else 1 - true]


def _is_ready(importer: Importer, flow: Flow, merge: Any, frame: Frame) -> bool:
    """Whether a Merge is wanted, not done yet, and all that its sides read is there."""
    if merge.outputs[0].name in frame or merge.name not in importer.wanted:
        return False
    sides: tuple[Side, Side] = flow.sides(merge)[1]
    return all(tensor.name in frame for side in sides for tensor in side.reads)
