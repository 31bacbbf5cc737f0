"""Models whose shapes depend on data, and models without memory."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")
transformers = pytest.importorskip("transformers")

from torch import nn  # noqa: E402
from torchvision.models.detection import MaskRCNN  # noqa: E402
from torchvision.models.detection.anchor_utils import AnchorGenerator  # noqa: E402

import graphlens  # noqa: E402
from graphlens.ir import check  # noqa: E402

pytestmark = pytest.mark.torch


def mask_rcnn() -> nn.Module:
    """torchvision's Mask R-CNN over a backbone of two convolutions."""
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1))
    backbone.out_channels = 8
    pool = torchvision.ops.MultiScaleRoIAlign
    return MaskRCNN(
        backbone,
        3,
        min_size=32,
        max_size=40,
        rpn_anchor_generator=AnchorGenerator(((8, 16),), ((1.0,),)),
        box_roi_pool=pool(["0"], 2, 1),
        mask_roi_pool=pool(["0"], 4, 1),
        rpn_post_nms_top_n_test=5,
        box_score_thresh=0.0,
    ).eval()


def test_a_detection_model_is_recorded_with_the_shapes_seen() -> None:
    model = mask_rcnn()
    images = [torch.rand(3, 32, 36, generator=torch.Generator().manual_seed(1))]
    with torch.no_grad():
        (wanted,) = model(images)
        graph = check(graphlens.capture(model, images, via="torch.eager"))
    assert graph.graph["capture"] == "torch.eager"
    names = [f"0.{key}" for key in ("boxes", "labels", "scores", "masks")]
    assert list(graph.nodes["output"]["attributes"]["names"]) == names
    for one, key in zip(graphlens.run(graph, images[0].numpy()), wanted, strict=True):
        np.testing.assert_allclose(one, wanted[key].numpy(), rtol=1e-4, atol=1e-4)


def llama(layers: int) -> Any:
    """Llama 3.1 of 70 billion parameters, cut to some of its 80 layers, on the meta device."""
    config = transformers.LlamaConfig(
        vocab_size=128256,
        hidden_size=8192,
        intermediate_size=28672,
        num_hidden_layers=layers,
        num_attention_heads=64,
        num_key_value_heads=8,
        use_cache=False,
    )
    with torch.device("meta"):
        return transformers.LlamaForCausalLM(config).to(torch.bfloat16).eval()


def test_a_model_without_memory_is_captured_from_token_ids() -> None:
    model, ids = llama(1), torch.zeros(1, 16, dtype=torch.int64)
    graphs = [graphlens.capture(model, ids, via=via) for via in ("torch.fx", "torch.eager")]
    assert graphlens.equivalent(*graphs)
    assert "model.layers.0.mlp.up_proj.weight" in graphs[0]
    assert "model.layers.0.mlp.up_proj.weight" not in graphs[0].weights


@pytest.mark.zoo
def test_seventy_billion_parameters_are_captured_planned_and_drawn(tmp_path: Any) -> None:
    model = llama(80)
    assert sum(weight.numel() for weight in model.parameters()) > 70e9
    start = time.process_time()
    graph = check(graphlens.capture(model, torch.zeros(1, 512, dtype=torch.int64)))
    graphlens.plan_memory(graph)
    graphlens.draw(graph, tmp_path / "llama.svg")
    assert time.process_time() - start < 120
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4e6  # in kB
