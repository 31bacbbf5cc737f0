"""GraphDefs and SavedModels read without TensorFlow: equal to it, and to what it reads itself."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from tensorflow.python.framework import convert_to_constants  # noqa: E402

import graphlens  # noqa: E402
from graphlens.errors import CaptureError, FormatError, UsageError  # noqa: E402
from graphlens.frontends.tf import saved as tf_saved  # noqa: E402
from graphlens.frontends.tf import slices as tf_slices  # noqa: E402
from graphlens.frontends.tf.bundle import Bundle  # noqa: E402
from graphlens.frontends.tf.schema import array_of, message, parsed  # noqa: E402
from graphlens.ir import check, walk  # noqa: E402

v1 = tf.compat.v1
pytestmark = pytest.mark.tensorflow

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((3, 4), np.float32)
SERIES = RANDOM.standard_normal((2, 7, 5), np.float32)
IMAGE = RANDOM.standard_normal((2, 16, 16, 3), np.float32)


def numbers(*shape):
    return np.random.default_rng(1).standard_normal(shape, np.float32)


# -- the files ------------------------------------------------------------------------------


class Module(tf.Module):
    def __init__(self):
        super().__init__()
        self.one = tf.Variable(numbers(4, 4), name="kernel")
        self.other = tf.Variable(numbers(4, 4) * 2, name="kernel")
        pairs = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1.5, 2.5])
        self.table = tf.lookup.StaticHashTable(pairs, -1.0)

    @tf.function
    def inner(self, x):
        while tf.reduce_sum(x) < 100.0:
            x = x * 2 + 1
        return x @ self.one

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
    def serve(self, x):
        y = self.inner(x) if tf.reduce_sum(x) > 0 else self.inner(-x) @ self.other
        return {"out": y, "rows": tf.map_fn(lambda row: tf.reduce_max(row) * 2, x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def look(self, text):
        return {"found": self.table.lookup(text)}

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
    def train(self, x):
        self.one.assign_sub(tf.transpose(x) @ x)
        return {"loss": tf.reduce_sum(x)}


def saved_module(path):
    model = Module()
    signatures = {"serving_default": model.serve, "look": model.look, "train": model.train}
    wanted = model.serve(X)
    tf.saved_model.save(model, str(path), signatures=signatures)
    return [X], [wanted["out"], wanted["rows"]]


def keras_models():
    recurrent = [
        keras.layers.LSTM(6, return_sequences=True, go_backwards=True),
        keras.layers.Dense(3),
    ]
    images = [
        keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
        keras.layers.UpSampling2D(interpolation="bilinear"),
        keras.layers.SeparableConv2D(3, 3),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dense(3),
    ]
    return {
        "recurrent": (keras.Sequential([keras.Input((7, 5)), *recurrent]), SERIES),
        "images": (keras.Sequential([keras.Input((16, 16, 3)), *images]), IMAGE),
    }


def frozen(path, model, x):
    function = tf.function(lambda x: model(x, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec([None, *x.shape[1:]], x.dtype))
    graph = convert_to_constants.convert_variables_to_constants_v2(concrete).graph
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return [x], [concrete(tf.constant(x))]


def saved_keras(path, model, x):
    model.export(str(path), verbose=False)
    return [x], [model(x, training=False)]


def tf1_files(folder):
    """A loop and a branch of TF1, frozen, as a SavedModel, and with its variables left open."""
    with tf.Graph().as_default() as graph:
        v1.disable_control_flow_v2()
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        w = v1.get_variable("w", initializer=numbers(4, 4))
        rows = tf.TensorArray(tf.float32, 5)
        _, last, rows = v1.while_loop(
            lambda i, a, held: i < 5,
            lambda i, a, held: (i + 1, tf.tanh(a @ w), held.write(i, a)),
            [0, x, rows],
        )
        chosen = v1.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: x - 1)
        named = {"a": last, "b": rows.stack(), "c": chosen}
        named = {key: tf.identity(value, name=key) for key, value in named.items()}
        v1.enable_control_flow_v2()
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            wanted = session.run([named[key] for key in "abc"], {x: X})
            definition = graph.as_graph_def()
            constant = v1.graph_util.convert_variables_to_constants(session, definition, [*named])
            (folder / "tf1.pb").write_bytes(constant.SerializeToString())
            (folder / "tf1_open.pb").write_bytes(definition.SerializeToString())
            v1.saved_model.simple_save(session, str(folder / "tf1_saved"), {"x": x}, named)
    return [X], wanted


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Every file by name: its path, inputs, and TensorFlow's own outputs."""
    folder = tmp_path_factory.mktemp("files")
    keras.utils.set_random_seed(0)
    made = {"module": (folder / "module", *saved_module(folder / "module"))}
    for name, (model, x) in keras_models().items():
        made[f"{name}.pb"] = (folder / f"{name}.pb", *frozen(folder / f"{name}.pb", model, x))
        made[name] = (folder / name, *saved_keras(folder / name, model, x))
    ends = tf1_files(folder)
    made |= {name: (folder / name, *ends) for name in ("tf1.pb", "tf1_saved")}
    return {
        name: (path, inputs, [np.asarray(each) for each in wanted])
        for name, (path, inputs, wanted) in made.items()
    }


