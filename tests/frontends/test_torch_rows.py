"""Every row of the aten table against torch: same values, dtypes and shapes, nothing unknown."""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[1]))

from torch_rows import CASES  # noqa: E402
from torch_rows_more import DYNAMIC, MORE, RANDOM  # noqa: E402
from torch_rows_moves import MOVES  # noqa: E402

from graphlens.frontends.torch import eager as torch_eager  # noqa: E402
from graphlens.frontends.torch import fx as torch_fx  # noqa: E402
from graphlens.frontends.torch.aten.table import TABLE  # noqa: E402
from graphlens.frontends.torch.complex import COMPLEX  # noqa: E402
from graphlens.frontends.torch.inputs import returned  # noqa: E402
from graphlens.ir import Graph, check  # noqa: E402
from graphlens.ops.schema import in_vocabulary  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    # torch's hint on padding='same' with an even kernel, which is a case here
    pytest.mark.filterwarnings("ignore:Using padding='same'"),
    # of what is computed of nothing
    pytest.mark.filterwarnings("ignore:.*degrees of freedom"),
    # of sparse tensors that are made in the cases
    pytest.mark.filterwarnings("ignore:Sparse (CSR tensor|invariant)"),
]

ALL = CASES | MOVES | MORE | DYNAMIC


class Calling(torch.nn.Module):
    """A model that is one function."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *operands: torch.Tensor) -> Any:
        return self.function(*operands)


def operand(spelt: str, name: str) -> torch.Tensor:
    shape = tuple(int(size) for size in spelt[1:].split("x") if size)
    seeded = torch.Generator().manual_seed(zlib.crc32(f"{name}{spelt}".encode()))
    kind = spelt[0]
    if kind == "b":
        return torch.rand(shape, generator=seeded) > 0.4
    if kind in "in":
        low, high = {"i": (-4, 5), "n": (0, 3)}[kind]
        return torch.randint(low, high, shape, generator=seeded)
    values = torch.randn(shape, generator=seeded)
    if kind in "pq":
        values = torch.rand(shape, generator=seeded) * 0.8 + 0.1
    return values.to(
        {"h": torch.float16, "d": torch.float64, "q": torch.float64}.get(kind, torch.float32)
    )


@cache
def captured(name: str) -> tuple[Graph, list[torch.Tensor], list[Any]]:
    function, spelt = ALL[name]
    operands = [operand(one, f"{name}{index}") for index, one in enumerate(spelt)]
    with torch.no_grad():
        wanted, _ = returned(function(*(one.clone() for one in operands)))
    via = torch_eager if name in DYNAMIC else torch_fx
    return check(via.capture(Calling(function), *operands)), operands, wanted


@pytest.mark.parametrize("name", ALL)
def test_row_gives_what_torch_gives(name: str) -> None:
    graph, operands, wanted = captured(name)
    nodes = [graph.node(node) for node in graph]
    foreign = {n.qualified for n in nodes if not in_vocabulary(n.op, n.domain)}
    assert foreign <= {"aten.view_as_complex"}  # what is complex in the end
    assert_alike(graph, operands, wanted, name)
    for value, other in zip(graph.outputs, wanted, strict=True):
        shape = graph.type_of(value).shape
        assert shape is not None
        assert len(shape) == other.dim()
        assert all(a == b for a, b in zip(shape, other.shape, strict=True) if isinstance(a, int))
        assert name in DYNAMIC or all(isinstance(size, int) for size in shape)


@pytest.mark.parametrize("name", DYNAMIC)
def test_a_row_whose_sizes_depend_on_data_gives_what_torch_gives_on_others(name: str) -> None:
    graph, _, _ = captured(name)
    function, spelt = ALL[name]
    others = [operand(one, f"another {name}{index}") for index, one in enumerate(spelt)]
    wanted, _ = returned(function(*(one.clone() for one in others)))
    assert_alike(graph, others, wanted, name)


def assert_alike(graph: Graph, operands: list[Any], wanted: list[Any], about: str) -> None:
    got = run(graph, *(one.numpy() for one in operands))
    assert len(got) == len(wanted)
    half = any(one.dtype == torch.float16 for one in (*operands, *wanted))
    error = 1e-2 if half else 2e-5
    for one, other in zip(got, wanted, strict=True):
        expected = other.resolve_conj().resolve_neg().numpy()
        assert (one.dtype, one.shape) == (expected.dtype, expected.shape), about
        np.testing.assert_allclose(
            one, expected, rtol=error, atol=error / 2, equal_nan=True, err_msg=about
        )


VARIANTS: dict[str, Callable[[str], str]] = {
    "double": lambda spelt: {"f": "d", "p": "q"}.get(spelt[0], spelt[0]) + spelt[1:],
    "half": lambda spelt: {"f": "h"}.get(spelt[0], spelt[0]) + spelt[1:],
    "int": lambda spelt: {"f": "i", "p": "n"}.get(spelt[0], spelt[0]) + spelt[1:],
    "empty": lambda spelt: re.sub(r"^([a-z])[234](?=x|$)", r"\g<1>0", spelt),
}
"""Other operands for each call, by what they are made of: those that torch takes are run."""
OTHERWISE = {
    # the places of equal values are anybody's, and the evaluator fails on groups
    "int": {"topk", "kthvalue", "median_dim", "conv_transpose2d"},
    # numpy has no complex of halves
    "half": {name for name in ALL if name.startswith(("complex", "c2", "r2")) or "fft" in name},
    "double": {"conv_transpose2d"},  # ONNX's reference evaluator fails on groups
    # torch's fake tensors say another type of mask than torch gives, and refuse a batch of none
    "empty": {"native_dropout", "native_batch_norm"},
}


def varied(name: str, variant: str) -> None:
    function, spelt = ALL[name]
    changed = tuple(map(VARIANTS[variant], spelt))
    if changed == spelt or name in OTHERWISE.get(variant, ()):
        return
    operands = [operand(one, f"{name}{index}") for index, one in enumerate(changed)]
    try:
        with torch.no_grad():
            wanted, _ = returned(function(*(one.clone() for one in operands)))
    except (RuntimeError, IndexError, TypeError, ValueError, NotImplementedError):
        return  # torch does not take these
    graph = check(torch_fx.capture(Calling(function), *operands))
    assert_alike(graph, operands, wanted, f"{name} of {variant}")


@pytest.mark.parametrize("name", [name for name in ALL if name not in DYNAMIC])
@pytest.mark.parametrize("variant", ["double", "empty"])
def test_row_gives_what_torch_gives_on(variant: str, name: str) -> None:
    varied(name, variant)


@pytest.mark.zoo
@pytest.mark.parametrize("name", [name for name in ALL if name not in DYNAMIC])
@pytest.mark.parametrize("variant", ["half", "int"])
def test_row_gives_what_torch_gives_of(variant: str, name: str) -> None:
    varied(name, variant)


RANDOM_ROWS = """
rand randn rand_like randn_like randint uniform normal.Tensor_Tensor normal.float_float bernoulli.p
exponential multinomial randperm
""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", RANDOM)
def test_random_row_gives_another_draw_of_the_same_type(name: str) -> None:
    graph = torch_fx.capture(Calling(RANDOM[name]), torch.zeros(2, 3))
    (first,), (second,) = (run(graph, np.zeros((2, 3), np.float32)) for _ in range(2))
    assert (first.dtype, first.shape) == (np.float32, (2, 3))
    assert len(np.unique(first)) == 6
    assert second.shape == first.shape


