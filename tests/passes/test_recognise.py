"""Composite ops that come written out become one op, and stay the same function."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphlens.ir import Graph, check, parse
from graphlens.passes.canonicalize import canonicalize
from graphlens.passes.recognise import RECOGNISE, recognise
from graphlens.runtime.prove import prove

Known = Callable[[str], Graph]

_HEAD = """
def net(x: float32[2, 3, 8]):
    half: float32[()] = Const(0.5)
    one: float32[()] = Const(1.0)
    two: float32[()] = Const(2.0)
    three: float32[()] = Const(3.0)
    six: float32[()] = Const(6.0)
    none: float32[()] = Const(0.0)
    third: float32[()] = Const(0.16666667)
    r2: float32[()] = Const(1.4142135)
    ir2: float32[()] = Const(0.70710677)
    c1: float32[()] = Const(0.044715)
    c2: float32[()] = Const(0.7978846)
    e: float32[()] = Const(1e-05)
    last: int64[1] = Const([-1])
    w: float32[8] = Param()
    b: float32[8] = Param()
"""

FULL, ROW = "float32[2, 3, 8]", "float32[2, 3, 1]"


def written(*lines: str) -> str:
    """Lines 'name = Op(...)' as text; a name that starts with r is one number a row."""
    body = [
        f"    {name}: {ROW if name.startswith('r') else FULL} ={value}"
        for name, value in (line.split(" =") for line in lines)
    ]
    return "\n".join([_HEAD, *body, f"    return {lines[-1].split(' =')[0]}"])


SPELLINGS = {
    "Gelu": [
        ["a = Div(x, r2)", "f = Erf(a)", "g = Add(f, one)", "h = Mul(x, g)", "y = Mul(h, half)"],
        ["a = Mul(x, ir2)", "f = Erf(a)", "g = Add(one, f)", "h = Mul(half, x)", "y = Mul(h, g)"],
        ["a = Mul(x, ir2)", "f = Erf(a)", "g = Add(f, one)", "h = Mul(g, half)", "y = Mul(x, h)"],
        [
            "h = Mul(x, half)",
            "n = Neg(x)",
            "a = Mul(n, ir2)",
            "f = Erf(a)",
            "g = Sub(one, f)",
            "y = Mul(h, g)",
        ],
        [
            "p = Pow(x, three)",
            "q = Mul(p, c1)",
            "s = Add(x, q)",
            "t = Mul(s, c2)",
            "u = Tanh(t)",
            "v = Add(u, one)",
            "h = Mul(x, half)",
            "y = Mul(h, v)",
        ],
        [
            "p = Mul(x, x)",
            "q = Mul(p, x)",
            "s = Mul(c1, q)",
            "t = Add(x, s)",
            "u = Mul(c2, t)",
            "v = Tanh(u)",
            "z = Add(one, v)",
            "k = Mul(half, z)",
            "y = Mul(x, k)",
        ],
    ],
    "Softmax": [
        [
            "r1 = ReduceMax(x, last)",
            "a = Sub(x, r1)",
            "f = Exp(a)",
            "rs = ReduceSum(f, last)",
            "y = Div(f, rs)",
        ]
    ],
    "LogSoftmax": [
        [
            "rx = ReduceMax(x, last)",
            "a = Sub(x, rx)",
            "f = Exp(a)",
            "rs = ReduceSum(f, last)",
            "rl = Log(rs)",
            "y = Sub(a, rl)",
        ],
    ],
    "HardSwish": [
        ["a = Add(x, three)", "c = Clip(a, none, six)", "m = Mul(x, c)", "y = Div(m, six)"],
        ["a = Add(x, three)", "c = Clip(a, none, six)", "m = Div(c, six)", "y = Mul(x, m)"],
        ["a = Add(three, x)", "c = Clip(a, none, six)", "m = Mul(c, third)", "y = Mul(m, x)"],
        ["h = HardSigmoid(x, alpha=0.16666667)", "y = Mul(x, h)"],
    ],
    "HardSigmoid": [["a = Add(x, three)", "c = Clip(a, none, six)", "y = Div(c, six)"]],
    "Sigmoid": [["n = Neg(x)", "f = Exp(n)", "g = Add(f, one)", "y = Div(one, g)"]],
    "Swish": [
        ["s = Sigmoid(x)", "y = Mul(s, x)"],
        ["t = Mul(x, two)", "s = Sigmoid(t)", "y = Mul(x, s)"],
    ],
    "Mish": [["s = Softplus(x)", "t = Tanh(s)", "y = Mul(x, t)"]],
    "LayerNormalization": [
        [
            "rm = ReduceMean(x, last)",
            "d = Sub(x, rm)",
            "p = Pow(d, two)",
            "rv = ReduceMean(p, last)",
            "re = Add(rv, e)",
            "rs = Sqrt(re)",
            "n = Div(d, rs)",
            "g = Mul(n, w)",
            "y = Add(g, b)",
        ],
        [  # torch before common subexpressions are shared
            "rm = ReduceMean(x, last)",
            "d = Sub(x, rm)",
            "rn = ReduceMean(x, last)",
            "f = Sub(x, rn)",
            "p = Mul(f, f)",
            "rv = ReduceMean(p, last)",
            "re = Add(rv, e)",
            "rs = Sqrt(re)",
            "ri = Reciprocal(rs)",
            "n = Mul(d, ri)",
            "g = Mul(w, n)",
            "y = Add(b, g)",
        ],
        [  # TensorFlow's batch_normalization over moments
            "rm = ReduceMean(x, last)",
            "d = Sub(x, rm)",
            "p = Mul(d, d)",
            "rv = ReduceMean(p, last)",
            "re = Add(rv, e)",
            "rs = Sqrt(re)",
            "ri = Reciprocal(rs)",
            "i = Mul(ri, w)",
            "g = Mul(x, i)",
            "m = Mul(rm, i)",
            "s = Sub(b, m)",
            "y = Add(g, s)",
        ],
        [  # Keras
            "rm = ReduceMean(x, last)",
            "d = Sub(x, rm)",
            "p = Mul(d, d)",
            "rv = ReduceMean(p, last)",
            "re = Add(rv, e)",
            "rs = Sqrt(re)",
            "ri = Reciprocal(rs)",
            "i = Mul(ri, w)",
            "rn = Neg(rm)",
            "m = Mul(rn, i)",
            "s = Add(m, b)",
            "g = Mul(x, i)",
            "y = Add(g, s)",
        ],
    ],
    "RMSNormalization": [
        [
            "p = Pow(x, two)",
            "rv = ReduceMean(p, last)",
            "re = Add(rv, e)",
            "rs = Sqrt(re)",
            "ri = Reciprocal(rs)",
            "n = Mul(x, ri)",
            "y = Mul(w, n)",
        ],
        [
            "p = Mul(x, x)",
            "rv = ReduceMean(p, last)",
            "re = Add(rv, e)",
            "rs = Sqrt(re)",
            "n = Div(x, rs)",
            "y = Mul(n, w)",
        ],
    ],
}


def computing(graph: Graph) -> list[str]:
    """The ops that are not structural, in order."""
    return [graph.op(name) for name in graph if not graph.node(name).is_structural]


@pytest.mark.parametrize(
    ("op", "lines"), [(op, lines) for op, every in SPELLINGS.items() for lines in every]
)
def test_a_spelling_becomes_one_op(known: Known, op: str, lines: list[str]) -> None:
    graph = known(written(*lines))
    found = check(recognise(graph))
    assert computing(found) == [op]
    assert prove(graph, found).status == "proven"
    assert recognise(found) is found


def test_origins_are_those_of_all_that_was_replaced(known: Known) -> None:
    lines = SPELLINGS["Gelu"][0]
    found = recognise(known(written(*lines)))
    (name,) = (n for n in found if found.op(n) == "Gelu")
    assert name == "y"
    assert set(found.node(name).origins) == {"a", "f", "g", "h", "y"}


@pytest.mark.parametrize(
    "lines",
    [
        ["a = Div(x, two)", "f = Erf(a)", "g = Add(f, one)", "h = Mul(x, g)", "y = Mul(h, half)"],
        ["a = Add(x, three)", "c = Clip(a, none, three)", "y = Div(c, six)"],
        ["s = Sigmoid(x)", "t = Mul(s, w)", "y = Add(t, x)"],
        ["t = Tanh(x)", "y = Mul(x, t)"],
        ["s = Softmax(x)", "y = Log(s)"],  # -inf where LogSoftmax is not
    ],
)
def test_a_near_miss_is_left_alone(known: Known, lines: list[str]) -> None:
    graph = known(written(*lines))
    assert recognise(graph) is graph


def test_an_inner_value_that_is_returned_keeps_the_spelling(known: Known) -> None:
    text = written(*SPELLINGS["Gelu"][0]).replace("return y", "return y, f")
    graph = known(text)
    assert recognise(graph) is graph


NORM = """
def net(x: float32[2, {shape}]):
    mean: float32[4] = Param()
    moving.var: float32[4] = Param()
    gamma: float32[4] = Param()
    beta: float32[4] = Param()
    e: float32[()] = Const(0.001)
    s: int64[{rank}] = Const([{sizes}])
    m: float32[{sizes}] = Reshape(mean, s)
    v: float32[{sizes}] = Reshape(moving.var, s)
    g: float32[{sizes}] = Reshape(gamma, s)
    o: float32[{sizes}] = Reshape(beta, s)
    a: float32[{sizes}] = Add(v, e)
    q: float32[{sizes}] = Sqrt(a)
    r: float32[{sizes}] = Reciprocal(q)
    k: float32[{sizes}] = Mul(r, g)
    p: float32[2, {shape}] = Mul(x, k)
    t: float32[{sizes}] = Mul(m, k)
    u: float32[{sizes}] = Sub(o, t)
    y: float32[2, {shape}] = Add(p, u)
    return y
