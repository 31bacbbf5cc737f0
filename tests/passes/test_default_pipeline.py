"""The whole default pipeline on real architectures: proven, and down to the kernels expected."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch_models  # noqa: E402

from graphlens.frontends.torch.export import capture  # noqa: E402
from graphlens.ir import Graph, check  # noqa: E402
from graphlens.passes import DEFAULT  # noqa: E402
from graphlens.passes.history import History  # noqa: E402
from graphlens.passes.pipeline import run  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    # torch and transformers warn of their own deprecations while they trace
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

KERNELS = {
    "resnet50": {"Conv+Relu": 9, "Conv x2+Add+Relu": 3, "Conv x2+Add+Relu+ReduceMean": 1},
    "mobilenet_v2": {"Conv+Clip": 8, "Conv+Add": 2, "Conv+Clip+ReduceMean": 1},
    "unet": {"Conv+Relu": 10, "Concat": 2, "ConvTranspose": 2},
    "bert_base": {
        "(MatMul+Add+Transpose) x3": 2,
        "Attention+Transpose": 2,
        "MatMul+Add x2": 4,
        "LayerNormalization": 4,
        "MatMul+Add+Gelu": 2,
    },
    "gpt2": {"Split+Transpose x3+Attention+Transpose": 2, "MatMul+Add+Gelu": 2},
    "vit_b_16": {"(MatMul+Add+Transpose) x3": 2, "Attention+Transpose": 2, "MatMul+Add+Gelu": 2},
    "llama_like": {
        "(MatMul+Transpose) x3": 2,
        "Attention+Transpose": 2,
        "RMSNormalization": 5,
        "MatMul+Swish+MatMul+Mul": 2,
    },
}
"""Kinds of kernels that each small model must have, and how many."""


def passes() -> list[Callable[[Graph], Graph]]:
    return [getattr(importlib.import_module(f"graphlens.passes.{n}"), n) for n in DEFAULT]


def optimised(name: str) -> History:
    model, inputs = torch_models.MODELS[name](small=True)
    with torch.no_grad():
        return run(capture(model, *inputs), passes())


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_a_model_comes_down_to_its_kernels_and_is_proven(name: str) -> None:
    history = optimised(name)
    assert [step.name for step in history.steps] == list(DEFAULT)
    assert {step.evidence.status for step in history.steps} <= {"proven", "unchanged"}
    check(history.after)
    after, kinds = history.after, Counter[str]()
    for node in after:
        kinds[after.nodes[node]["attributes"].get("kind", after.op(node))] += 1
    assert {kind: kinds[kind] for kind in KERNELS[name]} == KERNELS[name]
    assert history.result.kernels < history.evidence.kernels / 2
    assert history.result.traffic_bytes is not None
    assert history.evidence.traffic_bytes is not None
    assert history.result.traffic_bytes < history.evidence.traffic_bytes / 2
    assert history.result.arena_bytes is not None


def test_the_pipeline_finds_nothing_more_to_do_the_second_time() -> None:
    first = optimised("resnet50").after
    second = run(first, passes(), prove=False)
    assert [step.name for step in second.steps if step.changed] == []