NAMES = ("module", "recurrent.pb", "recurrent", "images.pb", "images", "tf1.pb", "tf1_saved")

# -- without TensorFlow ---------------------------------------------------------------------

_BLOCKED = """
import pickle, sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "torch"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Block())
import graphlens

cases, folder = pickle.load(sys.stdin.buffer)
made = {}
for name, (path, inputs) in cases.items():
    for given in ((), inputs):
        graph = graphlens.capture(path, *given)
        made[name, bool(given)] = graphlens.run(graph, *inputs)
graphlens.draw(graph, f"{folder}/picture.svg")
made["optimised"] = graphlens.run(graphlens.optimize(graph, prove=False).after, *inputs)
pickle.dump(made, open(f"{folder}/made.pkl", "wb"))
"""


def test_files_run_to_tensorflows_outputs_where_it_cannot_be_imported(files, tmp_path):
    cases = {name: (str(files[name][0]), files[name][1]) for name in NAMES}
    content = pickle.dumps((cases, str(tmp_path)))
    done = subprocess.run(
        [sys.executable, "-c", _BLOCKED], input=content, env=os.environ, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    made = pickle.loads((tmp_path / "made.pkl").read_bytes())
    for name in NAMES:
        for found in (made[name, False], made[name, True]):
            for one, other in zip(found, files[name][2], strict=True):
                np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5, err_msg=name)
    np.testing.assert_allclose(made["optimised"][0], files[NAMES[-1]][2][0], rtol=2e-5, atol=2e-5)
    assert (tmp_path / "picture.svg").read_text().startswith("<?xml")


# -- beside TensorFlow ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["module", "recurrent", "images"])
def test_saved_model_is_the_graph_that_tensorflow_loads(files, name):
    path, inputs, _ = files[name]
    loaded = tf.saved_model.load(str(path))
    ours = check(graphlens.capture(path, *inputs))
    theirs = graphlens.capture(loaded.signatures["serving_default"], *inputs)
    assert graphlens.equivalent(ours, theirs)
    foreign = [g.op(n) for _, g in walk(ours) for n in g if g.node(n).domain == "tf"]
    assert foreign == []


@pytest.mark.parametrize("name", ["recurrent.pb", "images.pb", "tf1.pb"])
def test_shapes_that_a_graphdef_does_not_note_are_worked_out(files, name):
    path, inputs, _ = files[name]
    graph = check(graphlens.capture(path, *inputs))
    for _, held in walk(graph):
        for node in held:
            assert all(result.is_static for result in held.node(node).results), node


def test_batch_of_a_file_is_a_symbol_and_runs_at_any_size(files):
    path, (x,), (wanted,) = files["recurrent"]
    graph = graphlens.capture(path)
    assert [str(graph.node(name).results[0]) for name in graph.inputs] == ["float32[N, 7, 5]"]
    np.testing.assert_allclose(graphlens.run(graph, x[:1])[0], wanted[:1], rtol=2e-5, atol=2e-5)


def test_signature_is_chosen_by_name(files):
    path = files["module"][0]
    texts = np.array(["b", "c"], object)
    graph = graphlens.capture(path, texts, signature="look")
    np.testing.assert_array_equal(graphlens.run(graph, texts)[0], np.float32([2.5, -1.0]))
    with pytest.raises(UsageError, match=r"signature of .*'lock'.*'look'"):
        graphlens.capture(path, signature="lock")


def test_signature_that_trains_returns_what_the_variables_become(files):
    graph = graphlens.capture(files["module"][0], X, signature="train")
    assert graph.node(graph.output).attributes["names"] == ("loss", "kernel_1")
    loss, kernel = graphlens.run(graph, X)
    np.testing.assert_allclose(loss, X.sum(), rtol=1e-5)
    np.testing.assert_allclose(kernel, numbers(4, 4) - X.T @ X, rtol=1e-4, atol=1e-5)


def test_variables_that_a_graphdef_initialises_by_constants_have_those(files):
    path = files["tf1.pb"][0].with_name("tf1_open.pb")
    graph = graphlens.capture(path, X, outputs=["a"])
    np.testing.assert_array_equal(graph.weights["w"], numbers(4, 4))
    np.testing.assert_allclose(graphlens.run(graph, X)[0], files["tf1.pb"][2][0], rtol=2e-5)


