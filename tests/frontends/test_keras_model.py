"""Keras models: what graphlens captures and runs is what Keras computes."""

import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from graphlens.api import optimize  # noqa: E402
from graphlens.errors import CaptureError, FormatError  # noqa: E402
from graphlens.frontends.keras.model import capture  # noqa: E402
from graphlens.ir import check, to_text  # noqa: E402
from graphlens.ops.schema import in_vocabulary  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402
from graphlens.tensor import TensorType  # noqa: E402

# Keras 3.15 writes its variables through numpy's old array protocol.
_WRITES = "ignore:__array__ implementation:DeprecationWarning"
pytestmark = [pytest.mark.tensorflow, pytest.mark.filterwarnings(_WRITES)]


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


models = _module(Path(__file__).parents[1] / "keras_models.py")


def agree(model, graph, *inputs, tolerance=1e-5):
    wanted = keras.tree.flatten(model(*inputs, training=False))
    found = run(graph, *keras.tree.flatten(inputs))
    assert len(found) == len(wanted)
    for expected, got in zip(map(np.asarray, wanted), found, strict=True):
        assert expected.std() > 0 or expected.size == 1
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", models.APPLICATIONS)
def test_application_is_captured_without_an_unknown_op_and_runs_as_keras_does(name):
    model = models.application(name)
    graph = check(capture(model))
    held = [graph.node(node) for node in graph]
    assert [node.qualified for node in held if not in_vocabulary(node.op, node.domain)] == []
    assert graph.graph["capture"] == "keras"
    assert graph.name == model.name
    image = models.image(model)
    wanted = model(image, training=False).numpy()
    assert wanted.std() > 1e-4
    np.testing.assert_allclose(run(graph, image)[0], wanted, rtol=1e-3, atol=1e-6)


def test_params_scopes_and_nodes_carry_the_names_of_the_layers():
    model = keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), classes=5)
    graph = capture(model)
    assert "block_1_expand.kernel" in graph.params
    assert "block_1_expand_BN.moving_variance" in graph.params
    assert graph.scopes["block_1_expand"] == "Conv2D"
    assert graph.node("block_1_expand.convolution").scope == "block_1_expand"
    assert graph.node("block_1_expand.convolution").source.op == "Conv2D"
    by_path = {variable.path.replace("/", ".") for variable in model.variables}
    assert set(graph.params) <= by_path


def test_parameters_share_the_memory_of_the_variables():
    model = models.classifier()
    kernel = model.layers[1].kernel
    held = capture(model).weights["conv2d.kernel"]
    np.testing.assert_array_equal(held, kernel.numpy())
    assert np.shares_memory(held, np.asarray(memoryview(kernel.value.read_value())))
    kernel.assign(kernel + 1)
    assert not np.array_equal(held, kernel.numpy())


def test_a_second_capture_and_a_second_copy_of_a_model_give_the_same_text():
    keras.layers.Conv2D(1, 1)  # moves Keras's own counters on
    first, second = models.classifier(), models.classifier()
    assert [layer.name for layer in first.layers] != [layer.name for layer in second.layers]
    text = to_text(capture(first), detail=True)
    assert to_text(capture(first), detail=True) == text
    assert to_text(capture(second), detail=True) == text


def test_a_model_without_names_gets_counted_ones():
    graph = capture(models.classifier())
    assert graph.inputs == ("input_layer",)
    assert [name for name in graph.params if name.startswith("conv2d")] == [
        "conv2d.kernel",
        "conv2d.bias",
        "conv2d_1.kernel",
    ]
    assert graph.scopes["max_pooling2d"] == "MaxPooling2D"


def test_batch_size_is_one_unless_an_input_or_a_symbol_says_otherwise():
    model = models.classifier()
    models.redraw(model)
    (name,) = capture(model).inputs
    batch = np.random.default_rng(0).standard_normal((4, 8, 8, 3), np.float32)
    assert capture(model).node(name).results == (TensorType("float32", (1, 8, 8, 3)),)
    assert capture(model, batch).node(name).results == (TensorType("float32", (4, 8, 8, 3)),)
    symbolic = capture(model, dynamic_shapes={name: {0: "batch"}})
    assert symbolic.node(name).results == (TensorType("float32", ("batch", 8, 8, 3)),)
    agree(model, symbolic, batch)
    agree(model, symbolic, batch[:2])


def test_attention_block_agrees():
    model = models.transformer_block()
    models.redraw(model)
    graph = check(capture(model))
    assert graph.scopes["attention.query"] == "EinsumDense"
    assert "attention.query.kernel" in graph.params
    agree(model, graph, models.image(model))


def test_several_inputs_keep_their_names_and_order():
    model = models.two_inputs()
    graph = check(capture(model))
    assert graph.inputs == ("left", "right")
    assert graph.node(graph.output).attributes["names"] == ("inner", "concatenate")
    assert graph.scopes["inner.head"] == "Dense"
    assert sorted(graph.params) == [
        "inner.head.bias",
        "inner.head.kernel",
        "shared.bias",
        "shared.kernel",
    ]
    arrays = [np.full((1, 5), value, np.float32) for value in (1.0, 2.0)]
    agree(model, graph, arrays)
    agree(model, capture(model, arrays), arrays)


