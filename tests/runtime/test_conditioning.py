"""Graphs that amplify rounding: what is called proven of them, refuted, and not to be told."""

import numpy as np
import pytest

from graphlens.ir import parse
from graphlens.runtime.conditioning import sensitivity
from graphlens.runtime.prove import prove
from graphlens.runtime.run import run

STEP = """
    a{i}: float32[8] = Mul(r, x{i})
    b{i}: float32[8] = Sub(one, x{i})
    x{j}: float32[8] = Mul(a{i}, b{i})"""
EXPANDED = """
    a{i}: float32[8] = Mul(x{i}, x{i})
    b{i}: float32[8] = Sub(x{i}, a{i})
    x{j}: float32[8] = Mul(r, b{i})"""
EIGHTH = "    scale: float32[()] = Const(0.1)\n    x0: float32[8] = Mul(x, scale)"


def logistic(step, times, rate=3.9, start="    x0: float32[8] = Abs(x)"):
    """The logistic map, which in its chaotic range doubles an error at each step."""
    body = "".join(step.format(i=i, j=i + 1) for i in range(times))
    given = f"    r: float32[()] = Const({rate})\n    one: float32[()] = Const(1.0)\n{start}"
    return parse(f"def graph(x: float32[8]):\n{given}{body}\n    return x{times}\n")


def own_sensitivity(graph):
    x = np.random.default_rng(0).random(8, np.float32)
    return sensitivity(graph, [x], run(graph, x), [0.0])[0]


def test_rounding_is_amplified_by_what_the_model_amplifies():
    few, many = (own_sensitivity(logistic(STEP, times)) for times in (1, 12))
    assert 1e-9 < few < 1e-6
    assert many > 30 * few


@pytest.mark.parametrize(("times", "status"), [(3, "proven"), (60, "unproven")])
def test_two_ways_to_compute_one_function(times, status):
    proof = prove(logistic(STEP, times), logistic(EXPANDED, times))
    assert proof.status == status
    assert ("moved by one unit in the last place" in proof.reason) == (status == "unproven")


def test_an_error_that_rounding_explains_is_allowed_up_to_half_of_the_digits():
    proof = prove(logistic(STEP, 14, start=EIGHTH), logistic(EXPANDED, 14, start=EIGHTH), seeds=1)
    assert proof
    assert proof.max_rel_error < proof.tolerance < 3.5e-4


@pytest.mark.parametrize("times", [3, 14])
def test_another_function_is_refuted_all_the_same(times):
    proof = prove(logistic(STEP, times), logistic(STEP, times, rate=3.89))
    assert proof.status == "refuted"


def test_zeros_alone_prove_nothing():
    proof = prove(logistic(STEP, 60), logistic(STEP, 60, rate=3.7))
    assert proof.status == "unproven"
    assert proof.max_rel_error > 1e-3
