"""Every row of the TensorFlow op table on every dtype that TensorFlow has a kernel for."""

import importlib.util
import inspect
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from graphlens.frontends.tf.graph import capture  # noqa: E402
from graphlens.frontends.tf.table import ROWS  # noqa: E402
from graphlens.ir import check  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = pytest.mark.tensorflow


def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rows = _module(Path(__file__).parent / "test_tf_rows.py")
RAW, floats, ints, bools = tf.raw_ops, rows.floats, rows.ints, rows.bools

DTYPES = (
    "float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8",
    "uint16", "uint32", "uint64", "bool",
)  # fmt: skip

TOLERANCES = {"float16": 2e-3, "bfloat16": 2e-2}

LEFT_OUT = {
    ("Round", "int32"): "TensorFlow's kernel makes 0 of whole numbers; tf.round does not call it",
    ("Round", "int64"): "the same",
    ("Softsign", "float64"): "onnx's reference evaluator fails on scalars",
}


def of_dtype(array, dtype):
    """The array in that dtype, without what it cannot hold."""
    array = np.asarray(array)
    if dtype.startswith("uint"):
        array = np.abs(np.nan_to_num(array.astype(float), posinf=3, neginf=1))
    elif dtype.startswith("int"):
        array = np.nan_to_num(array.astype(float), posinf=3, neginf=-3)
    return array.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def shapes(arrays):
    """The operands as they are, without an element, and as scalars."""
    flat = [np.asarray(array).reshape(-1)[:1] for array in arrays]
    scalars = [array.reshape(()) for array in flat]
    yield arrays
    yield [np.asarray(arrays[0])[:0], *scalars[1:]]
    yield scalars


def samples(op, function, arrays):
    """Operands of each dtype and shape on which TensorFlow has a kernel, and its result."""
    for dtype in DTYPES:
        for given in () if (op, dtype) in LEFT_OUT else shapes(arrays):
            held = [of_dtype(array, dtype) for array in given]
            try:
                yield dtype, held, function(*map(tf.constant, held)).numpy()
            except (tf.errors.OpError, TypeError, ValueError):
                continue


def agree(op, function, arrays):
    """One graph of the op on all of them."""
    found = list(samples(op, function, arrays))
    assert found
    flat = [array for _, held, _ in found for array in held]
    count = len(arrays)

    def every(*given):
        parts = [given[i : i + count] for i in range(0, len(given), count)]
        return [function(*part) for part in parts]

    graph = check(capture(tf.function(every, autograph=False), *flat))
    with np.errstate(all="ignore"):
        results = run(graph, *flat)
    for (dtype, held, expected), got in zip(found, results, strict=True):
        tolerance = TOLERANCES.get(dtype, 1e-5)
        where = f"{op} on {[f'{array.dtype}{array.shape}' for array in held]}"
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape), where
        wide = [x if x.dtype == bool else x.astype(float) for x in (got, expected)]
        np.testing.assert_allclose(*wide, rtol=tolerance, atol=tolerance, err_msg=where)


@pytest.mark.parametrize("op", rows.UNARY)
def test_op_of_one_operand_agrees_on_every_dtype(op):
    raw = getattr(RAW, op)
    names = inspect.signature(raw).parameters
    (word,) = [name for name in ("x", "features", "input", "t") if name in names]
    agree(op, lambda x: raw(**{word: x}), [rows.UNARY[op]])


@pytest.mark.parametrize("op", rows.BINARY)
def test_op_of_two_operands_agrees_on_every_dtype(op):
    raw = getattr(RAW, op)
    agree(op, lambda x, y: raw(x=x, y=y), list(rows.BINARY[op]))


