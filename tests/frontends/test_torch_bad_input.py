"""Odd models and inputs through every way in: captured as they are, or refused in a few lines."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import graphlens  # noqa: E402
from graphlens.errors import CaptureError, RunError  # noqa: E402
from graphlens.frontends.torch.types import array_of  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:.*torch.jit.*"),
    pytest.mark.filterwarnings("ignore:Sparse (CSR tensor|invariant)|ComplexHalf"),
]
X = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
WAYS = ["torch.fx", "torch.jit", "torch.export", "torch.eager"]
every_way = pytest.mark.parametrize("via", WAYS)


class Doing(nn.Module):
    """Calls a function with what it is given, and a weight."""

    def __init__(self, function: Any, weight: torch.Tensor | None = None) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.zeros(1) if weight is None else weight, False)

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x, self.weight)


class Nested(nn.Module):
    """Takes a dict, an optional argument and a flag by name."""

    def forward(self, batch: Any, extra: Any = None, *, flag: bool = True) -> Any:
        made = batch["a"] + batch["b"][0]
        return {"made": made if extra is None else made - extra, "none": None, "flag": flag}


def assert_same(graph: Any, wanted: Any, *inputs: torch.Tensor) -> None:
    got = graphlens.run(graph, *map(array_of, inputs))
    for one, other in zip(got, wanted, strict=True):
        expected = array_of(torch.as_tensor(other))
        assert np.asarray(one).dtype == expected.dtype
        np.testing.assert_allclose(
            np.asarray(one).astype(complex), expected.astype(complex), rtol=1e-2, atol=1e-5
        )


@every_way
def test_nested_and_missing_inputs(via: str) -> None:
    batch = {"a": X, "b": [X * 2, None]}
    graph = graphlens.capture(Nested(), batch, None, via=via, kwargs={"flag": False})
    assert_same(graph, [X * 3, False], X, X * 2)
    graph = graphlens.capture(Nested(), batch, via=via, kwargs={"extra": X})
    assert_same(graph, [X * 2, True], X, X * 2, X)


@every_way
@pytest.mark.parametrize(
    "dtype",
    [torch.float64, torch.bfloat16, torch.float16, torch.complex64, torch.float8_e4m3fn],
    ids=str,
)
def test_every_dtype(via: str, dtype: torch.dtype) -> None:
    if dtype == torch.float8_e4m3fn:
        model = Doing(lambda x, w: x.float() @ w.float(), torch.rand(4, 2).to(dtype))
    else:
        model = Doing(lambda x, w: x @ w, torch.rand(4, 2).to(dtype))
    x = X.to(dtype)
    assert_same(graphlens.capture(model, x, via=via), [model(x)], x)


@every_way
def test_sparse_weights_are_held_as_dense_ones(via: str) -> None:
    sparse = (torch.eye(4) * torch.arange(4.0)).to_sparse()
    model = Doing(lambda x, w: torch.sparse.mm(w, x.t()), sparse)
    graph = graphlens.capture(model, X, via=via)
    np.testing.assert_array_equal(graph.weights["weight"], sparse.to_dense().numpy())
    assert_same(graph, [model(X)], X)


def test_a_sparse_weight_that_is_too_large_as_a_dense_one_has_no_values() -> None:
    sparse = torch.sparse_coo_tensor([[0], [1]], [1.0], (100_000, 100_000))
    graph = graphlens.capture(Doing(lambda x, w: w @ x, sparse), torch.ones(100_000, 1))
    with pytest.raises(RunError, match="no values for its weights"):
        graphlens.run(graph, np.ones((100_000, 1), np.float32))


@every_way
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_nested_input_is_refused_with_the_way_out(via: str, layout: torch.layout) -> None:
    x = torch.nested.nested_tensor([X, X[:2]], layout=layout)
    with pytest.raises(CaptureError, match=r"input 'x' is a nested tensor.*to_padded_tensor"):
        graphlens.capture(Doing(lambda x, w: x * 2), x, via=via)


@pytest.mark.filterwarnings("ignore:.*(torch.ao.quantization is|are) deprecated")
def test_an_op_on_an_object_of_torch_is_drawn_and_says_why_it_does_not_run() -> None:
    plain = nn.Sequential(nn.Linear(4, 5))
    halves = torch.ao.quantization.quantize_dynamic(plain, {nn.Linear}, torch.float16)[0]
    graph = graphlens.capture(halves, torch.rand(3, 4))
    with pytest.raises(RunError, match=r"takes an object of torch as .*before it was packed"):
        graphlens.run(graph, np.ones((3, 4), np.float32))


@every_way
def test_a_dtype_that_no_graph_has_is_refused(via: str) -> None:
    with pytest.raises(CaptureError, match=r"torch.* cannot capture Doing"):
        graphlens.capture(Doing(lambda x, w: x * 2), X.to(torch.complex32), via=via)


@every_way
def test_errors_show_no_frames_of_python_itself(via: str) -> None:
    with pytest.raises(CaptureError, match="missing") as caught:
        graphlens.capture(nn.Linear(4, 2), via=via)
    assert len(str(caught.value).splitlines()) == 1


@every_way
def test_packed_int4_weights(via: str) -> None:
    packed = torch.arange(16, dtype=torch.uint8) * 13
    model = Doing(lambda x, w: x @ torch.stack([w & 15, w >> 4], 1).reshape(4, 8).float(), packed)
    assert_same(graphlens.capture(model, X, via=via), [model(X)], X)


@every_way
def test_an_empty_batch(via: str) -> None:
    model = Doing(lambda x, w: (x * 2).sum(1) + w)
    x = torch.zeros(0, 4)
    assert_same(graphlens.capture(model, x, via=via), [model(x)], x)


@every_way
def test_inputs_are_written_in_the_graph_only(via: str) -> None:
    def write(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        x.add_(1)
        x[0] = 5
        return x * 2 + weight

    x = X.clone()
    graph = graphlens.capture(Doing(write), x, via=via)
    assert torch.equal(x, X)
    assert_same(graph, [write(X.clone(), torch.zeros(1))], X)


@every_way
def test_weights_of_gigabytes_are_shared(via: str) -> None:
    model = Doing(lambda x, w: x @ w[:4, :4], torch.empty(24_000, 24_000))  # never touched
    graph = graphlens.capture(model, X, via=via)
    assert np.shares_memory(graph.weights["weight"], model.weight.numpy())


@every_way
def test_a_model_that_forks_and_prints(via: str, capfd: Any) -> None:
    def fork(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        print("said by the model")
        return x * 2 + weight

    graph = graphlens.capture(Doing(fork), X, via=via)
    assert "said by the model" in capfd.readouterr().out
    assert_same(graph, [X * 2], X)


FAILING = {
    "raises": (lambda x, w: {}["missing"], "KeyError"),
    "exits": (lambda x, w: sys.exit(3), "SystemExit"),
    "needs a GPU": (lambda x, w: x.cuda() + w, "asks for a GPU"),
    "returns text": (lambda x, w: "text", "a str"),
    "returns nothing": (lambda x, w: None, "returned no tensor"),
}


@every_way
@pytest.mark.parametrize("name", FAILING)
def test_failures_are_a_few_lines_with_the_users_own(via: str, name: str) -> None:
    function, said = FAILING[name]
    with pytest.raises(CaptureError, match=said) as caught:
        graphlens.capture(Doing(function), X, via=via)
    assert len(str(caught.value).splitlines()) < 8
    if "returns" not in name:
        assert "test_torch_bad_input.py" in str(caught.value)


@every_way
def test_attributes_set_while_running_are_as_before(via: str) -> None:
    class Lazy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.arange(4.0)
            self.seen: torch.Tensor | None = None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.table = self.table.to(x.dtype) + 0
            self.seen = x * self.table
            return self.seen + 1

    model = Lazy()
    before = model.table
    graph = graphlens.capture(model, X, via=via)
    assert model.table is before
    assert model.seen is None
    assert_same(graph, [X * before + 1], X)


@pytest.mark.parametrize("via", ["torch.fx", "torch.jit", "torch.eager"])
def test_a_model_that_fails_as_exported_is_captured_as_it_runs(via: str) -> None:
    def run(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        if torch.compiler.is_exporting():
            raise ValueError("no such branch")
        return x * 2 + weight

    assert_same(graphlens.capture(Doing(run), X, via=via), [X * 2], X)


def test_a_trace_takes_the_branch_that_the_model_takes_as_it_runs() -> None:
    def run(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x - weight if torch.jit.is_tracing() else x * 2 + weight

    assert_same(graphlens.capture(Doing(run), X, via="torch.jit"), [X * 2], X)


def test_a_model_that_can_only_be_traced_as_such_is_told_so() -> None:
    def run(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        if not torch.jit.is_tracing() or not torch.compiler.is_exporting():
            raise ValueError("no such branch")
        return x * 2 + weight

    assert_same(graphlens.capture(Doing(run), X, via="torch.jit"), [X * 2], X)


def test_fx_runs_a_model_on_its_inputs_where_python_asks_for_their_values() -> None:
    def run(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x[x > 0.5] * float(x.sum()) + weight

    graph = graphlens.capture(Doing(run), X, via="torch.fx")
    assert graph.graph["capture"] == "torch.fx (run on its inputs)"
    assert_same(graph, [X[X > 0.5] * float(X.sum())], X)
