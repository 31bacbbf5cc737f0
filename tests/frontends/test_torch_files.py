"""Files that run code when they are read: models in, everything else refused."""

import pytest

torch = pytest.importorskip("torch")

import graphlens  # noqa: E402
from graphlens.errors import FormatError, UsageError  # noqa: E402
from graphlens.frontends import torch_files  # noqa: E402
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
