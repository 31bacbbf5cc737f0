"""MODEL on the command line: files, Python code, libraries."""

import argparse
from pathlib import Path

import pytest

from graphlens.cli import models
from graphlens.cli.progress import Progress
from graphlens.errors import CaptureError, MissingDependencyError, UsageError
from graphlens.ir import Graph

CODE = """
from graphlens.ops.build import Builder
from graphlens.ir import Graph
from graphlens.tensor import TensorType

def relu():
    graph = Graph()
    build = Builder(graph)
    build.output([build.op("Relu", build.input("x", TensorType("float32", (2,))))])
    return graph

ready = relu()
number = 3

def with_inputs():
    return relu(), (1, 2)

def with_one_input():
    return relu(), 1

def with_keywords():
    return relu(), {"x": 1}

def broken():
    raise ValueError("no such layer")
"""


@pytest.fixture
def code(tmp_path):
    path = tmp_path / "code_of_a_model.py"
    path.write_text(CODE)
    return path


def test_a_callable_of_a_file_gives_the_model(code):
    assert isinstance(models.read(f"{code}:relu").model, Graph)


def test_a_model_of_a_file_is_taken_as_it_is(code):
    assert isinstance(models.read(f"{code}:ready").model, Graph)


@pytest.mark.parametrize(
    ("name", "inputs", "kwargs"),
    [("with_inputs", (1, 2), {}), ("with_one_input", (1,), {}), ("with_keywords", (), {"x": 1})],
)
def test_a_callable_may_give_the_inputs_too(code, name, inputs, kwargs):
    found = models.read(f"{code}:{name}")
    assert (found.inputs, dict(found.kwargs)) == (inputs, kwargs)


def test_a_callable_of_a_package_gives_the_model(code, monkeypatch):
    monkeypatch.syspath_prepend(code.parent)
    assert isinstance(models.read("code_of_a_model:relu").model, Graph)


def test_a_file_is_left_to_capture(tmp_path):
    assert models.read(str(tmp_path / "model.onnx")).model == Path(tmp_path / "model.onnx")


def test_code_that_raises_is_a_capture_error(code):
    with pytest.raises(CaptureError, match=r"broken\(\) raised ValueError: no such layer"):
        models.read(f"{code}:broken")


def test_a_file_that_does_not_compile_is_a_capture_error(tmp_path):
    path = tmp_path / "not_python.py"
    path.write_text("def (\n")
    with pytest.raises(CaptureError, match="failed while it was imported: SyntaxError"):
        models.read(f"{path}:model")


def test_a_name_that_is_not_there_lists_those_that_are(code):
    with pytest.raises(UsageError, match=r"no 'gelu' in .*'relu'"):
        models.read(f"{code}:gelu")


def test_a_name_that_is_no_model_is_refused(code):
    with pytest.raises(UsageError, match="number is a int: expected a model, or a callable"):
        models.read(f"{code}:number")


def test_a_module_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"no module 'nowhere\.at_all'"):
        models.read("nowhere.at_all:model")


def test_a_module_that_needs_a_package_that_is_missing_says_which(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingDependencyError, match="'a_package_that_is_not_there'"):
        models.read("needs_more:model")


def test_a_text_that_names_nothing_says_what_a_model_is():
    with pytest.raises(UsageError, match=r"no model 'resnet50': expected a file .*torchvision:"):
        models.read("resnet50")


def test_a_graph_is_captured_as_it_is(code):
    arguments = argparse.Namespace(input=[], via=None, trust=False)
    graph = models.capture(f"{code}:relu", arguments, Progress())
    assert graph.inputs == ("x",)


def test_a_model_that_misses_its_inputs_says_how_to_give_them(tmp_path):
    pytest.importorskip("torch")
    path = tmp_path / "code_without_inputs.py"
    path.write_text("import torch\nmodel = torch.nn.Linear(2, 2)\n")
    arguments = argparse.Namespace(input=[], via=None, trust=False)
    with pytest.raises(CaptureError, match=r"no inputs were given.*--input"):
        models.capture(f"{path}:model", arguments, Progress())
