"""Caffe2 nets: the same net in torch with the same weights says what is right."""

import contextlib
import json

import caffe2_nets as nets
import numpy as np
import pytest

import graphlens
from graphlens.errors import CaptureError, FormatError, UsageError
from graphlens.frontends.caffe2.net import ROWS, capture
from graphlens.ir import Value, check
from graphlens.runtime.run import run
from graphlens.tensor import TensorType

torch = pytest.importorskip("torch")
functional = torch.nn.functional
models = pytest.importorskip("torchvision.models")
pytestmark = pytest.mark.torch

NUMBERS = np.random.default_rng(0)


def floats(*shape):
    return NUMBERS.uniform(-1, 1, shape).astype("float32")


def close(found, expected, tolerance=1e-5):
    np.testing.assert_allclose(found, np.asarray(expected), rtol=tolerance, atol=tolerance)


def shaken(model):
    """With statistics that a norm must not ignore."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.8, 1.2)
    return model.eval()


def test_squeezenet_gives_torch_outputs(tmp_path):
    torch.manual_seed(0)
    model = shaken(models.squeezenet1_1())
    folder = nets.squeezenet(model).save(tmp_path)
    image = floats(1, 3, 65, 65)
    graph = check(capture(folder, image))
    with torch.no_grad():
        expected = model(torch.from_numpy(image)).softmax(1)
    close(run(graph, image)[0][..., 0, 0], expected)
    assert graph.name == "squeezenet"
    assert graph.graph["capture"] == "caffe2"
    fire = graph.node("fire3.squeeze1x1")
    assert (fire.op, fire.scope, fire.source.op) == ("Conv", "fire3", "caffe2.Conv")
    assert not [name for name in graph if graph.nodes[name]["domain"] == "caffe2"]
    assert sum(graph.op(name) == "Conv" for name in graph) == 26


def test_resnet_gives_torch_outputs(tmp_path):
    torch.manual_seed(0)
    block = models.resnet.Bottleneck
    model = shaken(models.ResNet(block, [1, 1, 2, 1], num_classes=10))
    folder = nets.resnet(model).save(tmp_path)
    image = floats(2, 3, 64, 64)
    graph = check(capture(folder / "init_net.pb", image))
    with torch.no_grad():
        expected = model(torch.from_numpy(image)).softmax(1)
    close(run(graph, image)[0], expected)


def test_without_inputs_the_first_convolution_tells_the_channels(tmp_path):
    folder = nets.squeezenet(models.squeezenet1_1()).save(tmp_path)
    graph = capture(folder / "predict_net.pb")
    assert graph.type_of(Value("data")) == TensorType("float32", ("N", 3, "H", "W"))
    (folder / "value_info.json").write_text(json.dumps({"data": [1, [1, 3, 227, 227]]}))
    graph = capture(folder / "predict_net.pb")
    assert graph.type_of(Value("data")) == TensorType("float32", (1, 3, 227, 227))
    assert graph.type_of(graph.outputs[0]) == TensorType("float32", (1, 1000, 1, 1))
    (folder / "value_info.json").write_text("[1]")
    with pytest.raises(FormatError, match=r"value_info.json: not a table of name"):
        capture(folder)


def test_a_net_alone_is_drawn_without_weights(tmp_path):
    folder = nets.squeezenet(models.squeezenet1_1()).save(tmp_path)
    (folder / "init_net.pb").unlink()
    graph = check(graphlens.capture(folder / "predict_net.pb"))
    assert graph.inputs == ("data",)
    assert len(graph.params) == 52
    assert not graph.weights
    graphlens.draw(graph, tmp_path / "net.txt")
    assert (tmp_path / "net.txt").stat().st_size > 500


def alone(kind, arrays, outputs=1, **arguments):
    """What a net of one op makes of the arrays."""
    names = [f"in{index}" for index in range(len(arrays))]
    made = [f"out{index}" for index in range(outputs)]
    ops = [nets.op(kind, " ".join(names), " ".join(made), **arguments)]
    return ops, names, made


def ran(tmp_path, kind, arrays, outputs=1, **arguments):
    ops, names, made = alone(kind, arrays, outputs, **arguments)
    net = nets.net("one", ops, " ".join(names), " ".join(made))
    (tmp_path / "predict_net.pb").write_bytes(net.SerializeToString())
    (tmp_path / "init_net.pb").write_bytes(
        nets.net("init", [nets.fill("unused", floats(1))]).SerializeToString()
    )
    return run(check(capture(tmp_path, *arrays)), *arrays)


def t(array):
    return torch.from_numpy(array)


X, Y = floats(2, 4, 5, 6), floats(2, 4, 5, 6)
M, W, B = floats(3, 8), floats(5, 8), floats(5)
POSITIVE = np.abs(X) + 0.1
C4 = floats(4)


def caffe_pool(x, size, step, pad):
    return functional.max_pool2d(t(x), size, step, pad, ceil_mode=True)


CASES = {
    "Relu": [((X,), {}, lambda x: t(x).relu())],
    "Sigmoid": [((X,), {}, lambda x: t(x).sigmoid())],
    "Tanh": [((X,), {}, lambda x: t(x).tanh())],
    "Elu": [((X,), {"alpha": 0.5}, lambda x: functional.elu(t(x), 0.5))],
    "Selu": [((X,), {}, lambda x: functional.selu(t(x)))],
    "LeakyRelu": [
        ((X,), {}, lambda x: functional.leaky_relu(t(x))),
        ((X,), {"alpha": 0.3}, lambda x: functional.leaky_relu(t(x), 0.3)),
    ],
    "HardSigmoid": [((X,), {}, lambda x: (0.2 * t(x) + 0.5).clamp(0, 1))],
    "ThresholdedRelu": [((X,), {"alpha": 0.2}, lambda x: functional.threshold(t(x), 0.2, 0.0))],
    "PRelu": [
        ((X, C4), {}, lambda x, s: functional.prelu(t(x), t(s))),
        ((X, C4[:1]), {}, lambda x, s: functional.prelu(t(x), t(s))),
    ],
    "Swish": [((X,), {}, lambda x: functional.silu(t(x)))],
    "Gelu": [
        ((X,), {}, lambda x: functional.gelu(t(x))),
        ((X,), {"fast_gelu": 1}, lambda x: functional.gelu(t(x), approximate="tanh")),
    ],
    "Clip": [((X,), {"min": -0.5, "max": 0.25}, lambda x: t(x).clamp(-0.5, 0.25))],
    "Negative": [((X,), {}, lambda x: -t(x))],
    "Sqr": [((X,), {}, lambda x: t(x) ** 2)],
    "Cube": [((X,), {}, lambda x: t(x) ** 3)],
    "Rsqrt": [((POSITIVE,), {}, lambda x: t(x).rsqrt())],
    "Pow": [((POSITIVE,), {"exponent": 1.5}, lambda x: t(x) ** 1.5)],
    "Scale": [((X,), {"scale": 2.5}, lambda x: t(x) * 2.5)],
    "Softmax": [
        ((M,), {}, lambda x: t(x).softmax(1)),
        ((X,), {}, lambda x: t(x).flatten(1).softmax(1).reshape(x.shape)),
        ((X,), {"axis": 3}, lambda x: t(x).softmax(3)),
    ],
    "Sum": [((X, Y, X), {}, lambda x, y, z: t(x) + t(y) + t(z))],
    "Add": [
        ((X, Y), {}, lambda x, y: t(x) + t(y)),
        ((X, C4), {"broadcast": 1, "axis": 1}, lambda x, c: t(x) + t(c)[:, None, None]),
        ((X, C4), {"broadcast": 1, "axis_str": "C", "order": "NCHW"},
         lambda x, c: t(x) + t(c)[:, None, None]),
        ((X, floats(6)), {"broadcast": 1}, lambda x, c: t(x) + t(c)),
    ],
    "Mul": [((X, floats(2, 4)), {"broadcast": 1, "axis": 0},
             lambda x, c: t(x) * t(c)[..., None, None])],
    "Div": [((X, POSITIVE), {}, lambda x, y: t(x) / t(y))],
    "GE": [((X, Y), {}, lambda x, y: t(x) >= t(y))],
    "NE": [((X, X), {}, lambda x, y: t(x) != t(y))],
    "FC": [
        ((M, W, B), {}, lambda x, w, b: functional.linear(t(x), t(w), t(b))),
        ((floats(3, 2, 2, 2), W, B), {},
         lambda x, w, b: functional.linear(t(x).flatten(1), t(w), t(b))),
    ],
    "FCTransposed": [((M, W.T.copy(), B), {}, lambda x, w, b: t(x) @ t(w) + t(b))],
    "BatchMatMul": [
        ((floats(2, 3, 4), floats(2, 5, 4)), {"trans_b": 1}, lambda a, b: t(a) @ t(b).mT),
    ],
    "MatMul": [((floats(4, 3), floats(4, 5)), {"trans_a": 1}, lambda a, b: t(a).T @ t(b))],
    "Conv": [
        ((X, floats(6, 2, 3, 3), floats(6)), {"kernel": 3, "stride": 2, "pad": 1, "group": 2},
         lambda x, w, b: functional.conv2d(t(x), t(w), t(b), 2, 1, 1, 2)),
        ((X, floats(3, 4, 3, 2)), {"kernels": [3, 2], "dilations": [2, 1], "pads": [2, 0, 2, 0]},
         lambda x, w: functional.conv2d(t(x), t(w), None, 1, (2, 0), (2, 1))),
        ((X, floats(3, 4, 1, 3)),
         {"kernel_h": 1, "kernel_w": 3, "stride_h": 1, "stride_w": 2, "pad_t": 0, "pad_l": 1,
          "pad_b": 0, "pad_r": 1},
         lambda x, w: functional.conv2d(t(x), t(w), None, (1, 2), (0, 1))),
        ((X.transpose(0, 2, 3, 1).copy(), floats(3, 3, 3, 4)), {"kernel": 3, "order": "NHWC"},
         lambda x, w: functional.conv2d(t(x).permute(0, 3, 1, 2), t(w).permute(0, 3, 1, 2))
         .permute(0, 2, 3, 1)),
    ],
    "ConvTranspose": [
        ((X, floats(4, 3, 3, 3), floats(3)), {"kernel": 3, "stride": 2, "pad": 1, "adj": 1},
         lambda x, w, b: functional.conv_transpose2d(t(x), t(w), t(b), 2, 1, 1)),
    ],
    "MaxPool": [
        ((X,), {"kernel": 2, "stride": 2}, lambda x: functional.max_pool2d(t(x), 2)),
        ((X,), {"kernel": 3, "stride": 2, "pad": 1, "legacy_pad": 3},
         lambda x: caffe_pool(x, 3, 2, 1)),
        ((X,), {"kernel": 2, "stride": 2, "legacy_pad": 3}, lambda x: caffe_pool(x, 2, 2, 0)),
        ((floats(1, 2, 8, 8),), {"kernel": 3, "stride": 3, "pad": 1, "legacy_pad": 3},
         lambda x: caffe_pool(x, 3, 3, 1)),
    ],
    "AveragePool": [
        ((X,), {"kernel": 3, "stride": 2, "pad": 1},
         lambda x: functional.avg_pool2d(t(x), 3, 2, 1, count_include_pad=False)),
        ((X,), {"kernel": 3, "stride": 2, "pad": 1, "count_include_pad": 1},
         lambda x: functional.avg_pool2d(t(x), 3, 2, 1)),
        ((X,), {"global_pooling": 1}, lambda x: t(x).mean((2, 3), keepdim=True)),
    ],
    "SpatialBN": [
        ((X, C4, C4, C4, np.abs(C4)), {"is_test": 1, "epsilon": 1e-3},
         lambda x, s, b, m, v: functional.batch_norm(t(x), t(m), t(v), t(s), t(b), eps=1e-3)),
    ],
    "InstanceNorm": [((X, C4, C4), {},
                      lambda x, s, b: functional.instance_norm(t(x), weight=t(s), bias=t(b)))],
    "GroupNorm": [((X, C4, C4), {"group": 2},
                   lambda x, s, b: functional.group_norm(t(x), 2, t(s), t(b)))],
    "LayerNorm": [((M,), {}, lambda x: functional.layer_norm(t(x), (8,)))],
    "LRN": [((X,), {"size": 3, "alpha": 0.2, "beta": 0.75, "bias": 2.0},
             lambda x: functional.local_response_norm(t(x), 3, 0.2, 0.75, 2.0))],
    "AffineChannel": [((X, C4, C4), {},
                       lambda x, s, b: t(x) * t(s)[:, None, None] + t(b)[:, None, None])],
    "ResizeNearest": [((X,), {"width_scale": 2.0, "height_scale": 3.0},
                       lambda x: functional.interpolate(t(x), scale_factor=(3, 2)))],
    "UpsampleNearest": [((X,), {"scale": 2},
                         lambda x: functional.interpolate(t(x), scale_factor=2))],
    "UpsampleBilinear": [
        ((X,), {"width_scale": 2.0, "height_scale": 2.0},
         lambda x: functional.interpolate(t(x), scale_factor=2, mode="bilinear",
                                          align_corners=True)),
    ],
    "ChannelShuffle": [((X,), {"group": 2, "kernel": 1},
                        lambda x: functional.channel_shuffle(t(x), 2))],
    "PadImage": [
        ((X,), {"pad_t": 1, "pad_l": 2, "pad_b": 0, "pad_r": 1, "value": 0.5},
         lambda x: functional.pad(t(x), (2, 1, 1, 0), value=0.5)),
        ((X,), {"pad": 2, "mode": "reflect"},
         lambda x: functional.pad(t(x), (2, 2, 2, 2), mode="reflect")),
    ],
    "RoIAlign": [
        ((X, np.array([[1, 0.5, 1, 4, 4], [0, 0, 0, 3, 2]], "float32")),
         {"pooled_h": 2, "pooled_w": 3, "sampling_ratio": 2, "spatial_scale": 0.5},
         lambda x, r: reference_align(x, r)),
    ],
    "Dropout": [((X,), {"is_test": 1}, lambda x: t(x))],
    "Copy": [((X,), {}, lambda x: t(x))],
    "Concat": [
        ((X, Y), {"order": "NCHW"}, lambda x, y: torch.cat([t(x), t(y)], 1)),
        ((X, Y), {"axis": 3}, lambda x, y: torch.cat([t(x), t(y)], 3)),
        ((X, Y), {"axis": 1, "add_axis": 1}, lambda x, y: torch.stack([t(x), t(y)], 1)),
    ],
    "Reshape": [((X,), {"shape": [0, -1, 6]}, lambda x: t(x).reshape(2, 20, 6))],
    "Flatten": [((X,), {}, lambda x: t(x).flatten(1)),
                ((X,), {"axis": 2}, lambda x: t(x).reshape(8, 30))],
    "FlattenToVec": [((X,), {}, lambda x: t(x).flatten())],
    "Transpose": [((X,), {"axes": [0, 2, 3, 1]}, lambda x: t(x).permute(0, 2, 3, 1)),
                  ((M,), {}, lambda x: t(x).T)],
    "NHWC2NCHW": [((X,), {}, lambda x: t(x).permute(0, 3, 1, 2))],
    "Squeeze": [((floats(2, 1, 3, 1),), {"dims": [1, 3]}, lambda x: t(x).reshape(2, 3))],
    "ExpandDims": [((M,), {"dims": [0, 2]}, lambda x: t(x)[None, :, None])],
    "Slice": [
        ((X,), {"starts": [0, 1, 0, 2], "ends": [-1, 3, -2, -1]},
         lambda x: t(x)[:, 1:3, :-1, 2:]),
    ],
    "Gather": [((M, np.array([2, 0])), {}, lambda x, i: t(x)[t(i)])],
    "BatchGather": [((M, np.array([5, 0])), {}, lambda x, i: t(x)[:, t(i)])],
    "Tile": [((M,), {"tiles": 3, "axis": 1}, lambda x: t(x).repeat(1, 3))],
    "Shape": [((X,), {}, lambda x: torch.tensor(x.shape)),
              ((X,), {"axes": [1, 3]}, lambda x: torch.tensor([4, 6]))],
    "ConstantFill": [((M,), {"value": 2.5}, lambda x: torch.full(x.shape, 2.5))],
    "Cast": [((X * 9,), {"to": 2}, lambda x: t(x).int()),
             ((X * 9,), {"to": "int64"}, lambda x: t(x).long())],
    "ReduceMean": [((X,), {"axes": [2, 3], "keepdims": 0}, lambda x: t(x).mean((2, 3)))],
    "SumElements": [((X,), {}, lambda x: t(x).sum())],
    "ArgMax": [((X,), {"axis": 1}, lambda x: t(x).argmax(1, keepdim=True))],
}  # fmt: skip


def reference_align(image, regions):
    """Mask R-CNN (He et al. 2017, arXiv:1703.06870): bilinear samples, averaged in each bin."""
    made = np.zeros((len(regions), image.shape[1], 2, 3), "float32")
    for number, (batch, *corners) in enumerate(regions):
        left, top, right, bottom = (corner * 0.5 for corner in corners)
        wide, high = max(right - left, 1.0) / 3, max(bottom - top, 1.0) / 2
        for row in range(2):
            for column in range(3):
                ys = [top + high * (row + (i + 0.5) / 2) for i in range(2)]
                xs = [left + wide * (column + (i + 0.5) / 2) for i in range(2)]
                held = [bilinear(image[int(batch)], y, x) for y in ys for x in xs]
                made[number, :, row, column] = np.mean(held, 0)
    return made


def bilinear(image, y, x):
    low, left = int(y), int(x)
    high, right = min(low + 1, image.shape[1] - 1), min(left + 1, image.shape[2] - 1)
    dy, dx = y - low, x - left
    above = image[:, low, left] * (1 - dx) + image[:, low, right] * dx
    below = image[:, high, left] * (1 - dx) + image[:, high, right] * dx
    return above * (1 - dy) + below * dy


@pytest.mark.parametrize("kind", CASES)
def test_an_op_means_what_torch_computes(tmp_path, kind):
    for arrays, arguments, function in CASES[kind]:
        found = ran(tmp_path, kind, arrays, **arguments)[0]
        expected = np.asarray(function(*arrays))
        assert found.shape == expected.shape, arguments
        close(found, expected)


def test_ops_of_several_results(tmp_path):
    for found, part in zip(
        ran(tmp_path, "Split", (X,), 3, split=[1, 2, 1]), (0, 1, 3), strict=True
    ):
        close(found, X[:, part : part + found.shape[1]])
    for found, part in zip(ran(tmp_path, "Split", (X,), 2, axis=3), (0, 3), strict=True):
        close(found, X[..., part : part + 3])
    values, places = ran(tmp_path, "TopK", (M,), 2, k=3)
    expected = t(M).topk(3)
    close(values, expected.values)
    close(places, expected.indices)
    joined, sizes = ran(tmp_path, "Concat", (X, Y[:, :1]), 2, axis=1)
    close(joined, np.concatenate([X, Y[:, :1]], 1))
    assert sizes.tolist() == [4, 1]
    moved, before = ran(tmp_path, "Reshape", (X,), 2, shape=[2, -1])
    assert (moved.shape, before.tolist()) == ((2, 120), [2, 4, 5, 6])


def test_every_row_has_a_case():
    text = (
        "Abs Sqrt Exp Log Floor Ceil Sin Cos Tan Sign Not Erf Asin Acos Atan Sinh Cosh Reciprocal "
        "Max Min Mean Softplus Softsign Where LogSoftmax"
    )
    plain = set(text.split())
    same = {
        "Conv": ("Conv1D", "Conv2D", "Conv3D"),
        "MaxPool": ("MaxPool1D", "MaxPool2D", "MaxPool3D"),
        "AveragePool": ("AveragePool1D", "AveragePool2D", "AveragePool3D"),
        "Copy": ("CopyCPUToGPU", "CopyGPUToCPU", "CopyOnDeviceLike", "EnsureCPUOutput",
                 "EnsureDense", "Alias", "AliasWithName", "StopGradient", "CopyFromCPUInput"),
        "Concat": ("DepthConcat",),
        "Split": ("Split", "DepthSplit"),
        "TopK": ("TopK",),
        "NHWC2NCHW": ("NCHW2NHWC",),
        "Div": ("Sub", "And", "Or", "Xor"),
        "GE": ("EQ", "GT", "LT", "LE"),
        "ReduceMean": ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2"),
        "ArgMax": ("ArgMin",),
    }  # fmt: skip
    assert set(ROWS) == {*CASES, *plain, *(name for names in same.values() for name in names)}


def test_what_has_no_row_stays_and_is_drawn(tmp_path):
    net = nets.net("odd", [nets.op("GenerateProposals", "a b", "rois probs", min_size=16.0)], "a b")
    (tmp_path / "net.pb").write_bytes(net.SerializeToString())
    graph = check(graphlens.capture(tmp_path / "net.pb"))
    assert graph.op("rois") == "caffe2.GenerateProposals"
    assert graph.node("rois").attributes == {"min_size": 16.0}
    assert len(graph.outputs) == 2


def test_a_blob_written_again_is_another_value(tmp_path):
    ops = [
        nets.op("Relu", "x", "x"),
        nets.op("Negative", "x", "y"),
        nets.op("Negative", "x", "x"),
    ]
    (tmp_path / "predict_net.pb").write_bytes(
        nets.net("again", ops, "x", "x y").SerializeToString()
    )
    found, other = run(capture(tmp_path / "predict_net.pb", X), X)
    close(found, -np.maximum(X, 0))
    close(other, found)


def test_random_fills_are_the_same_each_time(tmp_path):
    fills = [
        nets.op("XavierFill", "", "w", shape=[5, 8]),
        nets.op("ConstantFill", "", "b", shape=[5]),
    ]
    fills += [nets.op("MSRAFill", "", "m", shape=[5]), nets.op("GaussianFill", "", "g", shape=[5])]
    ops = [nets.op("FC", "data w b", "y"), nets.op("Add", "y m", "z"), nets.op("Mul", "z g", "out")]
    (tmp_path / "predict_net.pb").write_bytes(
        nets.net("r", ops, "data w b m g", "out").SerializeToString()
    )
    (tmp_path / "init_net.pb").write_bytes(nets.net("init", fills).SerializeToString())
    first, second = capture(tmp_path, M), capture(tmp_path, M)
    assert first.inputs == ("data",)
    close(run(first, M)[0], run(second, M)[0], 0)
    assert 0 < np.abs(first.weights["w"]).max() <= np.sqrt(3 / 8)
    assert first.weights["b"].tolist() == [0] * 5


def test_bad_nets_end_in_one_message(tmp_path):
    path = tmp_path / "predict_net.pb"
    net = nets.net("cut", [nets.op("Relu", "nowhere", "y")])
    path.write_bytes(net.SerializeToString())
    assert graphlens.capture(path).inputs == ("nowhere",)
    path.write_bytes(nets.net("cut", [nets.op("Add", "x nowhere", "y")], "x").SerializeToString())
    with pytest.raises(FormatError, match=r"\['y'\] \(Add\) reads 'nowhere', which nothing makes"):
        capture(path)
    path.write_bytes(nets.net("cut", [nets.op("Relu", "x", "y")], "x", "z").SerializeToString())
    with pytest.raises(FormatError, match=r"nothing makes its outputs \['z'\]"):
        capture(path)
    with pytest.raises(CaptureError, match=r"the net is fed \['x'\], given 2 inputs"):
        capture(path, X, X)
    path.write_bytes(net.SerializeToString()[:-3])
    with pytest.raises(FormatError, match="not a Caffe2 NetDef, or truncated"):
        capture(path)
    with pytest.raises(UsageError, match="cannot read"):
        capture(tmp_path / "missing.pb")
    path.write_bytes(net.SerializeToString())
    bad = nets.op("GivenTensorFill", "", "w", shape=[3, 3], values=[1.0])
    (tmp_path / "init_net.pb").write_bytes(nets.net("init", [bad]).SerializeToString())
    with pytest.raises(FormatError, match=r"'w' \(GivenTensorFill\) has 1 values, and the shape"):
        capture(path)
    big = nets.op("ConstantFill", "", "w", shape=[2**20, 2**20])
    (tmp_path / "init_net.pb").write_bytes(nets.net("init", [big]).SerializeToString())
    with pytest.raises(FormatError, match="has the shape"):
        capture(path)


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_give_a_graph_or_a_clear_error(seed, tmp_path):
    chance = np.random.default_rng(seed)
    ops = [
        nets.op("Conv", "data w b", "c", kernel=3, pads=[1, 1, 1, 1], order="NCHW"),
        nets.op("MaxPool", "c", "p", kernel=2, stride=2, legacy_pad=3),
        nets.op("FC", "p fw fb", "f"),
        nets.op("Softmax", "f", "y"),
    ]
    arrays = {"w": floats(2, 3, 3, 3), "b": floats(2), "fw": floats(4, 8), "fb": floats(4)}
    predict = nets.net("n", ops, "data w b fw fb", "y")
    init = nets.net("init", [nets.fill(name, array) for name, array in arrays.items()])
    for name, proto in (("predict_net.pb", predict), ("init_net.pb", init)):
        content = bytearray(proto.SerializeToString())
        for place in chance.integers(0, len(content), chance.integers(0, 4)):
            content[place] = chance.integers(0, 256)
        (tmp_path / name).write_bytes(content)
    with contextlib.suppress(FormatError, CaptureError):  # whatever else is raised fails the test
        check(capture(tmp_path, TensorType("float32", (1, 3, 4, 4))))
