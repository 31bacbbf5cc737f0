"""One model is one graph, whichever way it was captured: by fx, jit, export or through ONNX."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("onnxscript")

from graphlens.analysis.equivalent import isomorphic  # noqa: E402
from graphlens.ir import Graph, check  # noqa: E402
from graphlens.passes.canonicalize import canonicalize  # noqa: E402
from graphlens.passes.standard_form import standard_form  # noqa: E402
from graphlens.runtime.prove import prove  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    # The exporters of torch and onnxscript warn of their own deprecated calls.
    pytest.mark.filterwarnings("ignore"),
]

MODELS = ("resnet50", "mobilenet_v2", "unet", "bert_base", "gpt2", "vit_b_16", "llama_like")
NEWEST = 23
"""The newest opset that torch's exporter writes without asking a converter."""


@pytest.fixture(scope="module")
def build(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Name -> (model, inputs), small."""
    path = request.config.rootpath / "tests" / "torch_models.py"
    spec = importlib.util.spec_from_file_location("torch_models", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda name: module.MODELS[name](small=True)


@pytest.fixture(scope="module")
def standard(build: Callable[[str], Any]) -> Callable[[str], Graph]:
    """Name -> the standard form of the model as torch.fx captures it."""
    made: dict[str, Graph] = {}

    def form(name: str) -> Graph:
        if name not in made:
            made[name] = standard_form(captured("torch.fx", *build(name)))
        return made[name]

    return form


def captured(frontend: str, model: Any, inputs: tuple[Any, ...]) -> Graph:
    module = importlib.import_module(f"graphlens.frontends.{frontend}")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return module.capture(model, *inputs)


def exported(path: Path, model: Any, inputs: tuple[Any, ...], **choices: Any) -> Graph:
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(model, inputs, dynamo=True, verbose=False, **choices)
    program.save(str(path))
    return importlib.import_module("graphlens.frontends.onnx.file").capture(str(path))


@pytest.mark.parametrize("frontend", ["torch.jit", "torch.export"])
@pytest.mark.parametrize("name", MODELS)
def test_torch_captures_agree(name: str, frontend: str, build, standard) -> None:
    graph = captured(frontend, *build(name))
    assert isomorphic(standard(name), standard_form(graph)) is None


@pytest.mark.parametrize("name", MODELS)
def test_onnx_export_agrees(name: str, build, standard, tmp_path: Path) -> None:
    graph = exported(tmp_path / "model.onnx", *build(name))
    assert isomorphic(standard(name), standard_form(graph)) is None


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("mobilenet_v2", {"optimize": False}),
        ("gpt2", {"optimize": False}),
        ("bert_base", {"opset_version": NEWEST}),
        ("llama_like", {"opset_version": NEWEST}),
    ],
)
def test_other_onnx_exports_agree(name: str, choices, build, standard, tmp_path: Path) -> None:
    graph = exported(tmp_path / "model.onnx", *build(name), **choices)
    assert isomorphic(standard(name), standard_form(graph)) is None


@pytest.mark.parametrize("name", MODELS)
def test_canonical_and_standard_form_are_the_same_function(name: str, build, standard) -> None:
    graph = captured("torch.fx", *build(name))
    canonical = check(canonicalize(graph))
    assert prove(graph, canonical).status == "proven"
    assert prove(graph, check(standard(name))).status == "proven"
    assert canonicalize(canonical) is canonical
    assert standard_form(standard(name)) is standard(name)


def test_one_weight_changed_makes_another_graph(build, standard) -> None:
    graph = captured("torch.fx", *build("gpt2"))
    name = "transformer.h.1.attn.c_proj.weight"
    graph.weights[name] = graph.weights[name] * np.float32(1.01)
    assert isomorphic(standard("gpt2"), standard_form(graph)) is not None


def test_one_attribute_changed_makes_another_graph(build, standard) -> None:
    graph = captured("torch.fx", *build("unet"))
    pool = next(name for name in graph if graph.op(name) == "MaxPool")
    graph.update_node(pool, op="AveragePool")
    assert isomorphic(standard("unet"), standard_form(graph)) is not None