"""


@pytest.mark.parametrize(
    ("shape", "sizes", "layout"),
    [("5, 5, 4", "1, 1, 1, 4", "NHWC"), ("4, 5, 5", "1, 4, 1, 1", None), ("4", "4", None)],
)
def test_batch_norm_in_pieces(known: Known, shape: str, sizes: str, layout: str | None) -> None:
    rank = len(sizes.split(","))
    graph = known(NORM.format(shape=shape, sizes=sizes, rank=rank))
    found = check(recognise(graph))
    (name,) = (n for n in found if found.op(n) == "BatchNormalization")
    assert found.node(name).attributes.get("data_format") == layout
    assert prove(graph, found).status == "proven"
    assert "Mul" not in computing(found)


def test_batch_norm_as_one_writes_it(known: Known) -> None:
    """Centred first; and without a scale or shift of its own."""
    head = NORM.format(shape="4, 5, 5", sizes="1, 4, 1, 1", rank=4).split("    r: ")[0]
    full = "float32[2, 4, 5, 5]"
    lines = ("c: {0} = Sub(x, m)", "n: {0} = Div(c, q)", "k: {0} = Mul(n, g)", "y: {0} = Add(k, o)")
    body = "\n".join(f"    {line.format(full)}" for line in lines)
    graph = known(f"{head}{body}\n    return y\n")
    found = check(recognise(graph))
    assert "BatchNormalization" in computing(found)
    assert prove(graph, found).status == "proven"


def test_batch_norm_in_pieces_without_scale_and_shift(known: Known) -> None:
    lines = NORM.format(shape="5, 5, 4", sizes="1, 1, 1, 4", rank=4).splitlines()
    text = "\n".join(line for line in lines if not line.startswith("    k:"))
    text = text.replace("k)", "r)").replace("Sub(o, t)", "Neg(t)")
    graph = known(text)
    found = check(canonicalize(graph))
    assert computing(found) == ["BatchNormalization"]
    assert prove(graph, found).status == "proven"


def test_batch_norm_of_unknown_weights_is_recognised_too() -> None:
    graph = parse(NORM.format(shape="4, 5, 5", sizes="1, 4, 1, 1", rank=4))
    assert "BatchNormalization" in computing(recognise(graph))


ATTENTION = """
def net(q: float32[2, {h}, 5, 8], k: float32[2, {g}, 7, 8], v: float32[2, {g}, 7, 8]{more}):
    root: float32[()] = Const(2.828427)
    quarter: float32[()] = Const(0.25)
    low: float32[()] = Const(-3.4028235e+38)
    never: float32[()] = Const(-inf)
    five: int64[5] = Const([2, 2, 1, 7, 8])
    wide: int64[5] = Const([2, 2, 3, 7, 8])
    all: int64[4] = Const([2, 6, 7, 8])
{lines}
    return y
