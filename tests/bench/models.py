"""The models that are measured: real ones by torch and Keras, and synthetic ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def tiny():
    """A convolution, a norm and an activation, and their input."""
    import torch

    layers = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()
    return torch.nn.Sequential(*layers).eval(), torch.zeros(1, 3, 8, 8)


def resnet50():
    """ResNet-50 in inference mode, and its input."""
    import torch
    import torchvision

    torch.manual_seed(0)
    return torchvision.models.resnet50(weights=None).eval(), torch.zeros(1, 3, 224, 224)


def gpt2():
    """GPT-2 with 12 layers in inference mode, and 64 tokens."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.GPT2Config(use_cache=False, return_dict=False)
    return transformers.GPT2Model(config).eval(), torch.zeros(1, 64, dtype=torch.int64)


def densenet121():
    """DenseNet-121 in inference mode, and its input."""
    import torch
    import torchvision

    torch.manual_seed(0)
    return torchvision.models.densenet121(weights=None).eval(), torch.zeros(1, 3, 224, 224)


def swin_t():
    """Swin-T in inference mode, and its input."""
    import torch
    import torchvision

    torch.manual_seed(0)
    return torchvision.models.swin_t(weights=None).eval(), torch.zeros(1, 3, 224, 224)


def bert():
    """BERT-base in inference mode, and 64 tokens."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig(return_dict=False)
    return transformers.BertModel(config).eval(), torch.zeros(1, 64, dtype=torch.int64)


def t5():
    """T5-small, 6 + 6 layers, in inference mode, and 64 tokens for either side."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.T5Config(use_cache=False, num_decoder_layers=6)
    model = transformers.T5Model(config).eval()
    tokens = torch.zeros(1, 64, dtype=torch.int64)
    mask = torch.ones(1, 64, dtype=torch.int64)
    return model, tokens, mask, tokens


def unet():
    """A U-Net of four levels from 16 channels up, in inference mode, and its input."""
    import torch_models

    model, inputs = torch_models.unet()
    return model, *inputs


def nasnet():
    """Keras's NASNet Mobile and its input."""
    import keras

    keras.utils.set_random_seed(0)
    return keras.applications.NASNetMobile(weights=None), np.zeros((1, 224, 224, 3), np.float32)


def mixtral():
    """A decoder of four layers with a mixture of eight experts in each, and 32 tokens."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.MixtralConfig(
        vocab_size=1000, hidden_size=128, intermediate_size=256, num_hidden_layers=4,
        num_attention_heads=8, num_key_value_heads=4, use_cache=False, return_dict=False,
    )  # fmt: skip
    return transformers.MixtralModel(config).eval(), torch.zeros(1, 32, dtype=torch.int64)


EXPORTED = ("resnet50", "gpt2")
"""Those that are exported to ONNX."""
MODELS = {
    made.__name__: made
    for made in (resnet50, gpt2, bert, t5, swin_t, unet, densenet121, nasnet, mixtral)
}


def exported(name: str, folder: Path) -> Path:
    """Its ONNX file, exported by torch as it stands, without torch's own optimisation."""
    path = folder / f"{name}.onnx"
    if not path.exists():
        import torch

        model, example = MODELS[name]()
        program = torch.onnx.export(
            model, (example,), dynamo=True, optimize=False, opset_version=18, verbose=False
        )
        program.save(path)
    return path


def synthetic(nodes: int) -> onnx.ModelProto:
    """A chain of residual blocks, five operations each, about ``nodes`` of them in all."""
    blocks = max(1, nodes // 5)
    weight = numpy_helper.from_array(np.eye(4, dtype=np.float32), "weight")
    bias = numpy_helper.from_array(np.ones(4, dtype=np.float32), "bias")
    made = [node for block in range(blocks) for node in _block(block)]
    graph = helper.make_graph(
        made,
        "synthetic",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info(f"x{blocks}", TensorProto.FLOAT, [1, 4])],
        [weight, bias],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def _block(number: int) -> list[onnx.NodeProto]:
    """``x + sigmoid(relu(x @ weight + bias))``."""
    x, end = f"x{number}", f"x{number + 1}"
    names = [f"{step}{number}" for step in ("matmul", "add", "relu", "sigmoid")]
    return [
        helper.make_node("MatMul", [x, "weight"], [names[0]], names[0]),
        helper.make_node("Add", [names[0], "bias"], [names[1]], names[1]),
        helper.make_node("Relu", [names[1]], [names[2]], names[2]),
        helper.make_node("Sigmoid", [names[2]], [names[3]], names[3]),
        helper.make_node("Add", [x, names[3]], [end], f"residual{number}"),
    ]
