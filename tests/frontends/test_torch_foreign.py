"""Ops that ONNX lacks run by calling torch again, a user's own and those that write among them."""

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402

import graphlens  # noqa: E402
from graphlens.errors import RunError  # noqa: E402
from graphlens.ops.schema import in_vocabulary  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
]
WAYS = ["torch.fx", "torch.export", "torch.jit"]


@torch.library.custom_op("graphlens_tests::blend", mutates_args=())
def blend(x: torch.Tensor, times: int, more: list[torch.Tensor], by: float = 2.0) -> torch.Tensor:
    return x * times * by + more[0] - more[1]


@blend.register_fake
def _(x, times, more, by=2.0):
    return torch.empty_like(x)


@torch.library.custom_op("graphlens_tests::raise_by", mutates_args={"x"})
def raise_by(x: torch.Tensor, by: float) -> None:
    x.add_(by)


PICK = "graphlens_tests::pick"
torch.library.define(
    PICK, "(Tensor x, Tensor?[] more, *, ScalarType? dtype=None, Scalar by=1) -> Tensor"
)


@torch.library.impl(PICK, "CPU")
def _pick(x, more, dtype=None, by=1):
    assert [one is None for one in more] == [True, False, True]
    return (x + more[1] * by).to(dtype)


@torch.library.register_fake(PICK)
def _(x, more, dtype=None, by=1):
    return torch.empty_like(x, dtype=dtype)


@torch.library.custom_op("graphlens_tests::row_of", mutates_args=())
def row_of(x: torch.Tensor, count: int) -> torch.Tensor:
    return torch.arange(count, dtype=x.dtype)


@row_of.register_fake
def _(x, count):
    return x.new_empty(count)


class Calling(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def raised(x):
    held = x * 1
    raise_by(held[:2], 3.0)
    return held + 1


def written_out(x):
    held = torch.zeros(3, 4)
    torch.add(x, x, out=held)
    return held


def partly_written(x):
    held = x.clone()
    held[:, 0] = torch.igamma(x[:, 1].abs(), x[:, 1].abs() + 1)
    return held


def pooled_over_the_edge(x):
    return torch.nn.functional.avg_pool2d(x[None], 2, ceil_mode=True, divisor_override=3)


CASES = {
    "one that we write as others in other cases only": (
        pooled_over_the_edge,
        {"aten.avg_pool2d"},
    ),
    "a user's op": (lambda x: blend(x, 3, [x, x + 1], 0.5) * 2, {"graphlens_tests.blend"}),
    "a user's op that writes": (raised, {"graphlens_tests.raise_by"}),
    "a place for the result": (written_out, set()),
    "several results": (lambda x: tuple(torch.linalg.qr(x)), {"aten.linalg_qr"}),
    "a number for an argument": (lambda x: torch.histc(x, 5), {"aten.histc"}),
    "written into a part": (partly_written, {"aten.igamma"}),
    "a dtype": (lambda x: torch.logcumsumexp(x, 1).nextafter(x), {"aten.nextafter"}),
    "a list with gaps, a dtype, a number": (
        lambda x: torch.ops.graphlens_tests.pick(x, [None, x, None], dtype=torch.float64, by=1.5),
        {"graphlens_tests.pick"},
    ),
}


@pytest.mark.parametrize("via", WAYS)
@pytest.mark.parametrize("name", CASES)
def test_a_foreign_op_runs_through_torch(name, via):
    function, wanted = CASES[name]
    if via == "torch.jit" and "gaps" in name:
        via = "torch.fx"  # torch's own trace does not take a list of optional tensors
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    graph = graphlens.capture(Calling(function), x, via=via)
    nodes = [graph.node(each) for each in graph]
    assert wanted <= {each.qualified for each in nodes if not in_vocabulary(each.op, each.domain)}
    expected = function(x)
    expected = expected if isinstance(expected, tuple) else (expected,)
    got = graphlens.run(graph, x.numpy())
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-5, atol=1e-6)


def test_a_foreign_op_with_a_symbolic_size_runs_at_another_size():
    model = Calling(lambda x: x + row_of(x, 2 * x.shape[0])[-1])
    shapes = {"x": {0: "batch"}}
    graph = graphlens.capture(model, torch.rand(3, 4), dynamic_shapes=[shapes["x"]], via="torch.fx")
    x = torch.rand(5, 4)
    np.testing.assert_allclose(graphlens.run(graph, x.numpy())[0], model(x).numpy(), rtol=1e-6)


def test_a_saved_graph_with_a_foreign_op_runs(tmp_path):
    x = torch.randn(3, 4)
    graphlens.save(graphlens.capture(Calling(CASES["a user's op"][0]), x), tmp_path / "g.json")
    (got,) = graphlens.run(graphlens.load(tmp_path / "g.json"), x.numpy())
    np.testing.assert_allclose(got, CASES["a user's op"][0](x).numpy(), rtol=1e-5)


def test_an_op_that_nobody_registered_is_named():
    graph = graphlens.capture(Calling(CASES["a user's op"][0]), torch.randn(3, 4))
    (name,) = (each for each in graph if graph.node(each).domain == "graphlens_tests")
    graph.update_node(name, op="not_there")
    with pytest.raises(RunError, match=r"torch knows no op 'graphlens_tests\.not_there'"):
        graphlens.run(graph, np.zeros((3, 4), np.float32))


def test_prove_runs_foreign_ops():
    model = Calling(lambda x: torch.igamma(x.abs() + 0, x.abs() + 1))
    graph = graphlens.capture(model, torch.ones(3))
    assert graphlens.prove(graph, graphlens.optimize(graph).after).status == "proven"
