"""TensorFlow graph mode: tf.function, frozen GraphDefs and SavedModels."""

import pickle

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from graphlens.api import equivalent  # noqa: E402
from graphlens.errors import CaptureError, FormatError, UsageError  # noqa: E402
from graphlens.frontends.tf.graph import capture  # noqa: E402
from graphlens.ir import Value, check, to_text  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402
from graphlens.tensor import TensorType  # noqa: E402

v1 = tf.compat.v1
pytestmark = pytest.mark.tensorflow

X = np.random.default_rng(0).standard_normal((4, 3), np.float32)


class Module(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable(np.ones((3, 2), np.float32), name="kernel")
        self.offset = tf.constant(np.arange(40, dtype=np.float32).reshape(20, 2))

    @tf.function
    def layer(self, x):
        return tf.nn.relu(tf.matmul(x, self.kernel))

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="features")])
    def __call__(self, features):
        with tf.name_scope("twice"):
            return {"sum": self.layer(features) + self.layer(features * 2), "table": self.offset}


def test_nested_functions_are_inlined_under_scopes_of_their_names():
    model = Module()
    graph = check(capture(model.__call__))
    assert graph.scopes == {"twice.layer": "layer", "twice.layer_1": "layer"}
    assert graph.params == ("kernel",)
    assert graph.node("twice.layer_1.MatMul").scope == "twice.layer_1"
    assert graph.node(graph.output).attributes["names"] == ("sum", "table")
    wanted = model(X)
    found = dict(zip(("sum", "table"), run(graph, X), strict=True))
    for name, array in found.items():
        np.testing.assert_allclose(array, wanted[name], rtol=1e-6)


def test_nested_functions_are_inlined_among_the_callers_ops_at_will():
    model = Module()
    graph = check(capture(model, calls="inline"))
    assert graph.scopes == {}
    assert {graph.node(name).scope for name in graph if graph.op(name) == "MatMul"} == {"twice"}
    assert equivalent(graph, capture(model))
    with pytest.raises(UsageError, match=r"way to write calls 'flat' .*'inline'"):
        capture(model, calls="flat")


def test_source_lines_are_those_of_the_model():
    graph = capture(Module())
    source = graph.node("twice.layer.MatMul").source
    line = Module.layer.python_function.__code__.co_firstlineno + 2
    assert (source.op, source.file, source.line) == ("MatMul", __file__, line)


def test_concrete_function_is_captured_as_it_was_traced():
    model = Module()
    concrete = model.__call__.get_concrete_function()
    graph = capture(concrete, TensorType("float32", (5, 3)))
    assert graph.type_of(Value("features")) == TensorType("float32", (5, 3))
    assert to_text(graph) == to_text(capture(concrete, X[:1].repeat(5, 0)))


def test_second_capture_gives_the_same_text():
    texts = {to_text(capture(Module()), detail=True) for _ in range(3)}
    assert len(texts) == 1


def test_plain_callable_and_keyword_inputs_are_traced():
    graph = capture(lambda x, y: x * y, X, kwargs={"y": X})
    assert graph.inputs == ("x", "y")
    np.testing.assert_allclose(run(graph, X, X)[0], X * X)


def test_symbolic_sizes_run_at_any_size():
    graph = capture(
        lambda x: tf.reshape(tf.concat([x, x[:1]], 0), [-1]), X, dynamic_shapes={"x": {0: "rows"}}
    )
    assert graph.type_of(Value("x")) == TensorType("float32", ("rows", 3))
    for rows in (1, 4):
        np.testing.assert_array_equal(
            run(graph, X[:rows])[0], np.concatenate([X[:rows], X[:1]]).ravel()
        )