def test_random_rows_that_repeat_values_draw_what_can_be_drawn() -> None:
    chances = torch.tensor([[0.2, 0.0, 0.8], [0.5, 0.5, 0.0]])

    def draw(x: torch.Tensor) -> Any:
        some = torch.bernoulli(x), torch.bernoulli(x, 1.0), x.clone().bernoulli_(0.5)
        return *some, x.multinomial(2), x.multinomial(4, True), torch.randperm(5) + x[0, 1].int()

    graph = torch_fx.capture(Calling(draw), chances)
    assert all(in_vocabulary(graph.node(name).op, graph.node(name).domain) for name in graph)
    first, ones, halves, twice, often, order = run(graph, chances.numpy())
    assert not first[chances.numpy() == 0].any()
    assert set(np.unique(ones)) == {1}
    assert set(np.unique(halves)) <= {0, 1}
    assert [sorted(row) for row in twice.tolist()] == [[0, 2], [0, 1]]
    assert often.shape == (2, 4)
    assert not {1} & set(often[0]) | {2} & set(often[1])
    assert sorted(order.tolist()) == [0, 1, 2, 3, 4]


RAISED = frozenset(
    ["torchvision::deform_conv2d"]  # no kernel on CPU without torchvision's own C++
)


def test_no_row_is_without_a_case() -> None:
    seen = {
        _spelt(fields["source"].op)
        for name in ALL
        for fields in captured(name)[0].nodes.values()
        if fields["source"].op
    }
    seen |= {_spelt(f"aten.{name}") for name in RANDOM_ROWS} | RAISED
    missing = [
        name
        for table in (TABLE, COMPLEX)
        for name, row in table.items()
        if row not in {table.get(op) or table.get(op.partition(".")[0]) for op in seen}
    ]
    assert missing == []


def _spelt(source: str) -> str:
    """``aten.add_.Tensor`` as the table spells it: ``add.Tensor``."""
    domain, _, rest = source.partition(".")
    name, _, overload = rest.partition(".")
    name = name if name.startswith("__") else name.removesuffix("_")
    name = name if domain == "aten" else f"{domain}::{name}"
    return name if overload in ("", "default") else f"{name}.{overload}"


def test_a_group_norm_of_float64_is_computed_in_float64() -> None:
    x = torch.tensor([[1.0, 1.0 + 1e-4, 3.0, 3.0 - 1e-4]], dtype=torch.float64)
    norm = torch.nn.GroupNorm(2, 4, eps=1e-8).double()
    (found,) = run(torch_fx.capture(norm, x), x.numpy())
    np.testing.assert_allclose(found, norm(x).detach().numpy(), rtol=1e-5)
