"""The PyTorch models that the tests capture: real architectures with seeded random weights.

Each function returns ``(model.eval(), inputs)``; ``small=True`` gives the same architecture with
few and narrow layers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import nn

Built = tuple[nn.Module, tuple[Any, ...]]


def _torchvision() -> Any:
    """torchvision's Python models, whose C ops the CPU build of torch cannot load.

    Its import asks for the ops' schemas only, so that stand-ins do.
    """
    for op in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, op):
            torch.library.define(
                f"torchvision::{op}", "(Tensor dets, Tensor scores, float threshold) -> Tensor"
            )
    import torchvision

    return torchvision


def _image(size: int) -> torch.Tensor:
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))


def _tokens(count: int, length: int) -> torch.Tensor:
    return torch.randint(0, count, (1, length), generator=torch.Generator().manual_seed(1))


def _settled(model: nn.Module) -> nn.Module:
    """The model in eval mode, its batch norms with statistics that are not 0 and 1."""
    seeded = torch.Generator().manual_seed(2)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            size = module.running_mean.shape
            module.running_mean.copy_(torch.randn(size, generator=seeded) * 0.1)
            module.running_var.copy_(torch.rand(size, generator=seeded) + 0.5)
    return model.eval()


def resnet50(small: bool = False) -> Built:
    """torchvision's ResNet-50; small: one bottleneck a stage, 32 pixels."""
    torch.manual_seed(0)
    resnet = _torchvision().models.resnet
    if small:
        model = resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=10)
        return _settled(model), (_image(32),)
    return _settled(resnet.resnet50()), (_image(224),)


def mobilenet_v2(small: bool = False) -> Built:
    """torchvision's MobileNetV2; small: a quarter of its width, three stages."""
    torch.manual_seed(0)
    models = _torchvision().models
    if small:
        stages = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 1, 2]]
        model = models.MobileNetV2(10, 0.25, stages)
        return _settled(model), (_image(32),)
    return _settled(models.mobilenet_v2()), (_image(224),)


class DoubleConv(nn.Sequential):
    """Two 3 x 3 convolutions, each with batch norm and ReLU."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """U-Net (arXiv 1505.04597) with padded convolutions, as it is mostly written today."""

    def __init__(self, width: int = 64, depth: int = 4, classes: int = 2) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.stem = DoubleConv(3, width)
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), DoubleConv(a, b)) for a, b in pairwise(widths)
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.join = nn.ModuleList(DoubleConv(b, a) for a, b in pairwise(widths))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        held = [self.stem(x)]
        for layer in self.down:
            held.append(layer(held[-1]))
        x = held.pop()
        for up, join in zip(reversed(self.up), reversed(self.join), strict=True):
            x = join(torch.cat([held.pop(), up(x)], dim=1))
        return self.head(x)


def unet(small: bool = False) -> Built:
    """A U-Net of four levels from 16 channels up; small: two levels from 4."""
    torch.manual_seed(0)
    model = UNet(4, 2) if small else UNet(16, 4)
    return _settled(model), (_image(32 if small else 128),)


def bert_base(small: bool = False) -> Built:
    """transformers' BERT-base encoder over 32 tokens with a mask; small: two layers of 32."""
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig()
    if small:
        config = transformers.BertConfig(
            vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=64,
        )  # fmt: skip
    length = 8 if small else 32
    mask = torch.ones(1, length, dtype=torch.int64)
    mask[:, -3:] = 0
    model = transformers.BertModel(config)
    return model.eval(), (_tokens(config.vocab_size, length), mask)


def gpt2(small: bool = False) -> Built:
    """transformers' GPT-2 of 12 layers with its language head; small: two layers of 32."""
    import transformers

    torch.manual_seed(0)
    config = transformers.GPT2Config(use_cache=False)
    if small:
        config = transformers.GPT2Config(
            vocab_size=100, n_positions=64, n_embd=32, n_layer=2, n_head=4, use_cache=False
        )
    model = transformers.GPT2LMHeadModel(config)
    return model.eval(), (_tokens(config.vocab_size, 8 if small else 32),)


def vit_b_16(small: bool = False) -> Built:
    """transformers' ViT-B/16 with its classifier; small: two layers of 32, 32 pixels."""
    import transformers

    torch.manual_seed(0)
    config = transformers.ViTConfig(num_labels=1000)
    if small:
        config = transformers.ViTConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
            image_size=32, patch_size=8,
        )  # fmt: skip
    model = transformers.ViTForImageClassification(config)
    return model.eval(), (_image(32 if small else 224),)


def llama_like(small: bool = False) -> Built:
    """transformers' Llama decoder: 4 layers of 256 with grouped queries; small: two of 32."""
    import transformers

    torch.manual_seed(0)
    width, layers = (32, 2) if small else (256, 4)
    config = transformers.LlamaConfig(
        vocab_size=100 if small else 1000,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        use_cache=False,
    )
    model = transformers.LlamaForCausalLM(config)
    return model.eval(), (_tokens(config.vocab_size, 8 if small else 32),)


MODELS: dict[str, Callable[..., Built]] = {
    "resnet50": resnet50,
    "mobilenet_v2": mobilenet_v2,
    "unet": unet,
    "bert_base": bert_base,
    "gpt2": gpt2,
    "vit_b_16": vit_b_16,
    "llama_like": llama_like,
}
"""Every model by name."""
