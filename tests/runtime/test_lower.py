"""Graphs as ONNX models and files, and back."""

import random

import numpy as np
import onnx
import onnxruntime
import pytest

from graphlens.errors import GraphError, UsageError
from graphlens.frontends.onnx.file import capture
from graphlens.ir import Graph, Node, Source, Value, check, parse, to_text
from graphlens.ops.build import Builder
from graphlens.runtime import lower as lowering
from graphlens.runtime.lower import save_onnx, to_onnx
from graphlens.runtime.run import run
from graphlens.tensor import TensorType

F4 = TensorType("float32", (4,))


def chain(length, op="Relu"):
    graph = Graph(name="chain")
    value = Value(graph.add(Node("Input", "graphlens", results=(F4,)), name="x"))
    for _ in range(length):
        value = Value(graph.add(Node(op, results=(F4,)), [value]))
    Builder(graph).output([value])
    return graph


def sample():
    """Names, scopes, sources, origins, a NHWC op, a group, control flow and a literal."""
    graph = parse("""
def sample(image: float32[1, 5, 5, 3], yes: bool[()]):
    layer1[0].weight: float32[4, 3, 2, 2] = Param()
    shape: int64[2] = Const([1, 64])
    layer1[0]: float32[1, 4, 4, 4] = Conv(image, layer1[0].weight, data_format='NHWC')
    def body(a: float32[1, 4, 4, 4]):
        inner: float32[1, 4, 4, 4] = Relu(a)
        outer: float32[1, 4, 4, 4] = Neg(inner)
        return outer
    group: float32[1, 4, 4, 4] = Region(layer1[0], kind='Relu+Neg', body=body)
    flat: float32[1, 64] = Reshape(group, shape)
    def then_branch(a: float32[1, 64]):
        t: float32[1, 64] = Abs(a)
        return t
    def else_branch(a: float32[1, 64]):
        return a
    chosen: float32[1, 64] = If(yes, flat, then_branch=then_branch, else_branch=else_branch)
    halves: (float32[1, 32], float32[1, 32]) = Split(chosen, num_outputs=2, axis=1)
    return Output(halves @ 1, halves @ 0, names=['second', 'first'])
""")
    graph.weights["layer1.0.weight"] = (
        np.random.default_rng(0).uniform(-1, 1, (4, 3, 2, 2)).astype("float32")
    )
    graph.update_node(
        "layer1.0",
        scope="layer1.0",
        source=Source("aten.conv2d", "model.py", 7),
        origins=("layer1.0", "layer1.1"),
    )
    graph.scopes.update({"layer1": "Sequential", "layer1.0": "Conv2d"})
    return graph


def inputs():
    numbers = np.random.default_rng(1)
    return numbers.uniform(-1, 1, (1, 5, 5, 3)).astype("float32"), np.array(True)


def test_the_model_passes_onnxs_full_check_and_runs_elsewhere():
    model = to_onnx(sample())
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    image, yes = inputs()
    found = session.run(None, {"image": image, "yes": yes})
    for ours, theirs in zip(run(sample(), image, yes), found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_values_are_named_as_their_nodes():
    model = to_onnx(sample())
    made = [name for node in model.graph.node for name in node.output]
    assert {"layer1.0", "inner", "flat", "chosen", "second", "first"} <= set(made)
    assert [entry.name for entry in model.graph.output] == ["second", "first"]
    assert [entry.name for entry in model.graph.initializer] == ["layer1.0.weight", "shape"]


def test_saved_and_loaded_it_is_the_same_computation_with_the_same_origins(tmp_path):
    save_onnx(sample(), tmp_path / "m.onnx")
    loaded = check(capture(tmp_path / "m.onnx"))
    for before, after in zip(run(sample(), *inputs()), run(loaded, *inputs()), strict=True):
        np.testing.assert_array_equal(before, after)
    node = loaded.node("layer1.0")
    assert node.scope == "layer1.0"
    assert node.source == Source("aten.conv2d", "model.py", 7)
    assert node.origins == ("layer1.0", "layer1.1")
    assert loaded.scopes == {"layer1": "Sequential", "layer1.0": "Conv2d"}
    assert loaded.consts == ("shape",)
    assert loaded.params == ("layer1.0.weight",)


def test_what_was_loaded_saves_to_the_same_bytes(tmp_path):
    save_onnx(sample(), tmp_path / "a.onnx")
    save_onnx(capture(tmp_path / "a.onnx"), tmp_path / "b.onnx")
    save_onnx(capture(tmp_path / "b.onnx"), tmp_path / "c.onnx")
    assert (tmp_path / "b.onnx").read_bytes() == (tmp_path / "c.onnx").read_bytes()


def test_weights_beyond_the_limit_of_a_protobuf_go_beside(tmp_path, monkeypatch):
    monkeypatch.setattr(lowering, "_INLINE_LIMIT", 10_000)
    graph = Graph(name="large")
    build = Builder(graph)
    value = build.input("x", TensorType("float32", (1, 60)))
    for index in range(3):
        weight = np.full((60, 60), index + 1, "float32")
        held = build.param(f"w{index}", TensorType("float32", (60, 60)), weight)
        value = build.op("MatMul", value, held)
    build.output([value])
    with pytest.raises(GraphError, match="do not fit into one ONNX model"):
        to_onnx(graph)
    save_onnx(graph, tmp_path / "large.onnx")
    assert (tmp_path / "large.onnx").stat().st_size < 3000
    assert (tmp_path / "large.onnx.data").stat().st_size > 3 * 14_400
    onnx.checker.check_model(str(tmp_path / "large.onnx"))
    x = np.ones((1, 60), "float32")
    loaded = capture(tmp_path / "large.onnx")
    np.testing.assert_array_equal(run(loaded, x)[0], run(graph, x)[0])
    assert not loaded.weights["w1"].flags.owndata


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "int4", "complex64", "string"])
def test_weights_of_every_kind_come_back(dtype, tmp_path):
    graph = Graph(name="kinds")
    build = Builder(graph)
    array = (
        np.array(["a", "b"] * 300, object)
        if dtype == "string"
        else np.tile(np.arange(-3, 3), 300).astype(dtype)
    )
    held = build.param("w", TensorType(dtype, array.shape), array)
    build.output([build.op("Identity", held)])
    save_onnx(graph, tmp_path / "m.onnx")
    back = capture(tmp_path / "m.onnx")
    assert back.type_of(Value("w")) == TensorType(dtype, array.shape)
    assert back.weights["w"].tolist() == array.tolist()


