"""One run of Python code on real tensors, recorded: also where tracers refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import graphlens  # noqa: E402
from graphlens.errors import CaptureError, UsageError  # noqa: E402
from graphlens.ir import check  # noqa: E402

pytestmark = pytest.mark.torch
SEEDED = torch.Generator().manual_seed(0)
X = torch.randn(3, 4, generator=SEEDED)


def eager(model: Any, *inputs: Any, **kwargs: Any) -> Any:
    return check(graphlens.capture(model, *inputs, via="torch.eager", kwargs=kwargs))


def ops(graph: Any) -> list[str]:
    """The computing ops in order."""
    return [graph.op(name) for name in graph if graph.nodes[name]["domain"] != "graphlens"]


def assert_same(graph: Any, wanted: Any, *arrays: Any, rtol: float = 1e-5) -> None:
    """The graph run by graphlens gives what the framework gave."""
    got = graphlens.run(graph, *[np.asarray(array) for array in arrays])
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other.detach().numpy(), rtol=rtol, atol=1e-6)


class Deciding(nn.Module):
    """Asks for values: a branch, a loop, a mask, an index that depends on data."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.register_buffer("steps", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> Any:
        y = self.dense(x)
        y = y * 2 if y.sum() > 0 else y - 1
        for _ in range(int((y > 0).sum().item())):
            y = y * 0.9
        self.steps += 1
        y.data.mul_(3)
        return {"kept": y[y > 0], "all": self.norm(y), "steps": self.steps + 0, "note": "text"}


def deciding() -> nn.Module:
    torch.manual_seed(0)
    return Deciding()


def test_python_that_asks_for_values_is_recorded_as_it_ran() -> None:
    model = deciding().eval()
    graph = eager(model, X)
    assert graph.graph["capture"] == "torch.eager"
    assert {"Compress", "NonZero", "GatherND"} & set(ops(graph))
    wanted = deciding().eval()(X)
    assert_same(graph, [wanted["kept"], wanted["all"], wanted["steps"]], X)
    assert graph.nodes["output"]["attributes"]["names"] == ("kept", "all", "steps")
    assert graph.nodes["dense"]["scope"] == "dense"
    assert graph.nodes["dense"]["source"].file == __file__
    assert np.shares_memory(graph.weights["dense.weight"], model.dense.weight.detach().numpy())


def test_a_run_leaves_the_model_and_its_inputs_as_they_were() -> None:
    model, x = deciding().train(), X.clone()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.random.get_rng_state()

    def run(x: torch.Tensor) -> torch.Tensor:
        x.add_(torch.rand(()))
        return model(x)["all"]

    graph = eager(run, x)
    assert all(torch.equal(held, before[name]) for name, held in model.state_dict().items())
    assert torch.equal(x, X)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert graph.nodes["model.dense"]["scope"] == "model.dense"


