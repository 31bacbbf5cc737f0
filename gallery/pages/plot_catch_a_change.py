"""
Catch a graph change in CI
==========================

Somebody cleans up the model's code. The tests pass, the accuracy is the same, and inference takes
longer than it did, since a layer that was folded before no longer is. A snapshot of the graph would
have said so. graphlens comes with a pytest fixture that keeps one.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

project = Path(tempfile.mkdtemp())

# %%
# The model and its test
# ----------------------

MODEL = """
import torch


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))
"""

TEST = """
import graphlens
import torch
from model import Block


def test_what_is_shipped_is_what_was_reviewed(graph_snapshot):
    graph = graphlens.capture(Block().eval(), torch.zeros(1, 3, 16, 16))
    graph_snapshot(graphlens.optimize(graph).after)
"""

(project / "model.py").write_text(MODEL)
(project / "test_model.py").write_text(TEST)


def pytest(*arguments: str) -> str:
    """What pytest prints when it is run in the project."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short", *arguments]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    return done.stdout.replace(str(project), "project")


# %%
# The first time, the graph is written; it belongs into version control.

print(pytest("--graph-update"))
print("kept:", *(path.relative_to(project) for path in project.rglob("*.json")))

# %%
# The change
# ----------
# The activation moves before the normalisation: the shapes, the parameters and the checkpoints all
# fit as before, but BatchNormalization can no longer be folded into the convolution.

changed = MODEL.replace(
    "torch.relu(self.norm(self.conv(x)))", "self.norm(torch.relu(self.conv(x)))"
)
(project / "model.py").write_text(changed)
report = pytest("--graph-diffs", "differences")
print(report)

# %%
# The picture that it drew, which CI can keep as an artefact:

for drawn in (project / "differences").glob("*.svg"):
    shutil.move(drawn, drawn.name)

# %%
# If the change was meant, ``pytest --graph-update`` keeps the new graph, and the review of the pull
# request shows it.