X, Y = floats(2, 5), floats(2, 5, low=0.1, high=0.9)
IMAGE, KERNEL = floats(2, 7, 6, 4), floats(3, 2, 4, 6)
SPACE, CUBE = floats(1, 4, 5, 6, 2), floats(2, 3, 2, 2, 3)
MEAN, SPREAD = floats(4), floats(4, low=0.5, high=1.5)
WINDOW = {"strides": [1, 2, 2, 1], "padding": "SAME"}
POOL = {"ksize": [1, 3, 2, 1], **WINDOW}
TABLE = tf.Variable(floats(4, 3))
WORDS = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([7, 8], tf.int64)), -1
)
NORM = {"epsilon": 1e-3, "is_training": True}


def _gradient(op, gradient="dy", other="y", **words):
    """What a gradient op makes of a gradient and the operand or result beside it."""
    raw = getattr(RAW, op)
    return lambda x, y: raw(**{gradient: x, other: y}, **words)


def _list(function):
    """What a function of a list of tensors makes of the rows of x."""
    shape = tf.constant([5])
    return lambda x: function(RAW.TensorListFromTensor(tensor=x, element_shape=shape), shape)


def _empty(function):
    """The same of a list that grows."""

    def program(x):
        shape = tf.constant([5])
        held = RAW.EmptyTensorList(element_shape=shape, max_num_elements=9, element_dtype="float")
        for row in (x[0], x[1], x[0]):
            held = RAW.TensorListPushBack(input_handle=held, tensor=row)
        return function(held, shape)

    return program


def _popped(held, shape):
    rest, last = RAW.TensorListPopBack(
        input_handle=held, element_shape=shape, element_dtype="float"
    )
    return RAW.TensorListStack(input_handle=rest, element_shape=shape, element_dtype="float"), last


def _array(function):
    """What a function of a TensorArray, by handle and flow, makes of the rows of x."""

    def program(x):
        made = RAW.TensorArrayV3(
            size=2, dtype="float", element_shape=[5], clear_after_read=False, tensor_array_name="a"
        )
        at = {"handle": made.handle, "flow_in": made.flow}
        flow = RAW.TensorArrayScatterV3(indices=[0, 1], value=x, **at)
        return function({"handle": made.handle, "flow_in": flow})

    return program


def _reserved(x):
    shape = tf.constant([5])
    held = RAW.TensorListReserve(element_shape=shape, num_elements=3, element_dtype="float")
    held = RAW.TensorListSetItem(input_handle=held, index=1, item=x[0])
    return RAW.TensorListStack(input_handle=held, element_shape=shape, element_dtype="float")


def _split(x):
    made = RAW.TensorArrayV3(size=2, dtype="float", tensor_array_name="a")
    at = {"handle": made.handle, "flow_in": made.flow}
    flow = RAW.TensorArraySplitV3(value=x, lengths=tf.constant([1, 1], tf.int64), **at)
    return RAW.TensorArrayReadV3(handle=made.handle, index=1, flow_in=flow, dtype="float")


def _write(x):
    made = RAW.TensorArrayV3(size=2, dtype="float", tensor_array_name="a", element_shape=[5])
    flow = RAW.TensorArrayWriteV3(handle=made.handle, index=1, value=x[0], flow_in=made.flow)
    return RAW.TensorArrayReadV3(handle=made.handle, index=1, flow_in=flow, dtype="float")


def _batch_norm(op, **more):
    raw = getattr(RAW, op)
    return lambda x, s, m, v: raw(x=x, scale=s, offset=m, mean=m, variance=v, **NORM, **more)[:3]


def _batch_norm_grad(op, *more):
    raw, forward = getattr(RAW, op), getattr(RAW, op.replace("Grad", ""))

    def program(x, s, m, v):
        made = forward(x=x, scale=s, offset=m, mean=m, variance=v, **NORM)
        extra = {"reserve_space_3": made.reserve_space_3} if more else {}
        saved = {"reserve_space_1": made[3], "reserve_space_2": made[4], **extra}
        return raw(y_backprop=x * x, x=x, scale=s, **saved, **NORM)[:3]

    return program


