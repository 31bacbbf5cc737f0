"""The backward graph that torch keeps, and the forward results that it holds alive."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import graphlens  # noqa: E402
from graphlens.errors import CaptureError  # noqa: E402
from graphlens.ir import check  # noqa: E402
from graphlens.tensor import TensorType  # noqa: E402

pytestmark = pytest.mark.torch


def kept(model: Any, *inputs: Any) -> Any:
    return check(graphlens.capture(model, *inputs, via="torch.autograd"))


def operands(graph: Any, name: str) -> list[str]:
    return ["" if value is None else value.node for value in graph.operands(name)]


def convolutional() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(36, 5),
    )  # fmt: skip


def bytes_held(model: nn.Module, x: torch.Tensor) -> int:
    """What torch says that it keeps, weights, buffers and inputs apart."""
    apart = {one.untyped_storage().data_ptr() for one in (*model.parameters(), *model.buffers(), x)}
    sizes: dict[int, int] = {}
    held = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in apart:
            sizes[storage.data_ptr()] = storage.nbytes()
        held.append(tensor)  # so that no memory is used twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda one: one):
        model(x)
    return sum(sizes.values())


def test_the_bytes_held_are_those_that_torch_keeps() -> None:
    model, x = convolutional().train(), torch.rand(2, 3, 8, 8)
    graph = kept(model, x)
    assert graph.graph["capture"] == "torch.autograd"
    assert graph.graph["held"] == bytes_held(model, x) > 0


def test_every_node_of_the_backward_graph_is_there_with_what_it_holds() -> None:
    graph = kept(convolutional().train(), torch.rand(2, 3, 8, 8))
    named = [fields["op"] for fields in graph.nodes.values() if fields["domain"] == "autograd"]
    assert [op for op in named if op not in ("AccumulateGrad", "Saved")] == [
        "AddmmBackward0",
        "TBackward0",
        "ViewBackward0",
        "MaxPool2DWithIndicesBackward0",
        "ReluBackward0",
        "NativeBatchNormBackward0",
        "ConvolutionBackward0",
    ]
    relu = graph.nodes["2.ReluBackward0"]
    assert operands(graph, "2.ReluBackward0") == ["3.MaxPool2DWithIndicesBackward0", "2"]
    assert relu["attributes"] == {"saved": ("result",), "held": 2 * 4 * 6 * 6 * 4}
    assert relu["results"] == (TensorType("float32", (2, 4, 6, 6)),)
    assert (relu["scope"], relu["source"].file) == ("2", __file__)
    assert operands(graph, "5.AddmmBackward0") == ["grad.0", "4", "5.weight"]
    assert graph.nodes["3.result1"]["op"] == "Saved"  # the places of the maxima
    outputs = graph.nodes["output"]["attributes"]["names"]
    assert outputs[0] == "0"
    assert {"grad.0.weight", "grad.5.bias"} <= set(outputs)


def test_a_value_read_twice_gets_the_sum_of_what_comes_back() -> None:
    class Halve(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x / 2

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            return grad / 2

    weight = torch.rand(3, 3, requires_grad=True)
    graph = kept(lambda x, w: Halve.apply(x @ w) * w.sum(), torch.rand(3, 3), weight)
    assert operands(graph, "grad.w") == ["accumulate"]
    assert operands(graph, "accumulate") == ["SumBackward0", "MmBackward0"]
    assert operands(graph, "HalveBackward") == ["MulBackward0", "matmul"]


def test_a_model_without_weights_in_memory_has_its_backward_graph_too() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    graph = kept(model, torch.rand(2, 8, device="meta"))
    assert operands(graph, "1.ReluBackward0")[1] == "1"
    assert graph.graph["held"] == 2 * 8 * 4


def test_what_has_no_gradient_is_refused() -> None:
    with pytest.raises(CaptureError, match="nothing that the model returned has a gradient"):
        kept(lambda x: x * 2, torch.rand(3))


def test_it_is_drawn_planned_and_saved(tmp_path: Any) -> None:
    graph = kept(convolutional().train(), torch.rand(2, 3, 8, 8))
    graphlens.draw(graph, tmp_path / "backward.svg")
    assert "ReluBackward0" in (tmp_path / "backward.svg").read_text()
    assert graphlens.plan_memory(graph).peak_live_bytes >= graph.graph["held"]
    graphlens.save(graph, tmp_path / "backward.json")
    assert graphlens.load(tmp_path / "backward.json").graph["held"] == graph.graph["held"]
