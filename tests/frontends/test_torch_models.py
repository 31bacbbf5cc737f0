"""Real PyTorch models by each way in: they run to the framework's outputs and are one graph."""

from __future__ import annotations

import pickle
import pickletools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch_models  # noqa: E402

from graphlens.analysis.equivalent import isomorphic  # noqa: E402
from graphlens.frontends.onnx import file as onnx_file  # noqa: E402
from graphlens.frontends.torch import export as torch_export  # noqa: E402
from graphlens.frontends.torch import fx as torch_fx  # noqa: E402
from graphlens.frontends.torch import jit as torch_jit  # noqa: E402
from graphlens.frontends.torch.inputs import returned  # noqa: E402
from graphlens.ir import Graph, check  # noqa: E402
from graphlens.ops.schema import in_vocabulary  # noqa: E402
from graphlens.passes.canonicalize import canonicalize  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    # torch.jit is deprecated as a whole, and says so at each trace
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning"),
]

WAYS = {"torch.fx": torch_fx, "torch.jit": torch_jit, "torch.export": torch_export}


def expected(model: Any, inputs: tuple[Any, ...]) -> list[np.ndarray]:
    with torch.no_grad():
        leaves, _ = returned(model(*inputs))
    return [leaf.numpy() for leaf in leaves]


def captures(model: Any, inputs: tuple[Any, ...]) -> dict[str, Graph]:
    return {via: check(way.capture(model, *inputs)) for via, way in WAYS.items()}


def unknown(graph: Graph) -> list[str]:
    nodes = [graph.node(name) for name in graph]
    return [node.qualified for node in nodes if not in_vocabulary(node.op, node.domain)]


def assert_runs_alike(graph: Graph, inputs: tuple[Any, ...], wanted: list[np.ndarray]) -> None:
    got = run(graph, *(one.numpy() for one in inputs))
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        scale = float(np.abs(other).max()) or 1.0
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-5 * scale)


@pytest.mark.parametrize("name", torch_models.MODELS)
def test_full_model_runs_to_the_frameworks_outputs_by_every_way_in(name: str) -> None:
    model, inputs = torch_models.MODELS[name]()
    wanted = expected(model, inputs)
    for via, graph in captures(model, inputs).items():
        assert unknown(graph) == [], via
        assert_runs_alike(graph, inputs, wanted)


@pytest.mark.parametrize("name", torch_models.MODELS)
def test_every_way_in_gives_the_same_canonical_graph(name: str) -> None:
    model, inputs = torch_models.MODELS[name](small=True)
    first, *rest = [canonicalize(graph) for graph in captures(model, inputs).values()]
    assert [isomorphic(first, other) for other in rest] == [None, None]


@pytest.mark.parametrize("name", torch_models.MODELS)
def test_captured_graph_is_deterministic_and_holds_no_torch(name: str) -> None:
    model, inputs = torch_models.MODELS[name](small=True)
    first, second = torch_fx.capture(model, *inputs), torch_fx.capture(model, *inputs)
    assert list(first.nodes(data=True)) == list(second.nodes(data=True))
    assert list(first.edges(keys=True, data=True)) == list(second.edges(keys=True, data=True))
    assert not any(word.startswith(b"torch") for word in _modules_in(pickle.dumps(first)))


def _modules_in(pickled: bytes) -> set[bytes]:
    """The modules whose objects a pickle holds."""
    found: set[bytes] = set()
    words: list[str] = []
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name in ("SHORT_BINUNICODE", "BINUNICODE"):
            words.append(str(argument))
        elif opcode.name == "STACK_GLOBAL":
            found.add(words[-2].encode())
        elif opcode.name == "GLOBAL":
            found.add(str(argument).encode())
    return found


def test_names_scopes_and_sources_are_the_models_own() -> None:
    model, inputs = torch_models.resnet50(small=True)
    for via, graph in captures(model, inputs).items():
        node = graph.node("layer1.0.conv1")
        assert (node.op, node.scope) == ("Conv", "layer1.0.conv1"), via
        assert graph.scopes["layer1.0"] == "Bottleneck", via
        assert graph.scopes["layer1.0.conv1"] == "Conv2d", via
        assert node.source.file.endswith("resnet.py"), via
        assert node.source.line > 0, via
        assert graph.params[0] == "conv1.weight", via
        assert graph.inputs == ("x",), via


def test_weights_are_shared_with_torch_and_not_copied() -> None:
    model, inputs = torch_models.resnet50(small=True)
    for via, graph in captures(model, inputs).items():
        held = model.conv1.weight.detach().numpy()
        assert np.shares_memory(graph.weights["conv1.weight"], held), via


def test_tied_weights_are_one_param() -> None:
    model, inputs = torch_models.gpt2(small=True)
    for via, graph in captures(model, inputs).items():
        readers = set(graph.successors("transformer.wte.weight"))
        assert len(readers) == 2, via
        assert "lm_head.weight" not in graph, via


# torch.onnx warns of its own calls into torch and onnxscript, which are not ours to change
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", torch_models.MODELS)
def test_torchs_own_onnx_export_is_the_same_canonical_graph(name: str) -> None:
    pytest.importorskip("onnxscript")
    model, inputs = torch_models.MODELS[name](small=True)
    # opset 23 is the first that has Attention; torch's own optimiser would fold BatchNorms away
    exported = torch.onnx.export(
        model, inputs, dynamo=True, opset_version=23, optimize=False, verbose=False
    )
    assert exported is not None
    graph = canonicalize(onnx_file.capture(exported.model_proto))
    assert isomorphic(canonicalize(torch_fx.capture(model, *inputs)), graph) is None