"""


def attention(*lines: str, more: str = "", heads: tuple[int, int] = (4, 4)) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return ATTENTION.format(lines=body, more=more, h=heads[0], g=heads[1])


KT = "kt: float32[2, 4, 8, 7] = Transpose(k, perm=[0, 1, 3, 2])"
QK = "s: float32[2, 4, 5, 7] = MatMul(q, kt)"
DIVIDED = "d: float32[2, 4, 5, 7] = Div(s, root)"
PLAIN = "w: float32[2, 4, 5, 7] = Softmax(d)"
ADDED = "a: float32[2, 4, 5, 7] = Add(d, mask)"
WEIGHTS = "w: float32[2, 4, 5, 7] = Softmax(a, axis=3)"
OUT = "y: float32[2, 4, 5, 8] = MatMul(w, v)"


def only_attention(known: Known, text: str) -> Graph:
    graph = known(text)
    found = check(recognise(graph))
    assert [op for op in computing(found) if op != "Not"] == ["Attention"]
    assert prove(graph, found).status == "proven"
    return found


def test_plain_attention_with_the_usual_scale(known: Known) -> None:
    found = only_attention(known, attention(KT, QK, DIVIDED, PLAIN, OUT))
    assert found.node("y").attributes == {}
    assert [value and value.node for value in found.operands("y")] == ["q", "k", "v"]


def test_attention_with_queries_scaled_before(known: Known) -> None:
    lines = (KT, "z: float32[2, 4, 5, 8] = Mul(q, quarter)", QK.replace("q,", "z,"))
    found = only_attention(known, attention(*lines, PLAIN.replace("d)", "s)"), OUT))
    assert found.node("y").attributes == {"scale": 0.25}


def test_attention_without_a_scale(known: Known) -> None:
    found = only_attention(known, attention(KT, QK, PLAIN.replace("d)", "s)"), OUT))
    assert found.node("y").attributes == {"scale": 1.0}


@pytest.mark.parametrize("shape", ["2, 1, 5, 7", "5, 7", "1, 4, 1, 7", "1, 1, 5, 7"])
def test_attention_with_an_added_mask(known: Known, shape: str) -> None:
    more = f", mask: float32[{shape}]"
    found = only_attention(known, attention(KT, QK, DIVIDED, ADDED, WEIGHTS, OUT, more=more))
    assert len(found.operands("y")) == 4


@pytest.mark.parametrize("value", ["low", "never"])
@pytest.mark.parametrize("order", ["mask, d, {}", "mask, {}, d"])
def test_attention_with_a_mask_that_chooses(known: Known, value: str, order: str) -> None:
    chosen = f"a: float32[2, 4, 5, 7] = Where({order.format(value)})"
    more = ", mask: bool[1, 1, 5, 7]"
    graph = known(attention(KT, QK, DIVIDED, chosen, WEIGHTS, OUT, more=more))
    found = check(recognise(graph))
    assert "Attention" in computing(found)
    assert "MatMul" not in computing(found)
    if order.startswith("mask, d"):  # the examples keep the first key of each row
        assert prove(graph, found).status == "proven"


def test_attention_with_a_mask_that_ends_too_early_is_left_alone(known: Known) -> None:
    """ONNX pads a mask by -inf where numpy would broadcast its one column."""
    more = ", mask: float32[2, 1, 5, 1]"
    graph = known(attention(KT, QK, DIVIDED, ADDED, WEIGHTS, OUT, more=more))
    assert recognise(graph) is graph


def test_softmax_over_another_axis_is_no_attention(known: Known) -> None:
    graph = known(attention(KT, QK, DIVIDED, PLAIN.replace("d)", "d, axis=1)"), OUT))
    assert recognise(graph) is graph


def test_weights_that_are_returned_keep_the_products(known: Known) -> None:
    text = attention(KT, QK, DIVIDED, PLAIN, OUT).replace("return y", "return y, w")
    graph = known(text)
    assert recognise(graph) is graph


def test_keys_and_values_repeated_for_groups_of_queries(known: Known) -> None:
    lines = [
        line
        for name in "kv"
        for line in (
            f"{name}5: float32[2, 2, 1, 7, 8] = Reshape({name}, five)",
            f"{name}6: float32[2, 2, 3, 7, 8] = Expand({name}5, wide)",
            f"{name}7: float32[2, 6, 7, 8] = Reshape({name}6, all)",
        )
    ]
    lines += [KT.replace("(k,", "(k7,"), QK, DIVIDED, PLAIN, OUT.replace("v)", "v7)")]
    text = attention(*(line.replace("[2, 4,", "[2, 6,") for line in lines), heads=(6, 2))
    found = only_attention(known, text)
    assert [value and value.node for value in found.operands("y")] == ["q", "k", "v"]


def test_repeated_keys_and_values_whose_views_are_one(known: Known) -> None:
    """Of one position, moving heads forward is a Reshape, and one with that which adds an axis."""
    body = "".join(
        f"""
            {name}5: float32[1, 2, 1, 1, 8] = Reshape({name}, five)
            {name}6: float32[1, 2, 3, 1, 8] = Expand({name}5, wide)
            {name}7: float32[1, 6, 1, 8] = Reshape({name}6, all)"""
        for name in "kv"
    )
    graph = known(
        f"""
        def net(q: float32[1, 6, 1, 8], k: float32[1, 1, 16], v: float32[1, 1, 16]):
            five: int64[5] = Const([1, 2, 1, 1, 8])
            wide: int64[5] = Const([1, 2, 3, 1, 8])
            all: int64[4] = Const([1, 6, 1, 8])
            {body}
            y: float32[1, 6, 1, 8] = Attention(q, k7, v7)
            return y
        """
    )
    found = check(recognise(graph))
    assert computing(found) == ["Reshape", "Reshape", "Attention"]
    assert prove(graph, found).status == "proven"


def test_attention_over_batched_matrices(known: Known) -> None:
    text = attention(KT, QK, DIVIDED, ADDED, WEIGHTS, OUT, more=", mask: float32[2, 5, 7]")
    for old, new in (("[2, 4, ", "[2, "), ("perm=[0, 1, 3, 2]", "perm=[0, 2, 1]"), ("=3", "=2")):
        text = text.replace(old, new)
    graph = known(text)
    found = check(recognise(graph))
    assert "Attention" in computing(found)
    assert "MatMul" not in computing(found)
    assert prove(graph, found).status == "proven"


def test_every_rule_says_what_it_does() -> None:
    assert all(rule.comment and rule.name for rule in RECOGNISE)


def test_a_cast_to_the_type_of_a_value_becomes_a_cast_or_nothing(known: Known) -> None:
    graph = known(
        """
        def net(x: float32[3], y: float64[2]):
            a: float32[3] = CastLike(x, x)
            b: float64[3] = CastLike(a, y)
            return b
        """
    )
    found = check(recognise(graph))
    assert computing(found) == ["Cast"]
    assert prove(graph, found).status == "proven"


LIST = """
def net(x: float32[2, 7]):
    sizes: int64[3] = Const([3, 3, 1])
    step: int64[()] = Const(3)
    first: int64[()] = Const(0)
    last: int64[()] = Const(-1)
    l: undefined[...] = SplitToSequence(x, {sizes}, axis=1)
    a: undefined[...] = SequenceAt(l, first)
    b: undefined[...] = SequenceAt(l, last)
    m: undefined[...] = Add(a, b)
    t: undefined[...] = Transpose(m, perm=[1, 0])
    return t
