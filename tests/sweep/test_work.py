"""How a model's outputs are judged: equal, equal where nothing rounds, or another function."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from graphlens import api
from graphlens.sweep import Spec, Task
from graphlens.sweep.summary import by_front_end, summary
from graphlens.sweep.work import work

pytestmark = pytest.mark.torch

AMPLIFIES = Spec("model", f"{Path(__file__).with_name('zoo_models.py')}:amplifies")
TASK = Task(stages=("capture", "run"), vias=("torch.fx", "torch.eager"), bare=False)


def test_a_model_that_amplifies_rounding_is_equal_in_float64():
    row = work(AMPLIFIES, TASK)
    assert row.status == "equal in float64"
    for entry in row.frontends.values():
        assert entry["status"] == "equal in float64"
        assert entry["reason"].startswith("output 0: relative error ")
        assert entry["max_error"] > 0.01  # that of float32 is what the table shows
    first, second = (entry["reason"] for entry in row.frontends.values())
    assert first.endswith(": the model amplifies rounding")
    assert second.endswith("; equal to what torch.fx gives, which is equal in float64")
    assert row.sound


def test_a_wrong_capture_of_a_model_that_amplifies_rounding_is_different(monkeypatch):
    run = api.run
    monkeypatch.setattr(api, "run", lambda *given: [1.001 * one for one in run(*given)])
    row = work(AMPLIFIES, TASK)
    assert row.status == "captured"
    assert {entry["status"] for entry in row.frontends.values()} == {"different"}


def test_the_summary_says_how_many_are_equal_in_float64_only():
    row = work(AMPLIFIES, TASK)
    assert "equal output 1 of 1 (100.0 %), 1 of them in float64 only" in str(summary([row]))
    assert by_front_end([row])["torch.fx"].equal == 1
