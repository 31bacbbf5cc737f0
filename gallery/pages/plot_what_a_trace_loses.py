"""
What a trace loses
==================

``torch.jit.trace`` runs a model once and keeps what it saw. A branch that was not taken was not
seen. Here is a model whose branch depends on its data, captured by a trace and by compiling its
source, and what the difference means.
"""

import warnings

import torch

import graphlens


class Gate(torch.nn.Module):
    """Scales what is bright, and inverts what is dark."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.mean() > 0:
            return torch.relu(self.linear(x))
        return -self.linear(x)


torch.manual_seed(0)
model = Gate().eval()
bright = torch.ones(2, 4)

# %%
# The trace
# ---------
# It is run on a bright example. PyTorch warns that the condition became a constant; the graph
# shows what that means: there is no branch in it.

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the warning is what this page is about
    traced = graphlens.capture(model, bright, via="torch.jit")

graphlens.draw(traced, "traced.svg")

# %%
# The script
# ----------
# ``torch.jit.script`` compiles the source instead, so both branches are there, as the two regions
# of an ``If``.

scripted = graphlens.capture(torch.jit.script(model), bright)
graphlens.draw(scripted, "scripted.svg")

# %%
# Is it still the same function?
# ------------------------------
# On the example, yes. The proof tries other inputs as well, and finds one on which it is not.

proof = graphlens.prove(scripted, traced)
print(proof.status, "by", proof.worst)

dark = -bright
(of_trace,) = graphlens.run(traced, dark.numpy())
print("PyTorch:  ", model(dark)[0].detach().numpy())
print("the trace:", of_trace[0])

# %%
# The same by the other ways in: ``torch.fx`` and ``torch.export`` refuse a branch on data rather
# than lose it, which is the safer answer, and say where it is.

try:
    graphlens.capture(model, bright, via="torch.export")
except graphlens.GraphlensError as error:
    print(str(error).partition(" (unhinted")[0])
