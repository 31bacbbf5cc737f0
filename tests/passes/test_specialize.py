"""Graphs at the sizes of one run: typed, planned, compared; the same function there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import graphlens
from graphlens.errors import GraphError, RunError
from graphlens.ir import Graph, check, parse

TEXT = """
def halves(x: float32[n, 6], count: int64[1]):
    zero: int64[1] = Const([0])
    rest: int64[1] = Const([-1])
    head: float32['?', 6] = Slice(x, zero, count)
    size: int64['?'] = Concat(rest, count, axis=0)
    flat: float32['?', '?'] = Reshape(head, size)
    out: float32['?', '?'] = Relu(flat)
    return out
"""


@pytest.fixture
def graph() -> Graph:
    return check(parse(TEXT))


X = np.arange(24, dtype=np.float32).reshape(4, 6) - 9
THREE = np.array([3])


def test_types_are_those_of_the_run_and_sizes_are_constants(graph: Graph) -> None:
    found = check(graphlens.specialize(graph, X, THREE))
    assert all(it.is_static for held in found.nodes.values() for it in held["results"])
    assert [str(found.type_of(value)) for value in found.outputs] == ["float32[6, 3]"]
    assert "Concat" not in {found.op(name) for name in found}
    assert found.inputs == graph.inputs, "what nobody reads is still the signature"
    for x in (X, X * 2):
        (wanted,) = graphlens.run(graph, x, THREE)
        (got,) = graphlens.run(found, x, THREE)
        np.testing.assert_array_equal(got, wanted)
    assert "?" in str(graph.type_of(graph.outputs[0])), "the graph given is left as it was"


def test_its_memory_can_be_planned(graph: Graph) -> None:
    with pytest.raises(GraphError, match="specialize"):
        graphlens.plan_memory(graph)
    assert graphlens.plan_memory(graphlens.specialize(graph, X, THREE)).arena_bytes > 0


def test_a_graph_of_known_sizes_is_returned_itself(known: Callable[[str], Graph]) -> None:
    fixed = known("def f(x: float32[2, 3]):\n    a: float32[2, 3] = Relu(x)\n    return a\n")
    assert graphlens.specialize(fixed, np.zeros((2, 3), np.float32)) is fixed


def test_examples_are_made_up_where_no_inputs_are_given(graph: Graph) -> None:
    found = graphlens.specialize(graph)
    assert all(it.is_static for held in found.nodes.values() for it in held["results"])


def test_inputs_that_do_not_fit_are_refused(graph: Graph) -> None:
    with pytest.raises(RunError, match="count"):
        graphlens.specialize(graph, X)


@pytest.mark.torch
def test_a_program_that_computes_sizes_is_one_with_a_trace_of_it() -> None:
    torch = pytest.importorskip("torch")

    class Model(torch.nn.Module):
        def forward(self, x, lengths):  # type: ignore[no-untyped-def]
            n = lengths[0].item()
            torch._check(n >= 1)
            torch._check(n <= x.shape[0])
            return x[:n].flip(0) * 2

    model, inputs = Model().eval(), (torch.from_numpy(X), torch.tensor([3]))
    exported = graphlens.capture(model, *inputs, via="torch.export")
    recorded = graphlens.capture(model, *inputs, via="torch.eager")
    assert not graphlens.equivalent(exported, recorded)
    arrays = [each.numpy() for each in inputs]
    assert graphlens.equivalent(*(graphlens.specialize(g, *arrays) for g in (exported, recorded)))
    other = graphlens.specialize(exported, X, np.array([2]))
    assert not graphlens.equivalent(other, graphlens.specialize(recorded, *arrays))