def test_shape_arithmetic_on_static_sizes_is_done_at_capture():
    def flatten(x):
        return tf.reshape(x, [tf.shape(x)[0], tf.size(x) // tf.shape(x)[0]])

    ops = {graph.op(name) for graph in [capture(flatten, X)] for name in graph}
    assert ops <= {"graphlens.Input", "graphlens.Const", "graphlens.Output", "Reshape", "Identity"}


def test_assignment_in_a_function_is_read_as_what_was_assigned():
    counter = tf.Variable(1.0)

    @tf.function
    def step(x):
        counter.assign_add(2.0)
        counter.assign(counter * 10.0)
        return x * counter

    graph = capture(step, X)
    found, after = run(graph, X)
    np.testing.assert_allclose(found, X * 30.0, rtol=1e-6)
    assert graph.node(graph.output).attributes["names"] == ("output_0", "Variable")
    assert after == 30.0
    assert counter.numpy() == 1.0


def test_unknown_op_stays_typed_in_its_own_domain():
    graph = check(capture(lambda x: tf.signal.fft(tf.cast(x, tf.complex64)), X))
    (node,) = [graph.node(name) for name in graph if graph.op(name) == "tf.FFT"]
    assert node.results == (TensorType("complex64", (4, 3)),)
    assert node.attributes["Tcomplex"] == "complex64"


def test_text_is_joined_and_compared_and_its_other_ops_stay_tensorflows():
    def shout(x):
        joined = tf.strings.join([x, x], ", ") + "!"
        return tf.strings.upper(joined), tf.equal(joined, "a, a!")

    texts = np.array(["a", "b"])
    graph = check(capture(shout, texts))
    assert {"StringConcat", "tf.StringUpper", "Equal"} <= {graph.op(name) for name in graph}
    loud, found = run(graph, texts)
    assert (loud.tolist(), found.tolist()) == (["A, A!", "B, B!"], [True, False])


def test_nothing_of_tensorflow_is_left_in_the_graph():
    graph = capture(Module())
    assert b"tensorflow" not in pickle.dumps(graph).replace(__file__.encode(), b"")


def test_function_that_fails_while_traced_is_a_capture_error():
    def broken(x):
        raise RuntimeError("not today")

    with pytest.raises(CaptureError, match="not today"):
        capture(broken, X)


def test_options_of_tf1_are_refused_for_a_function():
    with pytest.raises(CaptureError, match=r"are for a tf\.Graph"):
        capture(Module(), outputs=["x"])


def test_what_is_no_model_is_refused():
    with pytest.raises(CaptureError, match="a int is no TensorFlow model"):
        capture(3)


def test_frozen_graph_has_its_float_constants_as_params(tmp_path):
    definition = tf.Graph()
    with definition.as_default():
        x = v1.placeholder(tf.float32, [2, 3], name="x")
        tf.matmul(x, tf.constant(np.ones((3, 2), np.float32), name="w"), name="y")
    (tmp_path / "frozen.pb").write_bytes(definition.as_graph_def().SerializeToString())
    assert capture(definition.as_graph_def()).params == ("w",)
    graph = check(capture(tmp_path / "frozen.pb"))
    assert (graph.name, graph.inputs, graph.params) == ("frozen", ("x",), ("w",))
    np.testing.assert_allclose(run(graph, X[:2])[0], X[:2] @ np.ones((3, 2)), rtol=1e-6)


def test_saved_model_is_captured_by_its_signature(tmp_path):
    model = Module()
    tf.saved_model.save(model, str(tmp_path / "saved"))
    graph = check(capture(tmp_path / "saved", X))
    assert graph.params == ("kernel",)
    np.testing.assert_allclose(run(graph, X)[0], model(X)["sum"], rtol=1e-6)


@pytest.mark.parametrize("content", [b"", b"\x0a\xff\xff", b"hello, this is text"])
def test_file_that_is_no_graphdef_is_a_format_error(tmp_path, content):
    (tmp_path / "broken.pb").write_bytes(content)
    with pytest.raises(FormatError, match=r"broken\.pb"):
        capture(tmp_path / "broken.pb")


def test_directory_that_is_no_saved_model_is_a_format_error(tmp_path):
    with pytest.raises(FormatError, match="no SavedModel"):
        capture(tmp_path)
    with pytest.raises(FormatError, match=r"none\.pb"):
        capture(tmp_path / "none.pb")
