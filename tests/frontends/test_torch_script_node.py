"""Nodes of a trace: their ops are recorded without the way through torch's dispatcher."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from graphlens.frontends.torch import jit as torch_jit  # noqa: E402
from graphlens.frontends.torch.below import Above  # noqa: E402
from graphlens.ir import Graph, check  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = pytest.mark.torch
nn = torch.nn


class Plain(nn.Module):
    """Ops whose arguments are as their schemas have them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Any) -> Any:
        x = self.conv(x).relu()
        rows = x[:, [0, 2], 1:].to(torch.float64).mean((2, 3), keepdim=True)
        return torch.cat([rows, rows], 1), torch.split(x, 2, 1)[1]


class Odd(nn.Module):
    """Ops of which the dispatcher alone knows what is meant: forms of memory, layouts, numbers."""

    def forward(self, x: Any) -> Any:
        last = x.contiguous(memory_format=torch.channels_last) * x.shape[1]
        made = torch.zeros_like(last, memory_format=torch.preserve_format) + torch.arange(8)
        return last + made, torch.full((2, 2), 3), x.sum() * 2 + torch.tensor(1.5)


class Bounded(nn.Module):
    """A size of the trace, a number, where the overload takes a tensor or nothing."""

    def forward(self, x: Any) -> Any:
        return torch.clamp(x, max=x.size(0) * 0.1), torch.clamp(x, min=0.2, max=x.size(2) / 16)


class Kept(nn.Module):
    """A size of the trace, a number, written into a tensor."""

    def forward(self, x: Any) -> Any:
        sizes = torch.empty((2, 2), dtype=torch.long)
        for level, part in enumerate((x, x[:, :, :4])):
            sizes[level, 0], sizes[level, 1] = part.shape[-2:]
        return x * sizes[1, 0], sizes


def facts(graph: Graph) -> Any:
    nodes = [(name, dict(graph.nodes[name])) for name in graph]
    held = {name: array.tobytes() for name, array in graph.weights.items()}
    return nodes, sorted(graph.edges(keys=True, data="result")), held


@pytest.mark.parametrize("model", [Plain(), Odd(), Bounded(), Kept()], ids=repr)
def test_a_trace_is_captured_as_through_the_dispatcher(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    graph = check(torch_jit.capture(model, x))
    monkeypatch.setattr(Above, "handed", lambda _, func, args, kwargs: func(*args, **kwargs))
    assert facts(graph) == facts(torch_jit.capture(model, x))
    with torch.no_grad():
        expected = model(x)
    for one, other in zip(run(graph, x.numpy()), expected, strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-5, atol=1e-6)


def test_ops_of_a_trace_do_not_go_through_the_dispatcher(monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[str] = []
    way = torch._library.utils.handle_dispatch_mode

    def noted(mode: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        gone.append(str(func))
        return way(mode, func, *args, **kwargs)

    monkeypatch.setattr(torch._library.utils, "handle_dispatch_mode", noted)
    torch_jit.capture(Plain(), torch.ones(1, 3, 8, 8))
    assert gone == []
