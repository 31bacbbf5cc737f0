"""What is known of a weight: its type always, the spread of its values where it costs little."""

import ml_dtypes
import numpy as np
import picture_graphs
import pytest

from graphlens.errors import UsageError
from graphlens.ir import Graph
from graphlens.ops.build import Builder
from graphlens.tensor import TensorType
from graphlens.view import page
from graphlens.view import weight as module
from graphlens.view.operand import operand, stored
from graphlens.view.weight import spread


def facts(found, name):
    return dict(next(held.facts for held in found.weights if held.name == name))


def read_by(made, entry, name):
    """What an operation reads under a name."""
    detail = next(held.detail for held in made.entries if held.name == entry)
    return next(read for read in detail.reads if read[0] == name)


def product(array, shape=(2, 3)):
    graph = Graph(name="product")
    make = Builder(graph)
    weight = make.param("w", TensorType("float32", shape), array)
    make.output(
        [make.op("MatMul", make.input("x", TensorType("float32", (4, 2))), weight, name="MatMul")]
    )
    return graph


def test_a_weight_says_its_type_and_the_spread_of_its_values():
    array = np.array([[0.0, -1.0, 2.0], [0.5, 0.5, 4.0]], np.float32)
    made = page.of_graph(product(array))
    said = facts(made, "w")
    assert (said["dtype"], said["shape"], said["bytes"]) == ("float32", "2×3", "24 B")
    assert (said["min"], said["max"], said["mean"]) == ("-1", "4", "1")
    assert float(said["std"]) == pytest.approx(array.std(), abs=1e-3)
    assert said["zeros"] == "1 (16.7 %)"
    assert said["values"] == "0 -1 2 0.5 0.5 4"
    place = read_by(made, "MatMul", "w")[4]
    assert made.weights[int(place)].name == "w"


def test_what_comes_by_an_arrow_is_no_weight():
    assert read_by(page.of_graph(product(None)), "MatMul", "x")[4] == ""


def test_a_weight_without_values_says_so():
    said = facts(page.of_graph(product(None)), "w")
    assert said == {"dtype": "float32", "shape": "2×3", "bytes": "24 B", "values": "not known"}


def test_values_that_are_not_finite_are_counted_apart():
    said = dict(spread(np.array([1.0, np.nan, np.inf, 3.0], np.float32)))
    assert (said["min"], said["max"], said["mean"]) == ("1", "3", "2")
    assert said["not finite"] == "2 (50 %)"
    assert "min" not in dict(spread(np.full(3, np.nan)))


@pytest.mark.parametrize(
    "array",
    [
        np.array(["a", "b"], object),
        np.zeros((0, 4), np.float32),
        np.array([1 + 2j]),
        np.array([True, False]),
        np.arange(5, dtype=np.int8),
        np.array([1.5, 2.5], ml_dtypes.bfloat16),
        np.array(3.0),
    ],
    ids=lambda array: str(array.dtype),
)
def test_every_type_of_values_has_its_first_ones(array):
    assert dict(spread(array))["values"]


def test_the_distribution_is_that_of_the_values():
    bars = dict(spread(np.random.default_rng(0).normal(size=100_000).astype(np.float32)))["spread"]
    assert len(bars) == 24
    assert bars[11] in "▇█"
    assert bars[0] in " ▁"


def test_large_weights_are_looked_at_only_if_asked_for(monkeypatch):
    monkeypatch.setattr(module, "_LARGE", 4)
    graph = product(np.ones((2, 3), np.float32))
    assert facts(page.of_graph(graph), "w")["values"] == "not looked at: 6 of them"
    assert facts(page.of_graph(graph, weight_values="all"), "w")["max"] == "1"
    assert "max" not in facts(page.of_graph(graph, weight_values="none"), "w")
    with pytest.raises(UsageError, match="unknown choice of weight values 'many'"):
        page.of_graph(graph, weight_values="many")


def test_together_weights_are_looked_at_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(module, "_BUDGET", 300)
    made = page.of_graph(picture_graphs.residual_net(blocks=1))
    looked = ["min" in dict(held.facts) for held in made.weights if held.facts[2][1] != "0 B"]
    assert looked.count(True) == 1
    assert looked.count(False) == 2


def test_an_array_that_two_states_share_is_looked_at_once(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "spread", lambda array: seen.append(array) or ())
    graph = product(np.ones((2, 3), np.float32))
    found = module.Weights()
    for held in (graph, graph.copy()):
        found.of(held, operand(held, held.operands("MatMul")[1], stored(held)))
    assert len(seen) == 1
    assert len(found.found) == 1
