"""Graphs of known weights from text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphlens.ir import Graph, Value, parse


def _known(text: str, seed: int = 0) -> Graph:
    graph = parse(text)
    numbers = np.random.default_rng(seed)
    for name in graph.params:
        held = graph.type_of(Value(name))
        positive = name.endswith(("var", "scale"))
        array = numbers.uniform(0.5 if positive else -1, 1.5 if positive else 1, held.shape)
        graph.weights[name] = array.astype(held.dtype)
    return graph


@pytest.fixture
def known() -> Callable[..., Graph]:
    """Text -> Graph whose Params have seeded values (variances and scales are positive)."""
    return _known
