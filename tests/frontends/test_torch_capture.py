"""The PyTorch front ends' manners: inputs, outputs, symbolic sizes, files, errors."""

from __future__ import annotations

import pickle
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from graphlens.analysis.equivalent import isomorphic  # noqa: E402
from graphlens.errors import CaptureError, FormatError, UsageError  # noqa: E402
from graphlens.frontends.torch import export as torch_export  # noqa: E402
from graphlens.frontends.torch import fx as torch_fx  # noqa: E402
from graphlens.frontends.torch import jit as torch_jit  # noqa: E402
from graphlens.ir import Graph, check, parse  # noqa: E402
from graphlens.passes.canonicalize import canonicalize  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402
from graphlens.tensor import TensorType  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    # torch.jit is deprecated as a whole, and says so at each use
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning"),
]

WAYS = [torch_fx, torch_jit, torch_export]
every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.rpartition("_")[2])


class Perceptron(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(4, 8)
        self.norm = nn.BatchNorm1d(8)
        self.last = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.relu(self.norm(self.first(x))))


@dataclass
class Result:
    loss: torch.Tensor
    extra: tuple[torch.Tensor, None]


Pair = namedtuple("Pair", "low high")


class Nested(nn.Module):
    def forward(self, x: torch.Tensor, more: dict[str, Any], scale: float = 2.0) -> Any:
        pair = Pair(x - more["a"], x + more["b"][0])
        return {"result": Result(x.sum() * scale, (x, None)), "pair": pair, "n": x.shape[0]}


