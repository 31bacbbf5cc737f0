"""
How it compares with its peers
==============================

What other tools draw and save of the same models. What needs a browser or Graphviz's ``dot`` was
measured beforehand (29 and 30 November 2026): Netron 9.3.3 in a headless Chromium, on the graph
that graphlens saved as ONNX, and torchview 0.2.7, three levels deep, laid out by Graphviz. Model
Explorer 0.1.34 draws on a canvas, of which nothing can be counted from outside; it is compared in
words below. The rest is measured while this page is built, in CPU seconds on one machine under
whatever load it had: take the ratios.
"""

import os
import re
import tempfile
from pathlib import Path

import onnx
import onnxsim
import torch
import torchvision
import transformers

import graphlens

folder = Path(tempfile.mkdtemp())
graphlens.draw(graphlens.capture(torch.nn.ReLU(), torch.ones(2)), folder / "first.svg")  # imports
torch.manual_seed(0)
models = {
    "ResNet-50": (torchvision.models.resnet50().eval(), torch.randn(1, 3, 224, 224)),
    "GPT-2, 12 layers": (
        transformers.GPT2LMHeadModel(
            transformers.GPT2Config(n_embd=192, n_head=6, vocab_size=1000, use_cache=False)
        ).eval(),
        torch.randint(0, 1000, (1, 32)),
    ),
}


def seconds() -> float:
    """CPU seconds so far, those of finished children included."""
    return sum(os.times()[:4])


def size(path: Path) -> tuple[float, float]:
    """Width and height of an SVG in points."""
    width, height = re.search(r'width="([\d.]+)[a-z]*" height="([\d.]+)', path.read_text()).groups()
    return float(width), float(height)


# %%
# The picture
# -----------
# All of a model in one picture: the size that its smallest type has once the picture is fitted to
# one A4 page, landscape; width over height; how often arrows cross (where it could be counted).
# Others draw one box for each operation or module, to be scrolled through; the default picture of
# graphlens is made for the page, with what does not fit folded and what repeats drawn once.

KEPT = """
model              tool       boxes  smallest type  width : height  crossings
ResNet-50          torchview    173         0.6 pt            0.06          0
ResNet-50          Netron                   0.3 pt            0.04
GPT-2, 12 layers   torchview     94         0.9 pt            0.18          6
GPT-2, 12 layers   Netron                   0.1 pt            0.13
BERT, 12 layers    torchview     47         1.7 pt            0.10          0
BERT, 12 layers    Netron                   0.2 pt            0.26
T5, 6 + 6 layers   torchview     47         1.8 pt            0.26          4
T5, 6 + 6 layers   Netron                   0.1 pt            0.15
Swin-T             torchview     46         2.0 pt            0.32          0
Swin-T             Netron                   0.1 pt            0.07
U-Net              torchview     69         1.4 pt            0.10          0
U-Net              Netron                   0.8 pt            0.12
DenseNet-121       torchview     85         0.9 pt            0.55       7850
DenseNet-121       Netron                   0.1 pt            0.78
NASNet Mobile      Netron                   0.1 pt            0.68
Mixtral, 4 layers  torchview    175         0.7 pt            0.20         39
Mixtral, 4 layers  Netron                   0.2 pt            0.21"""
print(KEPT)

# %%
# The same of graphlens, measured now, for two of them; smallest type is 10 points there:

for name, (model, example) in models.items():
    path, start = folder / "graphlens.svg", seconds()
    graphlens.draw(graphlens.capture(model, example), path)
    spent, (width, height) = seconds() - start, size(path)
    fitted = 10 * min(785 / width, 538 / height)
    boxes = path.read_text().count('class="box')
    figures = f"{boxes:>5}{f'{fitted:.1f} pt':>15}{width / height:>16.2f}"
    print(f"{name:<19}{'graphlens':<11}{figures}   {spent:.2f} s")

# %%
# One of them, which fits the page:

model, example = models["GPT-2, 12 layers"]
graph = graphlens.capture(model, example)
graphlens.draw(graph, "gpt2.svg")

