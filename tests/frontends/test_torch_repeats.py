"""Calls like one before: the graph is the same as if each had been translated by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from graphlens.frontends.torch import fx as torch_fx  # noqa: E402
from graphlens.frontends.torch import record as torch_record  # noqa: E402
from graphlens.ir import Graph, check  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = pytest.mark.torch
nn = torch.nn


class Blocks(nn.Module):
    """Blocks alike, with a tied weight, writes in place and the same literal in each."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.layers[2].weight = self.layers[0].weight
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x: Any) -> Any:
        seen = []
        for layer in self.layers:
            x = torch.clamp(self.norm(layer(x)).relu_() * 1.5, -2.0, 2.0)
            x = x.mul_(0.5) + x * x
            seen.append(x.softmax(-1))
        return x, torch.cat(seen, 1), seen[0] + seen[0], seen[0] + seen[1]


class Writing(nn.Module):
    """The same op in place on a tensor, on parts of it, and on itself."""

    def forward(self, x: Any) -> Any:
        one, two, three = x * 1, x * 2, x * 3
        one.add_(1.0)
        two[:].add_(1.0)
        two[0].add_(1.0)
        three.add_(three)
        view = three.t()
        three.add_(1.0)
        return one, two, three, view * 1, torch.dropout(view, 0.5, False) * 1


class Typed(nn.Module):
    """Calls that differ in what Python calls equal: True, 1 and 1.0."""

    def forward(self, x: Any) -> Any:
        whole = x.to(torch.int64)
        return whole + 1, whole + 1.0, whole + True, x.sum(1), x.sum(1, True), x.sum(0)


def facts(graph: Graph) -> Any:
    nodes = [(name, dict(graph.nodes[name])) for name in graph]
    held = {name: array.tobytes() for name, array in graph.weights.items()}
    return nodes, sorted(graph.edges(keys=True, data="result")), held


@pytest.mark.parametrize("model", [Blocks(), Blocks().eval(), Writing(), Typed()], ids=repr)
def test_the_graph_is_the_same_as_without(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    graph = check(torch_fx.capture(model, x))
    monkeypatch.setattr(torch_record, "call_of", lambda *_: None)
    assert facts(graph) == facts(torch_fx.capture(model, x))
    with torch.no_grad():
        expected = model(x.clone())
    for one, other in zip(run(graph, x.numpy()), expected, strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-5, atol=1e-6)


def test_a_call_like_another_is_not_translated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    first = torch_record.Recorder._first

    def noted(recorder: Any, func: Any, *rest: Any) -> Any:
        seen.append(str(func))
        return first(recorder, func, *rest)

    monkeypatch.setattr(torch_record.Recorder, "_first", noted)
    torch_fx.capture(Blocks().eval(), torch.ones(4, 4))
    assert seen.count("aten.linear.default") == 1
    assert seen.count("aten.batch_norm.default") == 1