class Gate(torch.autograd.Function):
    """A custom function with a backward of its own."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return grad * (x > 0)


def test_a_whole_training_step_is_one_graph() -> None:
    torch.manual_seed(0)
    dense = nn.Linear(4, 3)
    wanted = torch.tensor([0, 1, 2])

    def made() -> torch.optim.Optimizer:
        return torch.optim.AdamW(dense.parameters(), lr=0.1)

    optimiser = made()

    def step(x: torch.Tensor, y: torch.Tensor) -> Any:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(Gate.apply(dense(x)), y)
        loss.backward()
        optimiser.step()
        return loss, dense.weight, dense.bias

    graph = eager(step, X, wanted)
    assert not optimiser.state
    assert dense.weight.grad is None
    got = graphlens.run(graph, X.numpy(), wanted.numpy())  # before the weights are changed
    for one, other in zip(got, step(X, wanted), strict=True):
        np.testing.assert_allclose(one, other.detach().numpy(), rtol=1e-4, atol=1e-6)
    backward = graph.nodes["dense.mm"]
    assert (backward["op"], backward["scope"]) == ("MatMul", "dense")


def test_the_backward_pass_of_a_convolution_runs_through_torch() -> None:
    torch.manual_seed(0)
    layer, image = nn.Conv2d(2, 3, 3), torch.rand(1, 2, 5, 5)

    def slopes(x: torch.Tensor) -> Any:
        return torch.autograd.grad(layer(x).square().sum(), list(layer.parameters()))

    assert_same(eager(slopes, image), slopes(image), image, rtol=1e-4)


def test_functions_over_nested_inputs_of_any_kind_are_taken() -> None:
    @dataclass
    class Pair:
        first: torch.Tensor
        rest: list[Any]

    def join(pair: Pair, *, scale: float, mode: object = None) -> Pair:
        return Pair(pair.first * scale + pair.rest[0]["x"], [pair.first, mode])

    pair = Pair(X, [{"x": X * 2}, None])
    graph = eager(join, pair, scale=2.0, mode=object())
    assert graph.nodes["output"]["attributes"]["names"] == ("first", "rest.0")
    assert_same(graph, [X * 4, X], X, X * 2)


def _slope(x: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad((x**3).sum(), x)[0]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.vmap(lambda row: (row * row).sum() + row.max())(x),
        lambda x: torch.func.grad(lambda y: (y.sin() * y).sum())(x),
        lambda x: _slope(x.clone().requires_grad_()),
        lambda x: torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,)),
        lambda x: torch.from_numpy((x + 1).numpy()) * 2,
        lambda x: torch.stack([part * 2 for part in x.split(2, 1)]).mT,
        lambda x: torch.add(x, x, out=torch.empty(3, 4)) * 2,
        lambda x: x[x.sum(1).argsort()][: int((x > 0).sum()) % 3],
        lambda x: x.double().to(torch.complex64).abs(),
        lambda x: (x.bfloat16() @ x.bfloat16().T).float(),
        lambda x: x[:0] * 2,
    ],
    ids=["vmap", "func.grad", "grad", "cond", "numpy", "split", "out", "sort", "complex", "bf16",
         "empty"],
)  # fmt: skip
def test_what_torch_offers_runs_to_the_same_values(function: Any) -> None:
    assert_same(eager(function, X), [function(X)], X, rtol=1e-4)


def test_a_model_that_fails_when_it_is_told_to_be_exported_is_run_as_it_is() -> None:
    class Telling(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.view(5, 5) if torch.compiler.is_exporting() else x * 2

    assert_same(eager(Telling(), X), [X * 2], X)


class Branching(nn.Module):
    """Takes another branch when it is exported: the same function in other words, or another."""

    def __init__(self, same: bool) -> None:
        super().__init__()
        self.same = same
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Any) -> Any:
        self.calls += 1
        if not torch.compiler.is_exporting():
            return x * 2
        return x + x if self.same else torch.tril(x) * 2


@pytest.mark.parametrize("same", [True, False])
def test_the_branch_of_an_export_is_taken_where_it_computes_the_same(same: bool) -> None:
    model = Branching(same).eval()
    graph = eager(model, X)
    assert_same(graph, [2 * X], X)
    assert ("Add" in [graph.op(value.node) for value in graph.outputs]) == same
    assert model.calls == 0


def test_errors_show_the_users_frames() -> None:
    class Failing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ torch.ones(7)

    with pytest.raises(CaptureError, match="Failing") as caught:
        eager(Failing(), X)
    assert "return x @ torch.ones(7)" in str(caught.value)
    with pytest.raises(CaptureError, match="returned no tensor but a str"):
        eager(lambda x: "text", X)
    with pytest.raises(CaptureError, match="cannot be called"):
        eager(3, X)
    with pytest.raises(UsageError, match="one run"):
        graphlens.capture(lambda x: x, X, via="torch.eager", dynamic_shapes=({0: "n"},))


class Detecting(nn.Module):
    """Keeps the rows that score, sorts them and scales them: how many depends on data."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> Any:
        keep = torch.where(self.score(x)[:, 0] > 0)[0]
        kept = x[keep]
        return kept[kept[:, 0].argsort()] * 2, torch.unique(keep % 3, return_counts=True)[1]


ROWS = torch.randn(3, 12, 4, generator=SEEDED)


@pytest.mark.parametrize("empty", [False, True])
def test_sizes_that_depend_on_data_are_not_in_the_types(empty: bool) -> None:
    torch.manual_seed(1)
    model = Detecting().eval()
    rows = torch.full((12, 4), -9.0) * torch.sign(model.score.weight[0]) if empty else ROWS[0]
    graph = eager(model, rows.detach())
    shapes = [graph.type_of(value).shape for value in graph.outputs]
    assert [len(shape) for shape in shapes] == [2, 1]
    assert [type(size) for shape in shapes for size in shape] == [str, int, str]
    found = [graph, graphlens.optimize(graph).after]
    counts = set()
    for x in ROWS:
        first, counted = model(x)
        counts.add(len(first))
        for one in found:
            assert_same(one, [first, counted], x)
    assert len(counts) > 1


def test_what_no_example_suits_is_proven_on_the_inputs_of_the_run() -> None:
    def halved(x: torch.Tensor) -> torch.Tensor:
        kept = x[x > 0]
        return kept.view(len(kept) // 5, 5).sum(1)  # a number of Python's, baked in

    x = torch.linspace(-1, 1, 30)
    graph = eager(halved, x)
    doubtful = {step.evidence.status for step in graphlens.optimize(graph).steps}
    assert "unproven" in doubtful
    certain = {step.evidence.status for step in graphlens.optimize(graph, inputs=[x]).steps}
    assert certain <= {"proven", "unchanged"}
    assert "proven" in certain