@every_way
@pytest.mark.parametrize(
    "given",
    [torch.ones(2, 4), np.ones((2, 4), np.float32), TensorType("float32", (2, 4))],
    ids=["tensor", "array", "type"],
)
def test_an_input_is_a_tensor_an_array_or_a_type(way: Any, given: Any) -> None:
    model = Perceptron().eval()
    graph = check(way.capture(model, given))
    assert str(graph.type_of(graph.outputs[0])) == "float32[2, 3]"
    x = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)
    expected = model(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(run(graph, x)[0], expected, rtol=1e-5, atol=1e-6)


def test_nested_inputs_and_outputs_are_flattened_in_order_with_their_paths() -> None:
    x = torch.ones(2, 3)
    graph = torch_fx.capture(Nested(), x, {"a": x * 2, "b": [x * 3]}, kwargs={"scale": 3.0})
    assert graph.inputs == ("x", "more.a", "more.b.0")
    names = ("result.loss", "result.extra.0", "pair.low", "pair.high", "n")
    assert graph.node(graph.output).attributes["names"] == names
    loss, same, low, high, count = run(graph, *(np.full((2, 3), n, np.float32) for n in (1, 2, 3)))
    assert (float(loss), int(count)) == (18.0, 2)
    assert (same.min(), low.min(), high.max()) == (1, -1, 4)


def test_one_tensor_given_twice_is_two_inputs() -> None:
    class Minus(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return x - y

    x = torch.ones(2)
    for way in WAYS:
        graph = way.capture(Minus(), x, x)
        assert graph.inputs == ("x", "y")
        assert run(graph, np.array([3, 4], np.float32), np.ones(2, np.float32))[0].tolist() == [
            2,
            3,
        ]


def test_arguments_left_out_keep_their_defaults() -> None:
    class Optional(nn.Module):
        def forward(self, x: torch.Tensor, mask: Any = None, add: float = 1.0) -> torch.Tensor:
            return x + add if mask is None else x * mask

    x = np.ones(3, np.float32)
    for way in WAYS:
        assert run(way.capture(Optional(), torch.ones(3)), x)[0].tolist() == [2, 2, 2]
        masked = way.capture(Optional(), torch.ones(3), kwargs={"mask": torch.zeros(3)})
        assert masked.inputs[0] == "x"
        assert run(masked, x, x * 5)[0].tolist() == [5, 5, 5]


@pytest.mark.parametrize("way", [torch_fx, torch_export])
@pytest.mark.parametrize(
    "dims",
    [({0: "batch"},), {"x": {0: torch.export.Dim("batch")}}, None],
    ids=["names", "Dims", "types"],
)
def test_a_symbolic_dimension_stays_symbolic(way: Any, dims: Any) -> None:
    model = Perceptron().eval()
    given = torch.ones(2, 4) if dims else TensorType("float32", ("batch", 4))
    graph = check(way.capture(model, given, dynamic_shapes=dims))
    assert str(graph.type_of(graph.outputs[0])) == "float32[batch, 3]"
    x = np.ones((5, 4), np.float32)
    expected = model(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(run(graph, x)[0], expected, rtol=1e-5, atol=1e-6)


class Sizes(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        batch, length = x.shape
        halves = x.reshape(batch * length // 2, 2)
        filled = torch.full((length, batch), 0.5) + torch.arange(batch)
        x = x.clone()
        x[:, 0] = batch
        x[-1] = 7
        return halves, filled, x.flatten(), x.repeat(2, 1)


@pytest.mark.parametrize("way", [torch_fx, torch_export])
def test_arithmetic_of_symbolic_sizes_is_in_the_graph(way: Any) -> None:
    dims = ({0: "n", 1: "m"},)
    graph = check(way.capture(Sizes(), torch.ones(2, 4), dynamic_shapes=dims))
    x = torch.arange(30.0).reshape(5, 6)
    for got, wanted in zip(run(graph, x.numpy()), Sizes()(x), strict=True):
        np.testing.assert_array_equal(got, wanted.numpy())


def test_a_dimension_that_the_model_settles_is_refused() -> None:
    class Settled(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.ones(3)

    with pytest.raises(CaptureError, match="'n' cannot be symbolic"):
        torch_fx.capture(Settled(), torch.ones(3), dynamic_shapes=({0: "n"},))


def test_sizes_that_depend_on_data_are_exported_as_symbols() -> None:
    class Places(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.nonzero()

    graph = torch_export.capture(Places(), torch.tensor([0, 1, 1]))
    assert isinstance(graph.type_of(graph.outputs[0]).shape[0], str)
    assert run(graph, np.array([3, 0, 5]))[0].tolist() == [[0], [2]]


@every_way
def test_a_model_on_the_meta_device_has_params_without_values(way: Any) -> None:
    graph = check(way.capture(Perceptron().eval().to("meta"), torch.ones(2, 4, device="meta")))
    assert "first.weight" in graph.params
    assert not set(graph.params) & set(graph.weights)


@every_way
def test_half_precision_weights_are_shared_as_ml_dtypes(way: Any) -> None:
    model = nn.Linear(4, 3).to(torch.bfloat16)
    graph = way.capture(model, torch.ones(2, 4, dtype=torch.bfloat16))
    held = graph.weights["weight"]
    assert str(held.dtype) == "bfloat16"
    bits = model.weight.detach().view(torch.int16).numpy()
    assert np.shares_memory(held, bits)


@every_way
def test_training_mode_is_captured_as_it_is_and_leaves_the_model_alone(way: Any) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train()
    before = model[1].running_mean.clone()
    graph = way.capture(model, torch.ones(3, 4))
    assert "BatchNormalization" not in {graph.op(name) for name in graph}
    assert torch.equal(model[1].running_mean, before)
    x = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    expected = model(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(run(graph, x)[0], expected, rtol=1e-4, atol=1e-5)


def test_a_graph_module_is_captured_as_it_stands() -> None:
    model = Perceptron().eval()
    traced = torch.fx.symbolic_trace(model)
    first, second = (
        torch_fx.capture(traced, torch.ones(2, 4)),
        torch_fx.capture(model, torch.ones(2, 4)),
    )
    assert isomorphic(canonicalize(first), canonicalize(second)) is None
    assert first.graph["capture"] == second.graph["capture"] == "torch.fx"


def test_a_module_that_fx_cannot_trace_is_run_and_says_so() -> None:
    class Branching(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for row in x:
                x = x + row
            return x

    graph = torch_fx.capture(Branching(), torch.ones(2, 2))
    assert graph.graph["capture"] == "torch.fx (run on fake tensors)"
    assert run(graph, np.ones((2, 2), np.float32))[0].tolist() == [[3, 3], [3, 3]]


class Scripted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(2)])

    def forward(self, x: torch.Tensor, times: int = 2) -> torch.Tensor:
        parts: list[torch.Tensor] = []
        for layer in self.layers:
            x = torch.relu(layer(x))
            parts.append(x)
        for _ in range(times):
            x = x * 2 if x.dim() == 2 else x - 1
        parts.append(x)
        return torch.cat(parts, 1)


def test_a_scripted_module_with_loops_and_branches_is_unrolled() -> None:
    model = Scripted().eval()
    graph = check(torch_jit.capture(torch.jit.script(model), torch.ones(2, 3)))
    assert graph.graph["capture"] == "torch.jit.script"
    assert graph.node("layers.1").scope == "layers.1"
    assert graph.scopes["layers.1"] == "Linear"
    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    expected = model(x).detach().numpy()
    np.testing.assert_allclose(run(graph, x.numpy())[0], expected, rtol=1e-5, atol=1e-6)


def test_a_scripted_function_is_captured_with_its_defaults() -> None:
    @torch.jit.script
    def scaled(x, factor: float = 2.0):  # type: ignore[no-untyped-def]
        return torch.relu(x) * factor

    x = np.array([-1, 3], np.float32)
    assert run(torch_jit.capture(scaled, torch.ones(2)), x)[0].tolist() == [0, 6]
    more = torch_jit.capture(scaled, torch.ones(2), kwargs={"factor": 5.0})
    assert run(more, x)[0].tolist() == [0, 15]


def test_a_trace_has_no_symbolic_shapes() -> None:
    for given, dims in ((torch.ones(2, 4), ({0: "n"},)), (TensorType("float32", ("n", 4)), None)):
        with pytest.raises(UsageError, match="fixed shapes"):
            torch_jit.capture(Perceptron(), given, dynamic_shapes=dims)


def test_a_trace_needs_no_inputs_until_it_is_saved(tmp_path: Path) -> None:
    model = Perceptron().eval()
    traced = torch.jit.trace(model, torch.ones(2, 4))
    direct = torch_fx.capture(model, torch.ones(2, 4))
    graph = torch_jit.capture(traced)
    assert isomorphic(canonicalize(graph), canonicalize(direct)) is None
    path = tmp_path / "model.pt"
    traced.save(str(path))
    with pytest.raises(UsageError, match="give inputs"):
        torch_jit.capture(path)
    loaded = torch_jit.capture(path, torch.ones(2, 4))
    assert isomorphic(canonicalize(loaded), canonicalize(direct)) is None


def test_a_program_and_its_file_are_the_same_graph(tmp_path: Path) -> None:
    model = Perceptron().eval()
    dims = {"x": {0: torch.export.Dim("batch")}}
    program = torch.export.export(model, (torch.ones(2, 4),), dynamic_shapes=dims)
    path = tmp_path / "model.pt2"
    torch.export.save(program, path)
    first, second = torch_export.capture(program), torch_export.capture(path)
    assert first.name == "Perceptron"
    assert isomorphic(canonicalize(first), canonicalize(second)) is None


class Selecting(nn.Module):
    """Shapes that depend on data, which torch.jit.trace takes as it finds them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Linear(4, 4)
        self.seen: torch.Tensor
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> Any:
        y = self.inner(x)
        self.seen += 1
        return {"kept": y[y > 0], "first": y.reshape(-1)[: int((x > 0).sum())]}


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("traced_before", [False, True])
def test_a_trace_that_depends_on_data_is_recorded_on_its_inputs(traced_before: bool) -> None:
    model, x = Selecting().eval(), torch.randn(3, 4)
    expected = [one.detach().numpy() for one in model(x).values()]
    model.seen.zero_()
    given = torch.jit.trace(model, x, strict=False, check_trace=False) if traced_before else model
    before = float(given.seen)
    graph = torch_jit.capture(given, x)
    assert graph.graph["capture"] == "torch.jit.trace (run on its inputs)"
    assert float(given.seen) == before  # what the run wrote is put back
    for found, wanted in zip(run(graph, x.numpy()), expected, strict=False):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    nodes = [graph.nodes[name] for name in graph.in_order()]
    (product,) = (held for held in nodes if held["op"] == "MatMul")
    assert product["scope"] == "inner"
    assert Path(product["source"].file).name == Path(__file__).name


class Scaled(torch.autograd.Function):
    """A function with a backward of its own, and arguments that are no tensors."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, mask: torch.Tensor, dim: int, scale: float) -> Any:
        del ctx
        return torch.softmax(x.masked_fill(mask, -1e9), dim) * scale


class WithFunction(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Scaled.apply(x, x < 0, -1, 2.0)


@every_way
def test_a_function_of_autograds_is_what_it_computes_forward(way: Any) -> None:
    model, x = WithFunction(), torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    (found,) = run(way.capture(model, x), x.numpy())
    np.testing.assert_allclose(found, model(x).numpy(), rtol=1e-6)


class InPlaceSizes(nn.Module):
    """Arithmetic of sizes as Hiera does it: a trace writes it as ops in place on tensors."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = x.shape[0]
        parts *= 4
        x = x.reshape(parts, -1)
        parts -= 1
        parts //= 3
        return x.reshape(parts, -1)


@every_way
def test_sizes_that_are_counted_up_in_place_are_numbers(way: Any) -> None:
    graph = way.capture(InPlaceSizes(), torch.zeros(4, 20))
    assert graph.type_of(graph.outputs[0]) == TensorType("float32", (5, 16))


def test_a_branch_on_data_is_exported_as_an_if() -> None:
    class Choosing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.full((3,), 2.0))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cond(x.sum() > 0, lambda x: x * self.weight, lambda x: x - 1, (x,))

    graph = check(torch_export.capture(Choosing(), torch.ones(3)))
    (name,) = [name for name in graph if graph.op(name) == "If"]
    assert set(graph.node(name).regions) == {"then_branch", "else_branch"}
    assert run(graph, np.ones(3, np.float32))[0].tolist() == [2, 2, 2]
    assert run(graph, -np.ones(3, np.float32))[0].tolist() == [-2, -2, -2]


def test_an_op_without_onnx_form_stays_foreign_and_typed() -> None:
    class Bessel(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(x) + 1

    for way in WAYS:
        graph = check(way.capture(Bessel(), torch.ones(2, 3)))
        (name,) = [name for name in graph if graph.op(name) == "aten.special_bessel_j0"]
        assert str(graph.node(name).results[0]) == "float32[2, 3]"
        assert graph.node(name).attributes == {"operands": ("self",)}


def test_a_captured_graph_pickles_and_runs_without_the_model() -> None:
    graph = torch_fx.capture(Perceptron().eval(), torch.ones(2, 4))
    again = pickle.loads(pickle.dumps(graph))
    assert isinstance(again, Graph)
    x = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(run(again, x)[0], run(graph, x)[0])


class Asking(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 0:
            return x
        return -x


@pytest.mark.parametrize("way", [torch_fx, torch_export])
def test_control_flow_on_data_is_refused_with_the_users_line(way: Any) -> None:
    with pytest.raises(CaptureError) as caught:
        way.capture(Asking(), TensorType("float32", (2,)))  # with values, fx runs it on them
    said = str(caught.value)
    assert "Asking" in said
    assert "test_torch_capture.py" in said
    assert "if x.sum() > 0" in said
    assert len(said.splitlines()) < 8


@every_way
def test_wrong_inputs_are_refused_in_one_message(way: Any) -> None:
    model = Perceptron().eval()
    with pytest.raises(CaptureError, match="Perceptron"):
        way.capture(model, torch.ones(2, 5))
    with pytest.raises(CaptureError, match="takes 1 inputs"):
        way.capture(model, torch.ones(2, 4), torch.ones(2, 4))
    with pytest.raises(CaptureError, match="expected a tensor"):
        way.capture(model, object())
    with pytest.raises(CaptureError, match=r"captures a torch\.nn\.Module"):
        way.capture(len, torch.ones(2, 4))


def test_an_output_that_is_no_tensor_is_refused() -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return x, object()

    with pytest.raises(CaptureError, match="output 1 is a object, not a tensor"):
        torch_fx.capture(Odd(), torch.ones(2))


def test_files_that_are_not_what_they_seem_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.pt2"
    path.write_bytes(b"not a program")
    for name in (path, tmp_path / "missing.pt2"):
        with pytest.raises(FormatError, match=name.name):
            torch_export.capture(name)
        with pytest.raises(FormatError, match=name.name):
            torch_jit.capture(name, torch.ones(1))


def test_capture_leaves_torch_as_it_was() -> None:
    before = torch.backends.mha.get_fastpath_enabled(), torch.is_grad_enabled()
    with pytest.raises(CaptureError):
        torch_fx.capture(Asking(), TensorType("float32", (2,)))
    assert (torch.backends.mha.get_fastpath_enabled(), torch.is_grad_enabled()) == before
    assert not torch.compiler.is_compiling()
    assert type(torch.ones(2) + 1) is torch.Tensor


def test_text_of_a_small_capture_reads_back() -> None:
    from graphlens.ir import to_text

    graph = torch_fx.capture(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), torch.ones(1, 2))
    again = parse(to_text(graph))
    assert list(again) == list(graph)
