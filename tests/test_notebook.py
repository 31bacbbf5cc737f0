"""What a notebook shows, as IPython's own formatter sees it."""

from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

import graphlens
from graphlens.errors import RenderError
from graphlens.ops.build import Builder

formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()


def network(name="net"):
    graph = graphlens.Graph(name=name)
    build = Builder(graph)
    x = build.input("x", graphlens.TensorType("float32", (2, 4)))
    weight = build.param("w", graphlens.TensorType("float32", (4, 4)), np.ones((4, 4), np.float32))
    product = build.op("MatMul", x, weight)
    build.output([build.op("Relu", product)])
    return graph


def shown(thing):
    bundle, _ = formatter.format(thing)
    return bundle


def test_a_graph_is_shown_as_its_picture_and_as_text():
    bundle = shown(network())
    assert set(bundle) == {"text/plain", "image/svg+xml"}
    assert "MatMul" in bundle["image/svg+xml"]
    assert "net" in bundle["text/plain"]


def test_a_history_is_shown_as_a_table_over_its_picture():
    history = graphlens.optimize(network())
    bundle = shown(history)
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert bundle["text/plain"] == str(history)
    assert bundle["text/html"].count("<tr>") == len(history.steps) + 2
    assert "<svg" in bundle["text/html"]
    assert "<?xml" not in bundle["text/html"]


def test_a_memory_plan_is_shown_as_its_map():
    plan = graphlens.plan_memory(network())
    bundle = shown(plan)
    ElementTree.fromstring(bundle["image/svg+xml"])
    assert "arena" in bundle["text/plain"]


def test_a_proof_is_shown_as_a_table():
    proof = graphlens.prove(network(), network())
    bundle = shown(proof)
    assert set(bundle) == {"text/plain", "text/html"}
    assert "proven" in bundle["text/html"]
    assert bundle["text/plain"].startswith("proven; largest absolute error: 0")


def test_a_difference_is_shown_as_its_picture():
    difference = graphlens.diff(network(), network())
    assert "image/svg+xml" in shown(difference)


def test_names_from_strangers_stay_text():
    graph = network("<script>alert(1)</script>")
    history = graphlens.optimize(graph)
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.feed(shown(history)["text/html"])
    assert "svg" in tags
    assert "script" not in tags


def test_a_picture_that_cannot_be_made_leaves_the_text(monkeypatch):
    def broken(picture):
        raise RenderError("no engine lays it out")

    monkeypatch.setattr("graphlens.render.svg", broken)
    bundle = shown(network())
    assert set(bundle) == {"text/plain"}
    assert "no picture: no engine lays it out" in bundle["text/plain"]