def _conv_grad(op, forward, key, **window):
    """The gradient of a convolution by its image or its filter."""
    raw, convolve = getattr(RAW, op), getattr(RAW, forward)

    def program(x, w):
        made = convolve(input=x, filter=w, **window)
        other = {"filter": w} if key == "input" else {"input": x}
        sizes = tf.shape(x if key == "input" else w)
        return raw(**{f"{key}_sizes": sizes}, **other, out_backprop=made * made, **window)

    return program


DEEP = {"strides": [1, 1, 2, 1, 1], "padding": "SAME"}
SAMPLES = {
    "AccumulateNV2": (lambda x, y: RAW.AccumulateNV2(inputs=[x, y], shape=[2, 5]), X, Y),
    "AvgPool": (lambda x: RAW.AvgPool(value=x, **POOL), IMAGE),
    "AvgPool3D": (
        lambda x: RAW.AvgPool3D(input=x, ksize=[1, 2, 2, 3, 1], **DEEP), SPACE,
    ),
    "AvgPoolGrad": (
        lambda x: RAW.AvgPoolGrad(orig_input_shape=[2, 7, 6, 4], grad=x, **POOL),
        floats(2, 4, 3, 4),
    ),
    "BatchMatMul": (lambda x, y: RAW.BatchMatMul(x=x, y=y, adj_x=True), X[None], Y[None]),
    "BatchMatMulV3": (
        lambda x, y: RAW.BatchMatMulV3(x=x, y=y, Tout="float", adj_y=True), X[None], Y,
    ),
    "BiasAdd": (
        lambda x, y: RAW.BiasAdd(value=x, bias=y, data_format="NCHW"), IMAGE, floats(7),
    ),
    "BiasAddV1": (lambda x, y: RAW.BiasAddV1(value=x, bias=y), IMAGE, MEAN),
    "BiasAddGrad": (lambda x: RAW.BiasAddGrad(out_backprop=x, data_format="NCHW"), IMAGE),
    "ClipByValue": (
        lambda x: RAW.ClipByValue(t=x, clip_value_min=-0.5, clip_value_max=1.0), X,
    ),
    "Conv2D": (
        lambda x, w: RAW.Conv2D(input=x, filter=w, strides=[1, 1, 1, 1], padding="VALID",
                                dilations=[1, 2, 1, 1]), IMAGE, KERNEL,
    ),
    "Conv2DBackpropInput": (_conv_grad("Conv2DBackpropInput", "Conv2D", "input", **WINDOW),
                            IMAGE, KERNEL),
    "Conv2DBackpropFilter": (_conv_grad("Conv2DBackpropFilter", "Conv2D", "filter", **WINDOW),
                             IMAGE, KERNEL),
    "Conv3D": (lambda x, w: RAW.Conv3D(input=x, filter=w, **DEEP), SPACE, CUBE),
    "Conv3DBackpropInputV2": (_conv_grad("Conv3DBackpropInputV2", "Conv3D", "input", **DEEP),
                              SPACE, CUBE),
    "Conv3DBackpropFilterV2": (_conv_grad("Conv3DBackpropFilterV2", "Conv3D", "filter", **DEEP),
                               SPACE, CUBE),
    "DebugGradientIdentity": (lambda x: RAW.DebugGradientIdentity(input=x), X),
    "DenseBincount": (
        lambda x: RAW.DenseBincount(input=x, size=5, weights=tf.zeros([0], tf.int64)),
        ints(3, 4, low=0, high=9),
    ),
    "DepthwiseConv2dNative": (
        lambda x, w: RAW.DepthwiseConv2dNative(input=x, filter=w, **WINDOW), IMAGE, KERNEL,
    ),
    "DepthwiseConv2dNativeBackpropInput": (
        _conv_grad("DepthwiseConv2dNativeBackpropInput", "DepthwiseConv2dNative", "input",
                   **WINDOW), IMAGE, KERNEL,
    ),
    "DepthwiseConv2dNativeBackpropFilter": (
        _conv_grad("DepthwiseConv2dNativeBackpropFilter", "DepthwiseConv2dNative", "filter",
                   **WINDOW), IMAGE, KERNEL,
    ),
    "EluGrad": (_gradient("EluGrad", "gradients", "outputs"), X, floats(2, 5, low=-0.9)),
    "EnsureShape": (lambda x: RAW.EnsureShape(input=x, shape=[None, 5]), X),
    "FusedBatchNorm": (_batch_norm("FusedBatchNorm"), IMAGE, SPREAD, MEAN, SPREAD),
    "FusedBatchNormV2": (_batch_norm("FusedBatchNormV2"), IMAGE, SPREAD, MEAN, SPREAD),
    "FusedBatchNormV3": (
        _batch_norm("FusedBatchNormV3", exponential_avg_factor=0.25), IMAGE, SPREAD, MEAN, SPREAD,
    ),
    "FusedBatchNormGrad": (_batch_norm_grad("FusedBatchNormGrad"), IMAGE, SPREAD, MEAN, SPREAD),
    "FusedBatchNormGradV2": (
        _batch_norm_grad("FusedBatchNormGradV2"), IMAGE, SPREAD, MEAN, SPREAD,
    ),
    "FusedBatchNormGradV3": (
        _batch_norm_grad("FusedBatchNormGradV3", True), IMAGE, SPREAD, MEAN, SPREAD,
    ),
    "Gather": (lambda x, i: RAW.Gather(params=x, indices=i), X, ints(2, 3, low=0, high=2)),
    "InvGrad": (_gradient("InvGrad"), X, Y),
    "LRN": (lambda x: RAW.LRN(input=x, depth_radius=1, alpha=0.5), IMAGE),
    "LeakyReluGrad": (_gradient("LeakyReluGrad", "gradients", "features", alpha=0.3), X, X + 0.1),
    "LinSpace": (lambda x: RAW.LinSpace(start=x, stop=2.0, num=4), np.float32(-1)),
    "LookupTableFindV2": (lambda x: WORDS.lookup(x), np.array(["b", "no", "a"])),
    "LookupTableSizeV2": (lambda x: WORDS.size() + tf.size(x, tf.int64), X),
    "MaxPool": (lambda x: RAW.MaxPool(input=x, **POOL), IMAGE),
    "MaxPool3D": (lambda x: RAW.MaxPool3D(input=x, ksize=[1, 2, 2, 3, 1], **DEEP), SPACE),
    "MaxPoolGrad": (
        lambda x: RAW.MaxPoolGrad(
            orig_input=x, orig_output=RAW.MaxPool(input=x, **POOL),
            grad=RAW.MaxPool(input=-x, **POOL), **POOL,
        ), IMAGE,
    ),
    "PlaceholderWithDefault": (lambda x: RAW.PlaceholderWithDefault(input=x, shape=[2, 5]), X),
    "PreventGradient": (lambda x: RAW.PreventGradient(input=x), X),
    "ReciprocalGrad": (_gradient("ReciprocalGrad"), X, Y),
    "Relu6Grad": (_gradient("Relu6Grad", "gradients", "features"), X, X * 5),
    "ReluGrad": (_gradient("ReluGrad", "gradients", "features"), X, X),
    "ResizeBicubic": (
        lambda x: RAW.ResizeBicubic(images=x, size=[5, 9], half_pixel_centers=True), IMAGE,
    ),
    "ResizeBilinear": (
        lambda x: RAW.ResizeBilinear(images=x, size=[5, 9], align_corners=True), IMAGE,
    ),
    "ResizeNearestNeighbor": (lambda x: RAW.ResizeNearestNeighbor(images=x, size=[5, 9]), IMAGE),
    "ResourceGather": (
        lambda i: RAW.ResourceGather(resource=TABLE.handle, indices=i, dtype="float"),
        ints(2, 3, low=0, high=4),
    ),
    "ResourceGatherNd": (
        lambda i: RAW.ResourceGatherNd(resource=TABLE.handle, indices=i, dtype="float"),
        ints(5, 2, low=0, high=3),
    ),
    "RsqrtGrad": (_gradient("RsqrtGrad"), X, Y),
    "SeluGrad": (_gradient("SeluGrad", "gradients", "outputs"), X, floats(2, 5)),
    "Rank": (lambda x: RAW.Rank(input=x), X),
    "Shape": (lambda x: RAW.Shape(input=x), X),
    "Size": (lambda x: RAW.Size(input=x), X),
    "TensorListReserve": (lambda x: _reserved(x), X),
    "ShapeN": (lambda x, y: RAW.ShapeN(input=[x, y], out_type="int64"), X, IMAGE),
    "SigmoidGrad": (_gradient("SigmoidGrad"), X, Y),
    "Snapshot": (lambda x: RAW.Snapshot(input=x), X),
    "SoftplusGrad": (_gradient("SoftplusGrad", "gradients", "features"), X, Y),
    "SoftsignGrad": (_gradient("SoftsignGrad", "gradients", "features"), X, X),
    "SqrtGrad": (_gradient("SqrtGrad"), X, Y),
    "StridedSliceGrad": (
        lambda x: RAW.StridedSliceGrad(
            shape=[5, 3, 4], begin=[4, 0, 1], end=[0, 0, 9], strides=[-2, 1, 1], dy=x,
            shrink_axis_mask=2, end_mask=0,
        ), floats(2, 3),
    ),
    "TanhGrad": (_gradient("TanhGrad"), X, Y),
    "TensorArrayConcatV3": (
        _array(lambda at: RAW.TensorArrayConcatV3(dtype="float", **at)), X,
    ),
    "TensorArrayGatherV3": (
        _array(lambda at: RAW.TensorArrayGatherV3(indices=[1, 0], dtype="float", **at)), X,
    ),
    "TensorArrayReadV3": (
        _array(lambda at: RAW.TensorArrayReadV3(index=1, dtype="float", **at)), X,
    ),
    "TensorArrayScatterV3": (
        _array(lambda at: RAW.TensorArrayGatherV3(indices=[0], dtype="float", **at)), X,
    ),
    "TensorArraySizeV3": (_array(lambda at: RAW.TensorArraySizeV3(**at)), X),
    "TensorArraySplitV3": (lambda x: _split(x), X),
    "TensorArrayV3": (_array(lambda at: RAW.TensorArrayReadV3(index=0, dtype="float", **at)), X),
    "TensorArrayWriteV3": (lambda x: _write(x), X),
    "TensorListElementShape": (
        _list(lambda held, _: RAW.TensorListElementShape(input_handle=held, shape_type="int64")),
        X,
    ),
    "TensorListFromTensor": (
        _list(lambda held, shape: RAW.TensorListStack(
            input_handle=held, element_shape=shape, element_dtype="float")), X,
    ),
    "TensorListGetItem": (
        _list(lambda held, shape: RAW.TensorListGetItem(
            input_handle=held, index=1, element_shape=shape, element_dtype="float")), X,
    ),
    "TensorListLength": (_list(lambda held, _: RAW.TensorListLength(input_handle=held)), X),
    "TensorListSetItem": (
        _list(lambda held, shape: RAW.TensorListStack(
            input_handle=RAW.TensorListSetItem(input_handle=held, index=0, item=tf.ones([5])),
            element_shape=shape, element_dtype="float")), X,
    ),
    "EmptyTensorList": (
        _empty(lambda held, shape: RAW.TensorListStack(
            input_handle=held, element_shape=shape, element_dtype="float")), X,
    ),
    "TensorListPopBack": (_empty(_popped), X),
    "TensorScatterMax": (
        lambda x, y: RAW.TensorScatterMax(tensor=x, indices=[[1], [1]], updates=y), X, Y,
    ),
    "TensorScatterMin": (
        lambda x, y: RAW.TensorScatterMin(tensor=x, indices=[[1], [1]], updates=y), X, Y,
    ),
}  # fmt: skip
"""By op: a function that calls it, and its inputs."""

