"""A small module of the layers that most models are made of, which warms a process up."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class UsualLayers(nn.Module):
    """A convolution, the usual normalisations and activations, attention, and an embedding.

    What torch works out once in a process (the table of functions that may be overridden, the first
    call of an op on fake tensors) is then charged neither to our capture nor to torch's own.
    """

    def __init__(self) -> None:
        """Layers of four channels."""
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, padding=1)
        self.batch_norm = nn.BatchNorm2d(4)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.embedding = nn.Embedding(4, 4)
        self.layer_norm = nn.LayerNorm(4)
        self.linear = nn.Linear(4, 12)
        self.dropout = nn.Dropout()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Of ``[1, 3, height, width]``, something of shape ``[1, 4]``."""
        x = functional.relu(self.batch_norm(self.convolution(image)))
        tokens = self.pool(x).flatten(2).transpose(1, 2)
        tokens = tokens + self.embedding(torch.arange(tokens.shape[1], device=image.device))
        states = (
            self.linear(self.layer_norm(tokens)).unflatten(-1, (3, 1, 4)).permute(2, 0, 3, 1, 4)
        )
        query, key, value = states.unbind(0)
        seen = functional.scaled_dot_product_attention(query, key, value)
        weights = (query @ key.transpose(-2, -1) / 2.0).softmax(-1)
        tokens = tokens + self.dropout(functional.gelu((seen + weights @ value).reshape(1, -1, 4)))
        return torch.cat([tokens, functional.silu(tokens)], dim=1).mean(dim=1)