"""


@pytest.mark.parametrize("sizes", ["sizes", "step"])
def test_a_list_of_pieces_becomes_a_split_and_types_follow(known: Known, sizes: str) -> None:
    graph = known(LIST.format(sizes=sizes))
    found = check(canonicalize(graph))
    assert computing(found) == ["Split", "Add", "Transpose"]
    assert str(found.type_of(found.outputs[0])) == "float32[3, 2]"
    assert prove(graph, found).status == "proven"


def test_a_list_of_pieces_that_is_read_otherwise_stays(known: Known) -> None:
    text = LIST.format(sizes="sizes").replace("SequenceAt(l, last)", "aten.longest(l)")
    assert "SplitToSequence" in computing(recognise(known(text)))


def test_keys_scaled_before_they_were_transposed(known: Known) -> None:
    lines = (
        "c: float32[2, 4, 7, 8] = Mul(k, quarter)",
        "t: float32[2, 4, 8, 7] = Transpose(c, perm=[0, 1, 3, 2])",
        QK.replace("kt", "t"),
        PLAIN.replace("d)", "s)"),
        OUT,
    )
    found = only_attention(known, attention(*lines))
    assert found.node("y").attributes == {"scale": 0.25}


@pytest.mark.parametrize(
    ("equation", "x", "y", "result"),
    [
        ("ab,bc->ac", "2, 3", "3, 4", "2, 4"),
        ("BTNH,BSNH->BNTS", "2, 5, 3, 4", "2, 6, 3, 4", "2, 3, 5, 6"),
        ("aecd,abcd->acbe", "2, 6, 3, 4", "2, 5, 3, 4", "2, 3, 5, 6"),
        ("acbe,aecd->abcd", "2, 3, 5, 6", "2, 6, 3, 4", "2, 5, 3, 4"),
        ("abc,cde->abde", "2, 5, 6", "6, 3, 4", "2, 5, 3, 4"),
        ("abcd,cde->abe", "2, 5, 3, 4", "3, 4, 6", "2, 5, 6"),
        ("a,a->", "4", "4", "()"),
        ("bij,bjk->ikb", "2, 3, 4", "2, 4, 5", "3, 5, 2"),
    ],
)
def test_an_einsum_of_two_becomes_a_matrix_product(
    known: Known, equation: str, x: str, y: str, result: str
) -> None:
    graph = known(
        f"""
        def net(x: float32[{x}], y: float32[{y}]):
            z: float32[{result}] = Einsum(x, y, equation='{equation}')
            return z
        """
    )
    found = check(recognise(graph))
    assert set(computing(found)) <= {"MatMul", "Transpose", "Reshape"}
    assert prove(graph, found).status == "proven"


@pytest.mark.parametrize("equation", ["ab,ab->ab", "aa,ab->b", "...a,ab->...b", "ab,cb->a"])
def test_other_einsums_are_left_alone(known: Known, equation: str) -> None:
    graph = known(
        f"""
        def net(x: float32[3, 3], y: float32[3, 3]):
            z: float32[...] = Einsum(x, y, equation='{equation}')
            return z
        """
    )
    assert "Einsum" in computing(recognise(graph))


ROTARY = """
def net(x: float32[2, 3, 5, 8]):
    zero: int64[1] = Const([0])
    half: int64[1] = Const([4])
    end: int64[1] = Const([{end}])
    axis: int64[1] = Const([3])
    cos: float32[{shape}] = Param()
    sin: float32[{shape}] = Param()
    a: float32[2, 3, 5, 8] = Mul(x, cos)
    l: float32[2, 3, 5, 4] = Slice(x, zero, half, axis)
    h: float32[2, 3, 5, 4] = Slice(x, half, end, axis)
    n: float32[2, 3, 5, 4] = Neg(h)
    r: float32[2, 3, 5, 8] = Concat(n, l, axis=-1)
    b: float32[2, 3, 5, 8] = Mul(r, sin)
    y: float32[2, 3, 5, 8] = Add(a, b)
    return y
