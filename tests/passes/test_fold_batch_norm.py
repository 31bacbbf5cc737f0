"""BatchNorm folded into weights: what the text becomes, and that it is the same function."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphlens.ir import Graph, User, Value, check, parse, to_text
from graphlens.ops.build import Builder
from graphlens.passes.fold_batch_norm import fold_batch_norm
from graphlens.runtime.prove import prove
from graphlens.tensor import TensorType

Known = Callable[[str], Graph]

CONV_NORM = """
def net(x: float32[2, 3, 8, 8]):
    conv.weight: float32[4, 3, 3, 3] = Param()
    norm.scale: float32[4] = Param()
    norm.bias: float32[4] = Param()
    norm.mean: float32[4] = Param()
    norm.var: float32[4] = Param()
    conv: float32[2, 4, 8, 8] = Conv(x, conv.weight, pads=[1, 1, 1, 1])
    norm: float32[2, 4, 8, 8] = BatchNormalization(conv, norm.scale, norm.bias, norm.mean, norm.var)
    return norm
"""


def lines(graph: Graph) -> list[str]:
    return [line.strip() for line in to_text(graph).strip().splitlines()]


def test_norm_after_conv_becomes_weight_and_bias(known: Known) -> None:
    graph = known(CONV_NORM)
    folded = check(fold_batch_norm(graph))
    assert lines(folded) == [
        "def net(x: float32[2, 3, 8, 8]):",
        "conv.weight: float32[4, 3, 3, 3] = Param()",
        "conv.bias: float32[4] = Param()",
        "conv: float32[2, 4, 8, 8] = Conv(x, conv.weight, conv.bias, pads=[1, 1, 1, 1])",
        "return conv",
    ]
    assert prove(graph, folded).status == "proven"
    assert {"conv", "norm"} <= set(folded.node("conv").origins)
    assert "norm.scale" in folded.node("conv.weight").origins


def test_the_graph_given_is_left_as_it_was(known: Known) -> None:
    graph = known(CONV_NORM)
    text, weight = to_text(graph), graph.weights["conv.weight"].copy()
    fold_batch_norm(graph)
    assert to_text(graph) == text
    assert np.array_equal(graph.weights["conv.weight"], weight)


@pytest.mark.parametrize(
    ("description", "text"),
    [
        (
            "channels last, with a bias",
            """
            def net(x: float32[2, 8, 8, 3]):
                w: float32[4, 3, 3, 3] = Param()
                b: float32[4] = Param()
                s: float32[4] = Param()
                o: float32[4] = Param()
                m: float32[4] = Param()
                var: float32[4] = Param()
                c: float32[2, 6, 6, 4] = Conv(x, w, b, data_format='NHWC')
                n: float32[2, 6, 6, 4] = BatchNormalization(c, s, o, m, var, data_format='NHWC')
                return n
            """,
        ),
        (
            "a grouped transposed convolution",
            """
            def net(x: float32[2, 4, 5, 5]):
                w: float32[4, 3, 2, 2] = Param()
                s: float32[6] = Param()
                o: float32[6] = Param()
                m: float32[6] = Param()
                var: float32[6] = Param()
                c: float32[2, 6, 10, 10] = ConvTranspose(x, w, group=2, strides=[2, 2])
                n: float32[2, 6, 10, 10] = BatchNormalization(c, s, o, m, var)
                return n
            """,
        ),
        (
            "a linear layer with a bias",
            """
            def net(x: float32[5, 3]):
                w: float32[3, 4] = Param()
                b: float32[4] = Param()
                s: float32[4] = Param()
                o: float32[4] = Param()
                m: float32[4] = Param()
                var: float32[4] = Param()
                c: float32[5, 4] = MatMul(x, w)
                a: float32[5, 4] = Add(c, b)
                n: float32[5, 4] = BatchNormalization(a, s, o, m, var, epsilon=0.1)
                return n
            """,
        ),
        (
            "a linear layer without one",
            """
            def net(x: float32[5, 3]):
                w: float32[3, 4] = Param()
                s: float32[4] = Param()
                o: float32[4] = Param()
                m: float32[4] = Param()
                var: float32[4] = Param()
                c: float32[5, 4] = MatMul(x, w)
                n: float32[5, 4] = BatchNormalization(c, s, o, m, var)
                return n
            """,
        ),
        (
            "a norm before a grouped convolution that pads nothing",
            """
            def net(x: float32[2, 4, 6, 6]):
                w: float32[6, 2, 3, 3] = Param()
                s: float32[4] = Param()
                o: float32[4] = Param()
                m: float32[4] = Param()
                var: float32[4] = Param()
                n: float32[2, 4, 6, 6] = BatchNormalization(x, s, o, m, var)
                c: float32[2, 6, 4, 4] = Conv(n, w, group=2)
                return c
            """,
        ),
        (
            "scales and shifts by channel",
            """
            def net(x: float32[2, 3, 4, 4]):
                w: float32[4, 3, 1, 1] = Param()
                k: float32[4, 1, 1] = Param()
                o: float32[1, 4, 1, 1] = Param()
                two: float32[()] = Const(2.0)
                c: float32[2, 4, 4, 4] = Conv(x, w)
                m: float32[2, 4, 4, 4] = Mul(k, c)
                a: float32[2, 4, 4, 4] = Sub(m, o)
                d: float32[2, 4, 4, 4] = Div(a, two)
                return d
            """,
        ),
    ],
)
def test_it_is_folded_and_the_same_function(known: Known, description: str, text: str) -> None:
    graph = known(text)
    folded = check(fold_batch_norm(graph))
    ops = {folded.op(name) for name in folded}
    assert not ops & {"BatchNormalization", "Mul", "Sub", "Div"}, description
    assert prove(graph, folded).status == "proven"


def test_a_value_read_twice_is_not_folded(known: Known) -> None:
    graph = known(CONV_NORM.replace("return norm", "return norm, conv"))
    assert fold_batch_norm(graph) is graph


def test_padding_keeps_a_norm_before_a_convolution(known: Known) -> None:
    graph = known(
        """
        def net(x: float32[2, 4, 6, 6]):
            w: float32[6, 4, 3, 3] = Param()
            s: float32[4] = Param()
            var: float32[4] = Param()
            n: float32[2, 4, 6, 6] = BatchNormalization(x, s, s, s, var)
            c: float32[2, 6, 6, 6] = Conv(n, w, pads=[1, 1, 1, 1])
            return c
        """
    )
    assert fold_batch_norm(graph) is graph


def test_a_norm_along_another_axis_is_not_folded(known: Known) -> None:
    graph = known(
        """
        def net(x: float32[2, 5, 3]):
            w: float32[3, 5] = Param()
            s: float32[5] = Param()
            var: float32[5] = Param()
            c: float32[2, 5, 5] = MatMul(x, w)
            n: float32[2, 5, 5] = BatchNormalization(c, s, s, s, var)
            return n
        """
    )
    assert fold_batch_norm(graph) is graph


def test_a_norm_in_training_is_left_alone(known: Known) -> None:
    given = "norm.mean, norm.var)"
    graph = known(CONV_NORM.replace(given, "norm.mean, norm.var, training_mode=1)"))
    assert fold_batch_norm(graph) is graph


def test_unknown_weights_are_left_alone() -> None:
    graph = parse(CONV_NORM)
    assert fold_batch_norm(graph) is graph


def test_a_filter_used_twice_is_kept_for_the_other_reader(known: Known) -> None:
    graph = known(
        CONV_NORM.replace("conv: ", "other: float32[2, 4, 6, 6] = Conv(x, conv.weight)\n    conv: ")
        .replace("return norm", "return norm, other")
    )  # fmt: skip
    folded = check(fold_batch_norm(graph))
    assert sorted(folded.params) == ["conv.bias", "conv.weight", "conv.weight_1"]
    assert prove(graph, folded).status == "proven"


def test_half_floats_that_would_overflow_are_left_alone(known: Known) -> None:
    graph = known(CONV_NORM.replace("float32", "float16"))
    assert fold_batch_norm(graph) is not graph
    graph.weights["norm.scale"] = np.full(4, 60000, np.float16)
    graph.weights["conv.weight"] = np.full((4, 3, 3, 3), 60000, np.float16)
    assert fold_batch_norm(graph) is graph


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_weights_keep_their_dtype(known: Known, dtype: str) -> None:
    graph = known(CONV_NORM.replace("float32", dtype))
    folded = check(fold_batch_norm(graph))
    assert {str(array.dtype) for array in folded.weights.values()} == {dtype}
    assert prove(graph, folded).status == "proven"


def test_a_lone_bias_stays_where_it_is(known: Known) -> None:
    graph = known(
        """
        def net(x: float32[5, 3]):
            w: float32[3, 4] = Param()
            b: float32[4] = Param()
            c: float32[5, 4] = MatMul(x, w)
            a: float32[5, 4] = Add(c, b)
            return a
        """
    )
    assert fold_batch_norm(graph) is graph


def test_readers_of_a_weight_that_many_share_are_not_counted_at_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = Graph(name="tied")
    make = Builder(graph)
    value = make.input("x", TensorType("float32", (1, 2, 4, 4)))
    weight = make.param(
        "w", TensorType("float32", (2, 2, 1, 1)), np.full((2, 2, 1, 1), 0.4, np.float32)
    )
    norm = [
        make.param(name, TensorType("float32", (2,)), np.full(2, number, np.float32))
        for name, number in {"scale": 0.5, "bias": 0.1, "mean": 0.2, "var": 1.0}.items()
    ]
    for _ in range(200):
        value = make.op("Conv", value, weight, kernel_shape=(1, 1))
        value = make.op("BatchNormalization", value, *norm)
    make.output([value])
    listed: list[int] = []
    users = Graph.users

    def counted(self: Graph, value: Value) -> tuple[User, ...]:
        found = users(self, value)
        listed.append(len(found))
        return found

    monkeypatch.setattr(Graph, "users", counted)
    folded = fold_batch_norm(graph)
    assert "BatchNormalization" not in map(folded.op, folded)
    assert sum(listed) < 10 * len(graph)