def test_a_weight_without_a_value_becomes_an_input():
    graph = parse("""
def absent(x: float32[2]):
    w: float32[2] = Param()
    y: float32[2] = Add(x, w)
    return y
""")
    model = to_onnx(graph)
    assert [entry.name for entry in model.graph.input] == ["x", "w"]
    onnx.checker.check_model(model)


def test_hostile_names_never_meet():
    graph = Graph(name='"; rm -rf')
    build = Builder(graph)
    x = build.input("s:1", TensorType("float32", (4,)))
    node = Node("Split", attributes={"num_outputs": 2}, results=(TensorType("float32", (2,)),) * 2)
    graph.add(node, [x], "s")
    y = build.op("Neg", Value("s", 1), name="s:1#1")
    build.output([Value("s"), y], ["s:1", "</svg>"])
    check(graph)
    (low, high) = run(graph, np.arange(4, dtype="float32"))
    assert low.tolist() == [0, 1]
    assert high.tolist() == [-2, -3]
    model = to_onnx(graph)
    onnx.checker.check_model(model)
    again = run(capture(model), np.arange(4, dtype="float32"))
    assert [made.tolist() for made in again] == [[0, 1], [-2, -3]]


def test_a_foreign_op_is_saved_and_comes_back(tmp_path):
    graph = parse("""
def foreign(x: float32[2, 3]):
    y: float32[2, 3] = aten.foo(x, alpha=2, mode='same', sizes=[1, 2])
    return y
""")
    save_onnx(graph, tmp_path / "m.onnx")
    loaded = capture(tmp_path / "m.onnx")
    assert to_text(loaded).splitlines()[1] == to_text(graph).splitlines()[1]


def test_an_invalid_model_is_not_written(tmp_path):
    graph = parse("""
def bad(x: float32[2]):
    y: float32[2] = Relu(x, x)
    return y
""")
    with pytest.raises(GraphError, match="makes no valid ONNX model"):
        save_onnx(graph, tmp_path / "bad.onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="must exist and be writable"):
        save_onnx(chain(1), tmp_path / "missing" / "m.onnx")


def test_a_chain_of_100000_nodes_lowers():
    assert len(to_onnx(chain(100_000)).graph.node) == 100_000


def test_a_chain_of_5000_nodes_runs():
    (found,) = run(chain(5_000), np.array([-1, 0, 1, 2], "float32"))
    assert found.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_come_back(seed):
    draw = random.Random(seed)
    graph = Graph(name="random")
    build = Builder(graph)
    values = [build.input(f"x{i}", F4) for i in range(2)]
    for _ in range(draw.randint(1, 15)):
        match draw.randrange(4):
            case 0:
                values.append(build.op(draw.choice(["Neg", "Relu"]), draw.choice(values)))
            case 1:
                values.append(build.op("Add", draw.choice(values), draw.choice(values)))
            case 2:
                half = build.op("Split", draw.choice(values), num_outputs=2, axis=0, results=2)
                values.append(build.op("Concat", Value(half.node, 1), half, axis=0))
            case _:
                values.append(build.const([1.0, 2.0, 3.0, draw.random()]))
    build.output(draw.choices(values, k=3))
    given = [np.arange(4, dtype="float32"), np.full(4, -2, "float32")]
    back = check(capture(to_onnx(graph)))
    for before, after in zip(run(graph, *given), run(back, *given), strict=True):
        np.testing.assert_array_equal(before, after)
