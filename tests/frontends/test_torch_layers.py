"""Layers that are one aten call: what is said of them is what torch's dispatcher hands over."""

from __future__ import annotations

import operator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch._dispatch.python import enable_python_dispatcher  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402

from graphlens.frontends.torch import fx as torch_fx  # noqa: E402
from graphlens.frontends.torch.below import Above  # noqa: E402
from graphlens.frontends.torch.layers import of_function, of_layer  # noqa: E402
from graphlens.frontends.torch.signature import signature  # noqa: E402
from graphlens.frontends.torch.state import tracing  # noqa: E402

pytestmark = pytest.mark.torch
nn = torch.nn
IMAGE, LINES, ROWS = (2, 4, 6, 5), (2, 4, 6), (3, 4)

LAYERS: list[tuple[Any, tuple[int, ...]]] = [
    (nn.Linear(4, 3), ROWS),
    (nn.Linear(6, 3, bias=False), LINES),
    (nn.Conv1d(4, 2, 3), LINES),
    (nn.Conv2d(4, 6, (3, 1), stride=2, padding=1, groups=2, bias=False), IMAGE),
    (nn.Conv2d(4, 6, 3), IMAGE[1:]),
    (nn.Conv3d(4, 2, 2, dilation=2), (1, 4, 4, 5, 6)),
    (nn.BatchNorm1d(4), ROWS),
    (nn.BatchNorm1d(4, affine=False), LINES),
    (nn.BatchNorm2d(4, momentum=None), IMAGE),
    (nn.BatchNorm3d(4), (1, 4, 2, 3, 2)),
    (nn.LayerNorm((6, 5), eps=1e-3), IMAGE),
    (nn.LayerNorm(5, elementwise_affine=False), IMAGE),
    (nn.ReLU(), ROWS),
    (nn.ReLU(inplace=True), ROWS),
    (nn.SiLU(), ROWS),
    (nn.SiLU(inplace=True), ROWS),
    (nn.Hardswish(inplace=True), ROWS),
    (nn.Hardsigmoid(), ROWS),
    (nn.Sigmoid(), ROWS),
    (nn.Tanh(), ROWS),
    (nn.GELU(), ROWS),
    (nn.GELU("tanh"), ROWS),
    (nn.Dropout(0.3), ROWS),
]
FUNCTIONS: list[tuple[Any, tuple[Any, ...]]] = [
    (operator.add, (ROWS, ROWS)),
    (operator.mul, (ROWS, ROWS)),
    (operator.iadd, (ROWS, ROWS)),
    (torch.cat, ([ROWS, ROWS], 1)),
    (torch.flatten, (IMAGE, 1)),
    (torch.flatten, (IMAGE, 1, 2)),
]


class Seen(Above):
    """Keeps the calls that torch's dispatcher hands over."""

    def __init__(self) -> None:
        super().__init__("fake")
        self.calls: list[Any] = []

    def call(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        self.calls.append(whole(func, args, kwargs))
        return func(*args, **kwargs)


def whole(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """A call with all of its arguments, tensors as the objects that they are."""
    return func, [told(one) for one in signature(func).bound(args, kwargs)]


def told(one: Any) -> Any:
    if isinstance(one, torch.Tensor):
        return id(one)
    return (type(one), [told(part) for part in one]) if isinstance(one, list | tuple) else one


def handed_over(fake: FakeTensorMode, function: Any, args: Any) -> list[Any]:
    seen = Seen()
    with tracing(), enable_python_dispatcher(), fake, seen:
        function(*args)
    return seen.calls


def faked(fake: FakeTensorMode, one: Any) -> Any:
    if isinstance(one, list):
        return [faked(fake, part) for part in one]
    return fake.from_tensor(torch.ones(one)) if isinstance(one, tuple) else one


def called(thing: Any) -> str:
    """A name that is the same in every process: the text of a function may hold its address."""
    return getattr(thing, "__name__", type(thing).__name__ if callable(thing) else str(thing))


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=called)
def test_what_is_said_of_a_layer_is_what_it_does(layer: Any, shape: tuple[int, ...]) -> None:
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    x = faked(fake, shape)
    said = of_layer(layer.eval(), (x,), {})
    assert said is not None
    assert [whole(*said)] == handed_over(fake, layer, (x,))


@pytest.mark.parametrize(("function", "shapes"), FUNCTIONS, ids=called)
def test_what_is_said_of_a_function_is_what_it_does(function: Any, shapes: Any) -> None:
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    args = tuple(faked(fake, one) for one in shapes)
    said = of_function(function, args, {})
    assert said is not None
    assert [whole(*said)] == handed_over(fake, function, args)


class Doubled(nn.Linear):
    """A layer of one's own."""

    def forward(self, x: Any) -> Any:
        return super().forward(x) * 2


def hooked(on: Any, hook: str) -> Any:
    getattr(on, hook)(lambda *_: None)
    return on


def overridden() -> Any:
    layer = nn.ReLU()
    layer.forward = lambda x: x * 2  # type: ignore[method-assign]
    return layer


@pytest.mark.parametrize(
    "layer",
    [
        Doubled(4, 4),
        hooked(nn.Linear(4, 4), "register_forward_hook"),
        hooked(nn.Linear(4, 4), "register_forward_pre_hook"),
        torch.nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
        overridden(),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.BatchNorm1d(4).train(),
        nn.BatchNorm1d(4, track_running_stats=False),
        nn.BatchNorm2d(4),
        nn.Dropout(0.5).train(),
        nn.Bilinear(4, 4, 4),
    ],
    ids=str,
)
def test_nothing_is_said_of_a_layer_that_does_more(layer: Any) -> None:
    x = faked(FakeTensorMode(), ROWS)
    assert of_layer(layer, (x,), {}) is None


def test_nothing_is_said_of_calls_with_numbers_or_words() -> None:
    x = faked(FakeTensorMode(), ROWS)
    assert of_layer(nn.ReLU(), (), {"input": x}) is None
    assert of_function(operator.add, (x, 1), {}) is None
    assert of_function(operator.add, (1, 2), {}) is None
    assert of_function(torch.cat, ([x, x],), {"dim": 1}) is None
    assert of_function(torch.flatten, ((x,), 1), {}) is None
    assert of_function([], (x,), {}) is None


class Small(nn.Module):
    """Layers that are one call, layers that are not, and functions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.heads = nn.ModuleList(nn.Linear(48, 2) for _ in range(2))
        self.mixed = nn.Bilinear(2, 2, 3)

    def forward(self, x: Any) -> Any:
        x = torch.flatten(self.stem(x), 1)
        one, two = (head(x) for head in self.heads)
        one += two
        return torch.cat([one, two], 1) * 2 + 1, self.mixed(one, two)


def facts(model: Any) -> Any:
    graph = torch_fx.capture(model, torch.ones(IMAGE))
    nodes = [(name, dict(graph.nodes[name])) for name in graph]
    return nodes, sorted(graph.edges(keys=True, data="result"))


def test_the_graph_is_the_same_as_by_running_the_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Small().eval()
    graph = facts(model)
    for name in ("of_layer", "of_function"):
        monkeypatch.setattr(torch_fx, name, lambda *_: None)
    assert graph == facts(model)


def test_a_layer_that_is_one_call_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Small().eval()

    def run(*_: Any) -> None:
        raise AssertionError("it was run")

    monkeypatch.setattr(nn.Conv2d, "_conv_forward", run)
    assert any(fields["op"] == "Conv" for _, fields in facts(model)[0])
