"""Files of torch's exporter: the same graph, module paths and lines as torch's own front ends."""

import pytest

pytest.importorskip("onnxscript")
torch = pytest.importorskip("torch")

from graphlens.analysis.equivalent import isomorphic  # noqa: E402
from graphlens.frontends.onnx import file as onnx_file  # noqa: E402
from graphlens.frontends.torch import fx as torch_fx  # noqa: E402
from graphlens.passes.canonicalize import canonicalize  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    # What torch's exporter warns of itself.
    pytest.mark.filterwarnings("ignore"),
]


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.conv(x)).relu()


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.Sequential(Block(), torch.nn.MaxPool2d(2))
        self.head = torch.nn.Linear(4, 5)

    def forward(self, x):
        return self.head(self.blocks(x).mean((2, 3))).softmax(-1)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Net().eval(), (torch.randn(2, 3, 8, 8),)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "net.onnx"
    net, inputs = model
    torch.onnx.export(net, inputs, path, dynamo=True, optimize=False, verbose=False)
    return onnx_file.capture(path)


def test_modules_and_weights_have_the_paths_that_torch_gives_them(exported):
    assert exported.name == "Net"
    assert exported.scopes["blocks.0"] == "Block"
    assert exported.scopes["blocks.0.conv"] == "Conv2d"
    conv = exported.node("blocks.0.conv")
    assert conv.scope == "blocks.0.conv"
    assert conv.source.op == "aten.conv2d.default"
    assert conv.source.file == __file__
    assert conv.source.line > 0
    assert exported.node("blocks.0.conv.weight").scope == "blocks.0.conv"
    assert exported.node("blocks.0.relu").scope == "blocks.0"


def test_it_is_the_graph_that_fx_captures(model, exported):
    net, inputs = model
    captured = torch_fx.capture(net, *inputs)
    assert isomorphic(canonicalize(captured), canonicalize(exported)) is None
    common = set(captured) & set(exported)
    assert {"blocks.0.conv", "blocks.0.norm", "blocks.1", "head.weight"} <= common
