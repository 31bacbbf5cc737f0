"""Random graphs with If, Loop and Scan through the whole pipeline: proven, their plans sound."""

import pytest
from random_control import random_control

from graphlens import api
from graphlens.ir import check
from graphlens.memory.plan import plan_memory


def optimized(seed: int, size: int) -> list[str]:
    """What is wrong with what the default pipeline makes of a random graph."""
    history = api.optimize(random_control(seed, size))
    plan_memory(check(history.after)).check()
    found = [step for step in history.steps if step.evidence.status != "proven"]
    return [f"{seed}: {step.name}: {step.evidence.reason}" for step in found]


@pytest.mark.parametrize("seed", [2, 3, 9, 12])
def test_the_default_pipeline_is_proven_on_control_flow(seed):
    assert optimized(seed, 3) == []


@pytest.mark.zoo
def test_the_default_pipeline_is_proven_on_much_control_flow():
    assert [told for seed in range(100, 200) for told in optimized(seed, 6)] == []
