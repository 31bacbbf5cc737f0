"""The fixture `graph_snapshot`, in pytest runs of its own."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest_plugins = ("pytester",)

MODEL = """
import graphlens
import numpy as np
from graphlens.ops.build import Builder

def network(op="Relu", scale=1.0):
    graph = graphlens.Graph(name="net")
    build = Builder(graph)
    held = graphlens.TensorType("float32", (4, 4))
    x = build.input("x", held)
    weight = build.param("w", held, np.full((4, 4), scale, np.float32))
    product = build.op("MatMul", x, weight)
    build.output([build.op(op, product)])
    return graph

def test_graph(graph_snapshot):
    graph_snapshot(network())
"""


@pytest.fixture
def project(pytester):
    pytester.makepyfile(test_model=MODEL)
    pytester.makeini("[pytest]")
    return pytester


def run(project, *arguments):
    return project.runpytest_subprocess(*arguments)


def change(project, old, new):
    path = project.path / "test_model.py"
    path.write_text(path.read_text().replace(old, new))


def test_what_was_never_kept_fails_and_says_how_to_keep_it(project):
    result = run(project)
    result.assert_outcomes(failed=1)
    assert "pytest --graph-update" in result.stdout.str()
    assert not (project.path / "graphs").exists()


def test_the_same_graph_passes_whatever_its_weights_and_a_changed_one_fails_with_a_drawing(project):
    run(project, "--graph-update").assert_outcomes(passed=1)
    kept = project.path / "graphs" / "test_model" / "test_graph.json"
    assert kept.is_file()
    assert not kept.with_suffix(".safetensors").exists()

    change(project, "network())", "network(scale=3.0))")
    run(project).assert_outcomes(passed=1)

    change(project, "network(scale=3.0))", "network('Sigmoid'))")
    result = run(project, "--graph-diffs", "differences")
    result.assert_outcomes(failed=1)
    said = result.stdout.str()
    assert re.search(r"\+ Sigmoid|~ Sigmoid", said), said
    drawn = Path(project.path, "differences", "test_graph.svg")
    assert f"drawn: {Path('differences', 'test_graph.svg')}" in said
    ElementTree.parse(drawn)

    run(project, "--graph-update").assert_outcomes(passed=1)
    run(project).assert_outcomes(passed=1)


def test_two_graphs_of_one_test_need_two_names(project):
    change(project, "graph_snapshot(network())", "graph_snapshot(network())\n    " * 2)
    result = run(project, "--graph-update")
    result.assert_outcomes(failed=1)
    assert "pass name=" in result.stdout.str()
