"""The public names, and what importing them costs."""

import gc
import subprocess
import sys

import pytest
from random_graphs import random_graph

import graphlens
from graphlens import api
from graphlens.errors import UsageError

PUBLIC = [
    "Graph",
    "GraphlensError",
    "TensorType",
    "capture",
    "diff",
    "draw",
    "equivalent",
    "load",
    "optimize",
    "plan_memory",
    "profile",
    "prove",
    "run",
    "save",
    "specialize",
]

HEAVY = ("torch", "tensorflow", "keras", "onnx", "onnxruntime", "networkx", "numpy", "rich")


def loaded_after(code):
    """Which heavy packages a new process has imported after the code."""
    probe = f"{code}\nimport sys; print([each for each in {HEAVY} if each in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    ).stdout.splitlines()[-1]


def test_the_public_names_are_those_written_here():
    assert sorted(graphlens.__all__) == PUBLIC
    assert [name for name in dir(graphlens) if not name.startswith("_")] == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert getattr(graphlens, name).__doc__


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'optimise'"):
        graphlens.optimise  # noqa: B018 - reading it is the test


def test_importing_graphlens_loads_nothing_heavy():
    assert loaded_after("import graphlens") == "[]"


def test_help_loads_nothing_heavy():
    code = "from graphlens.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert loaded_after(code) == "[]"


def test_help_of_a_subcommand_loads_nothing_heavy():
    code = "from graphlens.cli import main\ntry: main(['draw', '--help'])\nexcept SystemExit: pass"
    assert loaded_after(code) == "[]"


@pytest.mark.parametrize(
    "call",
    [
        api.run,
        api.optimize,
        api.plan_memory,
        lambda thing: api.prove(thing, thing),
        lambda thing: api.diff(thing, thing),
        lambda thing: api.equivalent(thing, thing),
        lambda thing: api.save(thing, "x.json"),
    ],
)
def test_a_model_where_a_graph_is_wanted_says_to_capture_it(call):
    with pytest.raises(UsageError, match="expected a Graph, found a dict: capture"):
        call({})


@pytest.mark.parametrize("collects", [True, False])
def test_drawing_leaves_the_garbage_collector_as_it_was(tmp_path, collects):
    (gc.enable if collects else gc.disable)()
    try:
        graphlens.draw(random_graph(0), tmp_path / "x.svg")
        assert gc.isenabled() is collects
        with pytest.raises(UsageError):
            graphlens.draw(random_graph(0), tmp_path / "no" / "x.svg")
        assert gc.isenabled() is collects
    finally:
        gc.enable()
