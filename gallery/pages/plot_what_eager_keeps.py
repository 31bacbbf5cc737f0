"""
Eager's memory against a plan
=============================

A framework that runs each line as it comes cannot know which results will be needed again. In
training it keeps whatever the backward pass may want; in inference it frees a tensor when Python
forgets it. A runtime that sees the whole graph knows. How much is that worth?

Everything below that PyTorch holds is measured while PyTorch runs, not computed from the graph.
"""

import weakref

import torch
import torchvision
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import graphlens

torch.manual_seed(0)
model = torchvision.models.resnet18().eval()
image = torch.randn(1, 3, 224, 224)
weights = {each.untyped_storage().data_ptr() for each in [*model.parameters(), *model.buffers()]}


class Held(TorchDispatchMode):
    """Counts the bytes of results that are alive, weights and the input apart."""

    def __init__(self) -> None:
        super().__init__()
        self.alive, self.peak = {}, 0

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        results = op(*args, **(kwargs or {}))
        for leaf in tree_leaves(results):
            if isinstance(leaf, torch.Tensor):
                self.note(leaf.untyped_storage())
        return results

    def note(self, storage: torch.UntypedStorage) -> None:
        """Remember a storage until it is freed."""
        key = storage._cdata
        if storage.data_ptr() not in weights | {image.data_ptr()} and key not in self.alive:
            self.alive[key] = storage.nbytes()
            weakref.finalize(storage, self.alive.pop, key, None)
        self.peak = max(self.peak, sum(self.alive.values()))


def megabytes(count: float) -> str:
    """In the unit of the page."""
    return f"{count / 1e6:6.2f} MB"


# %%
# What PyTorch holds
# ------------------
# Once with gradients, as in training, and once without.

with Held() as training:
    output = model(image)
kept = sum(training.alive.values())

with torch.no_grad(), Held() as inference:
    model(image)

print("with gradients:   ", megabytes(kept), "are still held after the forward pass")
print("without gradients:", megabytes(inference.peak), "at most at one time")

# %%
# What a plan needs
# -----------------
# The same model, captured; then with its kernels fused.

graph = graphlens.capture(model, image)
captured = graphlens.plan_memory(graph, inplace=False, schedule=False)
history = graphlens.optimize(graph)
planned = graphlens.plan_memory(history.after)

print("the graph in its own order: ", megabytes(captured.eager_bytes))
print("optimised, in one arena:    ", megabytes(planned.arena_bytes))

# %%
# Without gradients PyTorch comes close to the graph's own order, as it should: Python forgets each
# result soon after its last use. With gradients it holds a multiple, and the plan needs less than
# either.

graphlens.draw(planned, "planned.svg")
print(f"gradients hold {kept / planned.arena_bytes:.1f} times what the plan needs")
