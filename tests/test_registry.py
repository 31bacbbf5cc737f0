"""Names to things: plug-ins, clashes, and models told apart by their type's name."""

import numpy as np
import pytest

from graphlens import registry
from graphlens.errors import CaptureError, MissingDependencyError, UsageError


def like(*lineage):
    """A value whose type and bases have these qualified names, nearest first."""
    kind = object
    for name in reversed(lineage):
        module, _, short = name.rpartition(".")
        kind = type(short, (kind,), {"__module__": module, "__qualname__": short})
    return kind()


@pytest.fixture
def plugged(monkeypatch):
    """Entry points, as if a package that gives them were installed."""
    points = {}
    monkeypatch.setattr(registry, "_plugged", lambda group: tuple(points.get(group, ())))
    return points


@pytest.mark.parametrize(
    ("lineage", "expected"),
    [
        (["mine.Net", "torch.nn.modules.module.Module"], "torch.fx"),
        (["torch.fx.graph_module.GraphModule", "torch.nn.modules.module.Module"], "torch.fx"),
        (["torch.jit._script.ScriptModule", "torch.nn.modules.module.Module"], "torch.jit"),
        (["torch.export.exported_program.ExportedProgram"], "torch.export"),
        (["mine.Net", "keras.src.layers.layer.Layer"], "keras"),
        (["tensorflow.python.framework.func_graph.FuncGraph",
          "tensorflow.python.framework.ops.Graph"], "tf"),
        (["onnx.onnx_ml_pb2.ModelProto"], "onnx"),
    ],
)  # fmt: skip
def test_a_model_is_told_by_the_nearest_base_that_is_known(lineage, expected):
    assert registry.detect(like(*lineage)) == expected


def test_a_value_that_is_no_model_is_refused_with_the_front_ends_there_are():
    with pytest.raises(
        CaptureError, match=r"numpy\.ndarray.*via= one of \['caffe2', 'keras', 'onnx'"
    ):
        registry.detect(np.ones(1))


def test_an_unknown_name_lists_those_that_are_known():
    with pytest.raises(UsageError, match=r"unknown pass 'fuze' \(must be one of .*'fuse'"):
        registry.find(registry.PASSES, "fuze")


def test_a_plug_in_is_found_by_its_name(plugged):
    plugged["graphlens.passes"] = [("shorten", "math:floor")]
    assert registry.find(registry.PASSES, "shorten")(1.5) == 1


def test_a_plug_in_that_takes_a_name_of_ours_is_an_error(plugged):
    plugged["graphlens.passes"] = [("fuse", "math:floor")]
    with pytest.raises(UsageError, match=r"two packages give the pass 'fuse'.*'math:floor'"):
        registry.entries(registry.PASSES)


def test_a_plug_in_says_which_types_its_front_end_takes(plugged):
    plugged["graphlens.types"] = [("jax.core.ClosedJaxpr", "jax")]
    assert registry.detect(like("jax.core.ClosedJaxpr")) == "jax"


def test_a_missing_framework_says_what_to_install(monkeypatch, tmp_path):
    (tmp_path / "edge_of_torch.py").write_text("import torch_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(registry._EXTRAS, "torch_that_is_not_there", "graphlens[torch]")
    with pytest.raises(MissingDependencyError, match=r"pip install 'graphlens\[torch\]'"):
        registry.load("edge_of_torch:capture")


def test_keras_needs_keras_and_not_tensorflow(monkeypatch):
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda name: name == "keras" or None)
    assert registry.available("graphlens.frontends.keras.model:capture")
    assert not registry.available("graphlens.frontends.tf.graph:capture")


def test_a_framework_that_does_not_load_says_so(monkeypatch, tmp_path):
    (tmp_path / "edge_of_broken.py").write_text("raise RuntimeError('operator x does not exist')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingDependencyError, match=r"operator x does not exist.*broken"):
        registry.load("edge_of_broken:capture")