def test_weights_are_the_files_own_memory(files):
    bundle = Bundle(files["recurrent"][0] / "variables" / "variables")
    names = [name for name in bundle.names if name.endswith("VARIABLE_VALUE")]
    assert names
    assert not any(bundle.array(name).flags.owndata for name in names)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int64).reshape(2, 3), np.ones((4, 4), np.float16), np.array(True),
        np.zeros((0, 2), np.float32), np.array([1 + 2j], np.complex64), np.array([b"a", b"bc"]),
        np.ones(3, tf.bfloat16.as_numpy_dtype), np.array([7, 7], np.uint16),
    ],
    ids=lambda array: f"{array.dtype}{list(array.shape)}",
)  # fmt: skip
def test_constant_is_the_array_that_tensorflow_makes_of_it(array):
    proto = tf.make_tensor_proto(array)
    found = array_of(parsed("TensorProto", proto.SerializeToString(), "a constant"))
    wanted = tf.make_ndarray(proto)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


# -- bad input ------------------------------------------------------------------------------


def graph_def(*nodes):
    """A GraphDef of nodes, each a name, an op, its operands, and attributes."""
    made = message("GraphDef")()
    for name, op, operands, attributes in nodes:
        node = made.node.add(name=name, op=op, input=operands)
        for key, value in attributes.items():
            field = {str: "s", int: "i", float: "f"}.get(type(value))
            if field:
                setattr(node.attr[key], field, value.encode() if field == "s" else value)
            else:
                node.attr[key].CopyFrom(value)
    return made


FLOAT = message("AttrValue")(type=1)
INPUT = ("x", "Placeholder", [], {"dtype": FLOAT})


def constant(shape, **values):
    tensor = message("TensorProto")(dtype=1, **values)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return ("c", "Const", [], {"dtype": FLOAT, "value": message("AttrValue")(tensor=tensor)})


