"""
How it compares with its peers
==============================

What other tools draw and save of the same models, measured while this page was built. Times are CPU
seconds of this process and its children on one machine under whatever load it had: take the ratios.
"""

import os
import re
import tempfile
from pathlib import Path

import onnx
import onnxsim
import torch
import torchview
import torchvision
import transformers

import graphlens

folder = Path(tempfile.mkdtemp())
graphlens.draw(graphlens.capture(torch.nn.ReLU(), torch.ones(2)), folder / "first.svg")  # imports
torch.manual_seed(0)
models = {
    "ResNet-50": (torchvision.models.resnet50().eval(), torch.randn(1, 3, 224, 224)),
    "GPT-2, 4 layers": (
        transformers.GPT2LMHeadModel(transformers.GPT2Config(n_layer=4, use_cache=False)).eval(),
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
# torchview draws a model as one column of boxes, to be printed on as many pages as that takes. The
# last column is the size that text of 11 points has once the picture is fitted to one A4 page,
# landscape, with margins.

print(f"{'':<17}{'tool':<11}{'seconds':>8}{'width x height':>16}{'on A4':>9}")
for name, (model, example) in models.items():
    for tool in ("torchview", "graphlens"):
        path, start = folder / f"{tool}.svg", seconds()
        if tool == "torchview":
            drawn = torchview.draw_graph(model, input_data=example, expand_nested=True)
            drawn.visual_graph.render(outfile=path, format="svg")
        else:
            graphlens.draw(graphlens.capture(model, example), path)
        spent = seconds() - start
        width, height = size(path)
        fitted = 11 * min(1, 802 / width, 555 / height)
        print(
            f"{name:<17}{tool:<11}{spent:>8.2f}{f'{width:.0f} x {height:.0f}':>16}{fitted:>6.1f} pt"
        )

# %%
# One of the two, which fits the page:

model, example = models["GPT-2, 4 layers"]
graph = graphlens.capture(model, example)
graphlens.draw(graph, "gpt2.svg")

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