# %%
# What is clearer elsewhere, and where that is here
# -------------------------------------------------
# Netron shows every weight's values: on the interactive page (``graphlens view``) a click on a
# weight opens its type, size, spread and first values. Model Explorer lays one's own numbers over
# the nodes: ``--color-by FILE.json``, or ``color_by`` with a mapping, does so in all pictures.

own = {
    name: step / len(graph)
    for step, name in enumerate(graph.in_order())
    if not graph.node(name).is_structural
}
graphlens.draw(graph, "own.svg", color_by=own)

# %%
# Model Explorer begins with three boxes, input, model and output; with all layers expanded each of
# the nine models is a row of all weights above a column of operations, each a few pixels in a
# window of 1400 by 990. Weights are in the boxes that read them here, and one that several modules
# read (tied embeddings, T5's relative positions) is named at each of them.
#
# Pictures of all nine were held side by side: torchview's of all but NASNet, which it cannot take;
# Netron's and Model Explorer's of all nine. What theirs still show that the default picture here
# does not:
#
# - ResNet-50: Netron writes the whole shape of a weight (``64×3×7×7``) in its box; here a box has
#   the kernel, the channels that come out and the number of parameters, and the shape beside the
#   arrow above it has the channels that come in. torchview shows every block in full; here one is
#   open and the others say what they hold, or in what they differ (``twice as wide``).
# - BERT: Netron shows its three tables of embeddings as three boxes; here they are lines of one
#   box, two of them left out where there is no room, and all in the tooltip.
# - Swin-T: the slices of a shifted window are in full in Netron's. Here ``--expand features.1.1``
#   opens one.
# - DenseNet-121: torchview draws what each layer reads, which in the first block, of six layers,
#   can be followed; here a block says that each reads all before it. Netron has every layer of a
#   block, in a fan of 24,000 points.
# - NASNet: no cell is open; ``--expand normal_1`` opens one.
# - GPT-2, T5, Mixtral: torchview has the layers one below the other; here one is drawn for all,
#   some of its modules folded.
#
# Netron and torchview name every operation at once, where a folded box here lists what it holds,
# what learns and mixes first: ``--expand`` and ``--flat`` open them, at the price of the page. And
# Netron and Model Explorer open files that graphlens does not read, such as TFLite.
#
# torchview writes the shapes of inputs and outputs in every box; here those that change are
# written, beside the arrow, unless all are asked for:

graphlens.draw(graph, "shapes.svg", shapes="all")

# %%
# The optimisation
# ----------------
# The same graph, handed to each as ONNX. Kernels are counted by one rule for all; seconds without
# proofs. Where ONNX Runtime ends with more kernels than it was given, it has taken apart operators
# of the newest opset (``Gelu``, ``Attention``) that it has no kernel of its own for.

print(f"{'':<17}{'tool':<11}{'seconds':>8}{'kernels':>9}")
for name, (model, example) in models.items():
    graph = graphlens.capture(model, example)
    path = folder / "model.onnx"
    graphlens.save(graph, path)

    def by_onnxsim(path: Path = path) -> graphlens.Graph:
        simplified, _ = onnxsim.simplify(onnx.load(path))
        onnx.save(simplified, folder / "simplified.onnx")
        return graphlens.load(folder / "simplified.onnx")

    def by_onnxruntime(graph: graphlens.Graph = graph) -> graphlens.Graph:
        return graphlens.optimize(graph, ["onnxruntime"], prove=False).after

    def by_graphlens(graph: graphlens.Graph = graph) -> graphlens.Graph:
        return graphlens.optimize(graph, prove=False).after

    print(f"{name:<17}{'captured':<11}{graphlens.optimize(graph, []).evidence.kernels:>17}")
    tools = {"onnxsim": by_onnxsim, "onnxruntime": by_onnxruntime, "graphlens": by_graphlens}
    for tool, optimised in tools.items():
        start = seconds()
        kernels = graphlens.optimize(optimised(), []).evidence.kernels
        print(f"{name:<17}{tool:<11}{seconds() - start:>8.2f}{kernels:>9}")