IN_FUNCTIONS_OF_TF1 = {
    "TensorArrayConcatV3", "TensorArrayGatherV3", "TensorArrayReadV3", "TensorArrayScatterV3",
    "TensorArraySizeV3", "TensorArraySplitV3", "TensorArrayV3", "TensorArrayWriteV3",
}  # fmt: skip
"""Ops that TensorFlow has no eager kernel for."""

ROUNDED = {
    "ResizeBicubic": 3e-3,
    "FusedBatchNormGradV3": 1e-3,
    "Conv3DBackpropInputV2": 1e-3,
    "Conv3DBackpropFilterV2": 1e-3,
}
"""Ops that TensorFlow computes with less than the digits of float32."""


def traced(function, inputs, *, open_batch=False):
    """The ConcreteFunction; with ``open_batch`` the first input has a first axis of any size."""
    specs = []
    for array in map(np.asarray, inputs):
        is_open = open_batch and array.ndim and not specs
        shape = [None, *array.shape[1:]] if is_open else array.shape
        kind = tf.string if array.dtype.kind == "U" else array.dtype
        specs.append(tf.TensorSpec(shape, kind))
    return tf.function(function, autograph=False).get_concrete_function(*specs)


@pytest.mark.parametrize("op", SAMPLES)
def test_row_computes_what_tensorflow_does(op):
    function, *inputs = SAMPLES[op]
    concrete = traced(function, inputs)
    graph = check(capture(concrete))
    assert [graph.op(name) for name in graph if graph.node(name).domain == "tf"] == []
    wanted = tf.nest.flatten(concrete(*map(tf.constant, inputs)))
    tolerance = ROUNDED.get(op, 3e-5)
    for expected, got in zip(wanted, run(graph, *inputs), strict=True):
        assert (got.dtype, got.shape) == (expected.numpy().dtype, expected.shape)
        np.testing.assert_allclose(got, expected.numpy(), rtol=tolerance, atol=tolerance)


