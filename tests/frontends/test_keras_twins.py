"""Keras models and their PyTorch twins, with one set of weights, are one graph each."""

import importlib.util

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")
torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")

import graphlens  # noqa: E402

pytestmark = [pytest.mark.tensorflow, pytest.mark.torch]

IMAGE = np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pairs(request):
    """Each architecture as (PyTorch model, Keras model), by whose it is."""
    twins = _module(request.config.rootpath / "gallery" / "resnet50_twins.py")
    models = _module(request.config.rootpath / "tests" / "keras_models.py")
    torch.manual_seed(0)
    in_torch = torchvision.models.resnet50().eval()
    in_keras = models.application("ResNet50")
    return {
        "torchvision": (in_torch, twins.keras_resnet50(in_torch)),
        "keras": (twins.torch_resnet50(in_keras), in_keras),
    }


@pytest.mark.parametrize("whose", ["torchvision", "keras"])
def test_twins_compute_the_same(pairs, whose):
    in_torch, in_keras = pairs[whose]
    with torch.no_grad():
        wanted = in_torch(torch.from_numpy(IMAGE)).numpy()
    found = np.asarray(in_keras(IMAGE.transpose(0, 2, 3, 1), training=False))
    assert wanted.std() > 1e-4
    np.testing.assert_allclose(found, wanted, rtol=1e-2, atol=1e-4 * abs(wanted).max())


@pytest.mark.parametrize("whose", ["torchvision", "keras"])
def test_twins_are_one_graph(pairs, whose):
    in_torch, in_keras = pairs[whose]
    static = graphlens.capture(in_keras, via="keras")
    dynamic = graphlens.capture(in_torch, torch.from_numpy(IMAGE), via="torch.fx")
    assert graphlens.equivalent(dynamic, static)


def test_one_weight_changed_makes_two_graphs(pairs):
    in_torch, in_keras = pairs["torchvision"]
    static = graphlens.capture(in_keras, via="keras")
    dynamic = graphlens.capture(in_torch, torch.from_numpy(IMAGE), via="torch.fx")
    name = next(name for name in static.params if name.endswith("conv2.kernel"))
    changed = static.weights[name].copy()
    changed[1, 1, 0, 0] += 1e-3
    static.weights[name] = changed
    assert not graphlens.equivalent(dynamic, static)


APPLICATIONS = ("VGG16", "MobileNetV2", "DenseNet121", "EfficientNetB0", "ResNet50")


def _small():
    """What those architectures are made of, once."""
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    y = layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    y = layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(y)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    deep = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    deep = layers.Activation("silu")(layers.BatchNormalization(epsilon=1e-3)(deep))
    squeezed = layers.Reshape((1, 1, 8))(layers.GlobalAveragePooling2D()(deep))
    squeezed = layers.Conv2D(8, 1, activation="sigmoid")(
        layers.Conv2D(2, 1, activation="silu")(squeezed)
    )
    y = layers.Add()([y, layers.Multiply()([deep, squeezed])])
    y = layers.Concatenate()([y, layers.AveragePooling2D(2)(layers.ZeroPadding2D(4)(y))])
    y = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(((0, 1), (0, 1)))(y))
    y = layers.Dense(10, activation="relu")(layers.Flatten()(y))
    return keras.Model(image, layers.Dense(5, activation="softmax")(y), name="small")


def _real(name):
    return getattr(keras.applications, name)(weights=None, classes=7, input_shape=(32, 32, 3))


@pytest.mark.parametrize(
    "name", ["small", *(pytest.param(name, marks=pytest.mark.zoo) for name in APPLICATIONS)]
)
def test_application_and_its_twin_are_one_graph(request, name):
    twins = _module(request.config.rootpath / "tests" / "keras_twins.py")
    models = _module(request.config.rootpath / "tests" / "keras_models.py")
    model = _small() if name == "small" else _real(name)
    models.redraw(model)
    twin = twins.Twin(model).eval()
    image = models.image(model)
    first = torch.from_numpy(image.transpose(0, 3, 1, 2).copy())
    wanted = np.asarray(model(image, training=False))
    np.testing.assert_allclose(twin(first).detach(), wanted, rtol=1e-4, atol=1e-6)
    assert graphlens.equivalent(
        graphlens.capture(twin, first, via="torch.fx"), graphlens.capture(model, via="keras")
    )
