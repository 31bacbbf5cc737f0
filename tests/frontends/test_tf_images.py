"""Rows of the table on images: layouts, strides, paddings, dilations, groups and resizing."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from graphlens.frontends.tf.graph import capture  # noqa: E402
from graphlens.ir import check  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = pytest.mark.tensorflow


def floats(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def agree(function, *inputs, tolerance=1e-5):
    graph = check(capture(tf.function(function, autograph=False), *inputs))
    assert [graph.op(name) for name in graph if graph.node(name).domain == "tf"] == []
    wanted = function(*map(tf.constant, inputs)).numpy()
    (found,) = run(graph, *inputs)
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
    return graph


@pytest.mark.parametrize("padding", ["SAME", "VALID", [[0, 0], [1, 2], [3, 0], [0, 0]]])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_convolution_keeps_its_layout_and_pads_as_tensorflow_does(stride, padding):
    graph = agree(
        lambda x, w: tf.nn.conv2d(x, w, stride, padding), floats(2, 7, 8, 3), floats(3, 2, 3, 5)
    )
    (conv,) = [graph.node(name) for name in graph if graph.op(name) == "Conv"]
    assert conv.attributes["data_format"] == "NHWC"
    assert ("pads" in conv.attributes) == (padding != "VALID")


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("rate", [2, 3])
def test_dilated_and_grouped_convolutions_agree(rate, padding):
    x, w = floats(1, 9, 9, 4), floats(3, 3, 2, 6)
    agree(lambda x, w: tf.nn.conv2d(x, w, 1, padding, dilations=rate), x, w)


@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize(("stride", "padding"), [(1, "SAME"), (2, "SAME"), (2, "VALID")])
def test_depthwise_convolution_is_a_convolution_with_a_group_a_channel(multiplier, stride, padding):
    x, w = floats(1, 6, 7, 4), floats(3, 3, 4, multiplier)
    graph = agree(lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, stride, stride, 1], padding), x, w)
    (conv,) = [graph.node(name) for name in graph if graph.op(name) == "Conv"]
    assert conv.attributes["group"] == 4


def test_convolutions_over_time_and_space_agree():
    agree(lambda x, w: tf.nn.conv1d(x, w, 2, "SAME"), floats(2, 9, 3), floats(4, 3, 5))
    x, w = floats(1, 4, 5, 6, 2), floats(2, 3, 2, 2, 3)
    agree(lambda x, w: tf.nn.conv3d(x, w, [1, 1, 2, 1, 1], "SAME"), x, w)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_transposed_convolution_has_the_size_that_was_asked_for(stride, padding):
    size = 5 * stride if padding == "SAME" else (5 - 1) * stride + 3
    agree(
        lambda x, w: tf.nn.conv2d_transpose(x, w, [1, size, size, 4], stride, padding),
        floats(1, 5, 5, 3),
        floats(3, 3, 4, 3),
    )


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("pool", [tf.nn.max_pool2d, tf.nn.avg_pool2d])
def test_pooling_ignores_its_padding(pool, padding):
    agree(lambda x: pool(x, 3, 2, padding), floats(2, 8, 7, 3))
    agree(lambda x: pool(x, [2, 3], [1, 2], padding), floats(2, 8, 7, 3))


def test_pooling_over_time_and_space_agrees():
    agree(lambda x: tf.nn.max_pool1d(x, 3, 2, "SAME"), floats(2, 9, 3))
    agree(lambda x: tf.nn.avg_pool3d(x, 2, 2, "SAME"), floats(1, 5, 4, 3, 2))


def test_padding_of_unknown_sizes_is_left_to_the_runtime():
    function = tf.function(lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"))
    graph = capture(function, tf.TensorSpec([1, None, None, 2]), dynamic_shapes=[{1: "H", 2: "W"}])
    (pool,) = [graph.node(name) for name in graph if graph.op(name) == "MaxPool"]
    assert pool.attributes["auto_pad"] == "SAME_UPPER"
    x = floats(1, 6, 9, 2)
    np.testing.assert_array_equal(run(graph, x)[0], function(x).numpy())


def test_fused_batch_norm_is_one_node():
    numbers = [floats(4) + 2 for _ in range(4)]
    graph = agree(
        lambda x: tf.compat.v1.nn.fused_batch_norm(
            x, *numbers[:2], mean=numbers[2], variance=numbers[3], is_training=False
        )[0],
        floats(2, 3, 5, 4),
    )
    assert [name for name in graph if graph.op(name) == "BatchNormalization"]


def test_bias_runs_along_the_channels_of_either_layout():
    agree(lambda x, b: tf.nn.bias_add(x, b), floats(2, 3, 5, 4), floats(4))
    agree(lambda x, b: tf.nn.bias_add(x, b, "NC..."), floats(2, 4, 3, 5), floats(4))


def test_local_response_normalisation_agrees():
    agree(lambda x: tf.nn.lrn(x, 2, 1.5, 0.3, 0.6), floats(1, 3, 4, 8))


@pytest.mark.parametrize("corners", ["half", "corner", "neither"])
@pytest.mark.parametrize("op", ["ResizeBilinear", "ResizeNearestNeighbor"])
@pytest.mark.parametrize("size", [[8, 10], [3, 4], [5, 9]])
def test_resizing_finds_its_pixels_where_tensorflow_does(op, corners, size):
    agree(
        lambda x: getattr(tf.raw_ops, op)(
            images=x,
            size=size,
            align_corners=corners == "corner",
            half_pixel_centers=corners == "half",
        ),
        floats(1, 5, 7, 2),
    )


def test_bicubic_resizing_of_tensorflow_2_agrees():
    # TensorFlow takes its weights from a table of 1,024 entries.
    agree(lambda x: tf.image.resize(x, [9, 12], "bicubic"), floats(1, 5, 7, 2), tolerance=2e-3)
