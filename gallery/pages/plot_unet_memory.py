"""
Where the memory of a U-Net goes
================================

A U-Net keeps the result of every level on its way down until it comes back up. How much memory does
one image take, which tensors hold it, and how much of that can a plan made beforehand get back?
"""

from itertools import pairwise

import torch
from torch import nn

import graphlens

# %%
# The model
# ---------


def double(before: int, after: int) -> nn.Sequential:
    """Two padded convolutions, each with its normalisation and activation."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
        nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
    )  # fmt: skip


class UNet(nn.Module):
    """U-Net (arXiv 1505.04597) of four levels."""

    def __init__(self, width: int = 16, depth: int = 4) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.stem = double(3, width)
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), double(a, b)) for a, b in pairwise(widths)
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.join = nn.ModuleList(double(b, a) for a, b in pairwise(widths))
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        held = [self.stem(x)]
        for layer in self.down:
            held.append(layer(held[-1]))
        x = held.pop()
        for up, join in zip(reversed(self.up), reversed(self.join), strict=True):
            x = join(torch.cat([held.pop(), up(x)], dim=1))
        return self.head(x)


torch.manual_seed(0)
model, image = UNet().eval(), torch.randn(1, 3, 128, 128)
graph = graphlens.capture(model, image)
graphlens.draw(graph, "unet.svg")

# %%
# As captured
# -----------
# Each tensor is a bar from the step that makes it to the last step that reads it; its height is its
# size. The long bars are the skip connections.

captured = graphlens.plan_memory(graph)
print(captured)
graphlens.draw(captured, "captured.svg")

# %%
# As planned
# ----------
# Once normalisations are folded into the convolutions and activations run inside their kernels,
# half of the tensors are never written at all, and half of the traffic is gone. The peak stays
# where it was: the last concatenation needs both its operands and its result, and no order of
# execution and no fusion of these kernels changes that. The map shows what would: joining in place.

history = graphlens.optimize(graph)
planned = graphlens.plan_memory(history.after)
print(planned)
graphlens.draw(planned, "planned.svg")

# %%
# What each pass did for it:

print(history)

# %%
# The plan is not only arithmetic: an independent checker goes over it, and the graph gives the same
# bits when it is run inside one buffer at these offsets, with whatever is dead overwritten.

planned.check()
print(f"{captured.total_bytes / planned.arena_bytes:.1f} times less than all tensors together")