def _cases():
    yield from (((op, *SAMPLES[op])) for op in SAMPLES.keys() - IN_FUNCTIONS_OF_TF1)
    yield from ((name, function, *given) for name, (function, given) in rows.MOVES.items())
    yield from ((name, function, *given) for name, (function, given) in rows.PLACES.items())
    yield from ((name, function, rows.X) for name, function in rows.SLICES.items())


OPEN = {case[0]: case[1:] for case in _cases()}


@pytest.mark.zoo
@pytest.mark.parametrize("name", sorted(OPEN))
def test_row_computes_the_same_for_a_batch_of_any_size(name):
    function, *inputs = OPEN[name]
    inputs = list(inputs[0]) if len(inputs) == 1 and isinstance(inputs[0], tuple) else inputs
    try:
        concrete = traced(function, inputs, open_batch=True)
    except (TypeError, ValueError):
        return  # the sample itself asks for a size that is known
    graph = check(capture(concrete))
    wanted = tf.nest.flatten(concrete(*map(tf.constant, inputs)))
    for expected, got in zip(wanted, run(graph, *inputs), strict=True):
        assert (got.dtype, got.shape) == (expected.numpy().dtype, expected.shape)
        np.testing.assert_allclose(got, expected.numpy(), rtol=3e-3, atol=3e-3)


DRAWN = {"RandomStandardNormal", "RandomUniform"}
"""Rows for ops that draw: `test_random_tensors_are_drawn_anew` looks at them."""
KEPT = {"StackV2", "StackPushV2", "StackPopV2", "TensorArrayGradV3"}
"""Rows for what a loop keeps for its gradient, which only a loop has (`test_tf_flow`)."""


def test_every_row_has_a_sample():
    covered = {*rows.UNARY, *rows.BINARY, *DRAWN, *KEPT}
    found = [*rows.MOVES.values(), *rows.PLACES.values()]
    found += [(function, (rows.X,)) for function in rows.SLICES.values()]
    found += [(function, tuple(given)) for function, *given in SAMPLES.values()]
    for function, inputs in found:
        covered |= {op.type for op in traced(function, inputs).graph.get_operations()}
    assert sorted(ROWS.keys() - covered) == []
