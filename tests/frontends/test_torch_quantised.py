"""Quantised models of torch: stored integers in ONNX's own ops, equal to what torch computes."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.ao.quantization as quantization  # noqa: E402
from torch import nn  # noqa: E402

import graphlens  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


class Convolving(nn.Module):
    """A convolution with a ReLU, a pool, a sum of quantised tensors and a product."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = quantization.QuantStub(), quantization.DeQuantStub()
        self.conv, self.relu = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU()
        self.linear, self.sum = nn.Linear(4 * 9, 5), torch.ao.nn.quantized.FloatFunctional()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu(self.conv(self.into(x)))
        x = nn.functional.max_pool2d(x, 2)
        x = nn.functional.adaptive_avg_pool2d(self.sum.add(x, x), 3)
        return self.out(torch.relu(self.linear(torch.flatten(x, 1))))


def statically() -> tuple[nn.Module, torch.Tensor]:
    model: Any = Convolving().eval()
    model.qconfig = quantization.get_default_qconfig("fbgemm")
    quantization.fuse_modules(model, [["conv", "relu"]], inplace=True)
    quantization.prepare(model, inplace=True)
    model(torch.rand(4, 3, 8, 8))
    quantization.convert(model, inplace=True)
    return model, torch.rand(2, 3, 8, 8)


def dynamically() -> tuple[nn.Module, torch.Tensor]:
    plain = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3)).eval()
    return quantization.quantize_dynamic(plain, {nn.Linear}, torch.qint8), torch.randn(2, 6)


@pytest.mark.parametrize("via", ["torch.fx", "torch.jit", "torch.eager"])
@pytest.mark.parametrize("made", [statically, dynamically])
def test_a_quantised_model_runs_as_torch_runs_it(made: Any, via: str) -> None:
    torch.manual_seed(0)
    torch.backends.quantized.engine = "fbgemm"
    model, x = made()
    graph = graphlens.capture(model, x, via=via)
    assert not [
        name for name, held in graph.nodes.items() if held["domain"] not in ("", "graphlens")
    ]
    (found,) = graphlens.run(graph, x.numpy())
    torch.testing.assert_close(torch.from_numpy(found), model(x), rtol=1e-6, atol=1e-6)
