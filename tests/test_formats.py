"""Model files, told by their bytes: a name may lie."""

import io
import os
import pickle
import subprocess
import sys
import zipfile

import onnx
import pytest
from onnx import TensorProto, helper

import graphlens
from graphlens import formats
from graphlens.errors import FormatError, UsageError


def archive(*names):
    """A zip archive with members of these names, in a folder as torch writes them."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        for name in names:
            file.writestr(f"model/{name}", b"x" * 100)
    return held.getvalue()


def onnx_bytes():
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [value])
    return helper.make_model(graph).SerializeToString()


CONTENTS = {
    "onnx": onnx_bytes(),
    "json": b'{"format": "graphlens"}',
    "pt2": archive("archive_format", "models/model.json"),
    "script": archive("data.pkl", "constants.pkl", "code/__torch__.py"),
    "pickle": archive("data.pkl", "data/0"),
    "old pickle": pickle.dumps({"a": 1}, protocol=2),
    "keras": archive("metadata.json", "config.json", "model.weights.h5"),
    "text": b"hello, world\n",
    # NodeDef(name='x', op='Relu') in a GraphDef; NetDef(op=[OperatorDef(input=['x'] ...)]).
    "graph": b"\x0a\x09\x0a\x01x\x12\x04Relu",
    "net": b"\x0a\x03net\x12\x0c\x0a\x01x\x12\x01y\x22\x04Relu",
    "nameless net": b"\x12\x0c\x0a\x01x\x12\x01y\x22\x04Relu",
}


@pytest.mark.parametrize(
    ("suffix", "content", "expected"),
    [
        (".onnx", "onnx", formats.ONNX),
        (".json", "json", formats.SAVED),
        (".pt2", "pt2", formats.EXPORTED),
        (".pt", "script", formats.SCRIPTED),
        (".pt", "pickle", formats.PICKLED),
        (".pth", "old pickle", formats.PICKLED),
        (".ONNX", "onnx", formats.ONNX),
        (".keras", "keras", formats.KERAS),
        (".pb", "graph", formats.FROZEN),
        (".pb", "net", formats.CAFFE2),
        (".pb", "nameless net", formats.CAFFE2),
    ],
)
def test_a_file_is_told_by_its_name_and_bytes(tmp_path, suffix, content, expected):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(CONTENTS[content])
    assert formats.recognise(path) is expected


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (suffix, content)
        for suffix in (".onnx", ".json", ".pt2", ".pt", ".pb")
        for content in ("text", "json", "script", "onnx")
        if (suffix, content) not in ((".onnx", "onnx"), (".json", "json"), (".pt", "script"))
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(CONTENTS[content])
    with pytest.raises(FormatError, match="is not what its name says: expected a"):
        formats.recognise(path)


def test_the_message_says_what_the_file_is_instead(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(CONTENTS["script"])
    with pytest.raises(FormatError, match="expected an ONNX model, found a TorchScript archive"):
        formats.recognise(path)


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.touch()
    with pytest.raises(FormatError, match=r"is empty \(0 bytes\)"):
        formats.recognise(path)


def test_an_archive_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(CONTENTS["script"][:200])
    with pytest.raises(FormatError, match="cut off or damaged"):
        formats.recognise(path)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        formats.recognise(tmp_path / "model.onnx")


def test_a_folder_is_a_usage_error(tmp_path):
    (tmp_path / "model.onnx").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        formats.recognise(tmp_path / "model.onnx")


def test_a_folder_with_a_saved_model_is_one(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"")
    assert formats.recognise(tmp_path) is formats.SAVED_MODEL


def test_a_part_of_a_saved_model_says_to_give_the_folder(tmp_path):
    path = tmp_path / "saved_model.pb"
    path.write_bytes(b"\x08\x01\x12\x10")
    with pytest.raises(FormatError, match="give its folder"):
        formats.recognise(path)


def test_an_unknown_suffix_lists_those_that_are_known(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"TFL3")
    with pytest.raises(UsageError, match=r"suffix '\.tflite' \(must be one of .*'\.onnx'"):
        formats.recognise(path)


def test_a_model_of_onnx_with_a_large_version_is_still_one(tmp_path):
    model = onnx.load_from_string(CONTENTS["onnx"])
    model.producer_name = "p" * 300
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert formats.recognise(path) is formats.ONNX


def test_a_folder_with_a_caffe2_net_is_one(tmp_path):
    (tmp_path / "predict_net.pb").write_bytes(CONTENTS["net"])
    assert formats.recognise(tmp_path) is formats.CAFFE2


def loaded_by(folder, code, frameworks, **environment):
    """Which of these modules are loaded in a process of its own once it has run the code."""
    code = f"import sys, graphlens\n{code}\n"
    code += f"print([each for each in {frameworks} if each in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of TensorFlow's variables
def test_a_keras_file_loads_the_framework_of_its_backend_only(tmp_path):
    keras = pytest.importorskip("keras")
    pytest.importorskip("torch")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.save(tmp_path / "model.keras")
    code = "graphlens.draw(graphlens.capture('model.keras'), 'model.svg')"
    frameworks = ("torch", "tensorflow", "jax", "torchvision", "transformers", "onnxruntime")
    assert loaded_by(tmp_path, code, frameworks, KERAS_BACKEND="torch") == "['torch']"


@pytest.mark.parametrize(
    ("name", "content"), [("model.onnx", "onnx"), ("model.pb", "net"), ("model.json", "saved")]
)
def test_a_file_is_drawn_without_any_framework(tmp_path, name, content):
    if content == "saved":
        graphlens.save(graphlens.capture(CONTENTS["onnx"], via="onnx"), tmp_path / name)
    else:
        (tmp_path / name).write_bytes(CONTENTS[content])
    frameworks = ("torch", "tensorflow", "keras", "onnxruntime", "onnx.reference")
    code = f"graphlens.draw(graphlens.capture({name!r}), 'model.svg')"
    assert loaded_by(tmp_path, code, frameworks) == "[]"


def zipped(name="m/data.pkl"):
    """The bytes of an archive of one member, packed, with a directory at the end."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"content " * 100)
    return held.getvalue()


def a_name_that_is_no_text():
    return zipped("m/\u00e9.pkl").replace("\u00e9".encode(), b"\xff\xfe")


def a_version_that_is_none():
    content = bytearray(zipped())
    content[content.index(b"PK\x01\x02") + 6] = 145
    return bytes(content)


@pytest.mark.parametrize("make", [a_name_that_is_no_text, a_version_that_is_none])
@pytest.mark.parametrize("suffix", [".pt", ".pt2", ".keras"])
def test_an_archive_whose_directory_is_damaged_is_refused(make, suffix, tmp_path):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(make())
    with pytest.raises(FormatError, match="a zip archive that is cut off or damaged"):
        formats.recognise(path)


def test_a_file_that_may_be_of_two_kinds_is_expected_to_be_either(tmp_path):
    path = tmp_path / "model.pb"
    path.write_bytes(b"hello")
    with pytest.raises(FormatError, match="expected a Caffe2 net or a TensorFlow GraphDef"):
        formats.recognise(path)
