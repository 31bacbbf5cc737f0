"""TorchScript files: followed without executing anything in them, outputs like torch.jit.load's."""

import pickle
import zipfile
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402

import graphlens  # noqa: E402
from graphlens.errors import CaptureError, FormatError, UsageError  # noqa: E402
from graphlens.frontends.torch.inputs import returned  # noqa: E402
from graphlens.ir import check, walk  # noqa: E402
from graphlens.tensor import TensorType  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    # torch 2.13 calls its own TorchScript deprecated.
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
]


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 4)
        self.norm = torch.nn.BatchNorm1d(4)

    def forward(self, x, scale: float | None = None):
        y = self.norm(self.fc(x))
        if scale is not None:
            y = y * scale
        return torch.relu(y)


def scaled(x: torch.Tensor, n: int) -> tuple[torch.Tensor, int]:
    return x * n, n + 1


class Python(torch.nn.Module):
    """Loops, lists, dicts, tuples, optionals, early returns, break and continue on numbers."""

    def __init__(self):
        super().__init__()
        self.block = Block()
        self.blocks = torch.nn.ModuleList([Block(), Block()])
        self.register_buffer("shift", torch.ones(4))
        self.names = {"a": 1}

    def forward(self, x: torch.Tensor, flag: bool = True):
        outs: list[torch.Tensor] = []
        for i in range(3):
            x = self.block(x, 0.5)
            if i == 1:
                continue
            outs.append(x)
        for block in self.blocks:
            x = block(x)
        y, n = scaled(x, 2 + self.names["a"])
        while n < 9:
            y = y + n
            n += 1
            if n == 7:
                break
        assert y.dim() == 2, f"a matrix, not {y.dim()}"
        found: dict[str, torch.Tensor] = {"out": y + self.shift, "n": torch.tensor([n, len(outs)])}
        if flag:
            return torch.cat(outs, 0), found
        return y[1:, ::2], found


class Data(torch.nn.Module):
    """Branches and loops that depend on what the tensors hold."""

    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 4)
        self.register_buffer("shift", torch.ones(4))

    def forward(self, x: torch.Tensor):
        y = self.fc(x)
        if x.sum() > 0:
            y = y * 2 + self.shift
            count = 1
        elif x.mean() < -5:
            y = y - x
            count = 2
        else:
            y = self.fc(y)
            count = 3
        total = torch.zeros(4)
        while total.sum() < 10:
            total = total + y.abs().sum(0) + self.shift * count
        z = y.clone()
        if bool(total[0] > 3):
            z.add_(total)
        return y, total, z, count


class Early(torch.nn.Module):
    def forward(self, x: torch.Tensor):
        if x.sum() > 0:
            return x * 2
        if x.max() > 3:
            return x - 1
        if x.numel() > 1000:
            raise ValueError("too many")
        return x


INPUTS = [torch.full((3, 4), 0.5), -torch.rand(3, 4), torch.full((3, 4), -9.0)]
MODELS = {"python": Python, "data": Data, "early": Early}


def saved(tmp_path: Path, model: torch.nn.Module, *example: torch.Tensor) -> Path:
    path = tmp_path / "model.pt"
    scripted = torch.jit.trace(model, example) if example else torch.jit.script(model)
    torch.jit.save(scripted, path)
    return path


def assert_as_loaded(path: Path, graph: graphlens.Graph, *inputs: torch.Tensor) -> None:
    with torch.no_grad():
        wanted, _ = returned(torch.jit.load(path)(*(one.clone() for one in inputs)))
    got = graphlens.run(graph, *(one.numpy() for one in inputs))
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, np.asarray(other), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_a_scripted_file_computes_what_torch_does(tmp_path, name):
    torch.manual_seed(0)
    path = saved(tmp_path, MODELS[name]().eval())
    graph = check(graphlens.capture(path, TensorType("float32", (3, 4))))
    for x in INPUTS:
        assert_as_loaded(path, graph, x)


@pytest.mark.parametrize("name", MODELS)
def test_a_scripted_module_computes_what_torch_does(name):
    torch.manual_seed(0)
    scripted = torch.jit.script(MODELS[name]().eval())
    graph = check(graphlens.capture(scripted, TensorType("float32", (3, 4))))
    for x in INPUTS:
        with torch.no_grad():
            wanted, _ = returned(scripted(x.clone()))
        for one, other in zip(graphlens.run(graph, x.numpy()), wanted, strict=True):
            np.testing.assert_allclose(one, np.asarray(other), rtol=1e-5, atol=1e-5)


def test_what_depends_on_data_is_regions(tmp_path):
    graph = graphlens.capture(saved(tmp_path, Data().eval()), TensorType("float32", (3, 4)))
    ops = [held.op(name) for _, held in walk(graph) for name in held]
    assert (ops.count("If"), ops.count("Loop")) == (3, 1)


def test_a_traced_file_computes_what_torch_does(tmp_path):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(144, 5),
    ).eval()  # fmt: skip
    x = torch.randn(1, 3, 8, 8)
    path = saved(tmp_path, model, x)
    graph = check(graphlens.capture(path, x))
    assert_as_loaded(path, graph, x)
    assert graph.graph["capture"] == "torchscript"
    assert graphlens.equivalent(graph, graphlens.capture(model, x))


