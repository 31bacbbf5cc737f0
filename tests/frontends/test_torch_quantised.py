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
    # QLinearConv has biases of whole numbers, fbgemm of floats: a tie may fall to the other side
    step = getattr(getattr(model, "linear", None), "scale", 0.0)
    error = (torch.from_numpy(found) - model(x)).abs()
    assert error.max() <= step + 1e-6
    assert (error > 1e-6).sum() <= 1, "more than one tie"


class Recurrent(nn.Module):
    """A recurrent layer that says what it returns, and a linear one."""

    def __init__(self, layer: type[nn.LSTM | nn.GRU], **choices: Any) -> None:
        super().__init__()
        self.layer = layer(6, 8, **choices)
        self.linear = nn.Linear(16 if self.layer.bidirectional else 8, 3)

    def forward(self, x: torch.Tensor) -> Any:
        sequence, last = self.layer(x)
        return self.linear(sequence), *(last if isinstance(last, tuple) else [last])


CHOICES = (
    {},
    {"num_layers": 2, "batch_first": True},
    {"num_layers": 2, "bidirectional": True},
)


@pytest.mark.parametrize("via", ["torch.fx", "torch.jit", "torch.eager"])
@pytest.mark.parametrize("choices", CHOICES, ids=lambda choices: " ".join(choices) or "plain")
@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("dtype", [torch.qint8, torch.float16])
def test_a_recurrent_layer_quantised_as_it_runs(
    dtype: Any, layer: Any, choices: Any, via: str
) -> None:
    torch.manual_seed(0)
    torch.backends.quantized.engine = "fbgemm"
    plain: Any = Recurrent(layer, **choices).eval()
    model = quantization.quantize_dynamic(plain, {layer}, dtype)
    x = torch.randn(4, 4, 6)
    graph = graphlens.capture(model, x, via=via)
    kinds = {graph.op(name) for name in graph}
    assert ("Scan" in kinds) == (dtype == torch.qint8)
    assert not [name for name, it in graph.nodes.items() if it["domain"] not in ("", "graphlens")]
    for found, wanted in zip(graphlens.run(graph, x.numpy()), model(x), strict=True):
        torch.testing.assert_close(torch.from_numpy(found), wanted, rtol=1e-5, atol=1e-5)
    assert graphlens.optimize(graph).steps[-1].evidence.status == "proven"
