"""Every row of the TensorFlow op table: what graphlens runs is what TensorFlow computes."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from graphlens.frontends.tf.graph import capture  # noqa: E402
from graphlens.ir import check  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = pytest.mark.tensorflow

RAW = tf.raw_ops


def floats(*shape, low=-2.0, high=2.0, dtype="float32"):
    return np.random.default_rng(0).uniform(low, high, shape).astype(dtype)


def ints(*shape, low=-9, high=9, dtype="int32"):
    return np.random.default_rng(1).integers(low, high, shape).astype(dtype)


def bools(*shape):
    return np.random.default_rng(2).integers(0, 2, shape).astype(bool)


def both(function, *inputs):
    """TensorFlow's results and graphlens's, and the graph that was captured."""
    graph = check(capture(tf.function(function, autograph=False), *inputs))
    wanted = tf.nest.flatten(function(*map(tf.constant, inputs)))
    return [tensor.numpy() for tensor in wanted], run(graph, *inputs), graph


def agree(function, *inputs, tolerance=2e-6):
    wanted, found, graph = both(function, *inputs)
    assert [graph.op(name) for name in graph if graph.node(name).domain == "tf"] == []
    assert len(wanted) == len(found)
    for expected, got in zip(wanted, found, strict=True):
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


SIGNED = floats(2, 5)
POSITIVE = floats(2, 5, low=0.1, high=3.0)
SMALL = floats(2, 5, low=-0.9, high=0.9)
SPECIAL = np.array([[1.0, np.inf, -np.inf], [np.nan, 0.0, -0.0]], np.float32)
HALVES = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4], np.float32)

UNARY = {
    "Abs": SIGNED, "Neg": SIGNED, "Exp": SIGNED, "Log": POSITIVE, "Sqrt": POSITIVE,
    "Sign": SIGNED, "Sin": SIGNED, "Cos": SIGNED, "Tan": SMALL, "Asin": SMALL, "Acos": SMALL,
    "Atan": SIGNED, "Sinh": SIGNED, "Cosh": SIGNED, "Tanh": SIGNED, "Asinh": SIGNED,
    "Acosh": POSITIVE + 1, "Atanh": SMALL, "Erf": SIGNED, "Erfc": SIGNED, "Reciprocal": POSITIVE,
    "Inv": POSITIVE, "Rsqrt": POSITIVE, "Square": SIGNED, "Log1p": POSITIVE, "Expm1": SIGNED,
    "Floor": HALVES, "Ceil": HALVES, "Round": HALVES, "Rint": HALVES, "Sigmoid": SIGNED,
    "Relu": SIGNED, "Relu6": SIGNED * 5, "Elu": SIGNED, "Selu": SIGNED, "Softplus": SIGNED,
    "Softsign": SIGNED, "IsNan": SPECIAL, "IsInf": SPECIAL, "IsFinite": SPECIAL,
    "LogicalNot": bools(4), "Invert": ints(5), "ZerosLike": SIGNED, "OnesLike": ints(3, 2),
    "L2Loss": SIGNED,
}  # fmt: skip


@pytest.mark.parametrize("op", UNARY)
def test_op_of_one_operand_computes_what_tensorflow_does(op):
    raw = getattr(RAW, op)
    (argument,) = [name for name in ("x", "features", "input", "t") if _takes(raw, name)]
    agree(lambda x: raw(**{argument: x}), UNARY[op], tolerance=1e-5)


def _takes(raw, name):
    import inspect

    return name in inspect.signature(raw).parameters


A, B = floats(2, 1, 4, low=-7, high=7), floats(3, 1, low=-3, high=3)
ZEROS = np.array([[0.0], [1.5], [0.0]], np.float32)
M, D = ints(2, 1, 4), np.array([[3], [-4], [2]], np.int32)

BINARY = {
    "Add": (A, B), "AddV2": (A, B), "Sub": (A, B), "Mul": (A, B), "RealDiv": (A, B), "Div": (M, D),
    "TruncateDiv": (M, D), "Maximum": (A, B), "Minimum": (M, D), "Pow": (abs(A), B),
    "Less": (A, B), "LessEqual": (M, D), "Greater": (M, D), "GreaterEqual": (A, B),
    "Equal": (M, D), "NotEqual": (M, D), "LogicalAnd": (bools(3, 1), bools(2, 1, 4)),
    "LogicalOr": (bools(3, 1), bools(2, 1, 4)), "BitwiseAnd": (M, D), "BitwiseOr": (M, D),
    "BitwiseXor": (M, D), "SquaredDifference": (A, B), "FloorDiv": (A, B), "FloorMod": (A, B),
    "Mod": (M, D), "TruncateMod": (A, B), "DivNoNan": (A, ZEROS), "MulNoNan": (A, ZEROS),
    "Xdivy": (ZEROS, A), "Xlogy": (ZEROS, abs(A)), "Xlog1py": (ZEROS, abs(A)),
    "Atan2": (np.float32([1, -1, 1, -1, 0, 2]), np.float32([2, 2, -2, -2, 0, 0])),
    "LeftShift": (ints(4, low=0, dtype="uint8"), ints(4, low=0, high=8, dtype="uint8")),
    "RightShift": (ints(4, low=0, dtype="uint32"), ints(4, low=0, high=31, dtype="uint32")),
}  # fmt: skip


@pytest.mark.parametrize("op", BINARY)
def test_op_of_two_operands_broadcasts_and_computes_what_tensorflow_does(op):
    raw = getattr(RAW, op)
    agree(lambda x, y: raw(x=x, y=y), *BINARY[op], tolerance=1e-5)


@pytest.mark.parametrize("op", ["FloorDiv", "FloorMod", "TruncateDiv", "TruncateMod"])
@pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "uint8"])
def test_integer_division_rounds_as_its_name_says(op, dtype):
    if (op, dtype) in (("TruncateMod", "int16"), ("TruncateMod", "uint8")):
        dtype = "int32"  # TensorFlow itself has no kernel for the narrow ones
    signed = dtype[0] == "i"
    x = np.array([7, -7 if signed else 9, 7, -7 if signed else 1, 0, 6], dtype)
    y = np.array([2, 2, -2 if signed else 3, -2 if signed else 4, 5, 3], dtype)
    agree(lambda x, y: getattr(RAW, op)(x=x, y=y), x, y)


X = floats(2, 3, 4)
MATRIX = ints(3, 4)

PLACES = {
    "cast to int": (lambda x: tf.cast(x, tf.int32), (X,)),
    "cast to bool": (lambda x: tf.cast(x, tf.bool), (MATRIX,)),
    "bitcast": (lambda x: tf.bitcast(x, tf.int32), (X,)),
    "leaky relu": (lambda x: tf.nn.leaky_relu(x, 0.3), (X,)),
    "clip": (lambda x: tf.clip_by_value(x, -1.0, 0.5), (X,)),
    "clip to tensors": (lambda x, y: tf.clip_by_value(x, y, y + 1), (X, floats(4))),
    "select rows": (lambda c, x: RAW.Select(condition=c, x=x, y=-x), (bools(2), X)),
    "select": (lambda c, x: tf.where(c, x, 0.0), (bools(3, 1), X)),
    "add many": (lambda x, y: tf.add_n([x, y, x]), (X, X + 1)),
    "identities": (lambda x, y: tf.identity_n([x, y]), (X, MATRIX)),
    "stop gradient": (lambda x: tf.stop_gradient(x) + tf.debugging.check_numerics(x, ""), (X,)),
    "mean": (lambda x: tf.reduce_mean(x, [-1, 0]), (X,)),
    "mean of all": (tf.reduce_mean, (X,)),
    "sum kept": (lambda x: tf.reduce_sum(x, 1, keepdims=True), (MATRIX,)),
    "sum over nothing": (lambda x: tf.reduce_sum(x, []), (X,)),
    "max": (lambda x: tf.reduce_max(x, -1), (X,)),
    "min": (lambda x: tf.reduce_min(x, 0), (MATRIX,)),
    "product": (lambda x: tf.reduce_prod(x, 1), (X,)),
    "all": (lambda x: tf.reduce_all(x, 1), (bools(4, 2),)),
    "any": (lambda x: tf.reduce_any(x, 0), (bools(4, 2),)),
    "norm": (lambda x: tf.raw_ops.EuclideanNorm(input=x, axis=[1]), (X,)),
    "argmax": (lambda x: tf.argmax(x, -1), (X,)),
    "argmax of int32": (lambda x: tf.argmax(x, 0, output_type=tf.int32), (MATRIX,)),
    "argmin": (lambda x: tf.argmin(x, 1), (X,)),
    "running sum": (lambda x: tf.cumsum(x, 1, exclusive=True, reverse=True), (X,)),
    "running product": (lambda x: tf.math.cumprod(x, -1), (X,)),
    "softmax": (tf.nn.softmax, (X,)),
    "log softmax": (tf.nn.log_softmax, (X,)),
    "logits loss": (
        lambda x, y: tf.nn.sparse_softmax_cross_entropy_with_logits(y, x),
        (floats(4, 5), ints(4, low=0, high=5)),
    ),
    "distribution loss": (
        lambda x, y: tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(y), x),
        (floats(4, 5), floats(4, 5)),
    ),
    "top k": (lambda x: tf.math.top_k(x, 2), (X,)),
    "band": (lambda x: tf.linalg.band_part(x, -1, 0) + tf.linalg.band_part(x, 1, -1), (X,)),
    "einsum": (lambda x, y: tf.einsum("bij,bkj->bik", x, y), (X, floats(2, 5, 4))),
    "matmul": (lambda x, y: tf.matmul(x, y), (floats(3, 4), floats(4, 2))),
    "matmul turned": (
        lambda x, y: tf.matmul(x, y, transpose_a=True, transpose_b=True),
        (floats(4, 3), floats(2, 4)),
    ),
    "batch matmul": (lambda x, y: tf.matmul(x, y, adjoint_b=True), (X, floats(1, 5, 4))),
}


@pytest.mark.parametrize("case", PLACES)
def test_arithmetic_and_reductions_compute_what_tensorflow_does(case):
    function, inputs = PLACES[case]
    agree(function, *inputs, tolerance=1e-5)


MOVES = {
    "shape": (lambda x: tf.shape(x) + 1, (X,)),
    "size and rank": (lambda x: (tf.size(x), tf.rank(x)), (X,)),
    "reshape": (lambda x: tf.reshape(x, [-1, 6]), (X,)),
    "reshape by shape": (lambda x: tf.reshape(x, [tf.shape(x)[0], -1]), (X,)),
    "reshape of nothing": (lambda x: tf.reshape(x, [0, 3]), (floats(3, 0),)),
    "expand": (lambda x: tf.expand_dims(tf.expand_dims(x, -2), 0), (X,)),
    "squeeze": (lambda x: tf.squeeze(x), (floats(1, 3, 1),)),
    "squeeze axes": (lambda x: tf.squeeze(x, [-1]), (floats(1, 3, 1),)),
    "squeeze nothing": (lambda x: tf.squeeze(x), (X,)),
    "transpose": (lambda x: tf.transpose(x, [2, 0, 1]), (X,)),
    "fill": (lambda x: tf.fill([2, 3], x), (np.float32(1.5),)),
    "concat": (lambda x, y: tf.concat([x, y, x], -2), (X, floats(2, 1, 4))),
    "concat old": (lambda x: RAW.Concat(concat_dim=1, values=[x, x]), (X,)),
    "stack": (lambda x, y: tf.stack([x, y], -1), (X, X + 1)),
    "stack scalars": (lambda x: tf.stack([x, 2 * x]), (np.float32(3),)),
    "unstack": (lambda x: tf.unstack(x, axis=1), (X,)),
    "split": (lambda x: tf.split(x, 2, -1), (X,)),
    "split sizes": (lambda x: tf.split(x, [1, -1, 2], 2), (X,)),
    "tile": (lambda x: tf.tile(x, [1, 2, 3]), (X,)),
    "broadcast": (lambda x: tf.broadcast_to(x, [5, 2, 3, 4]), (X,)),
    "pad": (lambda x: tf.pad(x, [[0, 1], [2, 0], [1, 1]]), (X,)),
    "pad by value": (lambda x: tf.pad(x, [[0, 1], [2, 0]], constant_values=7), (MATRIX,)),
    "pad mirrored": (lambda x: tf.pad(x, [[1, 1], [2, 0], [0, 3]], "REFLECT"), (X,)),
    "pad mirrored with edge": (
        lambda x: tf.pad(x, [[1, 1], [2, 0], [0, 3]], "SYMMETRIC"),
        (X,),
    ),
    "roll": (lambda x: tf.roll(x, [1, -5], [0, -1]), (X,)),
    "line": (lambda a: tf.linspace(a, 2.0, 5), (np.float32(-1),)),
    "segments": (lambda x: tf.math.unsorted_segment_sum(x, [2, 0], 4), (X,)),
    "space to batch": (
        lambda x: tf.space_to_batch(x, [2, 2], [[0, 1], [1, 0]]),
        (floats(1, 3, 5, 2),),
    ),
    "batch to space": (
        lambda x: tf.batch_to_space(x, [2, 2], [[0, 1], [1, 0]]),
        (floats(4, 2, 3, 2),),
    ),
    "slice": (lambda x: tf.slice(x, [0, 1, 0], [-1, 2, 3]), (X,)),
    "reverse": (lambda x: tf.reverse(x, [0, -1]), (X,)),
    "reverse sequence": (lambda x: tf.reverse_sequence(x, [1, 3], seq_axis=1), (X,)),
    "gather": (lambda x, i: tf.gather(x, i, axis=-1), (X, ints(2, 2, low=0, high=4))),
    "gather by batch": (
        lambda x, i: tf.gather(x, i, axis=1, batch_dims=1),
        (X, ints(2, 5, low=0, high=3)),
    ),
    "gather points": (lambda x: tf.gather_nd(x, [[0, 1], [1, 2]]), (X,)),
    "one hot": (lambda i: tf.one_hot(i, 4, 5.0, -1.0), (np.array([[0, 3], [-1, 4]], np.int32),)),
    "one hot first": (lambda i: tf.one_hot(i, 3, axis=0), (np.array([0, 2], np.int64),)),
    "places": (tf.where, (bools(3, 4),)),
    "range": (lambda n: tf.range(1, n, 2), (np.int32(9),)),
    "buckets": (
        lambda x: tf.raw_ops.Bucketize(input=x, boundaries=[-1.0, 0.5, 1.0]),
        (np.float32([-2, -1, 0, 0.5, 3]),),
    ),
    "scatter": (lambda u: tf.scatter_nd([[1], [1], [3]], u, [5, 4]), (floats(3, 4),)),
    "update": (lambda x, u: tf.tensor_scatter_nd_update(x, [[1], [2]], u), (X[0], SMALL[:, :4])),
    "update by adding": (lambda x: tf.tensor_scatter_nd_add(x, [[1], [1]], x[:2]), (floats(3, 4),)),
    "depth to space": (lambda x: tf.nn.depth_to_space(x, 2), (floats(1, 2, 3, 8),)),
    "space to depth": (lambda x: tf.nn.space_to_depth(x, 2), (floats(1, 4, 6, 2),)),
}  # fmt: skip


@pytest.mark.parametrize("case", MOVES)
def test_moving_elements_gives_what_tensorflow_does(case):
    function, inputs = MOVES[case]
    agree(function, *inputs)


SLICES = {
    "x[1]": lambda x: x[1],
    "x[-1]": lambda x: x[-1],
    "x[..., 0]": lambda x: x[..., 0],
    "x[:, None, 1:3]": lambda x: x[:, None, 1:3],
    "x[::-1, ..., ::2]": lambda x: x[::-1, ..., ::2],
    "x[None, ..., -1, None]": lambda x: x[None, ..., -1, None],
    "x[:, -2:, 3:0:-1]": lambda x: x[:, -2:, 3:0:-1],
    "x[0:9, 1, None, ...]": lambda x: x[0:9, 1, None, ...],
    "x[...]": lambda x: x[...],
    "x[1:1]": lambda x: x[1:1],
    "x[-5:, :, :-1]": lambda x: x[-5:, :, :-1],
}


@pytest.mark.parametrize("spelt", SLICES)
def test_strided_slice_honours_every_mask(spelt):
    agree(SLICES[spelt], X)


def test_strided_slice_from_computed_bounds():
    agree(lambda x, i: x[:, i - 1 : i + 1, :i], X, np.int32(2))


def test_strided_slice_picks_a_computed_element():
    agree(lambda x, i: x[:, i, 1:][..., i - 1], X, np.int32(2))
    agree(lambda x, i: x[i, :, i - 2], X, np.int32(1))


def test_random_tensors_are_drawn_anew():
    graph = capture(lambda x: x + tf.random.normal([2, 3, 4]) * tf.random.uniform([4]), X)
    assert {"RandomNormal", "RandomUniform"} <= {graph.op(name) for name in graph}