"""


def with_tables(graph: Graph) -> Graph:
    """The graph with sines and cosines that are the same half twice."""
    for name in ("cos", "sin"):
        shape = graph.weights[name].shape
        half = graph.weights[name][..., :4]
        graph.weights[name] = np.concatenate([half, half], -1).reshape(shape)
    return graph


@pytest.mark.parametrize("shape", ["5, 8", "1, 1, 5, 8"])
@pytest.mark.parametrize("end", [8, 9223372036854775807])
def test_a_rotary_embedding_written_out(known: Known, shape: str, end: int) -> None:
    graph = with_tables(known(ROTARY.format(shape=shape, end=end)))
    found = check(recognise(graph))
    assert computing(found) == ["RotaryEmbedding"]
    assert prove(graph, found).status == "proven"


def test_a_rotation_by_two_different_halves_is_left_alone(known: Known) -> None:
    graph = known(ROTARY.format(shape="5, 8", end=8))
    assert recognise(graph) is graph
    other = with_tables(
        known(
            ROTARY.format(shape="5, 8", end=7).replace(
                "5, 4] = Slice(x, half", "5, 3] = Slice(x, half"
            )
        )
    )
    assert recognise(other) is other


GROUPS = """
def net(x: float32[2, 6, 4]):
    one: float32[3] = Const([1.0, 1.0, 1.0])
    zero: float32[3] = Const([0.0, 0.0, 0.0])
    s: int64[3] = Const([2, 3, -1])
    t: int64[3] = Const([2, 6, 4])
    g: float32[6, 1] = Param()
    h: float32[1, 6, 1] = Param()
    a: float32[2, 3, 8] = Reshape(x, s)
    b: float32[2, 3, 8] = InstanceNormalization(a, one, zero, epsilon=1e-06)
    c: float32[2, 6, 4] = Reshape(b, t)
    d: float32[2, 6, 4] = Mul(c, g)
    e: float32[2, 6, 4] = Add(d, h)
    return e
"""


def test_a_group_norm_as_an_instance_norm_of_groups(known: Known) -> None:
    graph = known(GROUPS)
    after = check(canonicalize(graph))
    (norm,) = [name for name in after if after.op(name) == "GroupNormalization"]
    assert after.nodes[norm]["attributes"]["num_groups"] == 3
    assert not {"Mul", "Add", "InstanceNormalization"} & {after.op(name) for name in after}
    assert prove(graph, after).status == "proven"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Const([1.0, 1.0, 1.0])", "Const([1.0, 2.0, 1.0])"),
        ("t: int64[3] = Const([2, 6, 4])", "t: int64[3] = Const([2, 4, 6])"),
    ],
)
def test_an_instance_norm_that_scales_or_ends_otherwise_stays(
    known: Known, one: str, other: str
) -> None:
    text = GROUPS.replace(one, other)
    if "[2, 4, 6]" in other:
        text = text.replace("c: float32[2, 6, 4]", "c: float32[2, 4, 6]")
        text = text[: text.index("    d:")] + "    return c\n"
    graph = known(text)
    after = check(canonicalize(graph))
    assert "GroupNormalization" not in {after.op(name) for name in after}
    assert prove(graph, after).status == "proven"