HOSTILE = {
    "a cycle": (
        [INPUT, ("a", "Relu", ["b"], {"T": FLOAT}), ("b", "Relu", ["a"], {"T": FLOAT}),
         ("out", "Relu", ["b"], {"T": FLOAT})],
        CaptureError, "cycle",
    ),
    "a cycle beside a branch": (
        [INPUT, ("a", "Relu", ["b"], {"T": FLOAT}),
         ("b", "Merge", ["a", "a"], {"T": FLOAT, "N": 2}),
         ("out", "Relu", ["b"], {"T": FLOAT})],
        CaptureError, "no tf.cond|cycle",
    ),
    "a giant constant": (
        [constant([2**40, 2**40], float_val=[1.0]), ("out", "Relu", ["c"], {"T": FLOAT})],
        FormatError, "larger than any file",
    ),
    "a negative shape": (
        [constant([-5], float_val=[1.0]), ("out", "Relu", ["c"], {"T": FLOAT})],
        FormatError, "cannot be read",
    ),
    "bytes that do not fill the shape": (
        [constant([3], tensor_content=b"1234567"), ("out", "Relu", ["c"], {"T": FLOAT})],
        FormatError, "7 bytes",
    ),
    "an operand that is not there": (
        [INPUT, ("out", "Relu", ["y"], {"T": FLOAT})], FormatError, "'y'.*does not hold",
    ),
    "a result that is not there": (
        [INPUT, ("out", "Relu", ["x:3"], {"T": FLOAT})], FormatError, "1 results",
    ),
    "two nodes of one name": ([INPUT, INPUT], FormatError, "two nodes"),
    "an attribute of another kind": (
        [INPUT, ("out", "Relu", ["x"], {"T": "text"})], FormatError, "not whole",
    ),
    "a count beyond reason": (
        [INPUT, ("out", "IdentityN", ["x"], {"T": FLOAT}), ("z", "Unpack", ["x"],
         {"T": FLOAT, "num": 2**40})],
        FormatError, "not whole",
    ),
    "a function that is not there": (
        [INPUT, ("out", "PartitionedCall", ["x"], {
            "f": message("AttrValue")(func={"name": "gone"}),
            "Tout": message("AttrValue")(list={"type": [1]}),
        })],
        CaptureError, "'gone'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_broken_graphdef_is_a_clear_error(case, tmp_path):
    nodes, kind, text = HOSTILE[case]
    path = tmp_path / "broken.pb"
    path.write_bytes(graph_def(*nodes).SerializeToString())
    with pytest.raises(kind, match=text):
        tf_saved.capture(path)


def calling(*pairs):
    """A GraphDef whose functions call each other: each a name, and the names that it calls."""
    made = graph_def(INPUT)
    for name, called in (("main", [pairs[0][0]]), *pairs):
        into = made.node
        if name != "main":
            function = made.library.function.add()
            function.signature.name = name
            function.signature.input_arg.add(name="x", type=1)
            function.signature.output_arg.add(name="y", type=1)
            function.ret["y"] = f"call_{len(called) - 1}:y:0"
            into = function.node_def
        for index, other in enumerate(called):
            into.add(name=f"call_{index}", op=other, input=["x"])
    return made


def test_function_that_calls_itself_is_refused(tmp_path):
    (tmp_path / "f.pb").write_bytes(calling(("f", ["g"]), ("g", ["f"])).SerializeToString())
    with pytest.raises(CaptureError, match="'f' of the TF graph calls itself"):
        tf_saved.capture(tmp_path / "f.pb")


def test_functions_that_double_without_end_are_refused(tmp_path):
    pairs = [(f"f{n}", [f"f{n + 1}"] * 2) for n in range(40)]
    last = calling(*pairs, ("f40", ["f40_"] * 2))
    function = last.library.function.add()
    function.signature.name = "f40_"
    (tmp_path / "f.pb").write_bytes(last.SerializeToString())
    with pytest.raises(CaptureError, match="unfold to"):
        tf_saved.capture(tmp_path / "f.pb")


def test_op_that_nobody_defines_is_kept_and_typed_as_unknown(tmp_path):
    definition = graph_def(
        INPUT, ("mine", "MyOp", ["x"], {"size": 3}), ("out", "Relu", ["mine:1"], {"T": FLOAT})
    )
    (tmp_path / "own.pb").write_bytes(definition.SerializeToString())
    graph = check(tf_saved.capture(tmp_path / "own.pb"))
    node = graph.node("mine")
    assert (node.domain, node.op, len(node.results), node.attributes) == (
        "tf",
        "MyOp",
        2,
        {"size": 3},
    )


def test_saved_model_without_its_checkpoint_is_a_format_error(files, tmp_path):
    content = (files["recurrent"][0] / "saved_model.pb").read_bytes()
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(FormatError, match=r"variables\.index is not there, .*'variables' beside"):
        graphlens.capture(tmp_path)


@pytest.mark.parametrize("cut", [0, 40, 200])
def test_checkpoint_that_is_cut_off_is_a_format_error(files, tmp_path, cut):
    index = (files["recurrent"][0] / "variables" / "variables.index").read_bytes()
    (tmp_path / "v.index").write_bytes(index[:cut])
    with pytest.raises(FormatError, match=r"v\.index: not the index of a checkpoint"):
        Bundle(tmp_path / "v")


def test_checkpoint_whose_data_is_cut_off_is_a_format_error(files, tmp_path):
    folder = files["recurrent"][0] / "variables"
    (tmp_path / "v.index").write_bytes((folder / "variables.index").read_bytes())
    (tmp_path / "v.data-00000-of-00001").write_bytes(b"1234")
    bundle = Bundle(tmp_path / "v")
    with pytest.raises(FormatError, match=r"lies at .* of a file of 4 bytes"):
        [bundle.array(name) for name in bundle.names if name.endswith("VARIABLE_VALUE")]


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_partitioned_variables_have_the_values_of_their_slices(resource, tmp_path):
    x = np.random.default_rng(0).random((2, 200), np.float32)
    with tf.Graph().as_default():
        fed = v1.placeholder(tf.float32, [None, 200], name="x")
        parts = v1.fixed_size_partitioner(3)
        with v1.variable_scope("s", partitioner=parts, use_resource=resource):
            w = v1.get_variable("w", [200, 7], initializer=v1.random_normal_initializer(seed=1))
            b = v1.get_variable("b", [7], initializer=v1.random_normal_initializer(seed=2))
        y = tf.identity(fed @ tf.convert_to_tensor(w) + tf.convert_to_tensor(b), name="y")
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            wanted = session.run(y, {fed: x})
            v1.saved_model.simple_save(session, str(tmp_path / "m"), {"x": fed}, {"y": y})
    graph = graphlens.capture(tmp_path / "m")
    np.testing.assert_allclose(graphlens.run(graph, x)[0], wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "extents"),
    [
        ("w", [(0, 3), (0, -1)]),
        ("a/b\x00c", [(63, 64), (8191, 8192)]),
        ("\udcff\x01", [(2**40, 2**33)]),
        ("none", []),
    ],
)
def test_key_of_a_slice_is_tensorflows(name, extents):
    key = tf_slices.key_of(name, extents).encode("utf-8", "surrogateescape")
    known = {
        "w": b"\x00w\x00\x01\x01\x02\x80\x83\x80\x7f",
        "none": b"\x00none\x00\x01\x00",
        "a/b\x00c": b"\x00a/b\x00\xffc\x00\x01\x01\x02\xbf\xc0\x40\xdf\xff\xe0\x20\x00",
        "\udcff\x01": b"\x00\xff\x00\x01\x00\x01\x01\x01",
    }[name]
    assert key.startswith(known)
