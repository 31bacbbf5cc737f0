"""What an operation says of what a model does, by its category."""

from __future__ import annotations

_WORTH = {
    "conv": 1.0,
    "matmul": 1.0,
    "attention": 2.0,
    "recurrent": 2.0,
    **dict.fromkeys(("embed", "pool", "norm", "activation", "control"), 0.3),
}
_LEAST = 0.05
IDLE = frozenset({"view", "move", "shape"})
"""Categories of operations that compute nothing."""


def worth(style: str) -> float:
    """How much an operation of a category says of what a model does, against the others."""
    return _WORTH.get(style, _LEAST)


def turn(style: str) -> int:
    """Where an operation stands in a list: what learns and mixes, what shapes it, what is idle."""
    if style in IDLE:
        return 3
    return 0 if worth(style) >= 1.0 else 1 if worth(style) > _LEAST else 2
