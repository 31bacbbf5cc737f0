"""Every row of the aten table against torch: same values, dtypes and shapes, nothing unknown."""

from __future__ import annotations

import sys
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[1]))

from torch_rows import CASES  # noqa: E402
from torch_rows_moves import MOVES  # noqa: E402

from graphlens.frontends import torch_fx  # noqa: E402
from graphlens.frontends.torch_aten import TABLE  # noqa: E402
from graphlens.frontends.torch_inputs import returned  # noqa: E402
from graphlens.ir import Graph, check  # noqa: E402
from graphlens.ops.schema import in_vocabulary  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    # torch's hint on padding='same' with an even kernel, which is a case here
    pytest.mark.filterwarnings("ignore:Using padding='same'"),
]

ALL = CASES | MOVES


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
    if kind == "p":
        values = torch.rand(shape, generator=seeded) * 0.8 + 0.1
    return values.to({"h": torch.float16, "d": torch.float64}.get(kind, torch.float32))


@cache
def captured(name: str) -> tuple[Graph, list[torch.Tensor], list[Any]]:
    function, spelt = ALL[name]
    operands = [operand(one, f"{name}{index}") for index, one in enumerate(spelt)]
    with torch.no_grad():
        wanted, _ = returned(function(*(one.clone() for one in operands)))
    return check(torch_fx.capture(Calling(function), *operands)), operands, wanted


@pytest.mark.parametrize("name", ALL)
def test_row_gives_what_torch_gives(name: str) -> None:
    graph, operands, wanted = captured(name)
    nodes = [graph.node(node) for node in graph]
    assert [n.qualified for n in nodes if not in_vocabulary(n.op, n.domain)] == []
    got = run(graph, *(one.numpy() for one in operands))
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        expected = other.numpy()
        assert (one.dtype, one.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(one, expected, rtol=2e-5, atol=1e-5, equal_nan=True)
    for value, other in zip(graph.outputs, wanted, strict=True):
        assert graph.type_of(value).shape == tuple(other.shape)


RANDOM = {
    "rand": lambda x: torch.rand(2, 3) + x,
    "randn": lambda x: torch.randn(2, 3) + x,
    "rand_like": torch.rand_like,
    "randn_like": torch.randn_like,
}


@pytest.mark.parametrize("name", RANDOM)
def test_random_row_gives_another_draw_of_the_same_type(name: str) -> None:
    graph = torch_fx.capture(Calling(RANDOM[name]), torch.zeros(2, 3))
    (first,), (second,) = (run(graph, np.zeros((2, 3), np.float32)) for _ in range(2))
    assert (first.dtype, first.shape) == (np.float32, (2, 3))
    assert len(np.unique(first)) == 6
    assert second.shape == first.shape


def test_no_row_is_without_a_case() -> None:
    seen: set[str] = set()
    for name in ALL:
        graph, _, _ = captured(name)
        seen |= {fields["source"].op for fields in graph.nodes.values()}
    functions = {
        TABLE.get(op) or TABLE.get(op.partition(".")[0])
        for op in (_spelt(source) for source in seen)
    }
    # nonzero's result has a size that depends on data: it is tested by torch.export
    apart = {*RANDOM, "nonzero"}
    missing = sorted(
        name for name, row in TABLE.items() if row not in functions and name not in apart
    )
    assert missing == []


def _spelt(source: str) -> str:
    """``aten.add_.Tensor`` as the table spells it: ``add.Tensor``."""
    name, _, overload = source.removeprefix("aten.").partition(".")
    name = name if name.startswith("__") else name.removesuffix("_")
    return name if overload == "default" else f"{name}.{overload}"