def test_nodes_have_the_users_lines_and_scopes(tmp_path):
    graph = graphlens.capture(saved(tmp_path, Python().eval()), TensorType("float32", (3, 4)))
    nodes = [graph.node(name) for name in graph]
    lines = {n.source.line for n in nodes if n.source.file == __file__}
    text = Path(__file__).read_text().splitlines()
    assert any("torch.cat(outs, 0)" in text[line - 1] for line in lines)
    assert {"block.fc", "block.norm", "blocks.1.fc"} <= {n.scope for n in nodes}
    assert graph.scopes["block"] == "Block"


def test_weights_are_mapped_not_read(tmp_path):
    path = saved(tmp_path, Block().eval())
    graph = graphlens.capture(path, TensorType("float32", (3, 4)))
    with path.open("r+b") as file:
        content = file.read()
        file.seek(content.index(graph.weights["fc.weight"].tobytes()))
        file.write(np.full(16, 7.0, np.float32).tobytes())
    assert set(graph.weights["fc.weight"].flat) == {7.0}


def test_missing_inputs_are_named(tmp_path):
    with pytest.raises(UsageError, match="forward takes x"):
        graphlens.capture(saved(tmp_path, Block().eval()))


# -- files from strangers ------------------------------------------------------------------------


def with_member(path: Path, ending: str, content: bytes | None) -> Path:
    """A copy of an archive with one member replaced, or left out."""
    other = path.with_name("changed.pt")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(other, "w") as after:
        for info in before.infolist():
            if not info.filename.endswith(ending):
                after.writestr(info, before.read(info.filename))
            elif content is not None:
                after.writestr(info, content)
    return other


class Harmful:
    def __reduce__(self):
        return Path.touch, (Path("harmed").absolute(),)


SOURCES = {
    "a loop without end": ("x0 = 1\n    while True:\n      x0 = 1", CaptureError, "goes on for"),
    "a range without end": ("for i in range(1000000000000):\n      pass", CaptureError, "goes on"),
    "a text that doubles": (
        "t = 'xx'\n    for i in range(99):\n      t = torch.add(t, t)",
        CaptureError,
        "makes a str",
    ),
    "an import": ("import os", CaptureError, "Import cannot be captured"),
    "an attribute of Python's": ("y = x.__class__", CaptureError, "cannot be captured"),
    "a call of Python's": ("y = eval('1')", FormatError, "has no value"),
    "an unknown op": ("y = ops.nobody.knows(x)", CaptureError, "nobody::knows"),
    "code that is not there": ("y = __torch__.gone(x)", FormatError, "no code of"),
    "a call of itself": ("y = (self).forward(x, )", CaptureError, "calls itself without end"),
    "no TorchScript": ("y = = 1", FormatError, "is no TorchScript"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_source_from_strangers_is_refused(tmp_path, name):
    path = saved(tmp_path, Early())
    body, error, said = SOURCES[name]
    text = (
        "class Early(Module):\n  def forward(self: __torch__.Early,\n"
        f"    x: Tensor) -> Tensor:\n    {body}\n    return x\n"
    )
    ending = next(n for n in zipfile.ZipFile(path).namelist() if n.endswith("script_file.py"))
    changed = with_member(path, ending, text.encode())
    with pytest.raises(error, match=said):
        graphlens.capture(changed, TensorType("float32", (2,)))


def test_a_harmful_pickle_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changed = with_member(saved(tmp_path, Early()), "data.pkl", pickle.dumps(Harmful(), 2))
    with pytest.raises(FormatError, match=r"the pickle calls .*; it is not run"):
        graphlens.capture(changed, TensorType("float32", (2,)))
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x02.", b"\x80\x02)t", b"\x80\x02h\x05.", b"\xff"])
def test_a_damaged_pickle_is_refused(tmp_path, content):
    changed = with_member(saved(tmp_path, Early()), "data.pkl", content)
    with pytest.raises(FormatError, match=r"changed\.pt"):
        graphlens.capture(changed, TensorType("float32", (2,)))


def test_a_storage_that_is_cut_off_is_refused(tmp_path):
    changed = with_member(saved(tmp_path, Block().eval()), "data/0", b"\0" * 4)
    with pytest.raises(FormatError, match="is cut off"):
        graphlens.capture(changed, TensorType("float32", (3, 4)))


def test_a_member_that_is_missing_is_refused(tmp_path):
    changed = with_member(saved(tmp_path, Block().eval()), "data/0", None)
    with pytest.raises(FormatError, match=r"data/0"):
        graphlens.capture(changed, TensorType("float32", (3, 4)))


def test_a_member_that_is_packed_and_damaged_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py"):
            archive.writestr(f"model/{name}", bytes(range(256)) * 4)
    content = bytearray(path.read_bytes())
    place = content.index(b"model/data.pkl") + len("model/data.pkl")
    content[place : place + 20] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(FormatError, match="holds no TorchScript that can be read"):
        graphlens.capture(path)


def test_a_member_that_swells_is_not_unpacked(tmp_path):
    path = saved(tmp_path, Early())
    changed = path.with_name("changed.pt")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(changed, "w") as after:
        for info in before.infolist():
            content = before.read(info.filename)
            if info.filename.endswith("data.pkl"):
                info.compress_type, content = zipfile.ZIP_DEFLATED, b"\0" * (1 << 26)
            after.writestr(info, content)
    with pytest.raises(FormatError, match="is not unpacked"):
        graphlens.capture(changed, TensorType("float32", (2,)))
