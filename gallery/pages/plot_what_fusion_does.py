"""
What fusion does to ResNet, BERT and Llama
==========================================

A kernel that reads a tensor, does little and writes it back spends its time on memory. Fusion makes
one kernel of several, so that what lies between them is never written. Here is one block each of
three architectures, before and after; the passes are the same for all three.
"""

import torch
import torchvision
import transformers
from transformers.models.bert.modeling_bert import BertLayer
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRotaryEmbedding

import graphlens

torch.manual_seed(0)


def row(name: str, history) -> str:
    """Kernels and traffic before and after."""
    before, after = history.evidence, history.result
    return (
        f"{name:<9} {before.kernels:>3} -> {after.kernels:>2} kernels   "
        f"{before.traffic_bytes / 1e6:7.2f} -> {after.traffic_bytes / 1e6:6.2f} MB   "
        f"{after.status}, largest error {after.max_abs_error:.1e}"
    )


# %%
# A residual block of ResNet
# --------------------------
# Normalisations disappear into the weights of the convolutions; the addition and the activation are
# done while the last convolution's result is still in registers.

block = torchvision.models.resnet50().layer2.eval()
resnet = graphlens.optimize(graphlens.capture(block[1], torch.randn(1, 512, 28, 28)))
graphlens.draw(resnet, "resnet_block.svg")
print(row("ResNet", resnet))

# %%
# An encoder layer of BERT
# ------------------------
# Attention, which PyTorch's tracers take apart, is one op again; the three projections of one input
# run as one product.

config = transformers.BertConfig()
layer = BertLayer(config).eval()
bert = graphlens.optimize(graphlens.capture(layer, torch.randn(1, 64, config.hidden_size)))
graphlens.draw(bert, "bert_layer.svg")
print(row("BERT", bert))

# %%
# A decoder layer of Llama
# ------------------------
# Rotary embeddings and the gated unit are long chains of small ops: this is where fusion has most
# to win.


class Decoder(torch.nn.Module):
    """One layer with the rotary embedding that the model shares between its layers."""

    def __init__(self, config: transformers.LlamaConfig) -> None:
        super().__init__()
        self.layer = LlamaDecoderLayer(config, 0)
        self.rotary = LlamaRotaryEmbedding(config)

    def forward(self, x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        return self.layer(x, position_embeddings=self.rotary(x, positions))


config = transformers.LlamaConfig(
    hidden_size=1024, intermediate_size=2816, num_attention_heads=16, num_key_value_heads=4
)
config._attn_implementation = "sdpa"
decoder = Decoder(config).eval()
positions = torch.arange(64)[None]
llama = graphlens.optimize(graphlens.capture(decoder, torch.randn(1, 64, 1024), positions))
graphlens.draw(llama, "llama_layer.svg")
print(row("Llama", llama))

# %%
# Side by side
# ------------
# Kernels launched, and bytes of intermediate results written and read.

for name, history in {"ResNet": resnet, "BERT": bert, "Llama": llama}.items():
    print(row(name, history))
