"""ONNX files from strangers: well formed models, changed until nobody wrote them on purpose.

Run as a program it is the victim: it does with each file what a user would, each in a child process
of limited time and memory, and prints how each ended.
"""

import contextlib
import json
import os
import random
import resource
import signal
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

F, I = TensorProto.FLOAT, TensorProto.INT64  # noqa: E741
SECONDS = 20
"""Of the processor; on a loaded machine the clock goes ten times as far."""


def model(nodes, inputs, outputs, weights=(), functions=(), opset=21):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, *held) for name, held in inputs.items()],
        [helper.make_tensor_value_info(name, *held) for name, held in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(weights).items()],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, functions=functions, opset_imports=imports, ir_version=10)


def image():
    numbers = np.random.default_rng(0)
    weights = {
        "w": numbers.normal(size=(4, 3, 3, 3)).astype("float32"),
        "s": np.ones(4, "float32"),
        "fc": numbers.normal(size=(4, 5)).astype("float32"),
        "shape": np.array([0, -1]),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["c", "s", "s", "s", "s"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["p"], ["a"]),
        helper.make_node("Reshape", ["a", "shape"], ["f"]),
        helper.make_node("Gemm", ["f", "fc"], ["g"]),
        helper.make_node("Softmax", ["g"], ["y"], axis=-1),
    ]
    return model(nodes, {"x": (F, [1, 3, 8, 8])}, {"y": (F, [1, 5])}, weights)


def control():
    body = helper.make_graph(
        [
            helper.make_node("Add", ["v", "x"], ["v2"]),
            helper.make_node("Identity", ["go"], ["go2"]),
            helper.make_node("Neg", ["v2"], ["scan"]),
        ],
        "body",
        [helper.make_tensor_value_info(n, k, s) for n, k, s in
         (("i", I, []), ("go", TensorProto.BOOL, []), ("v", F, [2]))],
        [helper.make_tensor_value_info(n, k, s) for n, k, s in
         (("go2", TensorProto.BOOL, []), ("v2", F, [2]), ("scan", F, [2]))],
    )  # fmt: skip
    branches = [
        helper.make_graph([helper.make_node(op, ["l"], [f"b{op}"])], op, [],
                          [helper.make_tensor_value_info(f"b{op}", F, [2])])
        for op in ("Neg", "Abs")
    ]  # fmt: skip
    nodes = [
        helper.make_node("Loop", ["n", "yes", "x"], ["l", "ls"], body=body),
        helper.make_node("If", ["yes"], ["b"], then_branch=branches[0], else_branch=branches[1]),
        helper.make_node("ReduceSum", ["ls"], ["t"], keepdims=0),
        helper.make_node("Add", ["b", "t"], ["y"]),
    ]
    weights = {"n": np.array(3), "yes": np.array(True)}
    return model(nodes, {"x": (F, [2])}, {"y": (F, [2])}, weights)


def shapes():
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Concat", ["s", "two"], ["ss"], axis=0),
        helper.make_node("ConstantOfShape", ["ss"], ["z"]),
        helper.make_node("Expand", ["x", "s"], ["e"]),
        helper.make_node("Tile", ["e", "two2"], ["t"]),
        helper.make_node("Slice", ["t", "zero", "two", "zero"], ["u"]),
        helper.make_node("Range", ["a", "b", "c"], ["r"]),
        helper.make_node("Gather", ["u", "zero"], ["y"], axis=1),
    ]
    weights = {"two": np.array([2]), "two2": np.array([2, 2]), "zero": np.array([0]),
               "a": np.array(0), "b": np.array(5), "c": np.array(1)}  # fmt: skip
    outputs = {"y": (F, None), "z": (F, None), "r": (I, None)}
    return model(nodes, {"x": (F, [2, 3])}, outputs, weights)


