"""Models of other people's libraries: by name, with random weights that are the same every time."""

import pytest

import graphlens
from graphlens import registry
from graphlens.cli import models
from graphlens.errors import UsageError
from graphlens.tensor import TensorType

SMALL_BERT = (
    "transformers:bert{num_hidden_layers=1,hidden_size=32,num_attention_heads=2,"
    "intermediate_size=64,vocab_size=100}"
)
pytestmark = [
    # Libraries warn of their own use of what numpy, torch or Python have deprecated.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("torchvision:squeezenet1_1", (1, 3, 224, 224)),
        ("torchvision:r3d_18", (1, 3, 16, 112, 112)),
        ("torchvision:lraspp_mobilenet_v3_large", (1, 3, 520, 520)),
        ("timm:resnet10t", (1, 3, 176, 176)),
        ("timm:vit_tiny_patch16_224{img_size=96,in_chans=1,depth=1}", (1, 1, 96, 96)),
    ],
)
def test_a_vision_model_comes_with_an_image_of_its_size(text, shape):
    pytest.importorskip(text.partition(":")[0])
    found = models.read(text)
    assert not found.model.training
    assert found.inputs == (TensorType("float32", shape),)


def test_optical_flow_is_between_two_images():
    pytest.importorskip("torchvision")
    found = models.read("torchvision:raft_small")
    assert found.inputs == (TensorType("float32", (1, 3, 128, 128)),) * 2


def test_a_detector_comes_with_an_image_to_detect_in_and_downloads_nothing():
    pytest.importorskip("torchvision")
    ((image,),) = models.read("torchvision:ssdlite320_mobilenet_v3_large").inputs
    assert image.shape == (3, 320, 320)


def test_a_language_model_comes_with_tokens():
    pytest.importorskip("transformers")
    found = models.read(SMALL_BERT)
    assert not found.model.training
    assert found.kwargs == {"input_ids": TensorType("int64", (1, 64))}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("t5{meta=True}", "input_ids decoder_input_ids"),
        ("clip{meta=True}", "input_ids pixel_values"),
        ("bart{meta=True}", "input_ids"),
        ("wav2vec2{meta=True}", "input_values"),
    ],
)
def test_a_model_comes_with_all_the_inputs_that_it_asks_for(text, names):
    pytest.importorskip("transformers")
    assert " ".join(models.read(f"transformers:{text}").kwargs) == names


def test_an_encoder_decoder_is_captured_by_its_name():
    pytest.importorskip("transformers")
    small = "{d_model=32,d_kv=8,d_ff=64,num_layers=1,num_heads=2,vocab_size=50}"
    found = models.read(f"transformers:t5{small}")
    graph = graphlens.capture(found.model, kwargs=found.kwargs)
    assert "MatMul" in {graph.nodes[name]["op"] for name in graph}


def test_random_weights_are_the_same_every_time():
    pytest.importorskip("transformers")
    one, other = (models.read(SMALL_BERT).model.state_dict() for _ in range(2))
    assert all(one[name].equal(other[name]) for name in one)


def test_a_model_that_does_not_fit_into_memory_is_made_without_weights(monkeypatch):
    pytest.importorskip("transformers")
    library = "graphlens.cli.libraries.transformers"
    registry.load(f"{library}:model")
    monkeypatch.setattr(f"{library}.os.sysconf", lambda _: 16)
    assert all(each.is_meta for each in models.read(SMALL_BERT).model.parameters())
    with pytest.raises(UsageError, match=r"leave out meta=False, or make it smaller, such as"):
        models.read(SMALL_BERT.replace("}", ",meta=False}"))


def test_a_configuration_in_a_file_names_the_class_and_needs_no_weights(tmp_path):
    pytest.importorskip("transformers")
    path = tmp_path / "config.json"
    path.write_text(
        '{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 32, '
        '"num_attention_heads": 4, "num_hidden_layers": 9, "vocab_size": 50, '
        '"intermediate_size": 64}'
    )
    found = models.read(f"transformers:{path}{{num_hidden_layers=1,meta=True}}")
    assert type(found.model).__name__ == "LlamaForCausalLM"
    assert found.model.config.num_hidden_layers == 1
    graph = graphlens.capture(found.model, kwargs=found.kwargs)
    assert {str(graph.type_of(each)) for each in graph.outputs} == {"float32[1, 64, 50]"}
    assert not set(graph.params) & set(graph.weights)


@pytest.mark.parametrize("text", ["", "[1]", '{"hidden_size": 4}'])
def test_a_file_that_is_no_configuration_is_refused(tmp_path, text):
    pytest.importorskip("transformers")
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"config\.json"):
        models.read(f"transformers:{path}")


def test_a_keras_model_comes_with_random_weights():
    pytest.importorskip("keras")
    found = models.read("keras:MobileNetV2{input_shape=(32,32,3),alpha=0.35}")
    assert found.inputs == ()
    assert tuple(found.model.inputs[0].shape) == (None, 32, 32, 3)


@pytest.mark.parametrize(
    ("text", "close"),
    [
        ("torchvision:resnet51", "resnet50"),
        ("timm:resnet999", "resnet50"),
        ("transformers:bertt", "bert"),
        ("keras:resnet50", "ResNet50"),
    ],
)
def test_an_unknown_model_names_those_spelt_like_it(text, close):
    pytest.importorskip(text.partition(":")[0])
    with pytest.raises(UsageError, match=f"unknown model .*such as .*{close}"):
        models.read(text)


@pytest.mark.parametrize(
    "text",
    [
        "torchvision:resnet18{layers=3}",
        "timm:resnet18{layerz=3}",
        "keras:ResNet50{top=1}",
        "transformers:musicgen",  # its configuration by itself lacks those of its parts
    ],
)
def test_an_option_that_the_library_refuses_is_a_usage_error(text):
    pytest.importorskip(text.partition(":")[0])
    with pytest.raises(UsageError, match="does not make"):
        models.read(text)
