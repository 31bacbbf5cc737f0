"""Which operands a result may overwrite, by what the op computes."""

import pytest

from graphlens.analysis.inplace import overwritable
from graphlens.ir import parse


def of(statement: str, *, body: str = "") -> tuple[int, ...]:
    graph = parse(f"""
def f(a: float32[2, 4], b: float32[2, 4], s: float32[4], c: bool[2, 4]):
{body}    y: float32[2, 4] = {statement}
    return y
""")
    return overwritable(graph, "y")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("Relu(a)", (0,)),
        ("Add(a, b)", (0, 1)),
        ("Add(a, s)", (0,)),
        ("Add(s, a)", (1,)),
        ("Where(c, a, b)", (1, 2)),
        ("Softmax(a)", (0,)),
        ("LayerNormalization(a, s)", (0,)),
        ("MatMul(a, b)", ()),
        ("Transpose(a)", ()),
        ("aten.foo(a)", ()),
        ("Clip(a, None, s)", (0,)),
    ],
)
def test_ops_by_their_facts_and_shapes(statement, expected):
    assert of(statement) == expected


def test_a_group_by_the_paths_from_its_inputs_to_its_result():
    body = """\
    def body(p: float32[2, 4], q: float32[2, 4], s: float32[4]):
        m: float32[2, 4] = MatMul(p, s)
        h: float32[2, 4] = Mul(q, s)
        r: float32[2, 4] = Add(m, h)
        return r
"""
    assert of("Region(a, b, s, body=body)", body=body) == (1,)


def test_an_input_read_elementwise_and_otherwise_is_not_overwritten():
    body = """\
    def body(p: float32[2, 4], s: float32[4]):
        m: float32[2, 4] = Softmax(p)
        r: float32[2, 4] = Add(m, p)
        return r
"""
    assert of("Region(a, s, body=body)", body=body) == ()


def test_a_body_that_broadcasts_on_the_way_overwrites_nothing():
    body = """\
    def body(p: float32[2, 4], q: float32[2, 4]):
        m: float32[2, 2, 4] = Add(p, t)
        r: float32[2, 4] = ReduceMax(m)
        return r
"""
    assert of("Region(a, b, body=body)", body=body.replace("p, t", "p, q")) == ()


def test_a_group_of_several_results_overwrites_nothing():
    graph = parse("""
def f(a: float32[2, 4], b: float32[2, 4]):
    def body(p: float32[2, 4], q: float32[2, 4]):
        r: float32[2, 4] = Relu(p)
        s: float32[2, 4] = Neg(q)
        return r, s
    y: (float32[2, 4], float32[2, 4]) = Region(a, b, body=body)
    return y @ 0, y @ 1
""")
    assert overwritable(graph, "y") == ()


def test_another_results_shape_overwrites_nothing():
    graph = parse("def f(a: float32[1, 4]):\n    y: float32[2, 4] = Add(a, a)\n    return y\n")
    assert overwritable(graph, "y") == ()
