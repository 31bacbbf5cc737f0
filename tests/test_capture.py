"""Capture through the one verb: which front end, and what it is given."""

import pytest

import graphlens
from graphlens.errors import UsageError
from graphlens.tensor import TensorType

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()


def test_a_module_is_captured_by_torch_fx():
    graph = graphlens.capture(net(), torch.ones(1, 4))
    assert graph.graph["capture"] == "torch.fx"


@pytest.mark.parametrize("via", ["torch.fx", "torch.export"])
def test_a_symbol_in_the_shape_of_an_input_stays_one(via):
    graph = graphlens.capture(net(), TensorType("float32", ("N", 4)), via=via)
    assert graph.node(graph.inputs[0]).results[0].shape == ("N", 4)


def test_via_decides():
    graph = graphlens.capture(net(), torch.ones(1, 4), via="torch.export")
    assert graph.graph["capture"] == "torch.export"


def test_a_graph_is_its_own_capture():
    graph = graphlens.capture(net(), torch.ones(1, 4))
    assert graphlens.capture(graph) is graph


def test_an_unknown_front_end_lists_those_that_are_known():
    with pytest.raises(UsageError, match=r"unknown front end 'torch\.fy' .*'torch\.fx'"):
        graphlens.capture(net(), torch.ones(1, 4), via="torch.fy")


def test_an_option_that_the_front_end_has_not_is_refused():
    with pytest.raises(UsageError, match=r"option of front end 'torch\.fx'.*'session'"):
        graphlens.capture(net(), torch.ones(1, 4), session=None)
