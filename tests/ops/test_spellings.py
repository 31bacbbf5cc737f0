"""What ``graphlens ops`` says of the frameworks' spellings is what their tables do."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from graphlens.ops.schema import vocabulary
from graphlens.ops.spellings import EXTENSIONS, entries, spelt

torch = pytest.importorskip("torch")
pytest.importorskip("tensorflow")

from graphlens.frontends.spellings import spellings  # noqa: E402
from graphlens.frontends.torch import fx as torch_fx  # noqa: E402
from graphlens.ir import OURS  # noqa: E402


def packaged() -> dict[str, dict[str, list[str]]]:
    return json.loads(resources.files("graphlens.ops").joinpath("spellings.json").read_text())


def test_the_packaged_spellings_are_those_of_the_tables() -> None:
    assert packaged()["spellings"] == spellings(), "run: make spellings"


class Some(torch.nn.Module):
    """A few ops whose rows write several ways."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = torch.nn.functional.softplus(x, beta=2)
        z = torch.div(x, 3, rounding_mode="floor").expm1()
        return y + z * 2, x.round(), torch.maximum(x, z), x.sum(1).rsqrt(), torch.cumsum(x, 0)


def test_what_a_capture_writes_is_what_the_row_says() -> None:
    graph = torch_fx.capture(Some(), torch.rand(2, 3))
    told = packaged()["spellings"]["aten"]
    seen = set()
    for name in graph:
        node = graph.node(name)
        spelling = node.source.op.removeprefix("aten.").removeprefix("aten::")
        if node.domain == OURS or not spelling:
            continue
        row = told.get(spelling) or told[spelling.partition(".")[0]]
        assert node.op in row, spelling
        seen.add(node.op)
    assert {"Softplus", "Floor", "Max", "Exp", "CumSum"} <= seen


@pytest.mark.parametrize(
    ("op", "framework", "spelling"),
    [
        ("Conv", "aten", "conv2d"),
        ("Conv", "tf", "DepthwiseConv2dNative"),
        ("Sigmoid", "tf", "Sigmoid"),
        ("Gemm", "caffe2", "FC"),
        ("ArgMax", "caffe2", "ArgMax"),
    ],
)
def test_known_spellings(op: str, framework: str, spelling: str) -> None:
    assert spelling in spelt(op)[framework]
    assert spelling not in spelt("LSTM")[framework]


def test_every_op_is_listed_with_its_schema() -> None:
    found = {entry["op"]: entry for entry in entries()}
    assert len(found) == len(vocabulary())
    assert {f"{OURS}.{op}" for op in EXTENSIONS} <= found.keys()
    assert all(entry["does"] for entry in found.values())
    conv = found["Conv"]
    assert [each["name"] for each in conv["operands"]] == ["X", "W", "B"]
    assert {"name": "group", "type": "int", "default": 1, "required": False} in conv["attributes"]
    assert conv["results"] == [{"name": "Y", "type": "T", "kind": "single"}]
