"""Bytes of values, with symbols bound."""

import pytest

from graphlens.analysis.sizes import bound, value_sizes
from graphlens.errors import GraphError
from graphlens.ir import Value, parse
from graphlens.tensor import TensorType


@pytest.mark.parametrize(
    ("dim", "size"),
    [("N", 6), ("N * M", 24), ("N + 1", 7), ("2 * (N - M)", 4), ("N // M", 1), ("N % M", 2),
     ("-N + 10", 4)],
)  # fmt: skip
def test_expressions_of_known_symbols_become_sizes(dim, size):
    held = bound(TensorType("float32", (dim, 3)), {"N": 6, "M": 4})
    assert held.shape == (size, 3)


@pytest.mark.parametrize("dim", ["K", "N // 0", "?", "max(N, 2)", "N +", "N.real", "'a'", "N ** 9"])
def test_what_cannot_be_worked_out_stays(dim):
    assert bound(TensorType("float32", (dim,)), {"N": 6}).shape == (dim,)


def test_weights_and_outputs_have_no_size_here():
    graph = parse("def f(x: float32[2]):\n    w: float32[N] = Param()\n"
                  "    y: float16[2] = Add(x, w)\n    return y\n")  # fmt: skip
    assert value_sizes(graph) == {Value("x"): 8, Value("y"): 4}


def test_values_of_unknown_size_are_named_and_the_rest_counted():
    lines = "".join(f"    y{i}: float32[...] = Relu(x)\n" for i in range(8))
    graph = parse(f"def f(x: float32[2]):\n{lines}    return y0\n")
    with pytest.raises(GraphError, match=r"'y0': float32\[\.\.\.\].*'y4'.* and 3 more. Capture"):
        value_sizes(graph)


def test_the_symbols_that_were_not_given_are_named():
    graph = parse("def f(x: float32[N, M + 1, '?']):\n    y: float32[N] = Foo(x)\n    return y\n")
    with pytest.raises(GraphError, match=r"symbols=\{'M': 1, 'N': 1\}"):
        value_sizes(graph)
    with pytest.raises(GraphError, match=r"symbols=\{'M': 1\}"):
        value_sizes(graph, {"N": 2})
