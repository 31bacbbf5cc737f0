"""Caffe2 nets written for the tests: the pairs that its exporters wrote, of torch's own weights."""

import numpy as np

from graphlens.frontends.caffe2.proto import Argument, NetDef, OperatorDef


def argument(name, value):
    made = Argument(name=name)
    many = isinstance(value, list | tuple | np.ndarray)
    first = value[0] if many and len(value) else value
    if isinstance(first, str):
        texts = [each.encode() for each in value] if many else value.encode()
        made.strings.extend(texts) if many else setattr(made, "s", texts)
    elif isinstance(first, float | np.floating):
        made.floats.extend(value) if many else setattr(made, "f", value)
    else:
        made.ints.extend(value) if many else setattr(made, "i", int(value))
    return made


def op(kind, read, made, **arguments):
    """One op; ``read`` and ``made`` are names, apart by blanks."""
    proto = OperatorDef(type=kind)
    proto.input.extend(read.split())
    proto.output.extend(made.split())
    proto.arg.extend(argument(name, value) for name, value in arguments.items())
    return proto


def fill(name, array):
    """The op of an init net that holds an array."""
    array = np.asarray(array)
    kind = {"f": "GivenTensorFill", "i": "GivenTensorInt64Fill"}[array.dtype.kind]
    return op(kind, "", name, shape=list(array.shape), values=array.reshape(-1))


def net(name, ops, inputs="", outputs=""):
    made = NetDef(name=name)
    made.op.extend(ops)
    made.external_input.extend(inputs.split())
    made.external_output.extend(outputs.split())
    return made


class Written:
    """A pair of nets that grows layer by layer."""

    def __init__(self, name):
        self.name, self.ops, self.fills, self.last = name, [], [], "data"

    def add(self, kind, read, made, weights=(), **arguments):
        names = [f"{made}_{suffix}" for suffix, _ in weights]
        self.fills += [fill(f"{made}_{suffix}", array) for suffix, array in weights]
        self.ops.append(op(kind, " ".join([read, *names]), made, **arguments))
        self.last = made
        return made

    def conv(self, layer, read, made, **more):
        weights = [("w", array(layer.weight))]
        if layer.bias is not None:
            weights.append(("b", array(layer.bias)))
        size = layer.kernel_size[0]
        return self.add("Conv", read, made, weights, kernel=size, stride=layer.stride[0],
                        pad=layer.padding[0], group=layer.groups, **more)  # fmt: skip

    def norm(self, layer, read, made):
        held = [layer.weight, layer.bias, layer.running_mean, layer.running_var]
        weights = list(zip(("s", "b", "rm", "riv"), map(array, held), strict=True))
        return self.add("SpatialBN", read, made, weights, is_test=1, epsilon=float(layer.eps))

    def save(self, folder, outputs=""):
        names = [each.output[0] for each in self.fills]
        predict = net(self.name, self.ops, " ".join(["data", *names]), outputs)
        (folder / "predict_net.pb").write_bytes(predict.SerializeToString())
        (folder / "init_net.pb").write_bytes(net("init", self.fills).SerializeToString())
        return folder


def array(tensor):
    return tensor.detach().numpy()


def squeezenet(model):
    """torchvision's SqueezeNet 1.1, as the model zoo of Caffe2 spells it."""
    made, last = Written("squeezenet"), "data"
    for index, layer in enumerate(model.features):
        kind = type(layer).__name__
        if kind == "Conv2d":
            last = made.conv(layer, last, "conv1")
        elif kind == "ReLU":
            last = made.add("Relu", last, last)
        elif kind == "MaxPool2d":
            last = made.add("MaxPool", last, f"pool{index}", kernel=3, stride=2, legacy_pad=3)
        else:
            last = _fire(made, layer, last, f"fire{index}")
    last = made.add("Dropout", last, "drop", is_test=1)
    last = made.conv(model.classifier[1], last, "conv10")
    last = made.add("Relu", last, last)
    last = made.add("AveragePool", last, "pool10", global_pooling=1)
    made.add("Softmax", last, "softmaxout")
    return made


def _fire(made, layer, last, name):
    squeezed = made.conv(layer.squeeze, last, f"{name}/squeeze1x1")
    made.add("Relu", squeezed, squeezed)
    parts = []
    for size in ("1x1", "3x3"):
        part = made.conv(getattr(layer, f"expand{size}"), squeezed, f"{name}/expand{size}")
        parts.append(made.add("Relu", part, part))
    made.ops.append(op("Concat", " ".join(parts), f"{name}/concat {name}/dims", order="NCHW"))
    return f"{name}/concat"


def resnet(model):
    """torchvision's ResNet of bottlenecks, as Caffe2's ResNet-50 is spelt."""
    made = Written("resnet")
    last = made.norm(model.bn1, made.conv(model.conv1, "data", "conv1"), "res_conv1_bn")
    last = made.add("Relu", last, last)
    last = made.add("MaxPool", last, "pool1", kernel=3, stride=2, pad=1)
    for number in range(1, 5):
        for index, block in enumerate(getattr(model, f"layer{number}")):
            last = _bottleneck(made, block, last, f"res{number}_{index}")
    last = made.add("AveragePool", last, "final_avg", kernel=2, stride=1)
    weights = [("w", array(model.fc.weight)), ("b", array(model.fc.bias))]
    made.add("Softmax", made.add("FC", last, "last_out", weights), "softmax")
    return made


def _bottleneck(made, block, before, name):
    last = before
    for part in (1, 2, 3):
        last = made.conv(getattr(block, f"conv{part}"), last, f"{name}_conv_{part}")
        last = made.norm(getattr(block, f"bn{part}"), last, f"{name}_bn_{part}")
        last = made.add("Relu", last, last) if part < 3 else last
    beside = before
    if block.downsample is not None:
        beside = made.conv(block.downsample[0], before, f"{name}_shortcut")
        beside = made.norm(block.downsample[1], beside, f"{name}_shortcut_bn")
    last = made.add("Sum", f"{last} {beside}", f"{name}_sum")
    return made.add("Relu", last, last)