def functions():
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    inner = helper.make_function(
        "own", "inner", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], imports
    )
    outer = helper.make_function(
        "own",
        "outer",
        ["a"],
        ["c"],
        [
            helper.make_node("inner", ["a"], ["b"], domain="own"),
            helper.make_node("inner", ["b"], ["c"], domain="own"),
        ],
        imports,
    )
    nodes = [helper.make_node("outer", ["x"], ["y"], domain="own")]
    return model(nodes, {"x": (F, [2])}, {"y": (F, [2])}, functions=[inner, outer])


def doubling(op="Concat"):
    """A tensor that doubles 40 times: 2**41 elements at run time."""
    nodes = []
    for i in range(40):
        operands = [f"c{i}", f"c{i}"] if op == "Concat" else [f"c{i}", "two"]
        more = {"axis": 0} if op == "Concat" else {}
        nodes.append(helper.make_node(op, operands, [f"c{i + 1}"], **more))
    weights = {"two": np.array([2])}
    return model(nodes, {"c0": (F, ["N"])}, {"c40": (F, None)}, weights)


def endless():
    """A loop without a count, whose condition stays true."""
    made = control()
    made.graph.node[0].input[0] = ""
    return made


def cycle():
    made = image()
    made.graph.node[1].input[0] = "r"
    return made


def recursive():
    made = functions()
    made.functions[0].node[0].op_type = "outer"
    made.functions[0].node[0].domain = "own"
    return made


def outside():
    made = image()
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../../etc/passwd")
    return made


def deep():
    """Branches in branches in branches: twice as many a level."""
    inner = helper.make_graph([helper.make_node("Neg", ["x"], ["o"])], "b", [],
                              [helper.make_tensor_value_info("o", F, None)])  # fmt: skip
    for level in range(8):
        node = helper.make_node("If", ["yes"], [f"o{level}"], then_branch=inner, else_branch=inner)
        result = helper.make_tensor_value_info(f"o{level}", F, None)
        inner = helper.make_graph([node], "b", [], [result])
    node = helper.make_node("If", ["yes"], ["y"], then_branch=inner, else_branch=inner)
    return model([node], {"x": (F, [2])}, {"y": (F, [2])}, {"yes": np.array(True)})


BASES = (image, control, shapes, functions)
CRAFTED = (doubling, endless, cycle, recursive, outside, deep)
NUMBERS = (0, -1, 1, 2, 7, -(2**31), 2**31 - 1, 2**40, 2**62, -(2**63))