def test_subclassed_model_is_captured_on_the_inputs_given():
    model = models.Subclassed()
    features = np.random.default_rng(0).standard_normal((3, 5), np.float32)
    graph = capture(model, features, kwargs={"scale": 2.0})
    assert graph.inputs == ("features",)
    assert graph.node(graph.output).attributes["names"] == ("hidden", "score")
    assert graph.params[::2] == ("dense.kernel", "dense_1.kernel")
    wanted = model(features, scale=2.0, training=False)
    hidden, score = run(graph, features)
    np.testing.assert_allclose(score, wanted["score"], rtol=1e-5)
    np.testing.assert_allclose(hidden, wanted["hidden"], rtol=1e-5)


def test_a_layer_alone_is_a_model():
    layer = keras.layers.Dense(3, activation="tanh")
    x = np.random.default_rng(0).standard_normal((2, 4), np.float32)
    agree(layer, capture(layer, x), x)


LAYERS = {
    "resizing": (keras.layers.Resizing(7, 9), (4, 5, 2)),
    "layer norm": (keras.layers.LayerNormalization(), (4, 6)),
    "prelu": (keras.layers.PReLU(), (4, 6)),
    "average": (keras.layers.AveragePooling2D(3, padding="same"), (7, 7, 2)),
    "global max": (keras.layers.GlobalMaxPooling2D(), (7, 7, 2)),
    "hard swish": (keras.layers.Activation("hard_swish"), (8,)),
    "mish": (keras.layers.Activation("mish"), (8,)),
    "batch norm first": (keras.layers.BatchNormalization(axis=1), (3, 4, 5)),
    "masked": (keras.Sequential([keras.layers.Masking(), keras.layers.LSTM(3)]), (5, 4)),
    "embedding of floats": (keras.layers.Dense(4, use_bias=False), (3, 5)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_agrees(name):
    layer, shape = LAYERS[name]
    x = np.random.default_rng(0).standard_normal((2, *shape), np.float32)
    layer(x)
    graph = check(capture(layer, x))
    assert [graph.op(node) for node in graph if graph.node(node).domain == "tf"] == []
    agree(layer, graph, x)


@pytest.mark.parametrize("name", ["batch norm first", "layer norm", "gelu"])
def test_double_precision_keeps_its_digits_through_every_pass(name):
    activation = keras.layers.Activation("gelu")
    layer, shape = {**LAYERS, "gelu": (activation, (8,))}[name]
    layer = type(layer).from_config({**layer.get_config(), "dtype": "float64"})
    x = np.random.default_rng(0).standard_normal((2, *shape))
    layer(x)
    assert optimize(capture(layer, x)).steps[-1].evidence.status == "proven"


def test_embedding_reads_its_table_by_index():
    layer = keras.layers.Embedding(7, 3)
    tokens = np.array([[0, 6, 2]], np.int32)
    graph = capture(layer, tokens)
    assert "Gather" in {graph.op(name) for name in graph}
    agree(layer, graph, tokens)


def test_model_without_known_inputs_asks_for_them():
    with pytest.raises(CaptureError, match="give example inputs"):
        capture(models.Subclassed())


def test_inputs_that_do_not_fit_are_one_clear_error():
    with pytest.raises(CaptureError, match=r"could not be traced on .*float32\[1, 9\]"):
        capture(models.classifier(), np.zeros((1, 9), np.float32))


def test_what_is_no_model_is_refused():
    with pytest.raises(CaptureError, match="a dict is no Keras model"):
        capture({})


def test_saved_model_is_read_back(tmp_path):
    model = models.classifier()
    models.redraw(model)
    model.save(tmp_path / "model.keras")
    graph = capture(tmp_path / "model.keras")
    agree(model, graph, models.image(model))


def test_broken_file_is_a_format_error(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(FormatError, match=r"model\.keras"):
        capture(tmp_path / "model.keras")
    with pytest.raises(FormatError, match=r"none\.keras"):
        capture(tmp_path / "none.keras")


def _changed(path, target, **members):
    """A copy of a .keras file with other members."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, members.pop(name.partition(".")[0], None) or old.read(name))
    return target


@pytest.fixture
def saved(tmp_path):
    layers = [keras.Input((3,)), keras.layers.Dense(2, name="dense")]
    path = tmp_path / "model.keras"
    keras.Sequential(layers).save(path)
    return path


def test_lambda_layer_of_a_file_is_refused(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1)]).save(
        tmp_path / "lambda.keras"
    )
    with pytest.raises(FormatError, match=r"lambda\.keras.*Lambda"):
        capture(tmp_path / "lambda.keras")


def test_class_of_another_package_in_a_file_is_refused(saved, tmp_path):
    with zipfile.ZipFile(saved) as archive:
        config = archive.read("config.json").decode()
    evil = config.replace('"keras.layers", "class_name": "Dense"', '"os", "class_name": "system"')
    assert evil != config
    _changed(saved, tmp_path / "evil.keras", config=evil)
    with pytest.raises(FormatError, match=r"evil\.keras: Keras cannot load"):
        capture(tmp_path / "evil.keras")


@pytest.mark.parametrize("config", ["[" * 100_000, "{}", '{"a": ' * 5000])
def test_file_of_nonsense_is_a_format_error(saved, tmp_path, config):
    _changed(saved, tmp_path / "nonsense.keras", config=config)
    with pytest.raises(FormatError, match=r"nonsense\.keras: Keras cannot load"):
        capture(tmp_path / "nonsense.keras")


def test_file_that_unpacks_to_far_more_is_refused(saved, tmp_path):
    _changed(saved, tmp_path / "bomb.keras", model=bytes(2**27))
    with pytest.raises(FormatError, match="unpacks to"):
        capture(tmp_path / "bomb.keras")
