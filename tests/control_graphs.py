"""Graphs with control flow that the tests of pictures and of the page draw."""

from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType

HELD = TensorType("float32", (2, 4))
BOOL, INT = TensorType("bool", ()), TensorType("int64", ())


def body(*ops, given=("x",), types=(HELD,), flags=()):
    """A body of a chain of ops on its last input, which returns ``flags`` before it."""
    made = Graph()
    build = Builder(made)
    values = [build.input(name, held) for name, held in zip(given, types, strict=True)]
    last = values[-1]
    for op in ops:
        last = build.op(op, last, name=op.lower())
    build.output([*(values[index] for index in flags), last])
    return made


def branched():
    """An If with one operation in each branch, and a Loop after it."""
    graph = Graph(name="gate")
    build = Builder(graph)
    x, cond, rounds = build.input("x", HELD), build.input("cond", BOOL), build.input("n", INT)
    regions = {"then_branch": body("Relu"), "else_branch": body("Neg")}
    chosen = build.op("If", cond, x, results=[HELD], regions=regions, name="choose")
    turn = body(
        "Identity", "Exp", "Sin", given=("i", "going", "v"), types=(INT, BOOL, HELD), flags=(1,)
    )
    looped = {"regions": {"body": turn}, "results": [HELD], "captures": 0}
    build.output([build.op("Loop", rounds, cond, chosen, name="again", **looped)])
    return graph
