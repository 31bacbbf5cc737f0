"""ResNet-50 twice over: the same network with the same weights in PyTorch and in Keras.

`keras_resnet50` writes torchvision's architecture in Keras, `torch_resnet50` writes that of
``keras.applications`` in PyTorch; each takes the weights from the other side. The two architectures
differ: Keras strides in the first 1x1 convolution of a block, gives its convolutions biases, and
pads by layers of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import torch
from torch import nn

DEPTHS = (3, 4, 6, 3)
"""Blocks in each of the four stages."""

WIDTHS = (64, 128, 256, 512)
"""Channels inside the blocks of each stage; they give four times as many out."""


def keras_resnet50(model: nn.Module) -> keras.Model:
    """The Keras twin of torchvision's ``resnet50``, with that model's weights.

    Args:
        model: ``torchvision.models.resnet50(...)``, or any module with the same state_dict.

    Returns:
        A functional model from [N, 224, 224, 3] to [N, 1000] logits.
    """
    image = keras.Input((224, 224, 3), name="x")
    y = _unit(image, "", 64, 7, 2, names=("conv1", "bn1"))
    y = keras.layers.ZeroPadding2D(1, name="maxpool_pad")(y)
    y = keras.layers.MaxPooling2D(3, 2, name="maxpool")(y)
    for stage, (depth, width) in enumerate(zip(DEPTHS, WIDTHS, strict=True), start=1):
        for index in range(depth):
            stride = 2 if index == 0 and stage > 1 else 1
            y = _torchvision_block(y, f"layer{stage}_{index}", width, stride, index == 0)
    y = keras.layers.GlobalAveragePooling2D(name="avgpool")(y)
    twin = keras.Model(image, keras.layers.Dense(1000, name="fc")(y), name="resnet50")
    _into_keras(model, twin)
    return twin


def _torchvision_block(
    x: keras.KerasTensor, name: str, width: int, stride: int, projects: bool
) -> keras.KerasTensor:
    """A bottleneck that strides in its 3x3 convolution."""
    y = _unit(x, name, width, 1, 1, names=("conv1", "bn1"))
    y = _unit(y, name, width, 3, stride, names=("conv2", "bn2"))
    y = _unit(y, name, 4 * width, 1, 1, names=("conv3", "bn3"), relu=False)
    if projects:
        names = ("downsample_0", "downsample_1")
        x = _unit(x, name, 4 * width, 1, stride, names=names, relu=False)
    y = keras.layers.Add(name=f"{name}_add")([y, x])
    return keras.layers.ReLU(name=f"{name}_relu")(y)


def _unit(
    x: keras.KerasTensor,
    block: str,
    width: int,
    kernel: int,
    stride: int,
    *,
    names: tuple[str, str],
    relu: bool = True,
) -> keras.KerasTensor:
    """Convolution, BatchNorm and ReLU. PyTorch pads both sides alike, Keras's 'same' does not."""
    conv, norm = (f"{block}_{name}" if block else name for name in names)
    if kernel > 1:
        x = keras.layers.ZeroPadding2D(kernel // 2, name=f"{conv}_pad")(x)
    x = keras.layers.Conv2D(width, kernel, stride, use_bias=False, name=conv)(x)
    x = keras.layers.BatchNormalization(epsilon=1e-5, name=norm)(x)
    return keras.layers.ReLU(name=f"{conv}_relu")(x) if relu else x


def _into_keras(model: nn.Module, twin: keras.Model) -> None:
    """Copy each layer's weights: filters OIHW -> HWIO, the linear layer's matrix transposed."""
    state = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    for layer in twin.layers:
        # Keras allows no dots: layer1_0_conv1 is layer1.0.conv1.
        name = layer.name.replace("_", ".")
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([state[f"{name}.weight"].transpose(2, 3, 1, 0)])
        elif isinstance(layer, keras.layers.BatchNormalization):
            parts = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([state[f"{name}.{part}"] for part in parts])
        elif isinstance(layer, keras.layers.Dense):
            layer.set_weights([state[f"{name}.weight"].T, state[f"{name}.bias"]])


class TorchResNet50(nn.Module):
    """The architecture of ``keras.applications.ResNet50``: [N, 3, H, W] to [N, 1000]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Unit(3, 64, 7, 2)
        channels = 64
        for stage, (depth, width) in enumerate(zip(DEPTHS, WIDTHS, strict=True), start=2):
            blocks = nn.Sequential()
            for index in range(depth):
                stride = 2 if index == 0 and stage > 2 else 1
                blocks.append(_KerasBlock(channels, width, stride, projects=index == 0))
                channels = 4 * width
            self.add_module(f"conv{stage}", blocks)
        self.predictions = nn.Linear(channels, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.conv1(nn.functional.pad(x, (3, 3, 3, 3))))
        y = nn.functional.max_pool2d(nn.functional.pad(y, (1, 1, 1, 1)), 3, 2)
        for stage in (self.conv2, self.conv3, self.conv4, self.conv5):
            y = stage(y)
        return torch.softmax(self.predictions(y.mean((2, 3))), -1)


class _Unit(nn.Module):
    """A convolution with a bias, and Keras's BatchNorm."""

    def __init__(
        self, channels: int, width: int, kernel: int = 1, stride: int = 1, padding: int = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride, padding)
        self.bn = nn.BatchNorm2d(width, eps=1.001e-5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bn(self.conv(x))


class _KerasBlock(nn.Module):
    """A bottleneck that strides in its first 1x1 convolution."""

    def __init__(self, channels: int, width: int, stride: int, *, projects: bool) -> None:
        super().__init__()
        # Named as Keras numbers them: 0 is the shortcut, 1 to 3 the way through.
        self.unit0 = _Unit(channels, 4 * width, 1, stride) if projects else nn.Identity()
        self.unit1 = _Unit(channels, width, 1, stride)
        self.unit2 = _Unit(width, width, 3, padding=1)
        self.unit3 = _Unit(width, 4 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.unit1(x))
        y = torch.relu(self.unit2(y))
        return torch.relu(self.unit0(x) + self.unit3(y))


def torch_resnet50(model: keras.Model) -> TorchResNet50:
    """The PyTorch twin of ``keras.applications.ResNet50``, with that model's weights, in eval."""
    twin = TorchResNet50().eval()
    for path, unit in _units(twin):
        conv, norm = model.get_layer(f"{path}_conv"), model.get_layer(f"{path}_bn")
        kernel, bias = conv.get_weights()
        _fill(unit.conv.weight, kernel.transpose(3, 2, 0, 1))
        _fill(unit.conv.bias, bias)
        parts = (unit.bn.weight, unit.bn.bias, unit.bn.running_mean, unit.bn.running_var)
        for tensor, array in zip(parts, norm.get_weights(), strict=True):
            _fill(tensor, array)
    kernel, bias = model.get_layer("predictions").get_weights()
    _fill(twin.predictions.weight, kernel.T)
    _fill(twin.predictions.bias, bias)
    return twin


def _units(twin: TorchResNet50) -> Iterator[tuple[str, _Unit]]:
    """Every unit with the name that Keras gives its layers: ``conv2_block1_0``."""
    for path, module in twin.named_modules():
        if isinstance(module, _Unit):
            stage, _, rest = path.partition(".")
            block, _, unit = rest.partition(".unit")
            yield (f"{stage}_block{int(block) + 1}_{unit}" if rest else stage), module


def _fill(tensor: torch.Tensor, array: np.ndarray) -> None:
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(np.ascontiguousarray(array)))
