"""The directive `.. graphlens::`, in builds of its own."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("sphinx")

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

MODEL = """
import graphlens
from graphlens.ops.build import Builder

def network():
    graph = graphlens.Graph(name="net")
    build = Builder(graph)
    x = build.input("x", graphlens.TensorType("float32", (4, 4)))
    build.output([build.op("Relu", build.op("Exp", x))])
    return graph
"""


@pytest.fixture
def build(tmp_path):
    """Builds one page; gives the HTML and the log of warnings."""

    def built(page):
        source = tmp_path / "source"
        source.mkdir(exist_ok=True)
        (source / "conf.py").write_text('extensions = ["graphlens.sphinx_ext"]\n')
        (source / "net.py").write_text(MODEL)
        (source / "index.rst").write_text("Page\n====\n\n" + page.format(folder=source) + "\n")
        log = tmp_path / "warnings.txt"
        with docutils_namespace(), log.open("w") as warnings:
            out, trees = tmp_path / "out", tmp_path / "trees"
            app = Sphinx(source, source, out, trees, "html", status=None, warning=warnings)
            app.build()
        return (out / "index.html").read_text(), log.read_text(), out

    return built


def test_a_model_is_drawn_where_the_page_says(build):
    html, warnings, out = build(
        ".. graphlens:: {folder}/net.py:network\n   :caption: What *it* does.\n   :alt: two ops\n"
    )
    assert warnings == ""
    assert "What <em>it</em> does." in html
    assert 'alt="two ops"' in html
    (drawn,) = Path(out, "_images").glob("graphlens-*.svg")
    assert "Relu" in drawn.read_text()


@pytest.mark.parametrize("kind", ["before-after", "memory"])
def test_the_kind_says_which_picture(build, kind):
    _html, warnings, out = build(f".. graphlens:: {{folder}}/net.py:network\n   :kind: {kind}\n")
    assert warnings == ""
    (drawn,) = Path(out, "_images").glob("graphlens-*.svg")
    ElementTree.parse(drawn)


def test_the_last_line_of_a_body_is_drawn(build):
    _html, warnings, out = build(
        ".. graphlens::\n\n   import sys\n   sys.path.insert(0, {folder!r})\n   import net\n"
        "   graph = net.network()\n   sys.path.pop(0)\n   graph\n".replace(
            "{folder!r}", "'{folder}'"
        )
    )
    assert warnings == ""
    assert len(list(Path(out, "_images").glob("graphlens-*.svg"))) == 1


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (".. graphlens::", "expected a MODEL as the argument, or Python as the body"),
        (".. graphlens:: nowhere.onnx", "nowhere.onnx"),
        (".. graphlens::\n\n   1 / 0", "the body raised ZeroDivisionError"),
        (".. graphlens::\n\n   x = 1", "the last line gives no value to draw: 'x = 1'"),
        (".. graphlens::\n\n   1 +", "the body is no Python"),
        (".. graphlens::\n\n   3", "no kind of picture for a int"),
    ],
)
def test_what_cannot_be_drawn_is_an_error_of_the_build_on_its_line(build, page, said):
    _, warnings, _ = build(page)
    assert "index.rst:4: ERROR: graphlens: " in warnings
    assert said in warnings
