"""Sizes and numbers that depend on data, exported: computed as the graph runs, not baked in."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch._higher_order_ops import while_loop  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils import _pytree as pytree  # noqa: E402

import graphlens  # noqa: E402
from graphlens.ir import check  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # torch's own, of export

FIRST = torch.tensor([[0.5, 0.25, -0.3, 0.55], [0.6, -0.4, 0.2, 0.15], [0.45, 0.1, 0.05, 0.65]])
OTHERS = [FIRST * 0.8, -FIRST * 1.3]
"""Inputs of which `count` is 4, 3 and 5."""


def count(x: torch.Tensor) -> Any:
    number = x.abs().sum().to(torch.int64).item()
    torch._check(number >= 2)
    torch._check(number <= 6)
    return number


def written(x: torch.Tensor) -> Any:
    n, flat, rows = count(x), x.flatten(), x.new_zeros(count(x), 4)
    ends, parts, steps, single = flat.clone(), flat.clone(), flat.clone(), flat.clone()
    ends[:n], ends[-n:] = 1.0, 2.0
    torch.split(parts, [n, 12 - n])[1].mul_(2)
    steps[n::2] = 3.0
    single[n] = 4.0
    rows[:, 1] = 3.0
    rows[0] += 1
    rows[1:].mul_(2)
    rows.narrow(0, 1, n - 1).fill_(5.0)
    torch.ones(n, n).diagonal().mul_(2)
    square = torch.ones(n, n)
    square.diagonal().mul_(2)
    return ends, parts, steps, single, rows, square


def looped(x: torch.Tensor) -> Any:
    n = count(x)
    return while_loop(
        lambda i, y: i < 3, lambda i, y: (i + 1, y + i), (torch.tensor(0), torch.zeros(n))
    )


def asked_in_a_loop(x: torch.Tensor) -> Any:
    def step(i: torch.Tensor, y: torch.Tensor) -> Any:
        return i + 1, y * (i.item() + 2)

    return while_loop(lambda i, y: i < count(x), step, (torch.tensor(0), x))


def chosen(x: torch.Tensor) -> Any:
    n = count(x)
    return torch.cond(
        x.sum() > 0, lambda y: y + y.shape[0], lambda y: y - y.shape[0], (torch.zeros(n),)
    )


def listed(x: torch.Tensor) -> Any:
    a, b = (x.abs()[:2, 0] * 9).to(torch.int64).tolist()
    for one in (a, b):
        torch._check(one >= 0)
        torch._check(one < 9)
    return torch.zeros(a + b + 1), torch.split(torch.arange(a + b + 1), [a, b, 1])


def kept(x: torch.Tensor) -> Any:
    y = x[x > 0.1]
    return (
        y, y.sum(), y.mean(), y.repeat(2), y.view(-1, 1), torch.cat([y, y]), torch.stack([y, y]),
        y.unsqueeze(0).expand(3, -1), y.topk(2).values, torch.zeros_like(y), y.flip(0),
        torch.softmax(y, 0), y.cumsum(0), torch.sort(y).values, y + y.shape[0],
    )  # fmt: skip


def arithmetic(x: torch.Tensor) -> Any:
    n = count(x)
    return (
        x * (n // 2), x * (n % 3), x * (n - 9), x * ((n - 9) // 2), x * ((n - 9) % 4), x * n * n,
        x * (n / 4), x * torch.sym_float(n), torch.zeros(n // 2), torch.zeros(2 * n - 1),
        x * torch.sym_max(n, 4), x * torch.sym_min(n, 4), x * torch.sym_ite(n > 4, 2, 3),
        torch.zeros(math.floor(n * 1.5)), torch.zeros(math.ceil(n / 3)),
    )  # fmt: skip


def floats(x: torch.Tensor) -> Any:
    m = x.max().item()
    return (
        x * m, x + m * 2, x.clamp(max=m / 2), torch.full((3,), m), x.masked_fill(x < 0, m),
        torch.where(x > 0, m, x), x / (1 + m), x - m**2, x * torch.sym_sqrt(m),
        x + torch.sym_int(m * 9), x + math.floor(m * 9), x + math.ceil(m * -9), x + round(m * 9),
    )  # fmt: skip


CASES: dict[str, Callable[[torch.Tensor], Any]] = {
    "arange": lambda x: (
        torch.arange(count(x)),
        torch.arange(1, 2 * count(x) + 1, 2),
        torch.arange(count(x), 9),
        torch.arange(count(x), dtype=torch.float32),
    ),
    "arithmetic": arithmetic,
    "a truth": lambda x: x * (x.sum() > 0).item(),
    "an element of a vector": lambda x: torch.zeros(_checked((x.abs()[:1, 0] * 9).int().item())),
    "asked for in a loop": asked_in_a_loop,
    "bincount": lambda x: torch.bincount((x.abs() * 9).to(torch.int64).flatten()) + 1,
    "bounds": lambda x: (
        x.clamp(max=count(x)),
        x.clamp(-count(x) / 20, count(x) / 20),
        torch.where(x > 0, count(x), x),
        x.masked_fill(x > 0, count(x)),
    ),
    "cond": chosen,
    "expand": lambda x: (x[:1].expand(count(x), 4), torch.broadcast_to(x[0], (count(x), 4))),
    "count_nonzero": lambda x: torch.count_nonzero(x[x > 0.1].int()),
    "eye": lambda x: torch.eye(count(x)),
    "filled": lambda x: (
        torch.zeros(count(x)),
        torch.ones(count(x), 3),
        torch.full((2, count(x)), 7.0),
        torch.full((3,), count(x)),
        torch.empty(count(x)).fill_(3.0),
        x.new_zeros(count(x)),
        x.new_ones(count(x)),
        x.new_full((count(x),), 2),
    ),
    "floats": floats,
    "index_add with a weight": lambda x: torch.zeros(3, 4).index_add(
        0, torch.tensor([0, 1, 1]), x, alpha=count(x)
    ),
    "interpolate": lambda x: F.interpolate(
        x.view(1, 1, 3, 4), size=(count(x), count(x)), mode="bilinear"
    ),
    "listed": listed,
    "made of a number": lambda x: (
        torch.tensor([count(x), 2]),
        torch.scalar_tensor(count(x)),
        torch.ones(count(x), 3).numel() * x,
    ),
    "masked": kept,
    "masked_scatter": lambda x: x.new_zeros(count(x), 4).masked_scatter(
        torch.ones(count(x), 4, dtype=torch.bool), x.new_ones(count(x) * 4)
    ),
    "meshgrid": lambda x: torch.meshgrid(torch.arange(count(x)), torch.arange(3), indexing="ij"),
    "nonzero": lambda x: (
        torch.nonzero(x > 0.1),
        torch.zeros(torch.nonzero(x > 0.1).shape[0]),
        x + torch.nonzero(x > 0.1).shape[0],
    ),
    "numbers returned": lambda x: (x, count(x), 2 * count(x) + 1),
    "one_hot": lambda x: F.one_hot(torch.tensor([0, 1]), 3) * count(x),
    "operands": lambda x: (
        x + count(x),
        x * count(x),
        count(x) - x,
        x / count(x),
        torch.add(x, x, alpha=count(x)),
        x.abs() ** count(x),
        x > count(x),
    ),
    "pad": lambda x: (F.pad(x, (0, count(x))), F.pad(x, (count(x), 1), value=2.0)),
    "places": lambda x: (
        x.flatten()[count(x)],
        x.flatten().narrow(0, 1, count(x)),
        x.flatten().narrow(0, count(x), 2),
    ),
    "repeat": lambda x: (x.repeat(count(x), 1), x.tile((count(x), 2))),
    "repeat_interleave": lambda x: (
        x.repeat_interleave(count(x), dim=0),
        x.repeat_interleave((x.abs()[:, 0] * 9).to(torch.int64), dim=0),
        torch.repeat_interleave((x.abs()[:, 0] * 9).to(torch.int32)),
    ),
    "roll": lambda x: (x.flatten().roll(count(x)), torch.arange(count(x)).roll(-1)),
    "scatter": lambda x: (
        torch.zeros(count(x), 4).index_add(0, torch.tensor([0, 1, 1]), x),
        torch.zeros(count(x), 4).scatter_add(0, torch.tensor([[0, 1, 1, 0]]), x[:1]),
    ),
    "scaled_dot_product_attention": lambda x: F.scaled_dot_product_attention(
        *[torch.ones(1, 2, count(x), 4) * x[0]] * 3, is_causal=True
    ),
    "slice": lambda x: (
        x.flatten()[: count(x)],
        x.flatten()[count(x) :],
        x.flatten()[-count(x) :],
    ),
    "split": lambda x: torch.split(x.flatten(), [count(x), 12 - count(x)]),
    "topk": lambda x: x.flatten().topk(count(x)),
    "triangles": lambda x: (
        torch.triu(torch.ones(7, 7), count(x)),
        torch.ones(count(x), count(x)).tril(),
        torch.diagonal(torch.ones(count(x), count(x)), 1),
    ),
    "unique": lambda x: torch.zeros(torch.unique((x * 3).round()).shape[0]),
    "view": lambda x: (
        torch.arange(count(x) * 4).view(count(x), 4),
        torch.arange(count(x) * 4).reshape(2, -1),
        torch.arange(count(x) * 4).unflatten(0, (count(x), 4)),
    ),
    "while_loop": looped,
    "written": written,
}


def _checked(number: Any) -> Any:
    torch._check(number >= 0)
    return number


class Calls(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x)


def assert_runs(graph: Any, function: Callable[[torch.Tensor], Any]) -> list[tuple[int, ...]]:
    """Compare with torch on the example and on inputs that give other sizes."""
    shapes: list[tuple[int, ...]] = []
    for x in (FIRST, *OTHERS):
        wanted = [torch.as_tensor(one) for one in pytree.tree_leaves(function(x.clone()))]
        made = graphlens.run(graph, x.numpy())
        for held, result in zip(wanted, made, strict=True):
            assert (result.shape, str(result.dtype)) == (
                tuple(held.shape),
                str(held.dtype).removeprefix("torch."),
            )
            np.testing.assert_allclose(result, held.numpy(), 1e-5, 1e-6)
            shapes.append(result.shape)
    return shapes


@pytest.mark.parametrize("name", CASES)
def test_what_depends_on_data_is_computed_in_the_graph(name: str) -> None:
    graph = graphlens.capture(Calls(CASES[name]), FIRST, via="torch.export")
    check(graph)
    assert_runs(graph, CASES[name])
    domains = {fields["domain"] for fields in graph.nodes.values()}
    assert domains <= {"", "graphlens"} or name == "index_add with a weight"


def test_the_inputs_give_other_sizes() -> None:
    assert [count(x) for x in (FIRST, *OTHERS)] == [4, 3, 5]


def test_a_size_that_depends_on_data_is_a_symbol_in_types() -> None:
    graph = graphlens.capture(Calls(lambda x: x.flatten()[: count(x)]), FIRST, via="torch.export")
    (name,) = [name for name, node in graph.nodes.items() if node["op"] == "Slice"]
    assert str(graph.nodes[name]["results"][0]) == "float32[u0]"


def test_a_saved_and_decomposed_program_computes_its_sizes_too(tmp_path: Path) -> None:
    function = CASES["filled"]
    program = torch.export.export(Calls(function), (FIRST,)).run_decompositions()
    torch.export.save(program, tmp_path / "filled.pt2")
    assert_runs(graphlens.capture(tmp_path / "filled.pt2"), function)


def test_optimising_keeps_sizes_that_depend_on_data() -> None:
    for name in ("split", "masked", "written"):
        graph = graphlens.capture(Calls(CASES[name]), FIRST, via="torch.export")
        assert_runs(graphlens.optimize(graph).after, CASES[name])


class MasksNumberedKeys(nn.Module):
    """Attention to as many keys as the data says, with a mask of a size of its own."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.dense = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        keys = self.dense(torch.ones(1, 1, count(x), 4) * x[0])
        return F.scaled_dot_product_attention(x[None, None], keys, keys, attn_mask=self.dense(x))


def test_a_model_that_torch_exports_with_gradients_only_is_captured() -> None:
    model = MasksNumberedKeys().eval()
    with torch.no_grad(), pytest.raises(Exception, match="data-dependent"):
        torch.export.export(model, (FIRST,))
    graph = graphlens.capture(model, FIRST, via="torch.export")
    (made,) = graphlens.run(graph, FIRST.numpy())
    np.testing.assert_allclose(made, model(FIRST).detach().numpy(), 1e-5, 1e-6)
