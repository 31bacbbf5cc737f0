"""torch's higher-order ops in exported programs: regions, which run to the framework's values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch._higher_order_ops import associative_scan, map, scan, while_loop  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

import graphlens  # noqa: E402
from graphlens.errors import CaptureError  # noqa: E402
from graphlens.ir import check  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # torch's own, of export
X = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))


class Using(nn.Module):
    """A dense layer and a function that uses it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.dense = nn.Linear(4, 4)
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self.dense, x)


def looped(dense: Any, x: torch.Tensor) -> Any:
    return while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, dense(y) * 2), (torch.tensor(0), x))


def nested(dense: Any, x: torch.Tensor) -> Any:
    def step(i: torch.Tensor, y: torch.Tensor) -> Any:
        return i + 1, torch.cond(y.sum() > 2, lambda y: y - 1, lambda y: dense(y), (y,))

    return while_loop(lambda i, y: i < 4, step, (torch.tensor(0), x))


def scanned(dense: Any, x: torch.Tensor) -> Any:
    return scan(lambda c, e: (c + e, c * e + dense(e)), torch.zeros(4), x)


CASES: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "while_loop": (looped, ["Loop"]),
    "cond in while_loop": (nested, ["Loop", "If"]),
    "cond": (
        lambda d, x: torch.cond(x.sum() > 0, lambda y: d(y), lambda y: y - 1, (x,)),
        ["If"],
    ),
    "scan": (scanned, ["Scan"]),
    "map": (lambda d, x: map(lambda e, z: d(e) + z, x, torch.ones(4)), ["Scan"]),
    "vmap": (lambda d, x: torch.vmap(lambda row: d(row).sum() * row)(x), []),
    "associative_scan": (
        lambda d, x: associative_scan(lambda p, q: p * q, x, dim=0, combine_mode="generic"),
        [],
    ),
}


def with_regions(graph: Any) -> list[str]:
    """The ops that have regions, outer ones first."""
    found: list[str] = []
    for fields in graph.nodes.values():
        if fields["regions"]:
            inner = [op for region in fields["regions"].values() for op in with_regions(region)]
            found += [fields["op"], *inner]
    return found


def assert_same(graph: Any, wanted: Any) -> None:
    results = wanted if isinstance(wanted, tuple | list) else [wanted]
    for one, other in zip(graphlens.run(graph, X.numpy()), results, strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_control_flow_is_regions_that_run(name: str) -> None:
    function, ops = CASES[name]
    model = Using(function)
    graph = check(graphlens.capture(model, X, via="torch.export"))
    assert with_regions(graph) == ops
    with torch.no_grad():
        assert_same(graph, model(X))


def of_the_compiler(model: nn.Module, grad: bool) -> tuple[Any, list[Any]]:
    """The program that torch.compile hands to a backend, and what it is called with."""
    held: list[Any] = []

    def backend(program: Any, inputs: list[Any]) -> Any:
        held.append((program, inputs))
        return program.forward

    torch._dynamo.reset()
    with torch.set_grad_enabled(grad):
        torch.compile(model, backend=backend)(X)
    torch._dynamo.reset()
    return held[0]


@torch.compiler.nested_compile_region
def region(dense: Any, x: torch.Tensor) -> Any:
    return torch.relu(dense(x))


WRAPPED: dict[str, tuple[Callable[..., Any], str]] = {
    "a checkpoint": (
        lambda d, x: checkpoint(lambda y: torch.relu(d(y)), x, use_reentrant=False) + 1,
        "tag_activation_checkpoint",
    ),
    "a region": (lambda d, x: region(d, region(d, x)), "invoke_subgraph"),
}


@pytest.mark.parametrize("via", ["torch.fx", "torch.jit", "torch.export", "torch.eager"])
@pytest.mark.parametrize("name", WRAPPED)
def test_what_is_wrapped_is_computed(name: str, via: str) -> None:
    model = Using(WRAPPED[name][0])
    with torch.no_grad():
        assert_same(check(graphlens.capture(model, X, via=via)), model(X))


@pytest.mark.parametrize("via", ["torch.fx", "torch.eager"])
@pytest.mark.parametrize("name", WRAPPED)
def test_a_program_of_the_compiler_is_captured_with_its_wrappers(name: str, via: str) -> None:
    function, op = WRAPPED[name]
    model = Using(function)
    program, inputs = of_the_compiler(model, grad=name == "a checkpoint")  # else it inlines
    assert op in {str(node.target) for node in program.graph.nodes}
    graph = check(graphlens.capture(program, *inputs, via=via))
    (found,) = graphlens.run(graph, *(one.detach().numpy() for one in inputs))
    np.testing.assert_allclose(found, model(X).detach().numpy(), rtol=1e-5, atol=1e-6)


UNROLLED = {"scan", "map"}


@pytest.mark.parametrize("name", CASES)
def test_control_flow_is_followed_by_fx_too(name: str) -> None:
    function, ops = CASES[name]
    model = Using(function)
    graph = check(graphlens.capture(model, X, via="torch.fx"))
    assert with_regions(graph) == ([] if name in UNROLLED else ops)
    with torch.no_grad():
        assert_same(graph, model(X))


@pytest.mark.parametrize("name", CASES)
def test_one_run_is_the_branches_and_rounds_taken(name: str) -> None:
    model = Using(CASES[name][0])
    with torch.no_grad():
        graph = check(graphlens.capture(model, X, via="torch.eager"))
        assert_same(graph, model(X))
    assert not with_regions(graph)


def test_a_decomposed_program_is_read_too() -> None:
    with torch.no_grad():
        program = torch.export.export(Using(scanned), (X,)).run_decompositions()
        graph = check(graphlens.capture(program))
        assert_same(graph, Using(scanned)(X))
    assert with_regions(graph) == ["Scan"]


def test_a_loop_over_python_numbers_is_refused_with_what_to_do() -> None:
    def counted(dense: Any, x: torch.Tensor) -> Any:
        return while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, dense(y)), (0, x))

    with pytest.raises(CaptureError, match=r"torch\.tensor"):
        graphlens.capture(Using(counted), X, via="torch.export")
