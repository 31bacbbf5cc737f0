"""PyTorch twins of functional Keras models: the same network and weights, written in PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import torch
from torch import nn
from torch.nn import functional

L = keras.layers


class Twin(nn.Module):
    """A Keras model of images in PyTorch, layer by layer: [N, C, H, W] in, Keras's outputs out."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.layers = nn.ModuleDict()
        depths = sorted(model._nodes_by_depth, reverse=True)
        nodes = [node for depth in depths for node in model._nodes_by_depth[depth]]
        self._given, self._wanted = id(model.inputs[0]), id(model.outputs[0])
        self._steps: list[tuple[str, list[int], int]] = []
        for node in nodes:
            layer = node.operation
            if isinstance(layer, L.InputLayer):
                continue
            self.layers[layer.name] = MODULES[type(layer)](layer)
            reads = [id(tensor) for tensor in node.input_tensors]
            self._steps.append((layer.name, reads, id(node.outputs[0])))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = {self._given: x}
        for name, reads, makes in self._steps:
            values[makes] = self.layers[name](*(values[read] for read in reads))
        return values[self._wanted]


class Of(nn.Module):
    """A function as a module, with further modules that it calls."""

    def __init__(self, function: Callable[..., torch.Tensor], *inner: nn.Module) -> None:
        super().__init__()
        self.inner = nn.ModuleList(inner)
        self._function = function

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        return self._function(*self.inner, *tensors)


def _same(layer: L.Layer, kernel: tuple[int, ...]) -> Callable[[torch.Tensor], torch.Tensor]:
    """Keras's 'same', whose odd one is at the end."""

    def pad(x: torch.Tensor) -> torch.Tensor:
        pads: list[int] = []
        for axis in (1, 0):
            size, step = x.shape[2 + axis], layer.strides[axis]
            total = max((-(-size // step) - 1) * step + kernel[axis] - size, 0)
            pads += [total // 2, total - total // 2]
        return functional.pad(x, pads) if any(pads) else x

    return pad


def _convolution(layer: L.Layer, weight: np.ndarray, groups: int, bias: object) -> nn.Module:
    out, into, *kernel = weight.shape
    conv = nn.Conv2d(
        into * groups,
        out,
        tuple(kernel),
        tuple(layer.strides),
        groups=groups,
        bias=bias is not None,
    )
    conv.weight.data = torch.tensor(weight)
    if bias is not None:
        conv.bias.data = torch.tensor(np.asarray(bias))
    pad = _same(layer, tuple(kernel)) if layer.padding == "same" else lambda x: x
    return _activated(layer, Of(lambda conv, x: conv(pad(x)), conv))


def _activated(layer: L.Layer, module: nn.Module) -> nn.Module:
    after = ACTIVATIONS[layer.activation.__name__]
    return Of(lambda module, x: after(module(x)), module)


def _conv(layer: L.Conv2D) -> nn.Module:
    weight = np.asarray(layer.kernel).transpose(3, 2, 0, 1)
    return _convolution(layer, weight, layer.groups, layer.bias if layer.use_bias else None)


def _depthwise(layer: L.DepthwiseConv2D) -> nn.Module:
    kernel = np.asarray(layer.kernel).transpose(2, 3, 0, 1)
    weight = kernel.reshape(-1, 1, *kernel.shape[2:])
    return _convolution(layer, weight, kernel.shape[0], layer.bias if layer.use_bias else None)


def _norm(layer: L.BatchNormalization) -> nn.Module:
    norm = nn.BatchNorm2d(layer.moving_mean.shape[0], layer.epsilon)
    gamma = layer.gamma if layer.scale else np.ones(layer.moving_mean.shape, np.float32)
    norm.weight.data, norm.bias.data = (torch.tensor(np.asarray(v)) for v in (gamma, layer.beta))
    norm.running_mean = torch.tensor(np.asarray(layer.moving_mean))
    norm.running_var = torch.tensor(np.asarray(layer.moving_variance))
    return norm


def _dense(layer: L.Dense) -> nn.Module:
    linear = nn.Linear(*layer.kernel.shape)
    linear.weight.data = torch.tensor(np.asarray(layer.kernel).T.copy())
    linear.bias.data = torch.tensor(np.asarray(layer.bias))
    return _activated(layer, linear)


def _padding(layer: L.ZeroPadding2D) -> nn.Module:
    (top, bottom), (left, right) = layer.padding
    return nn.ZeroPad2d((left, right, top, bottom))


def _pool(pool: type[nn.Module]) -> Callable[[L.Layer], nn.Module]:
    return lambda layer: pool(tuple(layer.pool_size), tuple(layer.strides))


def _normalization(layer: L.Normalization) -> nn.Module:
    mean, spread = (
        torch.tensor(np.broadcast_to(np.asarray(v).reshape(-1, 1, 1), (3, 1, 1)).copy())
        for v in (layer.mean, np.maximum(np.sqrt(np.asarray(layer.variance)), 1e-7))
    )
    return Of(lambda x: (x - mean) / spread)


def _mean(layer: L.GlobalAveragePooling2D) -> nn.Module:
    return Of(lambda x: x.mean((2, 3), keepdim=layer.keepdims))


def _reshape(layer: L.Reshape) -> nn.Module:
    """Of what has no size but in its channels, the one place where EfficientNet reshapes."""
    *ones, channels = layer.target_shape
    assert set(ones) == {1}
    return Of(lambda x: x.reshape(-1, channels, 1, 1))


ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "relu6": functional.relu6,
    "silu": functional.silu,
    "sigmoid": torch.sigmoid,
    "softmax": lambda x: torch.softmax(x, -1),
}

MODULES: dict[type, Callable[[object], nn.Module]] = {
    L.Conv2D: _conv,
    L.DepthwiseConv2D: _depthwise,
    L.BatchNormalization: _norm,
    L.Dense: _dense,
    L.ZeroPadding2D: _padding,
    L.MaxPooling2D: _pool(nn.MaxPool2d),
    L.AveragePooling2D: _pool(nn.AvgPool2d),
    L.GlobalAveragePooling2D: _mean,
    L.Normalization: _normalization,
    L.Rescaling: lambda layer: Of(lambda x: x * _scale(layer) + layer.offset),
    L.Reshape: _reshape,
    L.Flatten: lambda layer: Of(lambda x: x.permute(0, 2, 3, 1).flatten(1)),
    L.Dropout: lambda layer: nn.Dropout(layer.rate),
    L.Add: lambda layer: Of(lambda x, y: x + y),
    L.Multiply: lambda layer: Of(lambda x, y: x * y),
    L.Concatenate: lambda layer: Of(lambda *parts: torch.cat(parts, 1)),
    L.Activation: lambda layer: Of(ACTIVATIONS[layer.activation.__name__]),
    L.ReLU: lambda layer: nn.ReLU6() if layer.max_value == 6 else nn.ReLU(),
}


def _scale(layer: L.Rescaling) -> object:
    if isinstance(layer.scale, int | float):
        return layer.scale
    return torch.tensor(np.asarray(layer.scale, np.float32).reshape(-1, 1, 1))
