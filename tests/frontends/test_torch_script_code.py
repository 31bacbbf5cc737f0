"""TorchScript as people write it, scripted and from its file: equal to torch's on other inputs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union  # noqa: UP035

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from graphlens.frontends.torch import jit as torch_jit  # noqa: E402
from graphlens.frontends.torch.inputs import returned  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's own, on TorchScript
    pytest.mark.filterwarnings("ignore:.*TorchScript type system.*"),
]


class Point(NamedTuple):
    x: Tensor
    y: Tensor
    n: int = 3


class Counter:
    def __init__(self, n: int):
        self.n = n

    def bump(self, k: int) -> int:
        self.n += k
        return self.n


class Dicts(nn.Module):
    def forward(self, x: Tensor):
        held: Dict[str, Tensor] = {"a": x, "b": x + 1}  # noqa: UP006
        held["c"] = held["a"] * held["b"]
        total = torch.zeros_like(x)
        for key, one in held.items():
            if key != "b":
                total = total + one
        del held["c"]
        return total, held.get("q", x), held.pop("a"), len(held)


class Lists(nn.Module):
    def forward(self, x: Tensor):
        out: List[int] = []  # noqa: UP006
        at = 0
        while True:
            at += 1
            if at % 2 == 0:
                continue
            out.append(at)
            if at > 7:
                break
        low, high = out[1:3]
        out[0] = 9
        del out[1]
        out.sort(reverse=True)
        return x * low + high, torch.tensor(out), out.index(9), out.count(7)


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.kind = "relu"
        self.maybe: Optional[Tensor] = None  # noqa: UP045

    def forward(self, x: Tensor):
        point = Point(x, x + 1)
        a, b, n = Point(point.y, point.x, 7)
        name = f"{self.kind}_{x.size(0)}"
        if name.split("_")[0].upper() == "RELU" and name.startswith("relu") and self.maybe is None:
            a = torch.relu(a)
        return a * n - b + point.n if name < "z" else a


class Early(nn.Module):
    def forward(self, x: Tensor):
        for _ in range(5):
            x = x + 1
            if bool(x.sum() > 40):
                return x * 2
        return x


class Nested(nn.Module):
    def forward(self, x: Tensor):
        i = 0
        while bool(x.sum() < 50):
            j = 0
            while j < 3:
                x = x + 0.5
                j += 1
                if bool(x.max() > 5):
                    break
            i += 1
            if i > 6:
                break
        return x, i


class Counted(nn.Module):
    def forward(self, x: Tensor):
        n = int(x.abs().sum().item()) % 4 + 1
        for i in range(n):
            x = x + i
        return x * (n // 2)


class Forked(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.LSTMCell(3, 5)

    def forward(self, x: Tensor):
        waited = torch.jit.fork(self.inner, x)
        twice = x * 2
        h, c = torch.jit.wait(waited)
        return h.sum() + c.sum() + twice


class Typed(nn.Module):
    def forward(self, x: Tensor):
        held: Union[int, str] = 3  # noqa: UP007
        if x.dim() > 1:
            held = "hello"
        pair: Any = (x, 3)
        if isinstance(pair, Tuple[Tensor, int]):  # noqa: UP006
            x = pair[0] * pair[1]
        z = torch.zeros(2, 3, dtype=x.dtype, device=x.device)
        if x.dtype == torch.float32 and x.device.type == "cpu":
            z = z + 1
        return x + held if isinstance(held, int) else x + len(held), z


class Made(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor):
        counter = Counter(3)
        counter.bump(2)
        self.count += 1
        self.count.mul_(2)
        with torch.no_grad():
            y = x * counter.bump(4)
        return y + counter.n + self.count


MODELS = [Dicts, Lists, Named, Early, Nested, Counted, Forked, Typed, Made]


@pytest.mark.parametrize("way", ["scripted", "file"])
@pytest.mark.parametrize("model", MODELS)
def test_a_script_gives_what_torch_gives(model: Any, way: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    script = torch.jit.script(model().eval())
    path = tmp_path / "script.pt"
    script.save(str(path))
    x = torch.randn(4, 3)
    graph = torch_jit.capture(path if way == "file" else script, x)
    assert "run on its inputs" not in graph.graph["capture"]
    for scale in (1.0, 4.0, -3.0):
        given = torch.randn(4, 3) * scale + scale
        with torch.no_grad():
            wanted, _ = returned(copy.deepcopy(script)(given.clone()))
        got = run(graph, given.numpy())
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            expected = np.asarray(other)
            assert one.shape == expected.shape
            np.testing.assert_allclose(one, expected, rtol=1e-4, atol=1e-5)
