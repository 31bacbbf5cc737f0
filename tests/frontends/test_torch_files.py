"""Files that run code when they are read: models in, everything else refused."""

import io
import pickle
import re
import zipfile
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import graphlens  # noqa: E402
from graphlens.errors import FormatError, UsageError  # noqa: E402
from graphlens.frontends.torch import files as torch_files  # noqa: E402
from graphlens.tensor import TensorType  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    # torch 2.13 calls its own TorchScript deprecated.
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
]
IMAGE = TensorType("float32", (1, 4))


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()


def traced(module):
    return torch.jit.trace(module, torch.ones(1, 4))


def test_a_pickled_module_is_captured_when_it_is_trusted(tmp_path):
    torch.save(net(), tmp_path / "net.pt")
    graph = graphlens.capture(tmp_path / "net.pt", IMAGE, trust=True)
    assert "Relu" in {graph.op(name) for name in graph}


def test_a_pickled_module_is_not_read_without_trust(tmp_path):
    torch.save(net(), tmp_path / "net.pt")
    with pytest.raises(UsageError, match="can run code"):
        graphlens.capture(tmp_path / "net.pt", IMAGE)


def test_a_torchscript_archive_needs_no_trust(tmp_path):
    traced(net()).save(tmp_path / "net.pt")
    graph = graphlens.capture(tmp_path / "net.pt", IMAGE)
    assert "Relu" in {graph.op(name) for name in graph}


class Harmful:
    def __reduce__(self):
        return Path.touch, (Path("harmed").absolute(),)


def exported(tmp_path, **changes):
    """An exported program with some of its members changed, by the ending of their names."""
    model = net()
    shapes = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(model, (torch.ones(2, 4),), dynamic_shapes=shapes)
    torch.export.save(program, tmp_path / "whole.pt2")
    changed = tmp_path / "changed.pt2"
    with zipfile.ZipFile(tmp_path / "whole.pt2") as before, zipfile.ZipFile(changed, "w") as after:
        for info in before.infolist():
            content = before.read(info.filename)
            for ending, change in changes.items():
                if info.filename.endswith(ending):
                    content = change(content)
            after.writestr(info, content)
    return changed


def saved(thing):
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


def test_an_exported_program_is_read(tmp_path):
    graph = graphlens.capture(exported(tmp_path))
    assert "Relu" in {graph.op(name) for name in graph}


HARMS = {
    "inputs": {"model.pt": lambda _: saved(Harmful())},
    "a plain pickle": {"model.pt": lambda _: pickle.dumps(Harmful())},
    "an import": {"model.pt": lambda _: saved(Path("x"))},
    "a size": {
        "model.json": lambda held: re.sub(
            rb'"expr_str": "[^"]*"',
            b"\"expr_str\": \"__import__('pathlib').Path('harmed').touch()\"",
            held,
        )
    },
    "a weight": {
        "weights_config.json": lambda held: held.replace(
            b'"use_pickle": false', b'"use_pickle": true'
        ),
        "weight_0": lambda _: pickle.dumps(Harmful()),
    },
}


@pytest.mark.parametrize("name", HARMS)
def test_an_exported_program_that_brings_code_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FormatError, match="it is not run"):
        graphlens.capture(exported(tmp_path, **HARMS[name]))
    assert not (tmp_path / "harmed").exists()


def test_a_state_dict_is_no_model(tmp_path):
    torch.save(net().state_dict(), tmp_path / "net.pt")
    with pytest.raises(FormatError, match=r"holds a OrderedDict.*a state dict has weights"):
        torch_files.pickled(tmp_path / "net.pt")


@pytest.mark.parametrize("write", [torch.save, lambda net, path: traced(net).save(path)])
def test_a_damaged_archive_is_refused(tmp_path, write):
    path = tmp_path / "net.pt"
    write(net(), path)
    content = bytearray(path.read_bytes())
    content[200:400] = b"\0" * 200
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"net\.pt"):
        graphlens.capture(path, IMAGE, trust=True)
