"""
Write your own pass in 15 lines
===============================

A pass is a function from a graph to a graph. A rule is a pattern, a replacement and a name; the
engine matches it wherever it fits, and the pipeline proves what it did by running the graph before
and after. Here is a pass that is right, and then one that only seems to be.
"""

import torch

import graphlens
from graphlens.rewrite import Rule, apply, op, scalar, var

# %%
# A rule that is right
# --------------------
# ``a / c`` is ``a * (1 / c)``, and a product is what kernels fuse best.

DIVIDE = Rule(
    "multiply-by-the-reciprocal",
    op("Div", var("a"), scalar(name="c")),
    lambda found, build: build.op("Mul", found["a"], build.const(1 / found.array("c"))),
    comment="Div(a, c) -> Mul(a, 1 / c)",
)


def reciprocals(graph: graphlens.Graph) -> graphlens.Graph:
    """Multiply instead of dividing by constants."""
    return apply(graph, [DIVIDE])


class Attention(torch.nn.Module):
    """One head, written out by hand."""

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        scores = q @ k.mT / 8.0
        return torch.softmax(scores, -1) @ v


inputs = [torch.randn(1, 16, 64) for _ in range(3)]
graph = graphlens.capture(Attention(), *inputs)
history = graphlens.optimize(graph, [reciprocals])
print(history)
graphlens.draw(history, "reciprocals.svg")

# %%
# A rule that is wrong
# --------------------
# ``Softmax`` is not changed by adding a constant to what it is given, so surely scaling it does
# no harm either? The pipeline runs both graphs, and refuses.

WRONG = Rule(
    "softmax-needs-no-scale",
    op("Softmax", op("Div", var("a"), scalar(name="c")), name="softmax"),
    lambda found, build: build.op("Softmax", found["a"], **found.node("softmax").attributes),
    comment="Softmax(Div(a, c)) -> Softmax(a)",
)


def unscaled(graph: graphlens.Graph) -> graphlens.Graph:
    """Drop a scale that only seems to be idle."""
    return apply(graph, [WRONG])


try:
    graphlens.optimize(graph, [unscaled])
except graphlens.GraphlensError as error:
    print(error)

# %%
# To have a pass under a name for ``graphlens optimize --passes``, a package declares it as an entry
# point of the group ``graphlens.passes``.
