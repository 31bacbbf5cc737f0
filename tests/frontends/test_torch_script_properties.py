"""Models with properties that raise are traced all the same."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from graphlens.frontends.torch import jit as torch_jit  # noqa: E402
from graphlens.runtime.run import run  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


class Layer(torch.nn.Module):
    """Has a property that its configuration does not suit, and one that is read."""

    @property
    def channels(self) -> list[int]:
        warnings.warn("channels is old", FutureWarning, stacklevel=2)
        return [[1, 2][place] for place in (0, 5)]

    @property
    def scale(self) -> float:
        return 2.0

    def forward(self, x: Any) -> Any:
        return x * self.scale


def test_a_property_that_raises_is_not_asked_for() -> None:
    model = torch.nn.Sequential(Layer())
    x = torch.rand(2, 3)
    with pytest.raises(IndexError), pytest.warns(FutureWarning):
        torch.jit.trace(model, x)
    before = vars(Layer)["channels"]
    np.testing.assert_allclose(run(torch_jit.capture(model, x), x.numpy())[0], 2 * x.numpy())
    assert vars(Layer)["channels"] is before
