"""Example inputs: the same for the same seed, and valid as what they are used for."""

import numpy as np
import pytest

from graphlens.errors import RunError
from graphlens.ir import Graph, Value, parse
from graphlens.ops.build import Builder
from graphlens.runtime.inputs import KINDS, example_inputs
from graphlens.runtime.run import run
from graphlens.tensor import TensorType


def graph_of(*types):
    graph = Graph()
    build = Builder(graph)
    build.output([build.input(f"x{i}", held) for i, held in enumerate(types)])
    return graph


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others():
    graph = graph_of(TensorType("float32", (100,)), TensorType("float32", (100,)))
    one, other = example_inputs(graph, 1), example_inputs(graph, 1)
    np.testing.assert_array_equal(one[0], other[0])
    assert not np.array_equal(one[0], one[1])
    assert not np.array_equal(one[0], example_inputs(graph, 2)[0])
    assert np.abs(one[0]).max() <= 1


@pytest.mark.parametrize(
    "dtype",
    [
        *("bool", "int8", "uint8", "int64", "float16", "bfloat16", "float64", "complex64"),
        *("float8_e4m3fn", "int4", "string"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_every_dtype_has_examples_of_every_kind(dtype, kind):
    (made,) = example_inputs(graph_of(TensorType(dtype, (3, 4))), 0, kind)
    assert made.dtype == (object if dtype == "string" else np.dtype(dtype))
    assert made.shape == (3, 4)


def test_edge_values_are_among_the_edges():
    (made,) = example_inputs(graph_of(TensorType("float32", (1000,))), 0, "edges")
    assert {0.0, 100.0, -100.0, np.float32(1e-30)} <= set(made.tolist())


def test_a_symbol_is_one_size_and_expressions_follow_it():
    graph = graph_of(
        TensorType("float32", ("N", "M")),
        TensorType("float32", ("M", "2*N + 1", "max(N, 3)")),
        TensorType("float32", ("N // 2", "?", "odd name")),
    )
    shapes = [made.shape for made in example_inputs(graph)]
    assert shapes[0] == (2, 3)
    assert shapes[1] == (3, 5, 3)
    assert shapes[2][:2] == (1, 2)


EMBEDDING = """
def embed(tokens: int64[N, 6], kind: int32[N, 6], mask: int64[N, 6]):
    words: float32[11, 4] = Param()
    kinds: float32[2, 4] = Param()
    axes: int64[1] = Const([0])
    wide: int64[N, 6] = Cast(kind, to='int64')
    def body(t: int64[N, 6], w: float32[11, 4]):
        found: float32[N, 6, 4] = Gather(w, t)
        return found
    one: float32[N, 6, 4] = Region(tokens, words, kind='Gather', body=body)
    yes: bool[()] = Const(True)
    def then_branch(k: int64[N, 6], w: float32[2, 4]):
        found: float32[N, 6, 4] = Gather(w, k)
        return found
    def else_branch(k: int64[N, 6], w: float32[2, 4]):
        found: float32[N, 6, 4] = Gather(w, k)
        return found
    two: float32[N, 6, 4] = If(yes, wide, kinds, then_branch=then_branch, else_branch=else_branch)
    sum: float32[N, 6, 4] = Add(one, two)
    return sum, mask
"""


def test_indices_stay_inside_of_what_they_index_through_casts_and_groups():
    graph = parse(EMBEDDING)
    graph.weights.update(words=np.ones((11, 4), "f"), kinds=np.ones((2, 4), "f"))
    seen = set()
    for seed in range(20):
        tokens, kind, mask = example_inputs(graph, seed)
        assert tokens.max() < 11
        assert kind.max() < 2
        assert set(mask.ravel().tolist()) <= {0, 1}
        assert mask[:, 0].all()
        seen |= set(tokens.ravel().tolist())
        run(graph, tokens, kind, mask)
    assert seen == set(range(11))


def test_an_unknown_type_has_no_example():
    with pytest.raises(RunError, match="no example can be made"):
        example_inputs(graph_of(TensorType("float32", None)))


def test_scalars_are_arrays():
    (made,) = example_inputs(graph_of(TensorType("float32", ())))
    assert isinstance(made, np.ndarray)
    (flag,) = example_inputs(graph_of(TensorType("bool", ())))
    assert flag.shape == ()
    assert Value("x0")