def crafted():
    """Names and bytes of files made to hurt."""
    for make in CRAFTED:
        yield make.__name__, make().SerializeToString()
    yield "doubling_tile", doubling("Tile").SerializeToString()
    content = image().SerializeToString()
    for cut in (1, 100, len(content) // 2, len(content) - 3):
        yield f"cut_{cut}", content[:cut]


def mutated(count, seed=0):
    """Names and bytes of models, each changed in one to four places."""
    chance = random.Random(seed)
    for number in range(count):
        make = BASES[number % len(BASES)]
        proto = make()
        changes = [chance.choice(CHANGES) for _ in range(chance.randint(1, 4))]
        for change in changes:
            with contextlib.suppress(IndexError, ValueError):
                change(proto, chance)
        content = bytearray(proto.SerializeToString())
        if chance.random() < 0.25:
            for _ in range(chance.randint(1, 8)):
                content[chance.randrange(len(content))] = chance.randrange(256)
        yield f"{number}_{make.__name__}_{'_'.join(c.__name__ for c in changes)}", bytes(content)


def nodes_of(proto):
    found = list(proto.graph.node)
    for node in found:
        found += [inner for each in node.attribute for inner in each.g.node]
    return found + [node for function in proto.functions for node in function.node]


def rewire(proto, chance):
    node = chance.choice(nodes_of(proto))
    names = [name for each in nodes_of(proto) for name in (*each.input, *each.output)]
    node.input[chance.randrange(len(node.input))] = chance.choice(names)


def rename(proto, chance):
    node = chance.choice(nodes_of(proto))
    node.op_type = chance.choice(nodes_of(proto)).op_type


def renumber(proto, chance):
    told = [each for node in nodes_of(proto) for each in node.attribute if each.ints or each.i]
    each = chance.choice(told)
    if each.ints:
        each.ints[chance.randrange(len(each.ints))] = chance.choice(NUMBERS)
    else:
        each.i = chance.choice(NUMBERS)


def resize(proto, chance):
    tensor = chance.choice(proto.graph.initializer)
    if tensor.data_type == I:
        array = numpy_helper.to_array(tensor).copy().reshape(-1)
        array[chance.randrange(array.size)] = chance.choice(NUMBERS)
        tensor.raw_data = array.tobytes()
    else:
        tensor.dims[chance.randrange(len(tensor.dims))] = chance.choice(NUMBERS)


def retype(proto, chance):
    entries = [*proto.graph.input, *proto.graph.output]
    held = chance.choice(entries).type.tensor_type
    if held.shape.dim and chance.random() < 0.5:
        chance.choice(held.shape.dim).dim_value = chance.choice(NUMBERS)
    else:
        held.elem_type = chance.randrange(27)


def retensor(proto, chance):
    chance.choice(proto.graph.initializer).data_type = chance.randrange(27)


def drop(proto, chance):
    nodes = proto.graph.node
    chosen = chance.choice((nodes, proto.graph.initializer, proto.graph.input))
    del chosen[chance.randrange(len(chosen))]


def double(proto, chance):
    proto.graph.node.append(chance.choice(proto.graph.node))


def reopset(proto, chance):
    proto.opset_import[0].version = chance.randrange(30)


CHANGES = (rewire, rename, renumber, renumber, resize, resize, retype, retensor, drop, double,
           reopset)  # fmt: skip


# -- the victim -----------------------------------------------------------------------------


def treat(path):
    """What a user does with a file; a GraphlensError is a clear message."""
    import graphlens
    from graphlens.errors import GraphlensError
    from graphlens.ir import check
    from graphlens.runtime.inputs import example_inputs

    try:
        graph = check(graphlens.capture(path))
    except GraphlensError as error:
        return f"refused: {error}"
    told = []
    jobs = {
        "draw": lambda: graphlens.draw(graph, Path(path).with_suffix(".dot")),
        "run": lambda: graphlens.run(graph, *example_inputs(graph)),
        "plan": lambda: graphlens.plan_memory(graph),
        "optimize": lambda: graphlens.optimize(graph, prove=False),
        "save": lambda: graphlens.save(graph, Path(path).with_suffix(".again.onnx")),
    }
    for name, job in jobs.items():
        try:
            job()
            told.append(name)
        except GraphlensError as error:
            told.append(f"no {name}: {str(error)[:200]}")
    return "; ".join(told)


def limited(path, size):
    """How a file's treatment ended, in a process of its own with ``size`` bytes of memory."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        signal.alarm(10 * SECONDS)
        try:
            ended = treat(path)
        except BaseException as error:
            ended = f"FAILED {type(error).__name__}: {str(error)[:300]}"
        os.write(write, ended[:4000].encode("utf-8", "replace"))
        os._exit(0)
    os.close(write)
    told = b""
    while piece := os.read(read, 65536):
        told += piece
    os.close(read)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"FAILED by {signal.Signals(os.WTERMSIG(status)).name}"
    return told.decode("utf-8", "replace")


def main():
    """Treat every file of a folder; print the endings as JSON."""
    import graphlens.analysis.diff
    import graphlens.memory.plan
    import graphlens.render
    import graphlens.view  # noqa: F401  what every child needs is loaded once

    assert len(os.listdir("/proc/self/task")) == 1  # threads do not survive a fork
    folder, size = Path(sys.argv[1]), int(sys.argv[2])
    endings = {path.name: limited(path, size) for path in sorted(folder.glob("*.onnx"))}
    print(json.dumps(endings))


if __name__ == "__main__":
    main()
